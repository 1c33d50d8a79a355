//! Pools over windows.

use super::kernels::geometry::{gather, window};
use super::kernels::set_bit;
use crate::program::PoolRecord;
use crate::quant::{ElementwiseRule, clamp_code, mean};

/// Mean or maximum of every window; padding does not count.
#[inline]
pub(super) fn forward(
    pool: &PoolRecord,
    rule: ElementwiseRule,
    x: &[i8],
    y: &mut [i8],
    mask: &mut [u8],
) {
    let [_, out_w, c] = pool.geometry.output.map(|extent| extent as usize);
    mask.fill(0);
    for (at, out) in y.iter_mut().enumerate() {
        let (pixel, channel) = (at / c, at % c);
        let codes = window(&pool.geometry, pixel / out_w, pixel % out_w)
            .map(|(_, pixel)| i32::from(x[pixel * c + channel]));
        let code = if pool.is_max {
            codes.max().unwrap_or(0)
        } else {
            let (sum, count) = codes.fold((0, 0), |(sum, count), code| (sum + code, count + 1));
            mean(rule, sum, count)
        };
        let (code, inside) = clamp_code(code, pool.clamp[0], pool.clamp[1]);
        *out = code;
        if !mask.is_empty() {
            set_bit(mask, at, inside);
        }
    }
}

/// Gradient at one input element: the sum over the windows that it is in, of those, for a
/// maximum, in which it is the first to attain it. `gradient` gives an element of the gradient
/// at the output.
#[inline]
pub(super) fn input_gradient(
    pool: &PoolRecord,
    x: &[i8],
    mask: &[u8],
    gradient: impl Fn(usize) -> f32,
    at: usize,
) -> f32 {
    let geometry = &pool.geometry;
    let [_, w, c] = geometry.input.map(|extent| extent as usize);
    let out_w = geometry.output[1] as usize;
    let (pixel, channel) = (at / c, at % c);
    let mut sum = 0.0;
    for (_, out_pixel) in gather(geometry, pixel / w, pixel % w) {
        let out = out_pixel * c + channel;
        if mask[out / 8] >> (out % 8) & 1 == 0 {
            continue;
        }
        let seen = || window(geometry, out_pixel / out_w, out_pixel % out_w);
        if pool.is_max {
            let code = |pixel: usize| x[pixel * c + channel];
            let max = seen().map(|(_, pixel)| code(pixel)).max();
            let first = seen().find(|&(_, pixel)| Some(code(pixel)) == max);
            if first.is_some_and(|(_, winner)| winner == pixel) {
                sum += gradient(out);
            }
        } else {
            #[expect(clippy::cast_precision_loss, reason = "at most 65536")]
            let count = seen().count() as f32;
            sum += gradient(out) / count;
        }
    }
    sum
}
