//! Operations that touch each element once.

use crate::program::LayerRecord;
use crate::quant::{ElementwiseRule, MasterCodes, mean, nearest};

/// Mean over `pixels` of each channel.
#[inline]
pub(super) fn average_pool(rule: ElementwiseRule, x: &[i8], y: &mut [i8], pixels: u32) {
    let c = y.len();
    for (channel, out) in y.iter_mut().enumerate() {
        let sum: i32 = x
            .iter()
            .skip(channel)
            .step_by(c)
            .map(|&code| i32::from(code))
            .sum();
        #[expect(clippy::cast_possible_truncation, reason = "a mean of codes is a code")]
        let code = mean(rule, sum, pixels.cast_signed()) as i8;
        *out = code;
    }
}

/// `g / pixels` at every pixel.
#[inline]
pub(super) fn average_pool_backward(gradient: &[f32], out: &mut [f32], pixels: u32) {
    #[expect(clippy::cast_precision_loss, reason = "at most 65536")]
    let count = pixels as f32;
    for out in out.chunks_exact_mut(gradient.len()) {
        for (out, gradient) in out.iter_mut().zip(gradient) {
            *out = gradient / count;
        }
    }
}

/// Copies the `kept` channels of every pixel.
#[inline]
pub(super) fn save_channels(x: &[u8], saved: &mut [u8], n_channels: usize, kept: &[u16]) {
    for (codes, saved) in x
        .chunks_exact(n_channels)
        .zip(saved.chunks_exact_mut(kept.len()))
    {
        for (saved, &channel) in saved.iter_mut().zip(kept) {
            *saved = codes[usize::from(channel)];
        }
    }
}

/// `g_acc = mask * g * m[c]`, of as many channels as `scale` has, from `first` on, of a layer of
/// `n_channels`.
#[inline]
pub(super) fn mask_scale(
    gradient: &mut [f32],
    mask: &[u8],
    scale: &[f32],
    first: usize,
    n_channels: usize,
) {
    let n = scale.len();
    if n.is_multiple_of(8) && first.is_multiple_of(8) && n_channels.is_multiple_of(8) {
        for (gradient, mask) in gradient
            .chunks_exact_mut(n)
            .zip(mask.chunks_exact(n_channels / 8))
        {
            let mask = &mask[first / 8..];
            for ((gradient, scale), &bits) in gradient
                .chunks_exact_mut(8)
                .zip(scale.chunks_exact(8))
                .zip(mask)
            {
                for lane in 0..8 {
                    // Compilers turn a mask of bits into vector code, but not a branch.
                    let inside = if bits & (1 << lane) == 0 { 0 } else { u32::MAX };
                    let scaled = gradient[lane] * scale[lane];
                    gradient[lane] = f32::from_bits(scaled.to_bits() & inside);
                }
            }
        }
        return;
    }
    for (pixel, gradient) in gradient.chunks_exact_mut(n).enumerate() {
        for (channel, (gradient, scale)) in (first..).zip(gradient.iter_mut().zip(scale)) {
            let inside = is_inside(mask, pixel * n_channels + channel);
            *gradient = if inside { *gradient * scale } else { 0.0 };
        }
    }
}

/// Gradients at the two inputs of a residual add: `first` holds the gradient at the sum and is
/// scaled in place, `second` (which may be empty) receives the other.
#[inline]
pub(super) fn add_backward(
    first: &mut [f32],
    second: &mut [f32],
    mask: &[u8],
    [first_scale, second_scale]: [f32; 2],
) {
    for (at, value) in first.iter_mut().enumerate() {
        let gradient = if is_inside(mask, at) { *value } else { 0.0 };
        *value = gradient * first_scale;
        if let Some(second) = second.get_mut(at) {
            *second = gradient * second_scale;
        }
    }
}

/// Sums the gradient of channels `first..` over y, then x.
#[inline]
pub(super) fn bias_gradient(gradient: &[f32], n_channels: usize, first: usize, sums: &mut [f32]) {
    for gradient in gradient.chunks_exact(n_channels) {
        for (sum, gradient) in sums.iter_mut().zip(&gradient[first..]) {
            *sum += gradient;
        }
    }
}

/// The weights of a partially updated depthwise layer in original order, `[taps, C]`.
#[inline]
pub(super) fn merge_depthwise<T: Copy + From<i8>>(
    layer: &LayerRecord,
    frozen_codes: &[i8],
    trainable_codes: &[T],
    list: &[u16],
    merged: &mut [T],
) {
    let (frozen, trainable) = list.split_at(layer.n_frozen as usize);
    for (tap, merged) in merged.chunks_exact_mut(layer.in_channels()).enumerate() {
        let codes = &frozen_codes[tap * frozen.len()..(tap + 1) * frozen.len()];
        for (&code, &channel) in codes.iter().zip(frozen) {
            merged[usize::from(channel)] = T::from(code);
        }
        let codes = &trainable_codes[tap * trainable.len()..(tap + 1) * trainable.len()];
        for (&code, &channel) in codes.iter().zip(trainable) {
            merged[usize::from(channel)] = code;
        }
    }
}

/// Rounds masters to the codes that kernels read.
#[inline]
pub(super) fn round_masters(masters: &[f32], range: MasterCodes, codes: &mut [i16]) {
    for (code, &master) in codes.iter_mut().zip(masters) {
        *code = round_master(master, range);
    }
}

/// The code of one master.
#[inline(always)]
pub(super) fn round_master(master: f32, range: MasterCodes) -> i16 {
    let [min, max] = match range {
        MasterCodes::Clamped => [-127, 127],
        MasterCodes::Unclamped => [i32::from(i16::MIN), i32::from(i16::MAX)],
    };
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    let rounded = nearest(master).clamp(min, max) as i16;
    rounded
}

#[inline]
fn is_inside(mask: &[u8], index: usize) -> bool {
    mask[index / 8] >> (index % 8) & 1 != 0
}
