//! What every export says of itself: format, version of the core, and what it belongs to.

use quartermeg_core::program::Program;

use crate::config::hex;

/// Version of the exports that this code writes and reads.
pub const FORMAT_VERSION: u32 = 1;
/// How a stamp begins in a text.
const BEGIN: &str = "quartermeg-export kind=";

/// What an export says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// What kind of export it is: `c`, `rust`, `yaml`, `report`, `svg`, `png`, ...
    pub kind: String,
    /// Version of its format.
    pub format_version: u32,
    /// Version of the core that wrote it.
    pub core_version: String,
    /// SHA-256 of network, policy and plan, as 64 hexadecimal digits.
    pub identity: String,
}

impl Stamp {
    /// The stamp of an export of `program`.
    #[must_use]
    pub fn of<B: AsRef<[u8]>>(kind: &str, program: &Program<B>) -> Self {
        Self {
            kind: kind.to_owned(),
            format_version: FORMAT_VERSION,
            core_version: env!("CARGO_PKG_VERSION").to_owned(),
            identity: hex(&program.identity()),
        }
    }

    /// The stamp as one line, `quartermeg-export kind=c format=1 core=0.1.0 identity=...`.
    #[must_use]
    pub fn line(&self) -> String {
        let Self {
            kind,
            format_version,
            core_version,
            identity,
        } = self;
        format!("{BEGIN}{kind} format={format_version} core={core_version} identity={identity}")
    }

    /// The first stamp in a text.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once(BEGIN)?;
        let mut words = rest.split_ascii_whitespace();
        let kind = words.next()?.to_owned();
        let mut value = |key: &str| Some(words.next()?.strip_prefix(key)?.to_owned());
        let format_version = value("format=")?.parse().ok()?;
        let core_version = value("core=")?;
        let identity: String = value("identity=")?;
        // Something may follow at once, as the end of a comment or of an element does.
        let identity: String = identity.chars().take(64).collect();
        is_identity(&identity).then_some(Self {
            kind,
            format_version,
            core_version,
            identity,
        })
    }
}

/// Whether a text is an identity: 64 lower-case hexadecimal digits.
#[must_use]
pub(super) fn is_identity(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_found_wherever_it_stands() {
        let stamp = Stamp {
            kind: "c".to_owned(),
            format_version: 1,
            core_version: "0.1.0".to_owned(),
            identity: "0f".repeat(32),
        };
        let line = stamp.line();
        for text in [
            line.clone(),
            format!("/* {line} */"),
            format!("a\n<metadata>{line}</metadata>\nb"),
        ] {
            assert_eq!(Stamp::find(&text).as_ref(), Some(&stamp), "{text}");
        }
        for text in [
            "",
            BEGIN,
            "quartermeg-export kind=c format=1 core=0 identity=0f",
        ] {
            assert_eq!(Stamp::find(text), None, "{text}");
        }
    }
}
