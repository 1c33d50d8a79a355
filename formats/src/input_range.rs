//! From grey or colour values, 0 to 255, and real numbers to the codes that a network reads.

use quartermeg_core::quant::QuantParams;

/// The real numbers that a network expects for black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputRange {
    /// 0 and 1.
    Unit,
    /// -1 and 1.
    Symmetric,
    /// 0 and 255.
    Byte,
}

/// How far a scale may lie from 1/255 and 2/255 and still mean them: the rounding of a file.
const TOLERANCE: f64 = 0.01;

impl InputRange {
    /// All ranges.
    pub const ALL: [Self; 3] = [Self::Unit, Self::Symmetric, Self::Byte];

    /// The range in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unit => "0 to 1",
            Self::Symmetric => "-1 to 1",
            Self::Byte => "0 to 255",
        }
    }

    fn ends(self) -> [f64; 2] {
        match self {
            Self::Unit => [0.0, 1.0],
            Self::Symmetric => [-1.0, 1.0],
            Self::Byte => [0.0, 255.0],
        }
    }

    /// The range that the codes of an input cover best.
    #[must_use]
    pub fn of(input: QuantParams) -> Self {
        let scale = f64::from(input.scale);
        let middle = scale * (-0.5 - f64::from(input.zero_point));
        // How many times wider or narrower the codes are, and how far aside.
        let distance = |range: Self| {
            let [first, last] = range.ends();
            let width = 255.0 * scale / (last - first);
            width.max(1.0 / width) + (middle - 0.5 * (first + last)).abs() / (last - first)
        };
        let mut best = Self::Unit;
        for range in Self::ALL {
            if distance(range) < distance(best) {
                best = range;
            }
        }
        best
    }

    /// The codes of all 256 values.
    ///
    /// Where the range is just that of the codes, a code is the value minus 128, so that 0 becomes
    /// -128 and 255 becomes 127. Elsewhere the value's real number is divided by the scale,
    /// rounded half away from zero, moved by the zero point and held inside -128..=127.
    #[must_use]
    pub fn codes(self, input: QuantParams) -> [i8; 256] {
        let [first, last] = self.ends();
        let step = (last - first) / 255.0;
        let scale = f64::from(input.scale);
        let is_whole = (scale / step - 1.0).abs() < TOLERANCE
            && (f64::from(input.zero_point) + 128.0 + first / step).abs() < 1.0;
        let mut codes = [0; 256];
        for (value, code) in (0u8..=255).zip(&mut codes) {
            *code = if is_whole {
                value.wrapping_sub(128).cast_signed()
            } else {
                quantize(first + f64::from(value) * step, input)
            };
        }
        codes
    }
}

/// The code of a real number: divided by the scale, rounded half away from zero, moved by the
/// zero point and held inside -128..=127.
#[must_use]
pub fn quantize(real: f64, input: QuantParams) -> i8 {
    let code = (real / f64::from(input.scale)).round() + f64::from(input.zero_point);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "clamped to the range of an int8"
    )]
    let code = code.clamp(-128.0, 127.0) as i8;
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(scale: f32, zero_point: i32) -> QuantParams {
        QuantParams { scale, zero_point }
    }

    #[test]
    fn white_becomes_the_largest_code_and_black_the_smallest() {
        for (scale, zero_point, range) in [
            (1.0 / 255.0, -128, InputRange::Unit),
            (0.003_921_569, -128, InputRange::Unit),
            (2.0 / 255.0, -1, InputRange::Symmetric),
            (1.0 / 127.5, 0, InputRange::Symmetric),
            (0.007_843_138, -1, InputRange::Symmetric),
            (1.0, -128, InputRange::Byte),
        ] {
            let input = input(scale, zero_point);
            assert_eq!(InputRange::of(input), range, "{scale}");
            let codes = range.codes(input);
            assert_eq!((codes[255], codes[128], codes[0]), (127, 0, -128));
            for (value, code) in (-128i8..=127).zip(codes) {
                assert_eq!(value, code);
            }
        }
    }

    #[test]
    fn other_scales_quantize_the_real_number() {
        let wide = input(0.02, 5);
        assert_eq!(InputRange::of(wide), InputRange::Symmetric);
        let codes = InputRange::Symmetric.codes(wide);
        assert_eq!((codes[255], codes[0]), (55, -45));
        let narrow = input(0.001, 0);
        assert_eq!(InputRange::Unit.codes(narrow)[255], 127);
        assert_eq!(InputRange::Byte.codes(narrow)[1], 127);
        // A range that is not the input's own is not shifted into it.
        assert_eq!(InputRange::Unit.codes(input(2.0 / 255.0, 0))[0], 0);
    }

    #[test]
    fn no_number_leaves_the_codes() {
        for real in [f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 1e-300, -0.0] {
            let code = quantize(real, input(0.1, 3));
            assert!([3, 127, -128].contains(&code), "{code}");
        }
        assert_eq!(quantize(f64::NAN, input(0.1, 3)), 0);
    }
}
