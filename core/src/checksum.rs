//! The checksum of programs.

use crc::{CRC_32_ISO_HDLC, Crc};

/// One table of 1 KiB. Larger tables are faster, but 16 KiB of them do not compress and would
/// stand in the flash of a device and in the page that everybody loads.
static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// CRC-32 of `bytes` by ISO 3309, the one of most containers.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
