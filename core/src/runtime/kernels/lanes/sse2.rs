//! Lanes as the 128-bit vectors that every x86-64 processor has.
//!
//! The crate `safe_arch` names the instructions: the compiler does not find them by itself in
//! arrays of lanes, and the names of the standard library would need `unsafe` here.

use safe_arch::{
    add_i32_m128i, add_i64_m128i, add_m128, add_m128d, add_saturating_i16_m128i, bitand_m128,
    bitand_m128d, bitand_m128i, bitandnot_m128i, bitor_m128d, bitor_m128i, bitxor_m128i,
    cmp_eq_mask_i16_m128i, cmp_ordered_mask_m128, convert_to_i32_m128i_from_m128,
    convert_to_m128_from_i32_m128i, convert_to_m128d_from_lower2_i32_m128i, get_i64_from_m128i_s,
    m128, m128i, max_i16_m128i, min_i16_m128i, min_m128, move_mask_i8_m128i,
    mul_i16_horizontal_add_m128i, mul_m128, mul_m128d, mul_widen_u32_odd_m128i,
    pack_i16_to_i8_m128i, pack_i32_to_i16_m128i, set_splat_i16_m128i, set_splat_i32_m128i,
    set_splat_i64_m128i, set_splat_m128, set_splat_m128d, shl_imm_u64_m128i, shr_imm_i16_m128i,
    shr_imm_i32_m128i, shr_imm_u64_m128i, shuffle_ai_f32_all_m128i, sub_i16_m128i, sub_i32_m128i,
    truncate_m128_to_m128i, truncate_m128d_to_m128i, unpack_high_i8_m128i, unpack_high_i16_m128i,
    unpack_high_i32_m128i, unpack_high_i64_m128i, unpack_low_i8_m128i, unpack_low_i16_m128i,
    unpack_low_i32_m128i, unpack_low_i64_m128i, zeroed_m128i,
};

use super::{Lanes, Requantize8, Rounding};
use crate::quant::ROUND_LIMIT;

/// Vectors of SSE2.
#[derive(Clone, Copy, Debug)]
pub struct Sse2;

#[inline(always)]
fn bytes(codes: [i8; 8]) -> m128i {
    bytemuck::cast([i64::from_le_bytes(bytemuck::cast(codes)), 0])
}

/// A sum overflows where both terms differ in sign from it; it saturates to their sign.
#[inline(always)]
fn add_saturating_i32(a: m128i, b: m128i) -> m128i {
    let wrapped = add_i32_m128i(a, b);
    let differs = bitand_m128i(bitxor_m128i(a, wrapped), bitxor_m128i(b, wrapped));
    let overflow = shr_imm_i32_m128i::<31>(differs);
    let limit = bitxor_m128i(shr_imm_i32_m128i::<31>(a), set_splat_i32_m128i(i32::MAX));
    bitor_m128i(
        bitand_m128i(overflow, limit),
        bitandnot_m128i(overflow, wrapped),
    )
}

