//! From two codes to the code of their sum.

use super::QuantParams;
use super::fixed::FixedScale;
use super::requantize::FIXED_LIMIT;
use super::round::{half_away, half_even};
use super::rules::ElementwiseRule;

/// What a residual add needs to know of its operands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residual {
    /// Which formula.
    pub rule: ElementwiseRule,
    /// Quantization of the shortcut.
    pub a: QuantParams,
    /// Quantization of the branch.
    pub b: QuantParams,
    /// Quantization of the sum.
    pub y: QuantParams,
    /// Fixed-point factors of shortcut, branch and sum; used by that rule only.
    pub fixed: [FixedScale; 3],
}

/// Bits by which fixed-point adds shift their operands to the left.
pub(crate) const ADD_LEFT_SHIFT: i32 = 20;

impl Residual {
    /// The code of `a + b` before the clamp.
    ///
    /// Half to even: `half_even(((a - z_a) s_a + (b - z_b) s_b) / s_y) + z_y`, each operation
    /// rounded to f32; half away: the same with `z_y` inside the rounding.
    #[inline(always)]
    #[must_use]
    pub fn apply(&self, a: i8, b: i8) -> i32 {
        let a = i32::from(a) - self.a.zero_point;
        let b = i32::from(b) - self.b.zero_point;
        #[expect(clippy::cast_precision_loss, reason = "at most nine bits")]
        let quotient = || (a as f32 * self.a.scale + b as f32 * self.b.scale) / self.y.scale;
        match self.rule {
            ElementwiseRule::HalfEven => half_even(quotient()) + self.y.zero_point,
            #[expect(clippy::cast_precision_loss, reason = "a code")]
            ElementwiseRule::HalfAway => half_away(quotient() + self.y.zero_point as f32),
            ElementwiseRule::FixedPoint => {
                let [fa, fb, fy] = self.fixed;
                let sum = fa
                    .apply(a << ADD_LEFT_SHIFT)
                    .wrapping_add(fb.apply(b << ADD_LEFT_SHIFT));
                fy.apply(sum).clamp(-FIXED_LIMIT, FIXED_LIMIT) + self.y.zero_point
            }
        }
    }
}
