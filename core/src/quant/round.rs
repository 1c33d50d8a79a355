//! Rounding rules of the `device` profile. Every kernel set ends in these formulae.

use super::QuantParams;

/// Values beyond this are clamped before rounding; every clamp of a layer lies far inside.
pub(crate) const ROUND_LIMIT: f32 = 2_097_152.0; // 2^21
const MAGIC: f32 = 12_582_912.0; // 1.5 * 2^23

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
    let rounded = ((clamped + MAGIC) - MAGIC) as i32;
    rounded
}

/// How an i32 accumulator becomes an int8 code: `half_even(f32(sat(acc + bias)) * m) + z_y`,
/// clamped to the layer's `[min, max]` (paper Eq. 1; rule `device`).
#[derive(Clone, Copy, Debug)]
pub struct Requantize<'a> {
    /// int32 bias, one per output channel, in units of `s_x * s_w[c]`.
    pub bias: &'a [i32],
    /// `s_x * s_w[c] / s_y`, one per output channel.
    pub effective_scale: &'a [f32],
    /// Zero point of the output.
    pub zero_point: i32,
    /// Smallest output code: the lower end of the activation function.
    pub min: i32,
    /// Largest output code.
    pub max: i32,
}

impl Requantize<'_> {
    /// The code of output channel `channel`, and whether it lay inside the clamp.
    #[inline(always)]
    #[must_use]
    pub fn apply(&self, accumulator: i32, channel: usize) -> (i8, bool) {
        let sum = accumulator.saturating_add(self.bias[channel]);
        #[expect(clippy::cast_precision_loss, reason = "the rule: one rounding to f32")]
        let code = half_even(sum as f32 * self.effective_scale[channel]) + self.zero_point;
        clamp_code(code, self.min, self.max)
    }
}

/// Clamps a code to `[min, max]`, inside -128..=127, and says whether it was inside.
#[inline(always)]
pub(crate) fn clamp_code(code: i32, min: i32, max: i32) -> (i8, bool) {
    let clamped = code.clamp(min, max);
    #[expect(clippy::cast_possible_truncation, reason = "the clamp lies inside i8")]
    let byte = clamped as i8;
    (byte, clamped == code)
}

/// The code of a residual sum before the clamp:
/// `half_even(((a - z_a) s_a + (b - z_b) s_b) / s_y) + z_y`, each operation rounded to f32.
#[inline(always)]
#[must_use]
pub fn residual_add(a: i8, qa: QuantParams, b: i8, qb: QuantParams, qy: QuantParams) -> i32 {
    #[expect(clippy::cast_precision_loss, reason = "at most nine bits")]
    let real = |code: i8, q: QuantParams| (i32::from(code) - q.zero_point) as f32 * q.scale;
    half_even((real(a, qa) + real(b, qb)) / qy.scale) + qy.zero_point
}

/// `sum / count` rounded half to even, exactly.
///
/// `count` is above zero.
#[inline]
#[must_use]
pub fn mean_half_even(sum: i32, count: i32) -> i32 {
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

    #[test]
    fn the_sum_with_the_bias_saturates() {
        let requantize = Requantize {
            bias: &[i32::MAX],
            effective_scale: &[1e-9],
            zero_point: 0,
            min: -128,
            max: 127,
        };
        assert_eq!(requantize.apply(i32::MAX, 0), (2, true));
    }
}
