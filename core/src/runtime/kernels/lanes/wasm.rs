//! Lanes as 128-bit WebAssembly vectors. Only deterministic instructions: no relaxed SIMD.

use core::arch::wasm32::{
    f32x4_add, f32x4_convert_i32x4, f32x4_eq, f32x4_mul, f32x4_pmax, f32x4_pmin, f32x4_splat,
    f64x2_add, f64x2_convert_low_i32x4, f64x2_mul, f64x2_splat, i8x16_narrow_i16x8, i8x16_shuffle,
    i16x8_add_sat, i16x8_bitmask, i16x8_eq, i16x8_extend_high_i8x16, i16x8_extend_low_i8x16,
    i16x8_max, i16x8_min, i16x8_narrow_i32x4, i16x8_shuffle, i16x8_splat, i16x8_sub, i32x4_add,
    i32x4_dot_i16x8, i32x4_extend_high_i16x8, i32x4_extend_low_i16x8, i32x4_shr, i32x4_shuffle,
    i32x4_splat, i32x4_sub, i32x4_trunc_sat_f32x4, i32x4_trunc_sat_f64x2_zero, i64x2, i64x2_add,
    i64x2_extend_high_i32x4, i64x2_extend_low_i32x4, i64x2_extract_lane, i64x2_splat,
    u64x2_extmul_high_u32x4, u64x2_extmul_low_u32x4, u64x2_shr, v128, v128_and, v128_bitselect,
    v128_or, v128_xor,
};

use super::{Lanes, Requantize8, Rounding};
use crate::quant::{ROUND_LIMIT, ROUND_MAGIC};

/// Vectors of the `simd128` proposal.
#[derive(Clone, Copy, Debug)]
pub struct Wasm;

#[inline(always)]
fn bytes(codes: [i8; 8]) -> v128 {
    i64x2(bytemuck::cast(codes), 0)
}

/// A sum overflows where both terms differ in sign from it; it saturates to their sign.
#[inline(always)]
fn add_saturating_i32(a: v128, b: v128) -> v128 {
    let wrapped = i32x4_add(a, b);
    let differs = v128_and(v128_xor(a, wrapped), v128_xor(b, wrapped));
    let limit = v128_xor(i32x4_shr(a, 31), i32x4_splat(i32::MAX));
    v128_bitselect(limit, wrapped, i32x4_shr(differs, 31))
}

/// The nearest integers, which the limit cuts off.
#[inline(always)]
fn half_even(values: v128) -> v128 {
    let limited = f32x4_pmin(
        f32x4_pmax(values, f32x4_splat(-ROUND_LIMIT)),
        f32x4_splat(ROUND_LIMIT),
    );
    // The sum has no fraction bits, so its lowest bits are the nearest integer.
    let shifted = f32x4_add(limited, f32x4_splat(ROUND_MAGIC));
    i32x4_sub(shifted, i32x4_splat(ROUND_MAGIC.to_bits().cast_signed()))
}

/// [`crate::quant::FixedScale::apply`] without a shift to the left. The high half of the product
/// is formed of magnitudes, whose half rounds up where the value is positive and down where it
/// is negative; the shift to the right is an exact product of f64, rounded half away from zero.
#[inline(always)]
fn fixed_point(values: v128, multiplier: v128, right_factor: &[[f64; 2]; 2]) -> v128 {
    let sign = i32x4_shr(values, 31);
    let magnitude = i32x4_sub(v128_xor(values, sign), sign);
    let nudge = i64x2_splat(1 << 30);
    let low = i64x2_add(
        u64x2_extmul_low_u32x4(magnitude, multiplier),
        i64x2_add(nudge, i64x2_extend_low_i32x4(sign)),
    );
    let high = i64x2_add(
        u64x2_extmul_high_u32x4(magnitude, multiplier),
        i64x2_add(nudge, i64x2_extend_high_i32x4(sign)),
    );
    let quotient = i32x4_shuffle::<0, 2, 4, 6>(u64x2_shr(low, 31), u64x2_shr(high, 31));
    let product = i32x4_sub(v128_xor(quotient, sign), sign);
    let round = |pair: v128, factor: [f64; 2]| {
        let exact = f64x2_mul(pair, bytemuck::cast(factor));
        let half = v128_or(v128_and(exact, f64x2_splat(-0.0)), f64x2_splat(0.5));
        i32x4_trunc_sat_f64x2_zero(f64x2_add(exact, half))
    };
    let low = round(f64x2_convert_low_i32x4(product), right_factor[0]);
    let upper = i32x4_shuffle::<2, 3, 2, 3>(product, product);
    let high = round(f64x2_convert_low_i32x4(upper), right_factor[1]);
    i32x4_shuffle::<0, 1, 4, 5>(low, high)
}

impl Lanes for Wasm {
    const NAME: &'static str = "simd128";
    type I16 = v128;
    type I32 = v128;
    type F32 = v128;

    #[inline(always)]
    fn widen(codes: [i8; 8]) -> v128 {
        i16x8_extend_low_i8x16(bytes(codes))
    }

    #[inline(always)]
    fn widen_pairs(a: [i8; 8], b: [i8; 8]) -> [v128; 2] {
        let both = i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(
            bytes(a),
            bytes(b),
        );
        [i16x8_extend_low_i8x16(both), i16x8_extend_high_i8x16(both)]
    }

