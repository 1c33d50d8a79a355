//! Activation gradients as int8 codes with one f32 scale a tensor (numerics: "Gradients").
//!
//! The scale is `max|g| / 127`, so it is known only when every value is. Nothing is staged:
//! values are computed once to find the maximum and once more to be stored.

use super::kernels::geometry::window;
use super::kernels::{CodeGradient, Kernels, Weights};
use crate::program::LayerRecord;
use crate::quant::half_even;

/// Codes and scale of a stored gradient of `n` elements.
#[derive(Clone, Copy)]
pub(super) struct Stored<'a> {
    pub(super) codes: &'a [i8],
    pub(super) scale: f32,
}

/// Reads the bytes of a [`crate::program::DType::ScaledI8`] tensor of `n` elements.
#[inline]
pub(super) fn read(bytes: &[u8], n: usize) -> Stored<'_> {
    let (codes, rest) = bytes.split_at(n);
    let mut scale = [0; 4];
    scale.copy_from_slice(&rest[rest.len() - 4..]);
    Stored {
        codes: bytemuck::cast_slice(codes),
        scale: f32::from_le_bytes(scale),
    }
}

/// The codes of such a tensor, to change.
#[inline]
pub(super) fn codes_mut(bytes: &mut [u8], n: usize) -> &mut [i8] {
    bytemuck::cast_slice_mut(&mut bytes[..n])
}

/// Multiplies the scale.
#[inline]
pub(super) fn rescale(bytes: &mut [u8], n: usize, factor: f32) {
    let scale = read(bytes, n).scale * factor;
    write_scale(bytes, scale);
}

/// Writes the scale of such a tensor.
#[inline]
pub(super) fn write_scale(bytes: &mut [u8], scale: f32) {
    let at = bytes.len() - 4;
    bytes[at..].copy_from_slice(&scale.to_le_bytes());
}

/// Stores `n` values that `value` gives by their index, each computed twice.
#[inline]
pub(super) fn store(bytes: &mut [u8], n: usize, value: impl Fn(usize) -> f32) {
    let max = (0..n).map(|at| value(at).abs()).fold(0.0, f32::max);
    let scale = max / 127.0;
    for (at, code) in codes_mut(bytes, n).iter_mut().enumerate() {
        *code = quantize(value(at), scale);
    }
    write_scale(bytes, scale);
}

/// The nearest code; 0 where all values are 0.
#[inline]
fn quantize(value: f32, scale: f32) -> i8 {
    if scale > 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "clamped")]
        let code = half_even(value / scale).clamp(-127, 127) as i8;
        code
    } else {
        0
    }
}

/// `codes = 0` where the clamp was active.
#[inline]
pub(super) fn mask(codes: &mut [i8], mask: &[u8]) {
    for (at, code) in codes.iter_mut().enumerate() {
        if mask[at / 8] >> (at % 8) & 1 == 0 {
            *code = 0;
        }
    }
}

/// Input gradient of a convolution. `row` is scratch for one input pixel of f32; where
/// `accumulate`, the sum with what `out` holds is formed in f32 and quantized again.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn conv_backward_input<K: Kernels>(
    layer: &LayerRecord,
    weights: Weights<'_>,
    scales: &[f32],
    gradient: Stored<'_>,
    out: &mut [u8],
    accumulate: bool,
    row: &mut [f32],
) {
    let c = layer.in_channels();
    let n = layer.in_len();
    let before = accumulate.then(|| read(out, n).scale);
    let total = |sum: f32, old: i8| {
        let fresh = gradient.scale * sum;
        before.map_or(fresh, |scale| f32::from(old) * scale + fresh)
    };
    let of_output = CodeGradient {
        codes: gradient.codes,
        scales,
    };
    let codes = codes_mut(out, n);
    let mut max = 0.0f32;
    let mut see = |pixel: usize, channel: usize, sum: f32| {
        max = max.max(total(sum, codes[pixel * c + channel]).abs());
    };
    K::backward_input_of_codes(layer, weights, of_output, row, &mut see);
    let scale = max / 127.0;
    let mut store = |pixel: usize, channel: usize, sum: f32| {
        let code = &mut codes[pixel * c + channel];
        *code = quantize(total(sum, *code), scale);
    };
    K::backward_input_of_codes(layer, weights, of_output, row, &mut store);
    write_scale(out, scale);
}

