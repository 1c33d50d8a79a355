//! Fixed-point scales, as TensorFlow Lite Micro multiplies by them.

/// A real factor as `multiplier * 2^(shift - 31)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FixedScale {
    /// In `2^30..2^31`, or 0 for a factor of zero.
    pub multiplier: i32,
    /// Power of two; positive is to the left.
    pub shift: i32,
}

/// Shifts of usable factors: beyond these every product is zero or saturates.
const SHIFTS: core::ops::RangeInclusive<i32> = -31..=30;

impl FixedScale {
    /// The nearest fixed-point factor of `real`, which is not negative.
    #[cfg(feature = "compile")]
    #[must_use]
    pub fn of(real: f64) -> Self {
        let (fraction, shift) = libm::frexp(real);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a fraction below 1 times 2^31"
        )]
        let mut multiplier = libm::round(fraction * 2_147_483_648.0) as i64;
        let mut shift = shift;
        if multiplier == 1 << 31 {
            multiplier /= 2;
            shift += 1;
        }
        if shift < *SHIFTS.start() {
            (multiplier, shift) = (0, 0);
        }
        if shift > *SHIFTS.end() {
            (multiplier, shift) = (i64::from(i32::MAX), *SHIFTS.end());
        }
        Self {
            multiplier: i32::try_from(multiplier).unwrap_or(i32::MAX),
            shift,
        }
    }

    /// From the two words of a program.
    #[inline(always)]
    pub(crate) fn from_words([multiplier, shift]: [i32; 2]) -> Self {
        Self { multiplier, shift }
    }

    /// Whether the runtime can use it.
    pub(crate) fn is_usable(self) -> bool {
        self.multiplier >= 0 && SHIFTS.contains(&self.shift)
    }

    /// `value * factor`, rounded twice: the high half of the doubled product to the nearest, then
    /// the shift to the right half away from zero.
    #[inline(always)]
    #[must_use]
    pub fn apply(self, value: i32) -> i32 {
        let left = self.shift.max(0);
        let right = (-self.shift).max(0);
        rounding_divide(
            high_mul(value.wrapping_shl(left.cast_unsigned()), self.multiplier),
            right,
        )
    }
}

/// The high 32 bits of `2 * a * b`, rounded half away from zero, saturated.
#[inline(always)]
pub(crate) fn high_mul(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    let product = i64::from(a) * i64::from(b);
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "2^62 / 2^31 fits, saturated above"
    )]
    let high = ((product + nudge) / (1 << 31)) as i32;
    high
}

/// `value / 2^exponent`, half away from zero; `exponent` is in `0..=31`.
#[inline(always)]
pub(crate) fn rounding_divide(value: i32, exponent: i32) -> i32 {
    let mask = (1i64 << exponent) - 1;
    let rest = i64::from(value) & mask;
    let threshold = (mask >> 1) + i64::from(value < 0);
    #[expect(clippy::cast_possible_truncation, reason = "not larger than the value")]
    let quotient = (i64::from(value) >> exponent) as i32;
    quotient + i32::from(rest > threshold)
}
