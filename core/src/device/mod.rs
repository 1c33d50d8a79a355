//! Boards that a program may be meant for.

mod boards;
#[cfg(feature = "compile")]
pub mod cost;
mod custom;
mod sources;

pub use boards::DEVICES;
pub use custom::{CUSTOM_CLOCK_RANGE, CUSTOM_FLASH_RANGE, CUSTOM_ID, CUSTOM_SRAM_RANGE};

/// The processor of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    /// Arm Cortex-M0+: no float unit, no multiply-accumulate of several codes at once.
    CortexM0Plus,
    /// Arm Cortex-M4 with its float unit.
    CortexM4,
    /// Arm Cortex-M7 with its float unit.
    CortexM7,
    /// Arm Cortex-M33 with its float unit.
    CortexM33,
    /// Cadence Tensilica Xtensa LX7.
    XtensaLx7,
    /// Not stated.
    Unknown,
}

impl Core {
    /// Name as people see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CortexM0Plus => "Cortex-M0+",
            Self::CortexM4 => "Cortex-M4",
            Self::CortexM7 => "Cortex-M7",
            Self::CortexM33 => "Cortex-M33",
            Self::XtensaLx7 => "Xtensa LX7",
            Self::Unknown => "any core",
        }
    }
}

/// What there is for a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Firmware whose memory and weights a test compares with the host's.
    VerifiedFirmware,
    /// The core compiles for its processor as a library without allocation; nothing was run on it.
    Library,
    /// Only its bytes are known here.
    ByteCounts,
}

impl Support {
    /// Name as people see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::VerifiedFirmware => "verified firmware",
            Self::Library => "library",
            Self::ByteCounts => "byte counts only",
        }
    }
}

/// One board: its memory, its processor, and where the figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Name in links and files.
    pub id: &'static str,
    /// Name as people see it.
    pub name: &'static str,
    /// SRAM that the one block may use, in bytes: the largest piece with consecutive addresses.
    pub sram_bytes: u32,
    /// All SRAM for data, in bytes, whether or not its addresses are consecutive.
    pub sram_total_bytes: u32,
    /// Flash for program, constants and code, in bytes.
    pub flash_bytes: u32,
    /// The processor.
    pub core: Core,
    /// Its highest clock in MHz; 0 where none is stated.
    pub clock_mhz: u32,
    /// What there is for it.
    pub support: Support,
}

impl Device {
    /// Bytes that the block lacks on this board; 0 where it fits.
    #[must_use]
    pub fn missing_sram(&self, arena_bytes: u32) -> u32 {
        arena_bytes.saturating_sub(self.sram_bytes)
    }

    /// Bytes that program and constants lack in flash; 0 where they fit.
    #[must_use]
    pub fn missing_flash(&self, program_bytes: u32) -> u32 {
        program_bytes.saturating_sub(self.flash_bytes)
    }
}

/// The board of that id, or a custom one, `custom:SRAM:FLASH` in bytes, with `:CLOCK` in MHz where
/// it is known.
#[must_use]
pub fn by_id(id: &str) -> Option<Device> {
    DEVICES
        .iter()
        .find(|device| device.id == id)
        .copied()
        .or_else(|| custom::parse(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_blocks_lie_inside_the_memory() {
        for (position, device) in DEVICES.iter().enumerate() {
            assert_eq!(by_id(device.id), Some(*device));
            let others = &DEVICES[position + 1..];
            assert!(others.iter().all(|other| other.id != device.id));
            assert!(device.sram_bytes <= device.sram_total_bytes);
            assert_ne!(device.id, CUSTOM_ID);
            assert_ne!(
                device.source(),
                by_id("custom:16384:1").expect("a board").source()
            );
        }
    }

    #[test]
    fn what_earlier_links_name_has_kept_its_bytes() {
        for (id, sram, flash) in [
            ("256k", 262_144, 1_048_576),
            ("stm32f746", 327_680, 1_048_576),
            ("stm32h743", 524_288, 2_097_152),
            ("unlimited", u32::MAX, u32::MAX),
        ] {
            let device = by_id(id).map(|device| (device.sram_bytes, device.flash_bytes));
            assert_eq!(device, Some((sram, flash)));
        }
        assert_eq!(DEVICES[0].id, "256k");
    }

    #[test]
    fn only_the_bare_board_has_verified_firmware() {
        let verified = |device: &&Device| device.support == Support::VerifiedFirmware;
        let mut ids = DEVICES.iter().filter(verified).map(|device| device.id);
        assert_eq!((ids.next(), ids.next()), (Some("256k"), None));
    }

    #[test]
    fn what_is_missing_is_counted() {
        let device = DEVICES[0];
        assert_eq!(device.missing_sram(262_144), 0);
        assert_eq!(device.missing_sram(262_145), 1);
        assert_eq!(device.missing_flash(1_048_580), 4);
    }
}
