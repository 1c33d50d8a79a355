//! From an accumulator to a code. Every convolution kernel ends in these formulae.

use super::fixed::FixedScale;
use super::round::{half_even, nearest, truncate};
use super::rules::RequantizeRule;

/// Fixed-point results beyond this are clamped, so that the zero point can be added.
pub(crate) const FIXED_LIMIT: i32 = 1 << 30;

/// The bias of a layer: as the program has it, or the f32 master of one that learns.
#[derive(Clone, Copy, Debug)]
pub enum Bias<'a> {
    /// int32, in units of `s_x * s_w[c]`.
    Int(&'a [i32]),
    /// f32, in the same units.
    Float(&'a [f32]),
}

impl Bias<'_> {
    #[inline(always)]
    pub(crate) fn int(&self, channel: usize) -> i32 {
        match self {
            Self::Int(bias) => bias[channel],
            Self::Float(bias) => nearest(bias[channel]),
        }
    }

    #[inline(always)]
    pub(crate) fn float(&self, channel: usize) -> f32 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "the rule: one rounding to f32")]
            Self::Int(bias) => bias[channel] as f32,
            Self::Float(bias) => bias[channel],
        }
    }
}

/// How an i32 accumulator becomes an int8 code, clamped to the layer's `[min, max]`
/// (paper Eq. 1).
#[derive(Clone, Copy, Debug)]
pub struct Requantize<'a> {
    /// Which formula.
    pub rule: RequantizeRule,
    /// One bias an output channel.
    pub bias: Bias<'a>,
    /// `s_x * s_w[c] / s_y`, one per output channel.
    pub effective_scale: &'a [f32],
    /// The same as multiplier and shift; empty unless the rule is fixed point.
    pub fixed_scale: &'a [[i32; 2]],
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
        #[expect(clippy::cast_precision_loss, reason = "the rules: one rounding to f32")]
        let code = match self.rule {
            RequantizeRule::HalfEven => {
                let sum = accumulator.saturating_add(self.bias.int(channel));
                half_even(sum as f32 * self.effective_scale[channel])
            }
            RequantizeRule::FloatBias => {
                let sum = accumulator as f32 + self.bias.float(channel);
                half_even(sum * self.effective_scale[channel])
            }
            RequantizeRule::Truncate => {
                let sum = accumulator.saturating_add(self.bias.int(channel));
                truncate(sum as f32 * self.effective_scale[channel])
            }
            RequantizeRule::FixedPoint => {
                let sum = accumulator.wrapping_add(self.bias.int(channel));
                let scaled = FixedScale::from_words(self.fixed_scale[channel]).apply(sum);
                scaled.clamp(-FIXED_LIMIT, FIXED_LIMIT)
            }
        };
        clamp_code(code + self.zero_point, self.min, self.max)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_with_the_bias_saturates() {
        let requantize = Requantize {
            rule: RequantizeRule::HalfEven,
            bias: Bias::Int(&[i32::MAX]),
            effective_scale: &[1e-9],
            fixed_scale: &[],
            zero_point: 0,
            min: -128,
            max: 127,
        };
        assert_eq!(requantize.apply(i32::MAX, 0), (2, true));
    }
}
