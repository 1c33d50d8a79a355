//! Lanes as arrays, for any target.

use core::array::from_fn;

use super::{Lanes, Requantize4};
use crate::quant::{Bias, Requantize, RequantizeRule};

/// Arrays that the compiler may keep in vector registers.
#[derive(Clone, Copy, Debug)]
pub struct Arrays;

impl Lanes for Arrays {
    const NAME: &'static str = "portable";
    type I16 = [i16; 8];
    type I32 = [i32; 4];
    type F32 = [f32; 4];

    #[inline(always)]
    fn widen(codes: [i8; 8]) -> [i16; 8] {
        codes.map(i16::from)
    }

    #[inline(always)]
    fn load_i16(values: [i16; 8]) -> [i16; 8] {
        values
    }

    #[inline(always)]
    fn splat_i16(value: i16) -> [i16; 8] {
        [value; 8]
    }

    #[inline(always)]
    fn sub_i16(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        from_fn(|i| a[i].wrapping_sub(b[i]))
    }

    #[inline(always)]
    fn dot(a: [i16; 8], b: [i16; 8]) -> [i32; 4] {
        let product = |i: usize| i32::from(a[i]) * i32::from(b[i]);
        from_fn(|i| product(2 * i).wrapping_add(product(2 * i + 1)))
    }

    #[inline(always)]
    fn products(a: [i16; 8], b: [i16; 8]) -> [[i32; 4]; 2] {
        let product = |i: usize| i32::from(a[i]) * i32::from(b[i]);
        [from_fn(product), from_fn(|i| product(i + 4))]
    }

    #[inline(always)]
    fn zero_i32() -> [i32; 4] {
        [0; 4]
    }

    #[inline(always)]
    fn add_i32(a: [i32; 4], b: [i32; 4]) -> [i32; 4] {
        from_fn(|i| a[i].wrapping_add(b[i]))
    }

    #[inline(always)]
    fn store_i32(values: [i32; 4]) -> [i32; 4] {
        values
    }

    #[inline(always)]
    fn sums(parts: [[i32; 4]; 4]) -> [i32; 4] {
        parts.map(|part| part.into_iter().fold(0, i32::wrapping_add))
    }

    #[inline(always)]
    fn to_f32(values: [i16; 8]) -> [[f32; 4]; 2] {
        [
            from_fn(|i| f32::from(values[i])),
            from_fn(|i| f32::from(values[i + 4])),
        ]
    }

    #[inline(always)]
    fn load(values: [f32; 4]) -> [f32; 4] {
        values
    }

    #[inline(always)]
    fn store(values: [f32; 4]) -> [f32; 4] {
        values
    }

    #[inline(always)]
    fn splat(value: f32) -> [f32; 4] {
        [value; 4]
    }

    #[inline(always)]
    fn add(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        from_fn(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn mul(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        from_fn(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn requantize(accumulators: [i32; 4], rule: &Requantize4) -> ([i8; 4], u8) {
        let requantize = Requantize {
            rule: RequantizeRule::HalfEven,
            bias: Bias::Int(&rule.bias),
            effective_scale: &rule.scale,
            fixed_scale: &[],
            zero_point: rule.zero_point,
            min: rule.clamp[0],
            max: rule.clamp[1],
        };
        let mut codes = [0; 4];
        let mut inside = 0;
        for (lane, code) in codes.iter_mut().enumerate() {
            let (value, is_inside) = requantize.apply(accumulators[lane], lane);
            *code = value;
            inside |= u8::from(is_inside) << lane;
        }
        (codes, inside)
    }
}
