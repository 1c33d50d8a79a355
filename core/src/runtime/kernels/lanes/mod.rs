//! Vector lanes: the few operations that tiled kernels are written in.

mod arrays;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod sse2;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

pub use arrays::Arrays;
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
pub use arrays::Arrays as Host;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub use sse2::Sse2 as Host;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub use wasm::Wasm;

/// Which formula of [`Requantize8`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// `half_even((sum + int_bias) * scale)`.
    HalfEven,
    /// `truncate((sum + int_bias) * scale)`.
    Truncate,
    /// `half_even((sum + float_bias) * scale)`.
    FloatBias,
    /// `round(high_mul(sum + int_bias, multiplier) * right_factor)`, with a wrapping sum; `round`
    /// is half away from zero.
    FixedPoint,
}

/// How a layer turns eight accumulators into codes.
#[derive(Clone, Copy, Debug)]
pub struct Requantize8 {
    /// The formula.
    pub rounding: Rounding,
    /// int32 bias of each lane.
    pub int_bias: [[i32; 4]; 2],
    /// Whether the sum with it could overflow, and so has to saturate.
    pub saturates: bool,
    /// f32 bias of each lane.
    pub float_bias: [[f32; 4]; 2],
    /// Effective scale of each lane.
    pub scale: [[f32; 4]; 2],
    /// Fixed-point multiplier of each lane.
    pub multiplier: [[i32; 4]; 2],
    /// The shift to the right that follows, as a power of two.
    pub right_factor: [[[f64; 2]; 2]; 2],
    /// Zero point of the output.
    pub zero_point: i16,
    /// Smallest and largest code.
    pub clamp: [i16; 2],
}

/// Eight int16, four int32 or four f32 values at a time.
///
/// Sums of products are formed over *pairs*: two neighbouring int16 values, which meet the pair
/// of weights in the same place.
pub trait Lanes: Copy {
    /// Name of the kernels built on these lanes.
    const NAME: &'static str;
    /// Eight int16, or four pairs.
    type I16: Copy;
    /// Four int32.
    type I32: Copy;
    /// Four f32.
    type F32: Copy;

