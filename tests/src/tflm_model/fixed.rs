//! Multiplication by a real number with 31-bit integers, rounded twice.

/// `2 a b / 2^32`, rounded half away from zero, saturated.
pub(super) fn high_mul(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    let product = i64::from(a) * i64::from(b);
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    i32::try_from((product + nudge) / (1 << 31)).expect("31 bits")
}

/// `x / 2^exponent`, rounded half away from zero.
pub(super) fn divide_by_power(x: i32, exponent: u32) -> i32 {
    let mask = (1_i64 << exponent) - 1;
    let rest = i64::from(x) & mask;
    let threshold = (mask >> 1) + i64::from(x < 0);
    let floor = i64::from(x) >> exponent;
    i32::try_from(floor + i64::from(rest > threshold)).expect("not larger than x")
}

/// `mantissa / 2^31 * 2^shift`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Multiplier {
    pub(super) mantissa: i32,
    pub(super) shift: i32,
}

impl Multiplier {
    pub(super) fn new(real: f64) -> Self {
        let (fraction, mut shift) = libm::frexp(real);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a whole number of at most 2^31"
        )]
        let mut mantissa = (fraction * f64::from(1_u32 << 31)).round() as i64;
        if mantissa == 1 << 31 {
            mantissa /= 2;
            shift += 1;
        }
        if shift < -31 {
            (mantissa, shift) = (0, 0);
        }
        let mantissa = i32::try_from(mantissa).expect("less than 2^31");
        Self { mantissa, shift }
    }

    pub(super) fn apply(self, x: i32) -> i32 {
        let left = u32::try_from(self.shift).unwrap_or(0);
        let right = u32::try_from(-self.shift).unwrap_or(0);
        let shifted = x.checked_shl(left).expect("a shift of less than 32");
        divide_by_power(high_mul(shifted, self.mantissa), right)
    }
}
