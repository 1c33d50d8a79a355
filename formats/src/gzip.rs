//! A gzip file (RFC 1952) of one member.
//!
//! `miniz_oxide` unpacks the stream and `core` has the checksum; `flate2` around them would bring a
//! second CRC-32 with 16 KiB of tables, which the page's visitors would load for nothing.

use miniz_oxide::inflate::decompress_to_vec_with_limit;
use quartermeg_core::checksum::crc32;

/// Bytes before the optional fields of the header.
const HEADER_BYTES: usize = 10;
/// CRC-32 and length of the unpacked bytes, each of 4.
const TRAILER_BYTES: usize = 8;
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

const HAS_HEADER_CHECKSUM: u8 = 1 << 1;
const HAS_EXTRA: u8 = 1 << 2;
const HAS_NAME: u8 = 1 << 3;
const HAS_COMMENT: u8 = 1 << 4;

/// Whether `bytes` begin as a gzip file does.
pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC[..2])
}

/// The unpacked bytes, at most `max_bytes`; none if the file is damaged or unpacks to more.
pub(crate) fn unpack(bytes: &[u8], max_bytes: usize) -> Option<Vec<u8>> {
    let packed = skip_header(bytes)?;
    let (packed, trailer) = packed.split_last_chunk::<TRAILER_BYTES>()?;
    let unpacked = decompress_to_vec_with_limit(packed, max_bytes).ok()?;
    let len = u32::try_from(unpacked.len()).ok()?;
    let [checksum, expected_len] = [&trailer[..4], &trailer[4..]];
    let agrees = *checksum == crc32(&unpacked).to_le_bytes() && *expected_len == len.to_le_bytes();
    agrees.then_some(unpacked)
}

/// What follows the header and its optional fields.
fn skip_header(bytes: &[u8]) -> Option<&[u8]> {
    let (header, mut rest) = bytes.split_at_checked(HEADER_BYTES)?;
    if header[..3] != MAGIC {
        return None;
    }
    let flags = header[3];
    if flags & HAS_EXTRA != 0 {
        let (len, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*len))..)?;
    }
    for text in [HAS_NAME, HAS_COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|&byte| byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HAS_HEADER_CHECKSUM != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, GzBuilder};
    use proptest::prelude::*;

    use super::*;

    fn packed(builder: GzBuilder, bytes: &[u8]) -> Vec<u8> {
        let mut encoder = builder.write(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn with_all_fields() -> GzBuilder {
        GzBuilder::new()
            .extra([7; 300])
            .filename("digits.safetensors")
            .comment("who reads this")
    }

    proptest! {
        #[test]
        fn what_another_library_packed_is_unpacked(bytes: Vec<u8>) {
            for builder in [GzBuilder::new(), with_all_fields()] {
                prop_assert_eq!(unpack(&packed(builder, &bytes), bytes.len()), Some(bytes.clone()));
            }
        }

        #[test]
        fn no_damage_passes(at: prop::sample::Index, bit in 0..8) {
            let mut file = packed(GzBuilder::new(), &[1; 500]);
            // Time, level and system of the header say nothing about the content.
            let at = 10 + at.index(file.len() - 10);
            file[at] ^= 1_u8 << bit;
            if let Some(unpacked) = unpack(&file, 1000) {
                prop_assert_eq!(unpacked, vec![1; 500]);
            }
        }
    }

    #[test]
    fn every_shorter_file_and_a_smaller_limit_are_refused() {
        let file = packed(with_all_fields(), &[9; 100]);
        for len in 0..file.len() {
            assert_eq!(unpack(&file[..len], 100), None, "{len} bytes");
        }
        assert_eq!(unpack(&file, 99), None);
    }
}