    /// Widens eight codes.
    fn widen(codes: [i8; 8]) -> Self::I16;
    /// The pairs of lane `i` of `a` and of `b`, widened: the lower and the upper four.
    fn widen_pairs(a: [i8; 8], b: [i8; 8]) -> [Self::I16; 2];
    /// Eight int16 from memory.
    fn load_i16(values: [i16; 8]) -> Self::I16;
    /// Eight int16 to memory.
    fn store_i16(values: Self::I16) -> [i16; 8];
    /// Eight equal int16.
    fn splat_i16(value: i16) -> Self::I16;
    /// `a - b`, wrapping.
    fn sub_i16(a: Self::I16, b: Self::I16) -> Self::I16;
    /// The pairs of lane `i` of `a` and of `b`: the lower and the upper four.
    fn pairs(a: Self::I16, b: Self::I16) -> [Self::I16; 2];
    /// Each of the four pairs, in all four places.
    fn spread(pairs: Self::I16) -> [Self::I16; 4];
    /// Four rows of four pairs, transposed.
    fn transpose(rows: [Self::I16; 4]) -> [Self::I16; 4];
    /// Lane `i` is the sum of the products of pair `i`.
    fn dot(a: Self::I16, b: Self::I16) -> Self::I32;
    /// Four int32 from memory.
    fn load_i32(values: [i32; 4]) -> Self::I32;
    /// Four int32 to memory.
    fn store_i32(values: Self::I32) -> [i32; 4];
    /// `a + b`, wrapping.
    fn add_i32(a: Self::I32, b: Self::I32) -> Self::I32;
    /// The lower and the upper four as f32.
    fn to_f32(values: Self::I16) -> [Self::F32; 2];
    /// Four f32 from memory.
    fn load(values: [f32; 4]) -> Self::F32;
    /// Four f32 to memory.
    fn store(values: Self::F32) -> [f32; 4];
    /// Four equal f32.
    fn splat(value: f32) -> Self::F32;
    /// `a + b`.
    fn add(a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b`.
    fn mul(a: Self::F32, b: Self::F32) -> Self::F32;
    /// Eight codes, and a bit for each that lay inside the clamp.
    fn requantize(sums: [Self::I32; 2], rule: &Requantize8) -> ([i8; 8], u8);
}

#[cfg(test)]
mod tests {
    use core::array::from_fn;

    use super::arrays::Arrays;
    use super::{Lanes, Requantize8, Rounding};
    use crate::quant::FixedScale;
    use crate::runtime::mix;

    /// Numbers without structure.
    struct Numbers(u32);

    impl Numbers {
        fn next(&mut self) -> u32 {
            self.0 += 1;
            mix(self.0)
        }

        fn int16s(&mut self) -> [i16; 8] {
            from_fn(|_| {
                let [low, high, _, _] = self.next().to_le_bytes();
                i16::from_le_bytes([low, high])
            })
        }

        fn codes(&mut self) -> [i8; 8] {
            from_fn(|_| self.next().to_le_bytes()[0].cast_signed())
        }

        /// Of every size, the largest ones included.
        fn int32s(&mut self) -> [i32; 4] {
            from_fn(|_| match self.next() % 16 {
                0 => i32::MIN,
                1 => i32::MAX,
                size => self.next().cast_signed() >> (2 * (size - 2)),
            })
        }
    }

    fn movement<L: Lanes>() {
        let mut numbers = Numbers(1);
        for _ in 0..200 {
            let (a, b) = (numbers.codes(), numbers.codes());
            let store = |values: [L::I16; 2]| values.map(L::store_i16);
            assert_eq!(L::store_i16(L::widen(a)), Arrays::widen(a));
            assert_eq!(store(L::widen_pairs(a, b)), Arrays::widen_pairs(a, b));
            let rows: [[i16; 8]; 4] = from_fn(|_| numbers.int16s());
            let lanes = rows.map(L::load_i16);
            let [c, d, ..] = rows;
            assert_eq!(store(L::pairs(lanes[0], lanes[1])), Arrays::pairs(c, d));
            let spread = L::spread(lanes[0]).map(L::store_i16);
            assert_eq!(spread, Arrays::spread(c));
            let transposed = L::transpose(lanes).map(L::store_i16);
            assert_eq!(transposed, Arrays::transpose(rows));
            let difference = L::sub_i16(lanes[0], lanes[1]);
            assert_eq!(L::store_i16(difference), Arrays::sub_i16(c, d));
            let products = L::store_i32(L::dot(lanes[0], lanes[1]));
            assert_eq!(products, Arrays::dot(c, d));
            let floats = L::to_f32(lanes[0]).map(L::store);
            assert_eq!(floats.as_flattened(), c.map(f32::from));
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "any f32 will do")]
    fn requantization<L: Lanes>() {
        let mut numbers = Numbers(2);
        for round in 0..4000u32 {
            let sums = [numbers.int32s(), numbers.int32s()];
            let int_bias = [numbers.int32s(), numbers.int32s()];
            let mut float_bias = int_bias.map(|bias| bias.map(|bias| f64::from(bias) as f32));
            if round.is_multiple_of(8) {
                float_bias[0][0] = f32::NAN;
                float_bias[1][3] = f32::INFINITY;
            }
            let fixed: [FixedScale; 8] = from_fn(|_| FixedScale {
                multiplier: (numbers.next() >> 2 | 1 << 30).cast_signed(),
                shift: -((numbers.next() % 32).cast_signed()),
            });
            let reals = fixed.map(|fixed| {
                let power = f64::from(1u32 << -fixed.shift);
                f64::from(fixed.multiplier) / 2_147_483_648.0 / power
            });
            let factors = fixed.map(|fixed| 1.0 / f64::from(1u32 << -fixed.shift));
            let [low, high, ..] = numbers.codes().map(i16::from);
            for rounding in [
                Rounding::HalfEven,
                Rounding::Truncate,
                Rounding::FloatBias,
                Rounding::FixedPoint,
            ] {
                let rule = Requantize8 {
                    rounding,
                    int_bias,
                    saturates: true,
                    float_bias,
                    scale: [0, 4].map(|half| from_fn(|lane| reals[half + lane] as f32)),
                    multiplier: [0, 4].map(|half| from_fn(|lane| fixed[half + lane].multiplier)),
                    right_factor: bytemuck::cast(factors),
                    zero_point: numbers.codes()[0].into(),
                    clamp: [low.min(high), low.max(high)],
                };
                let found = L::requantize(sums.map(L::load_i32), &rule);
                let expected = Arrays::requantize(sums, &rule);
                assert_eq!(found, expected, "{sums:?} {rule:?}");
                if rounding == Rounding::FixedPoint {
                    for lane in 0..8 {
                        let sum = sums[lane / 4][lane % 4];
                        let exact =
                            fixed[lane].apply(sum.wrapping_add(int_bias[lane / 4][lane % 4]));
                        let code = exact.saturating_add(rule.zero_point.into());
                        let code = code.clamp(rule.clamp[0].into(), rule.clamp[1].into());
                        assert_eq!(i32::from(found.0[lane]), code, "{rule:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_lanes_of_the_host_are_those_of_arrays() {
        movement::<super::Host>();
        requantization::<super::Host>();
    }

    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    #[test]
    fn the_lanes_of_wasm_are_those_of_arrays() {
        movement::<super::Wasm>();
        requantization::<super::Wasm>();
    }
}