/// `sum * scale * m[c]` of an exact integer sum.
#[expect(clippy::cast_precision_loss, reason = "the rule: one rounding to f32")]
#[inline]
fn real(sum: i32, scale: f32, of_channel: f32) -> f32 {
    sum as f32 * (scale * of_channel)
}

/// Bias gradient of channel `channel`.
#[inline]
pub(super) fn bias_gradient(
    gradient: Stored<'_>,
    n_channels: usize,
    channel: usize,
    effective_scale: f32,
) -> f32 {
    let codes = gradient.codes.iter().skip(channel).step_by(n_channels);
    let sum: i32 = codes.map(|&code| i32::from(code)).sum();
    real(sum, gradient.scale, effective_scale)
}

/// Weight gradient of the output channels from `first_output` on: rows of
/// `[taps, n_trainable]`, as [`super::kernels::Kernels::conv_weight_gradient`].
#[inline]
pub(super) fn conv_weight_gradient(
    layer: &LayerRecord,
    x: &[i8],
    gradient: Stored<'_>,
    scales: &[f32],
    first_output: usize,
    rows: &mut [f32],
) {
    let geometry = layer.geometry();
    let n = layer.n_trainable as usize;
    let (out_c, out_w) = (layer.out_channels(), layer.output[1] as usize);
    let row_len = layer.taps() * n;
    let zero_point = layer.x_quant.zero_point;
    // The sums take the place of the floats that they become.
    let sums: &mut [i32] = bytemuck::cast_slice_mut(rows);
    sums.fill(0);
    for out_pixel in 0..layer.out_pixels() {
        let codes = &gradient.codes[out_pixel * out_c + first_output..];
        for (tap, pixel) in window(&geometry, out_pixel / out_w, out_pixel % out_w) {
            let x = &x[pixel * n..(pixel + 1) * n];
            for (sums, &g) in sums.chunks_exact_mut(row_len).zip(codes) {
                let g = i32::from(g);
                for (sum, &code) in sums[tap * n..(tap + 1) * n].iter_mut().zip(x) {
                    *sum += (i32::from(code) - zero_point) * g;
                }
            }
        }
    }
    for (row, scale) in rows.chunks_exact_mut(row_len).zip(&scales[first_output..]) {
        for value in row {
            *value = real(value.to_bits().cast_signed(), gradient.scale, *scale);
        }
    }
}

/// Depthwise weight gradient of the trainable channels from `first` on, `[taps, n]`, as
/// [`super::kernels::Kernels::depthwise_weight_gradient`].
#[inline]
pub(super) fn depthwise_weight_gradient(
    layer: &LayerRecord,
    channels: Option<&[u16]>,
    x: &[i8],
    gradient: Stored<'_>,
    scales: &[f32],
    first: usize,
    rows: &mut [f32],
) {
    let geometry = layer.geometry();
    let n_trainable = layer.n_trainable as usize;
    let n = rows.len() / layer.taps();
    let (c, out_w) = (layer.out_channels(), layer.output[1] as usize);
    let zero_point = layer.x_quant.zero_point;
    let channel_of = |k: usize| channels.map_or(first + k, |list| usize::from(list[first + k]));
    let sums: &mut [i32] = bytemuck::cast_slice_mut(rows);
    sums.fill(0);
    for out_pixel in 0..layer.out_pixels() {
        for (tap, pixel) in window(&geometry, out_pixel / out_w, out_pixel % out_w) {
            for k in 0..n {
                let g = i32::from(gradient.codes[out_pixel * c + channel_of(k)]);
                let code = i32::from(x[pixel * n_trainable + first + k]);
                sums[tap * n + k] += (code - zero_point) * g;
            }
        }
    }
    for row in rows.chunks_exact_mut(n) {
        for (k, value) in row.iter_mut().enumerate() {
            let sum = value.to_bits().cast_signed();
            *value = real(sum, gradient.scale, scales[channel_of(k)]);
        }
    }
}
