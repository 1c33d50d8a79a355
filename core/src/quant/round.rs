//! Roundings of one value.

use super::rules::ElementwiseRule;

/// Values beyond this are clamped before rounding; every clamp of a layer lies far inside.
pub(crate) const ROUND_LIMIT: f32 = 2_097_152.0; // 2^21
/// Added to a value of at most 2^21, it leaves the nearest integer in the lowest bits.
pub(crate) const ROUND_MAGIC: f32 = 12_582_912.0; // 1.5 * 2^23

/// Rounds half to even without a rounding instruction, after clamping to ±2^21.
///
/// Adding and subtracting 1.5 * 2^23 leaves the nearest integer because the sum has no
/// fraction bits; the addition itself rounds half to even.
#[inline(always)]
#[must_use]
pub fn half_even(value: f32) -> i32 {
    let clamped = value.clamp(-ROUND_LIMIT, ROUND_LIMIT);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an integer of at most 22 bits"
    )]
    let rounded = ((clamped + ROUND_MAGIC) - ROUND_MAGIC) as i32;
    rounded
}

/// The nearest i32, half to even, saturated; 0 for NaN.
#[inline]
#[must_use]
pub fn nearest(value: f32) -> i32 {
    if value.abs() <= ROUND_LIMIT {
        return half_even(value);
    }
    // Beyond 2^21 a fraction may remain; libm's rint rounds half to even at any size.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a saturating cast is meant"
    )]
    let rounded = libm::rintf(value) as i32;
    rounded
}

/// Half away from zero, after clamping to ±2^21.
#[inline]
pub(crate) fn half_away(value: f32) -> i32 {
    let clamped = value.clamp(-ROUND_LIMIT, ROUND_LIMIT);
    #[expect(clippy::cast_possible_truncation, reason = "at most 22 bits")]
    let truncated = clamped as i32;
    #[expect(clippy::cast_precision_loss, reason = "at most 22 bits")]
    let rest = clamped - truncated as f32;
    truncated + i32::from(rest >= 0.5) - i32::from(rest <= -0.5)
}

/// Toward zero, after clamping to ±2^21.
#[inline]
pub(crate) fn truncate(value: f32) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "at most 22 bits")]
    let truncated = value.clamp(-ROUND_LIMIT, ROUND_LIMIT) as i32;
    truncated
}

/// `sum / count` rounded half to even, or half away from zero for the other rules; exact.
///
/// `count` is above zero.
#[inline]
#[must_use]
pub fn mean(rule: ElementwiseRule, sum: i32, count: i32) -> i32 {
    if rule == ElementwiseRule::HalfEven {
        mean_half_even(sum, count)
    } else {
        (sum + sum.signum() * (count / 2)) / count
    }
}

fn mean_half_even(sum: i32, count: i32) -> i32 {
    let floor = sum.div_euclid(count);
    let twice_rest = 2 * sum.rem_euclid(count);
    if twice_rest > count || (twice_rest == count && floor % 2 != 0) {
        floor + 1
    } else {
        floor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_even_rounds_ties_to_the_even_neighbour() {
        for (value, expected) in [
            (0.5, 0),
            (1.5, 2),
            (2.5, 2),
            (-0.5, 0),
            (-1.5, -2),
            (-2.5, -2),
            (0.499_999_97, 0),
            (126.500_01, 127),
            (1e30, 2_097_152),
            (-1e30, -2_097_152),
        ] {
            assert_eq!(half_even(value), expected, "{value}");
        }
    }

    #[test]
    fn the_mean_is_exact_at_ties_of_both_signs() {
        for (sum, count, expected) in [
            (2, 4, 0),
            (6, 4, 2),
            (-2, 4, 0),
            (-6, 4, -2),
            (7, 4, 2),
            (-7, 4, -2),
            (9, 9, 1),
        ] {
            assert_eq!(mean_half_even(sum, count), expected, "{sum}/{count}");
        }
    }
}
