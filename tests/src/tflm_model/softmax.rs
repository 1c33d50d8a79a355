//! The int8 softmax in fixed point. `Qn` in a name says how many integer bits a number has.

use super::fixed::{Multiplier, divide_by_power, high_mul};

/// Integer bits of a scaled difference.
const DIFFERENCE_BITS: u32 = 5;
/// Integer bits of the sum of exponentials.
const SUM_BITS: u32 = 12;
/// `exp(-1/8)` in Q0.
const EXP_OF_MINUS_EIGHTH: i32 = 1_895_147_668;
/// `1/3` in Q0.
const THIRD: i32 = 715_827_883;
/// `exp(-2^k)` in Q0 for k from -2 to 4.
const EXP_OF_MINUS_POWERS: [i32; 7] = [
    1_672_461_947,
    1_302_514_674,
    790_015_084,
    290_630_308,
    39_332_535,
    720_401,
    242,
];
/// `48/17` and `-32/17` in Q2: the first guess of a reciprocal.
const GUESS: [i32; 2] = [1_515_870_810, -1_010_580_540];

/// Codes of the probabilities (scale 1/256, zero point -128) of logits with scale `scale`.
pub(super) fn softmax(scale: f32, logits: &[i8]) -> Vec<i8> {
    let limit = f64::from(i32::MAX);
    let real = f64::from(scale) * f64::from(1 << (31 - DIFFERENCE_BITS));
    let multiplier = Multiplier::new(real.min(limit));
    let largest_difference = {
        let integers = f64::from((1 << DIFFERENCE_BITS) - 1);
        let fractions = f64::from(1 << (31 - DIFFERENCE_BITS));
        (integers * fractions / libm::ldexp(1.0, multiplier.shift)).floor()
    };
    let largest = logits.iter().copied().max().unwrap_or(i8::MIN);
    let exponential = |logit: i8| {
        let difference = i32::from(logit) - i32::from(largest);
        (f64::from(difference) >= -largest_difference).then(|| exp_q0(multiplier.apply(difference)))
    };
    let sum_q12 = logits
        .iter()
        .filter_map(|&logit| exponential(logit))
        .map(|exponential| divide_by_power(exponential, SUM_BITS))
        .sum::<i32>();
    let headroom = sum_q12.leading_zeros();
    let fraction = (sum_q12.cast_unsigned() << headroom) - (1 << 31);
    let reciprocal = reciprocal_of_one_plus(fraction.cast_signed());
    let exponent = SUM_BITS + 31 - 8 - headroom;
    logits
        .iter()
        .map(|&logit| {
            let code = exponential(logit).map_or(0, |exponential| {
                divide_by_power(high_mul(reciprocal, exponential), exponent)
            });
            i8::try_from((code - 128).clamp(-128, 127)).expect("clamped")
        })
        .collect()
}

/// `x * 2^exponent`, saturated.
fn saturating_shift(x: i32, exponent: u32) -> i32 {
    let wide = (i64::from(x) << exponent).clamp(i32::MIN.into(), i32::MAX.into());
    i32::try_from(wide).expect("clamped")
}

/// `exp(x)` in Q0 of `x <= 0` in Q5: a polynomial within the last quarter, then one factor for
/// each bit above.
fn exp_q0(x_q5: i32) -> i32 {
    if x_q5 == 0 {
        return i32::MAX;
    }
    let quarter = 1 << (31 - DIFFERENCE_BITS - 2);
    let within = (x_q5 & (quarter - 1)) - quarter;
    let above = within - x_q5;
    let mut result = exp_within_quarter(within << DIFFERENCE_BITS);
    for (bit, factor) in EXP_OF_MINUS_POWERS.into_iter().enumerate() {
        if above & (quarter << bit) != 0 {
            result = high_mul(result, factor);
        }
    }
    result
}

/// `exp(x)` in Q0 of `x` in Q0 within -1/4..0, by Taylor's formula around -1/8.
fn exp_within_quarter(x: i32) -> i32 {
    let x = x + (1 << 28);
    let x2 = high_mul(x, x);
    let x3 = high_mul(x2, x);
    let x4 = high_mul(x2, x2);
    let cubic = high_mul(divide_by_power(x4, 2) + x3, THIRD);
    let rest = divide_by_power(cubic + x2, 1);
    EXP_OF_MINUS_EIGHTH + high_mul(EXP_OF_MINUS_EIGHTH, x + rest)
}

/// `1 / (1 + x)` in Q0 of `x` in Q0 within 0..1, by Newton's method.
fn reciprocal_of_one_plus(x: i32) -> i32 {
    let half = i32::try_from((i64::from(x) + i64::from(i32::MAX) + 1) / 2).expect("31 bits");
    let mut guess_q2 = GUESS[0] + high_mul(half, GUESS[1]);
    for _ in 0..3 {
        let error_q2 = (1 << 29) - high_mul(half, guess_q2);
        guess_q2 += saturating_shift(high_mul(guess_q2, error_q2), 2);
    }
    saturating_shift(guess_q2, 1)
}
