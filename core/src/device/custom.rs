//! Boards whose sizes a person states.

use super::{Core, Device, Support};

/// Name of a board whose sizes a person states; its id in links and files is
/// `custom:SRAM:FLASH`, both in bytes, or `custom:SRAM:FLASH:CLOCK` with a clock in MHz.
pub const CUSTOM_ID: &str = "custom";

/// Least and most SRAM that such a board may have, in bytes.
pub const CUSTOM_SRAM_RANGE: [u32; 2] = [16 * 1024, u32::MAX - 1];
/// Least and most flash, in bytes.
pub const CUSTOM_FLASH_RANGE: [u32; 2] = [1, u32::MAX - 1];
/// Lowest and highest clock, in MHz; 0 where none is stated.
pub const CUSTOM_CLOCK_RANGE: [u32; 2] = [0, 10_000];

/// Reads `custom:SRAM:FLASH` and `custom:SRAM:FLASH:CLOCK`.
pub(super) fn parse(id: &str) -> Option<Device> {
    let sizes = id.strip_prefix(CUSTOM_ID)?.strip_prefix(':')?;
    let (sram, rest) = sizes.split_once(':')?;
    let (flash, clock_mhz) = match rest.split_once(':') {
        Some((flash, clock)) => (flash, digits(clock)?),
        None => (rest, 0),
    };
    let (sram, flash) = (digits(sram)?, digits(flash)?);
    let is_within = |value: u32, [least, most]: [u32; 2]| (least..=most).contains(&value);
    let can_be = is_within(sram, CUSTOM_SRAM_RANGE)
        && is_within(flash, CUSTOM_FLASH_RANGE)
        && is_within(clock_mhz, CUSTOM_CLOCK_RANGE);
    can_be.then_some(Device {
        id: CUSTOM_ID,
        name: "custom board",
        sram_bytes: sram,
        sram_total_bytes: sram,
        flash_bytes: flash,
        core: Core::Unknown,
        clock_mhz,
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
        assert_eq!(board.clock_mhz, 0);
        let board = parse("custom:204800:524288:84").expect("sizes and a clock");
        assert_eq!(board.clock_mhz, 84);
        for text in [
            "custom",
            "custom:",
            "custom:204800",
            "custom:204800:",
            "custom:+204800:524288",
            "custom:0204800:524288",
            "custom:16383:524288",
            "custom:204800:0",
            "custom:204800:524288:",
            "custom:204800:524288:0",
            "custom:204800:524288:084",
            "custom:204800:524288:10001",
            "custom:204800:524288:84:1",
            "custom:4294967296:1",
            "custom:-1:1",
            "custom204800:524288",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
