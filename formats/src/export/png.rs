//! The stamp inside a PNG file that something else has painted.

use quartermeg_core::checksum::crc32;

use super::identify::PNG_KEY;

/// Signature of a PNG file and its first chunk, which says how large it is.
const HEAD_BYTES: usize = 8 + 4 + 4 + 13 + 4;

/// The file with a text that says what it is ([`super::Stamp::line`]) behind its head; none where
/// it is too short to be a PNG file.
#[must_use]
pub fn with_stamp(file: &[u8], stamp: &str) -> Option<Vec<u8>> {
    let (head, rest) = file.split_at_checked(HEAD_BYTES)?;
    let chunk = [b"tEXt", PNG_KEY.as_bytes(), &[0], stamp.as_bytes()].concat();
    let n_bytes = u32::try_from(chunk.len() - 4).ok()?;
    Some(
        [
            head,
            &n_bytes.to_be_bytes(),
            &chunk,
            &crc32(&chunk).to_be_bytes(),
            rest,
        ]
        .concat(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::Stamp;
    use super::super::identify::identify;
    use super::*;

    /// One grey pixel.
    const PIXEL: [u8; 67] = [
        0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0,
        0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, b'I', b'D', b'A',
        b'T', 0x78, 0x9c, 0x63, 0x68, 0, 0, 0, 0x82, 0, 0x81, 0x77, 0xcd, 0x72, 0xb6, 0, 0, 0, 0,
        b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
    ];

    #[test]
    fn a_picture_tells_what_it_belongs_to() {
        let stamp = Stamp {
            kind: "png".to_owned(),
            format_version: 1,
            core_version: "0.1.0".to_owned(),
            identity: "0f".repeat(32),
        };
        assert!(identify(&PIXEL).is_err(), "it has no stamp yet");
        let stamped = with_stamp(&PIXEL, &stamp.line()).expect("it is a picture");
        assert_eq!(identify(&stamped).expect("stamped").stamp, stamp);
        assert_eq!(with_stamp(&PIXEL[..20], &stamp.line()), None);
    }
}
