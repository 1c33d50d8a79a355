//! Boards that a program may be meant for.

/// Memory of one board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Name in links and files.
    pub id: &'static str,
    /// Name as people see it.
    pub name: &'static str,
    /// SRAM that the one block may use, in bytes.
    pub sram_bytes: u32,
    /// Flash for program, constants and code, in bytes.
    pub flash_bytes: u32,
}

/// The boards, the default first. Sizes are those of the makers' data sheets.
pub const DEVICES: [Device; 4] = [
    Device {
        id: "256k",
        name: "256 KiB microcontroller",
        sram_bytes: 256 * 1024,
        flash_bytes: 1024 * 1024,
    },
    Device {
        id: "stm32f746",
        name: "STM32F746 (Cortex-M7, 320 KiB)",
        sram_bytes: 320 * 1024,
        flash_bytes: 1024 * 1024,
    },
    Device {
        id: "stm32h743",
        name: "STM32H743 (Cortex-M7, 512 KiB AXI SRAM)",
        sram_bytes: 512 * 1024,
        flash_bytes: 2048 * 1024,
    },
    Device {
        id: "unlimited",
        name: "No limit",
        sram_bytes: u32::MAX,
        flash_bytes: u32::MAX,
    },
];

/// The board of that id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Device> {
    DEVICES.iter().find(|device| device.id == id)
}
