//! Where the figures of the boards stand. Apart from the table, so that a page that does not show
//! them does not carry them.

use super::Device;

impl Device {
    /// Which memory the one block lies in, and in which data sheet the figures stand.
    #[must_use]
    pub fn source(&self) -> &'static str {
        match self.id {
            "256k" => {
                "a bare Cortex-M7 with the memory that the paper's title names; no maker's board"
            }
            "256k-m4" => "a bare Cortex-M4 with as much memory; no maker's board",
            "stm32f407" => {
                "ST DS8626 (STM32F407xG): SRAM1 112 KiB and SRAM2 16 KiB follow each other at \
                 0x20000000; the other 64 KiB are CCM at 0x10000000, apart from them"
            }
            "stm32f746" => {
                "ST DS10916 (STM32F746xG): DTCM 64 KiB, SRAM1 240 KiB and SRAM2 16 KiB follow \
                 each other at 0x20000000"
            }
            "stm32h743" => {
                "ST DS12110 (STM32H743xI): AXI SRAM 512 KiB at 0x24000000; DTCM 128 KiB, SRAM1 to \
                 SRAM3 288 KiB and SRAM4 64 KiB lie apart from it"
            }
            "nrf52840" => "Nordic nRF52840 Product Specification: one piece at 0x20000000",
            "rp2040" => {
                "Raspberry Pi RP2040 Datasheet: six banks in one piece at 0x20000000; flash is \
                 that of the Pico, outside the chip"
            }
            "rp2350" => {
                "Raspberry Pi RP2350 Datasheet: ten banks in one piece at 0x20000000; flash is \
                 that of the Pico 2, outside the chip"
            }
            "esp32s3" => {
                "Espressif ESP32-S3 Datasheet and Technical Reference Manual: SRAM1 416 KiB; SRAM0 \
                 32 KiB is for instructions, SRAM2 64 KiB for data and cache; code in RAM and a \
                 system take their part of SRAM1; flash is that of a WROOM-1-N8 module"
            }
            "unlimited" => "to see what a policy needs",
            _ => "sizes as stated",
        }
    }
}