/// [`crate::quant::FixedScale::apply`] without a shift to the left. The high half of the product
/// is formed of magnitudes, whose half rounds up where the value is positive and down where it
/// is negative; the shift to the right is an exact product of f64, rounded half away from zero.
#[inline(always)]
fn fixed_point(values: m128i, multiplier: m128i, right_factor: &[[f64; 2]; 2]) -> m128i {
    let sign = shr_imm_i32_m128i::<31>(values);
    let magnitude = sub_i32_m128i(bitxor_m128i(values, sign), sign);
    let quotient = |magnitude: m128i, multiplier: m128i, sign: m128i| {
        let nudge = add_i64_m128i(set_splat_i64_m128i(1 << 30), sign);
        let product = mul_widen_u32_odd_m128i(magnitude, multiplier);
        shr_imm_u64_m128i::<31>(add_i64_m128i(product, nudge))
    };
    let even = quotient(
        magnitude,
        multiplier,
        shuffle_ai_f32_all_m128i::<0xa0>(sign),
    );
    let odd = quotient(
        shr_imm_u64_m128i::<32>(magnitude),
        shr_imm_u64_m128i::<32>(multiplier),
        shuffle_ai_f32_all_m128i::<0xf5>(sign),
    );
    let quotient = bitor_m128i(even, shl_imm_u64_m128i::<32>(odd));
    let product = sub_i32_m128i(bitxor_m128i(quotient, sign), sign);
    let round = |pair: m128i, factor: [f64; 2]| {
        let exact = mul_m128d(
            convert_to_m128d_from_lower2_i32_m128i(pair),
            bytemuck::cast(factor),
        );
        let signed_half = bitor_m128d(
            bitand_m128d(exact, set_splat_m128d(-0.0)),
            set_splat_m128d(0.5),
        );
        truncate_m128d_to_m128i(add_m128d(exact, signed_half))
    };
    unpack_low_i64_m128i(
        round(product, right_factor[0]),
        round(shuffle_ai_f32_all_m128i::<0xee>(product), right_factor[1]),
    )
}

impl Lanes for Sse2 {
    const NAME: &'static str = "portable";
    type I16 = m128i;
    type I32 = m128i;
    type F32 = m128;

    #[inline(always)]
    fn widen(codes: [i8; 8]) -> m128i {
        let codes = bytes(codes);
        shr_imm_i16_m128i::<8>(unpack_low_i8_m128i(codes, codes))
    }

    #[inline(always)]
    fn widen_pairs(a: [i8; 8], b: [i8; 8]) -> [m128i; 2] {
        let both = unpack_low_i8_m128i(bytes(a), bytes(b));
        [
            shr_imm_i16_m128i::<8>(unpack_low_i8_m128i(both, both)),
            shr_imm_i16_m128i::<8>(unpack_high_i8_m128i(both, both)),
        ]
    }

    #[inline(always)]
    fn load_i16(values: [i16; 8]) -> m128i {
        bytemuck::cast(values)
    }

    #[inline(always)]
    fn store_i16(values: m128i) -> [i16; 8] {
        bytemuck::cast(values)
    }

    #[inline(always)]
    fn splat_i16(value: i16) -> m128i {
        set_splat_i16_m128i(value)
    }

    #[inline(always)]
    fn sub_i16(a: m128i, b: m128i) -> m128i {
        sub_i16_m128i(a, b)
    }

    #[inline(always)]
    fn pairs(a: m128i, b: m128i) -> [m128i; 2] {
        [unpack_low_i16_m128i(a, b), unpack_high_i16_m128i(a, b)]
    }

    #[inline(always)]
    fn spread(pairs: m128i) -> [m128i; 4] {
        [
            shuffle_ai_f32_all_m128i::<0x00>(pairs),
            shuffle_ai_f32_all_m128i::<0x55>(pairs),
            shuffle_ai_f32_all_m128i::<0xaa>(pairs),
            shuffle_ai_f32_all_m128i::<0xff>(pairs),
        ]
    }

    #[inline(always)]
    fn transpose([a, b, c, d]: [m128i; 4]) -> [m128i; 4] {
        let (ab, cd) = (unpack_low_i32_m128i(a, b), unpack_low_i32_m128i(c, d));
        let (ab_high, cd_high) = (unpack_high_i32_m128i(a, b), unpack_high_i32_m128i(c, d));
        [
            unpack_low_i64_m128i(ab, cd),
            unpack_high_i64_m128i(ab, cd),
            unpack_low_i64_m128i(ab_high, cd_high),
            unpack_high_i64_m128i(ab_high, cd_high),
        ]
    }

    #[inline(always)]
    fn dot(a: m128i, b: m128i) -> m128i {
        mul_i16_horizontal_add_m128i(a, b)
    }

