//! Boards whose sizes a person states.

use super::{Core, Device, Support};

/// Name of a board whose sizes a person states; its id in links and files is
/// `custom:SRAM:FLASH`, both in bytes.
pub const CUSTOM_ID: &str = "custom";

/// Least SRAM that a board may have, in bytes.
const LEAST_SRAM: u32 = 16 * 1024;

/// Reads `custom:SRAM:FLASH`.
pub(super) fn parse(id: &str) -> Option<Device> {
    let sizes = id.strip_prefix(CUSTOM_ID)?.strip_prefix(':')?;
    let (sram, flash) = sizes.split_once(':')?;
    let (sram, flash) = (digits(sram)?, digits(flash)?);
    (sram >= LEAST_SRAM && flash > 0).then_some(Device {
        id: CUSTOM_ID,
        name: "custom board",
        sram_bytes: sram,
        sram_total_bytes: sram,
        flash_bytes: flash,
        core: Core::Unknown,
        clock_mhz: 0,
        support: Support::ByteCounts,
    })
}

/// A number in decimal digits, without a sign or leading zeros, so that a board has one id.
fn digits(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_board_has_one_id() {
        let board = parse("custom:204800:524288").expect("sizes");
        assert_eq!((board.sram_bytes, board.flash_bytes), (204_800, 524_288));
        for text in [
            "custom",
            "custom:",
            "custom:204800",
            "custom:204800:",
            "custom:+204800:524288",
            "custom:0204800:524288",
            "custom:16383:524288",
            "custom:204800:0",
            "custom:204800:524288:1",
            "custom:4294967296:1",
            "custom:-1:1",
            "custom204800:524288",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
