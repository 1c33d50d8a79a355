//! Bytes as the elements of an array in a source file, and back.

use std::fmt::Write as _;

/// Bytes in a line.
const IN_A_LINE: usize = 16;

/// The elements, `0x00, 0x01, ...`, sixteen a line, each line indented by four spaces.
pub(super) fn elements(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 6 + bytes.len() / 3);
    for line in bytes.chunks(IN_A_LINE) {
        text.push_str("    ");
        for (position, byte) in line.iter().enumerate() {
            let separator = if position == 0 { "" } else { " " };
            // Writing to a string cannot fail.
            let _ = write!(text, "{separator}0x{byte:02x},");
        }
        text.push('\n');
    }
    text
}

/// The bytes between two marks of a source file; none where a mark is missing, something else
/// stands there, or there are more than the file could hold.
pub(super) fn bytes_between(text: &str, begin: &str, end: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(begin)?;
    let (inside, _) = rest.split_once(end)?;
    inside
        .split(',')
        .map(str::trim)
        .filter(|element| !element.is_empty())
        .map(|element| {
            let digits = element
                .strip_prefix("0x")
                .filter(|digits| digits.len() == 2)?;
            u8::from_str_radix(digits, 16).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..70)) {
            let text = format!("int a[] = {{\n{}}};", elements(&bytes));
            prop_assert_eq!(bytes_between(&text, "= {", "};"), Some(bytes));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            let _ = bytes_between(&text, "{", "}");
        }
    }

    #[test]
    fn damage_is_noticed() {
        for inside in ["0x1", "0x123", "12", "0xgg", "0x00 0x01"] {
            assert_eq!(
                bytes_between(&format!("{{{inside}}}"), "{", "}"),
                None,
                "{inside}"
            );
        }
        assert_eq!(bytes_between("{0x00", "{", "}"), None);
    }
}