    #[inline(always)]
    fn load_i32(values: [i32; 4]) -> m128i {
        bytemuck::cast(values)
    }

    #[inline(always)]
    fn store_i32(values: m128i) -> [i32; 4] {
        bytemuck::cast(values)
    }

    #[inline(always)]
    fn add_i32(a: m128i, b: m128i) -> m128i {
        add_i32_m128i(a, b)
    }

    #[inline(always)]
    fn to_f32(values: m128i) -> [m128; 2] {
        [
            convert_to_m128_from_i32_m128i(shr_imm_i32_m128i::<16>(unpack_low_i16_m128i(
                values, values,
            ))),
            convert_to_m128_from_i32_m128i(shr_imm_i32_m128i::<16>(unpack_high_i16_m128i(
                values, values,
            ))),
        ]
    }

    #[inline(always)]
    fn load(values: [f32; 4]) -> m128 {
        bytemuck::cast(values)
    }

    #[inline(always)]
    fn store(values: m128) -> [f32; 4] {
        bytemuck::cast(values)
    }

    #[inline(always)]
    fn splat(value: f32) -> m128 {
        set_splat_m128(value)
    }

    #[inline(always)]
    fn add(a: m128, b: m128) -> m128 {
        add_m128(a, b)
    }

    #[inline(always)]
    fn mul(a: m128, b: m128) -> m128 {
        mul_m128(a, b)
    }

    #[inline(always)]
    fn requantize(sums: [m128i; 2], rule: &Requantize8) -> ([i8; 8], u8) {
        // Conversions make i32::MIN of what is far below their range; far above, a value has to
        // be cut off first.
        let limited = |product: m128| min_m128(product, set_splat_m128(ROUND_LIMIT));
        let rounded = |half: usize| match rule.rounding {
            Rounding::FixedPoint => fixed_point(
                add_i32_m128i(sums[half], Self::load_i32(rule.int_bias[half])),
                Self::load_i32(rule.multiplier[half]),
                &rule.right_factor[half],
            ),
            Rounding::FloatBias => {
                let sum = add_m128(
                    convert_to_m128_from_i32_m128i(sums[half]),
                    Self::load(rule.float_bias[half]),
                );
                // NaN becomes 0.
                let product = mul_m128(sum, Self::load(rule.scale[half]));
                let product = bitand_m128(product, cmp_ordered_mask_m128(product, product));
                convert_to_i32_m128i_from_m128(limited(product))
            }
            Rounding::HalfEven | Rounding::Truncate => {
                let bias = Self::load_i32(rule.int_bias[half]);
                let sum = if rule.saturates {
                    add_saturating_i32(sums[half], bias)
                } else {
                    add_i32_m128i(sums[half], bias)
                };
                let product = mul_m128(
                    convert_to_m128_from_i32_m128i(sum),
                    Self::load(rule.scale[half]),
                );
                if rule.rounding == Rounding::Truncate {
                    truncate_m128_to_m128i(limited(product))
                } else {
                    convert_to_i32_m128i_from_m128(limited(product))
                }
            }
        };
        // Saturation to int16 keeps every code outside the clamp outside.
        let codes = add_saturating_i16_m128i(
            pack_i32_to_i16_m128i(rounded(0), rounded(1)),
            set_splat_i16_m128i(rule.zero_point),
        );
        let [min, max] = rule.clamp.map(set_splat_i16_m128i);
        let clamped = min_i16_m128i(max_i16_m128i(codes, min), max);
        let inside = pack_i16_to_i8_m128i(cmp_eq_mask_i16_m128i(codes, clamped), zeroed_m128i());
        let [inside, _, _, _] = move_mask_i8_m128i(inside).to_le_bytes();
        let packed = get_i64_from_m128i_s(pack_i16_to_i8_m128i(clamped, clamped));
        (bytemuck::cast(packed.to_le_bytes()), inside)
    }
}
