//! Lanes as 128-bit WebAssembly vectors. Only deterministic instructions: no relaxed SIMD.

use core::arch::wasm32::{
    f32x4, f32x4_add, f32x4_convert_i32x4, f32x4_max, f32x4_min, f32x4_mul, f32x4_splat,
    i8x16_narrow_i16x8, i16x8_extend_low_i8x16, i16x8_narrow_i32x4, i16x8_splat, i16x8_sub, i32x4,
    i32x4_add, i32x4_bitmask, i32x4_dot_i16x8, i32x4_eq, i32x4_extend_high_i16x8,
    i32x4_extend_low_i16x8, i32x4_extmul_high_i16x8, i32x4_extmul_low_i16x8, i32x4_max, i32x4_min,
    i32x4_shr, i32x4_shuffle, i32x4_splat, i32x4_trunc_sat_f32x4, i64x2, u32x4_extract_lane, v128,
    v128_andnot, v128_bitselect, v128_xor,
};

use super::{Lanes, Requantize4};
use crate::quant::ROUND_LIMIT;

/// Vectors of the `simd128` proposal.
#[derive(Clone, Copy, Debug)]
pub struct Wasm;

impl Lanes for Wasm {
    const NAME: &'static str = "simd128";
    type I16 = v128;
    type I32 = v128;
    type F32 = v128;

    #[inline(always)]
    fn widen(codes: [i8; 8]) -> v128 {
        i16x8_extend_low_i8x16(i64x2(bytemuck::cast(codes), 0))
    }

    #[inline(always)]
    fn load_i16(values: [i16; 8]) -> v128 {
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
    fn dot(a: v128, b: v128) -> v128 {
        i32x4_dot_i16x8(a, b)
    }

    #[inline(always)]
    fn products(a: v128, b: v128) -> [v128; 2] {
        [i32x4_extmul_low_i16x8(a, b), i32x4_extmul_high_i16x8(a, b)]
    }

    #[inline(always)]
    fn zero_i32() -> v128 {
        i32x4_splat(0)
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
    fn sums([a, b, c, d]: [v128; 4]) -> v128 {
        let ab = i32x4_add(
            i32x4_shuffle::<0, 4, 1, 5>(a, b),
            i32x4_shuffle::<2, 6, 3, 7>(a, b),
        );
        let cd = i32x4_add(
            i32x4_shuffle::<0, 4, 1, 5>(c, d),
            i32x4_shuffle::<2, 6, 3, 7>(c, d),
        );
        i32x4_add(
            i32x4_shuffle::<0, 1, 4, 5>(ab, cd),
            i32x4_shuffle::<2, 3, 6, 7>(ab, cd),
        )
    }

    #[inline(always)]
    fn to_f32(values: v128) -> [v128; 2] {
        [
            f32x4_convert_i32x4(i32x4_extend_low_i16x8(values)),
            f32x4_convert_i32x4(i32x4_extend_high_i16x8(values)),
        ]
    }

    #[inline(always)]
    fn load([a, b, c, d]: [f32; 4]) -> v128 {
        f32x4(a, b, c, d)
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
    fn requantize(accumulators: v128, rule: &Requantize4) -> ([i8; 4], u8) {
        let [b0, b1, b2, b3] = rule.bias;
        let bias = i32x4(b0, b1, b2, b3);
        // A sum overflows where both terms differ in sign from it; it saturates to their sign.
        let wrapped = i32x4_add(accumulators, bias);
        let overflow = i32x4_shr(
            v128_andnot(
                v128_xor(accumulators, wrapped),
                v128_xor(accumulators, bias),
            ),
            31,
        );
        let limit = v128_xor(i32x4_shr(accumulators, 31), i32x4_splat(i32::MAX));
        let sum = v128_bitselect(limit, wrapped, overflow);
        let product = f32x4_mul(f32x4_convert_i32x4(sum), Self::load(rule.scale));
        let clamped = f32x4_min(
            f32x4_max(product, f32x4_splat(-ROUND_LIMIT)),
            f32x4_splat(ROUND_LIMIT),
        );
        let rounded = i32x4_trunc_sat_f32x4(core::arch::wasm32::f32x4_nearest(clamped));
        let code = i32x4_add(rounded, i32x4_splat(rule.zero_point));
        let [min, max] = rule.clamp;
        let clamped = i32x4_min(i32x4_max(code, i32x4_splat(min)), i32x4_splat(max));
        let inside = i32x4_bitmask(i32x4_eq(code, clamped));
        let halves = i16x8_narrow_i32x4(clamped, clamped);
        let bytes = i8x16_narrow_i16x8(halves, halves);
        (
            u32x4_extract_lane::<0>(bytes)
                .to_le_bytes()
                .map(u8::cast_signed),
            inside,
        )
    }
}
