//! int8 softmax in fixed point, as TensorFlow Lite Micro computes it: what an imported network
//! answers with. Training works on logits instead.
//!
//! Numbers are written Qm.n: n bits behind the point.

use super::fixed::{FixedScale, high_mul, rounding_divide};

/// Differences from the largest logit are Q5.26.
const DIFFERENCE_BITS: i32 = 5;
/// The sum of the exponentials is Q12.19.
const SUM_BITS: i32 = 12;
const ONE: i32 = i32::MAX;

/// Codes of the probabilities, with scale 1/256 and zero point -128, of logits whose codes have
/// the scale `scale`. `out` has the length of `codes`.
pub fn int8_softmax(scale: f32, codes: &[i8], out: &mut [i8]) {
    let steps = f64::from(1i32 << (31 - DIFFERENCE_BITS));
    let factor = FixedScale::of((f64::from(scale) * steps).min(f64::from(i32::MAX)));
    let left = factor.shift.max(0).cast_unsigned();
    // Differences below this leave Q5.26.
    let range = (1i64 << DIFFERENCE_BITS) - 1;
    let lowest = -((range << (31 - DIFFERENCE_BITS)) >> left);
    let max = codes.iter().copied().max().map_or(0, i32::from);
    let exponential = |code: i8| {
        let difference = i32::from(code) - max;
        (i64::from(difference) >= lowest)
            .then(|| exp(high_mul(difference.wrapping_shl(left), factor.multiplier)))
    };
    let sum: i32 = codes
        .iter()
        .filter_map(|&code| exponential(code))
        .map(|value| rounding_divide(value, SUM_BITS))
        .sum();
    let headroom = sum.leading_zeros();
    // `sum << headroom` lies in 1..2 as Q1.31; without its leading one it is Q0.31.
    let fraction = (sum.cast_unsigned() << headroom).wrapping_sub(1 << 31);
    let reciprocal = one_over_one_plus(fraction.cast_signed());
    let shift = SUM_BITS - headroom.cast_signed() + 31 - 8;
    for (out, &code) in out.iter_mut().zip(codes) {
        let probability = exponential(code).map_or(0, |value| {
            rounding_divide(high_mul(reciprocal, value), shift)
        });
        #[expect(clippy::cast_possible_truncation, reason = "clamped")]
        let code = (probability - 128).clamp(-128, 127) as i8;
        *out = code;
    }
}

/// `exp(a)` as Q0.31 of a Q5.26 that is not positive: of its remainder to a quarter by a
/// polynomial, of every further bit by a factor.
fn exp(a: i32) -> i32 {
    /// `exp(-2^k)` as Q0.31 for k from -2 on.
    const FACTORS: [i32; 7] = [
        1_672_461_947,
        1_302_514_674,
        790_015_084,
        290_630_308,
        39_332_535,
        720_401,
        242,
    ];
    if a == 0 {
        return ONE;
    }
    let quarter = 1 << (31 - DIFFERENCE_BITS - 2);
    let remainder = (a & (quarter - 1)) - quarter;
    let mut result = exp_of_small(remainder << DIFFERENCE_BITS);
    let whole = remainder - a;
    for (bit, factor) in FACTORS.into_iter().enumerate() {
        if whole & (quarter << bit) != 0 {
            result = high_mul(result, factor);
        }
    }
    result
}

/// `exp(a)` of a Q0.31 in -1/4..0: four terms around -1/8.
fn exp_of_small(a: i32) -> i32 {
    const EXP_OF_MINUS_EIGHTH: i32 = 1_895_147_668;
    const ONE_THIRD: i32 = 715_827_883;
    let x = a + (1 << 28);
    let x2 = high_mul(x, x);
    let x3 = high_mul(x2, x);
    let x4 = high_mul(x2, x2);
    let higher = high_mul(rounding_divide(x4, 2) + x3, ONE_THIRD) + x2;
    let terms = x + rounding_divide(higher, 1);
    EXP_OF_MINUS_EIGHTH + high_mul(EXP_OF_MINUS_EIGHTH, terms)
}

/// `1 / (1 + a)` as Q0.31 of a Q0.31 in 0..1: three steps of Newton's method.
fn one_over_one_plus(a: i32) -> i32 {
    const FORTY_EIGHT_OVER_17: i32 = 1_515_870_810;
    const MINUS_32_OVER_17: i32 = -1_010_580_540;
    let sum = i64::from(a) + i64::from(ONE);
    #[expect(clippy::cast_possible_truncation, reason = "half of a sum of two i32")]
    let half_denominator = ((sum + 1) / 2) as i32;
    // Q2.29.
    let mut x = FORTY_EIGHT_OVER_17 + high_mul(half_denominator, MINUS_32_OVER_17);
    for _ in 0..3 {
        let rest = (1 << 29) - high_mul(half_denominator, x);
        x += high_mul(x, rest).saturating_mul(4);
    }
    x.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_of_two_classes() {
        let mut out = [0; 2];
        int8_softmax(0.1, &[10, 10], &mut out);
        assert_eq!(out, [0, 0]);
        int8_softmax(0.1, &[127, -128], &mut out);
        assert_eq!(out, [127, -128]);
    }
}
