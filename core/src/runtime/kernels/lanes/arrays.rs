//! Lanes as arrays, for any target.

use core::array::from_fn;

use super::{Lanes, Requantize8, Rounding};
use crate::quant::{FIXED_LIMIT, clamp_code, half_even, high_mul, truncate};

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
    fn widen_pairs(a: [i8; 8], b: [i8; 8]) -> [[i16; 8]; 2] {
        Self::pairs(a.map(i16::from), b.map(i16::from))
    }

    #[inline(always)]
    fn load_i16(values: [i16; 8]) -> [i16; 8] {
        values
    }

    #[inline(always)]
    fn store_i16(values: [i16; 8]) -> [i16; 8] {
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
    fn pairs(a: [i16; 8], b: [i16; 8]) -> [[i16; 8]; 2] {
        let of = |first: usize| {
            from_fn(|i| {
                if i.is_multiple_of(2) {
                    a[first + i / 2]
                } else {
                    b[first + i / 2]
                }
            })
        };
        [of(0), of(4)]
    }

    #[inline(always)]
    fn spread(pairs: [i16; 8]) -> [[i16; 8]; 4] {
        from_fn(|pair| from_fn(|i| pairs[2 * pair + i % 2]))
    }

    #[inline(always)]
    fn transpose(rows: [[i16; 8]; 4]) -> [[i16; 8]; 4] {
        from_fn(|pair| from_fn(|i| rows[i / 2][2 * pair + i % 2]))
    }

    #[inline(always)]
    fn dot(a: [i16; 8], b: [i16; 8]) -> [i32; 4] {
        let product = |i: usize| i32::from(a[i]) * i32::from(b[i]);
        from_fn(|i| product(2 * i).wrapping_add(product(2 * i + 1)))
    }

    #[inline(always)]
    fn load_i32(values: [i32; 4]) -> [i32; 4] {
        values
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
    fn requantize(sums: [[i32; 4]; 2], rule: &Requantize8) -> ([i8; 8], u8) {
        let mut codes = [0; 8];
        let mut inside = 0;
        let [min, max] = rule.clamp.map(i32::from);
        for (lane, code) in codes.iter_mut().enumerate() {
            let (half, at) = (lane / 4, lane % 4);
            let (sum, scale) = (sums[half][at], rule.scale[half][at]);
            let bias = rule.int_bias[half][at];
            #[expect(clippy::cast_precision_loss, reason = "the rules: one rounding to f32")]
            let real = |sum: i32| sum as f32;
            let rounded = match rule.rounding {
                Rounding::HalfEven => half_even(real(sum.saturating_add(bias)) * scale),
                Rounding::Truncate => truncate(real(sum.saturating_add(bias)) * scale),
                Rounding::FloatBias => half_even((real(sum) + rule.float_bias[half][at]) * scale),
                Rounding::FixedPoint => {
                    let product = high_mul(sum.wrapping_add(bias), rule.multiplier[half][at]);
                    let exact = f64::from(product) * rule.right_factor[half][at / 2][at % 2];
                    #[expect(clippy::cast_possible_truncation, reason = "the range of int32")]
                    let rounded = (exact + 0.5f64.copysign(exact)) as i32;
                    rounded.clamp(-FIXED_LIMIT, FIXED_LIMIT)
                }
            };
            let (value, is_inside) = clamp_code(rounded + i32::from(rule.zero_point), min, max);
            *code = value;
            inside |= u8::from(is_inside) << lane;
        }
        (codes, inside)
    }
}
