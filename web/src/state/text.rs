//! How numbers are written, the same everywhere.

use quartermeg_core::policy::LayerUpdate;
pub use quartermeg_formats::explain::{bytes, number};

/// What stands where a number is not known.
pub const UNKNOWN: &str = "\u{2013}";

/// A loss: four decimals, so that its width does not jump.
#[must_use]
pub fn loss(value: f32) -> String {
    format!("{value:.4}")
}

/// A share between 0 and 1 as a percentage.
#[must_use]
pub fn percent(share: f32) -> String {
    format!("{:.1}\u{a0}%", 100.0 * share)
}

/// A difference of two shares in percentage points, with its sign.
#[must_use]
pub fn points(difference: f32) -> String {
    let points = format!("{:.1}", 100.0 * difference.abs());
    match difference {
        _ if points == "0.0" => "\u{b1}0.0".to_owned(),
        difference if difference < 0.0 => format!("\u{2212}{points}"),
        _ => format!("+{points}"),
    }
}

/// A difference with its sign: `+1,536`, `\u{2212}12`, `\u{b1}0`.
#[must_use]
pub fn more(difference: i64) -> String {
    let sign = match difference.signum() {
        0 => '\u{b1}',
        1 => '+',
        _ => '\u{2212}',
    };
    format!("{sign}{}", number(difference.unsigned_abs()))
}

/// A difference of bytes with its sign: `\u{2212}12,288 B`.
#[must_use]
pub fn bytes_more(difference: i64) -> String {
    format!("{} B", more(difference))
}

/// A natural logarithm of a ratio.
#[must_use]
pub fn log_ratio(value: f32) -> String {
    format!("{value:.2}")
}

/// A channel ratio as people choose it: `0`, `1/8`, `1/4`, `1/2`, `1`, or a decimal number.
#[must_use]
pub fn ratio(value: f32) -> String {
    let known = [
        (0.0f32, "0"),
        (0.125, "1/8"),
        (0.25, "1/4"),
        (0.5, "1/2"),
        (1.0, "1"),
    ];
    known
        .iter()
        .find(|(ratio, _)| ratio.to_bits() == value.to_bits())
        .map_or_else(|| value.to_string(), |(_, text)| (*text).to_owned())
}

/// What a layer updates, in words.
#[must_use]
pub fn update(update: LayerUpdate) -> String {
    match update {
        LayerUpdate::Frozen => "frozen".to_owned(),
        LayerUpdate::Bias => "bias".to_owned(),
        LayerUpdate::Weights { ratio: share } => {
            format!("bias and {} of the input channels", ratio(share))
        }
    }
}

/// `1 step`, `12,345 steps`: a number and what it counts, in the singular where it is one.
#[must_use]
pub fn count(value: u32, singular: &str, plural: &str) -> String {
    format!(
        "{} {}",
        number(u64::from(value)),
        if value == 1 { singular } else { plural }
    )
}

/// The first digits of a digest or identity, enough to compare by eye.
#[must_use]
pub fn short_digest(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(loss(1.0), "1.0000");
        assert_eq!(percent(0.8754), "87.5\u{a0}%");
        assert_eq!(ratio(0.125), "1/8");
        assert_eq!(ratio(0.3), "0.3");
        assert_eq!(count(1, "step", "steps"), "1 step");
        assert_eq!(count(1234, "step", "steps"), "1,234 steps");
        assert_eq!(short_digest("0123456789abcdef"), "0123456789ab");
        assert_eq!(short_digest(""), "");
    }
}