    #[inline(always)]
    fn load_i16(values: [i16; 8]) -> v128 {
        bytemuck::cast(values)
    }

    #[inline(always)]
    fn store_i16(values: v128) -> [i16; 8] {
        bytemuck::cast(values)
    }

    #[inline(always)]
    fn splat_i16(value: i16) -> v128 {
        i16x8_splat(value)
    }

    #[inline(always)]
    fn sub_i16(a: v128, b: v128) -> v128 {
        i16x8_sub(a, b)
    }

    #[inline(always)]
    fn pairs(a: v128, b: v128) -> [v128; 2] {
        [
            i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(a, b),
            i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(a, b),
        ]
    }

    #[inline(always)]
    fn spread(pairs: v128) -> [v128; 4] {
        [
            i32x4_shuffle::<0, 0, 0, 0>(pairs, pairs),
            i32x4_shuffle::<1, 1, 1, 1>(pairs, pairs),
            i32x4_shuffle::<2, 2, 2, 2>(pairs, pairs),
            i32x4_shuffle::<3, 3, 3, 3>(pairs, pairs),
        ]
    }

    #[inline(always)]
    fn transpose([a, b, c, d]: [v128; 4]) -> [v128; 4] {
        let (ab, cd) = (
            i32x4_shuffle::<0, 4, 1, 5>(a, b),
            i32x4_shuffle::<0, 4, 1, 5>(c, d),
        );
        let (ab_high, cd_high) = (
            i32x4_shuffle::<2, 6, 3, 7>(a, b),
            i32x4_shuffle::<2, 6, 3, 7>(c, d),
        );
        [
            i32x4_shuffle::<0, 1, 4, 5>(ab, cd),
            i32x4_shuffle::<2, 3, 6, 7>(ab, cd),
            i32x4_shuffle::<0, 1, 4, 5>(ab_high, cd_high),
            i32x4_shuffle::<2, 3, 6, 7>(ab_high, cd_high),
        ]
    }

    #[inline(always)]
    fn dot(a: v128, b: v128) -> v128 {
        i32x4_dot_i16x8(a, b)
    }

    #[inline(always)]
    fn load_i32(values: [i32; 4]) -> v128 {
        bytemuck::cast(values)
    }

    #[inline(always)]
    fn add_i32(a: v128, b: v128) -> v128 {
        i32x4_add(a, b)
    }

    #[inline(always)]
    fn store_i32(values: v128) -> [i32; 4] {
        bytemuck::cast(values)
    }

    #[inline(always)]
    fn to_f32(values: v128) -> [v128; 2] {
        [
            f32x4_convert_i32x4(i32x4_extend_low_i16x8(values)),
            f32x4_convert_i32x4(i32x4_extend_high_i16x8(values)),
        ]
    }

    #[inline(always)]
    fn load(values: [f32; 4]) -> v128 {
        bytemuck::cast(values)
    }

    #[inline(always)]
    fn store(values: v128) -> [f32; 4] {
        bytemuck::cast(values)
    }

    #[inline(always)]
    fn splat(value: f32) -> v128 {
        f32x4_splat(value)
    }

    #[inline(always)]
    fn add(a: v128, b: v128) -> v128 {
        f32x4_add(a, b)
    }

    #[inline(always)]
    fn mul(a: v128, b: v128) -> v128 {
        f32x4_mul(a, b)
    }

    #[inline(always)]
    fn requantize(sums: [v128; 2], rule: &Requantize8) -> ([i8; 8], u8) {
        let rounded = |half: usize| match rule.rounding {
            Rounding::FixedPoint => fixed_point(
                i32x4_add(sums[half], Self::load_i32(rule.int_bias[half])),
                Self::load_i32(rule.multiplier[half]),
                &rule.right_factor[half],
            ),
            Rounding::FloatBias => {
                let sum = f32x4_add(
                    f32x4_convert_i32x4(sums[half]),
                    Self::load(rule.float_bias[half]),
                );
                // NaN becomes 0.
                let product = f32x4_mul(sum, Self::load(rule.scale[half]));
                half_even(v128_and(product, f32x4_eq(product, product)))
            }
            Rounding::HalfEven | Rounding::Truncate => {
                let bias = Self::load_i32(rule.int_bias[half]);
                let sum = if rule.saturates {
                    add_saturating_i32(sums[half], bias)
                } else {
                    i32x4_add(sums[half], bias)
                };
                let product = f32x4_mul(f32x4_convert_i32x4(sum), Self::load(rule.scale[half]));
                if rule.rounding == Rounding::Truncate {
                    i32x4_trunc_sat_f32x4(product)
                } else {
                    half_even(product)
                }
            }
        };
        // Saturation to int16 keeps every code outside the clamp outside.
        let narrow = i16x8_narrow_i32x4(rounded(0), rounded(1));
        let codes = i16x8_add_sat(narrow, i16x8_splat(rule.zero_point));
        let [min, max] = rule.clamp.map(|limit| i16x8_splat(limit));
        let clamped = i16x8_min(i16x8_max(codes, min), max);
        let inside = i16x8_bitmask(i16x8_eq(codes, clamped));
        let packed = i64x2_extract_lane::<0>(i8x16_narrow_i16x8(clamped, clamped));
        (bytemuck::cast(packed.to_le_bytes()), inside)
    }
}
