//! Plain loops: what every other kernel set must equal, bit for bit.

use super::geometry::{gather, window};
use super::{Accumulate, CodeGradient, Codes, Kernels, Weights, set_bit};
use crate::program::{AddRecord, LayerRecord};
use crate::quant::{ElementwiseRule, Requantize, clamp_code};

/// The specification.
#[derive(Clone, Copy, Debug)]
pub struct Reference;

/// A layer's weight by its original indices, from whichever source it comes.
fn weight_at(
    layer: &LayerRecord,
    weights: &Weights<'_>,
    filter: usize,
    tap: usize,
    position: usize,
) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "at most 16 bits")]
    let weight = code_at(layer, weights, filter, tap, position) as f32;
    weight
}

/// As above, as a code; `position` counts the channels in stored order, frozen ones first.
fn code_at(
    layer: &LayerRecord,
    weights: &Weights<'_>,
    filter: usize,
    tap: usize,
    position: usize,
) -> i32 {
    let n_frozen = layer.n_frozen as usize;
    let row = filter * layer.taps() + tap;
    if position < n_frozen {
        i32::from(weights.frozen[row * n_frozen + position])
    } else {
        weights
            .trainable
            .at(row * layer.n_trainable as usize + position - n_frozen)
    }
}

fn channel_at(weights: &Weights<'_>, position: usize) -> usize {
    weights
        .channels
        .map_or(position, |channels| usize::from(channels[position]))
}

fn extents(layer: &LayerRecord) -> [usize; 6] {
    let [h, w, c] = layer.input.map(|extent| extent as usize);
    let [out_h, out_w, out_c] = layer.output.map(|extent| extent as usize);
    [h, w, c, out_h, out_w, out_c]
}

/// Input gradient of one pixel, of one part of the channels, whose first position is
/// `first_position`.
fn part_of_codes<T: Copy + Into<f32>>(
    layer: &LayerRecord,
    weights: Weights<'_>,
    codes: &[T],
    gradient: CodeGradient<'_>,
    pixel: usize,
    first_position: usize,
    sums: &mut [f32],
) {
    let geometry = layer.geometry();
    let (w, taps) = (layer.input[1] as usize, layer.taps());
    let (n, out_c) = (sums.len(), layer.out_channels());
    sums.fill(0.0);
    let taps_of = || gather(&geometry, pixel / w, pixel % w);
    let value = |out_pixel: usize, output: usize| {
        f32::from(gradient.codes[out_pixel * out_c + output]) * gradient.scales[output]
    };
    if layer.depthwise {
        for (tap, out_pixel) in taps_of() {
            let codes = &codes[tap * n..(tap + 1) * n];
            for ((position, sum), &code) in (first_position..).zip(&mut *sums).zip(codes) {
                *sum += value(out_pixel, channel_at(&weights, position)) * code.into();
            }
        }
        return;
    }
    for output in 0..out_c {
        for (tap, out_pixel) in taps_of() {
            let g = value(out_pixel, output);
            let row = output * taps + tap;
            for (sum, &code) in sums.iter_mut().zip(&codes[row * n..(row + 1) * n]) {
                *sum += g * code.into();
            }
        }
    }
}

impl Kernels for Reference {
    const NAME: &'static str = "reference";

    #[inline]
    fn conv_forward(
        layer: &LayerRecord,
        weights: Weights<'_>,
        requantize: &Requantize<'_>,
        x: &[i8],
        y: &mut [i8],
        mask: &mut [u8],
        _scratch: &mut [i16],
    ) {
        let [_, _, c, out_h, out_w, out_c] = extents(layer);
        let geometry = layer.geometry();
        mask.fill(0);
        for oy in 0..out_h {
            for ox in 0..out_w {
                for output in 0..out_c {
                    let mut accumulator = 0i32;
                    for (tap, pixel) in window(&geometry, oy, ox) {
                        for position in 0..c {
                            let channel = channel_at(&weights, position);
                            let code = i32::from(x[pixel * c + channel]);
                            let weight = code_at(layer, &weights, output, tap, position);
                            let product = (code - layer.x_quant.zero_point) * weight;
                            accumulator = accumulator.wrapping_add(product);
                        }
                    }
                    let at = (oy * out_w + ox) * out_c + output;
                    let (code, inside) = requantize.apply(accumulator, output);
                    y[at] = code;
                    if !mask.is_empty() {
                        set_bit(mask, at, inside);
                    }
                }
            }
        }
    }

    #[inline]
    fn depthwise_forward(
        layer: &LayerRecord,
        weights: Codes<'_>,
        requantize: &Requantize<'_>,
        x: &[i8],
        y: &mut [i8],
        mask: &mut [u8],
    ) {
        let [_, _, c, out_h, out_w, _] = extents(layer);
        let geometry = layer.geometry();
        mask.fill(0);
        for oy in 0..out_h {
            for ox in 0..out_w {
                for channel in 0..c {
                    let mut accumulator = 0i32;
                    for (tap, pixel) in window(&geometry, oy, ox) {
                        let code = i32::from(x[pixel * c + channel]);
                        let product =
                            (code - layer.x_quant.zero_point) * weights.at(tap * c + channel);
                        accumulator = accumulator.wrapping_add(product);
                    }
                    let at = (oy * out_w + ox) * c + channel;
                    let (code, inside) = requantize.apply(accumulator, channel);
                    y[at] = code;
                    if !mask.is_empty() {
                        set_bit(mask, at, inside);
                    }
                }
            }
        }
    }

    #[inline]
    fn add_forward(
        add: &AddRecord,
        rule: ElementwiseRule,
        y: &mut [i8],
        b: &[i8],
        mask: &mut [u8],
    ) {
        let residual = add.residual(rule);
        mask.fill(0);
        for (at, (y, &b)) in y.iter_mut().zip(b).enumerate() {
            let (code, inside) = clamp_code(residual.apply(*y, b), add.clamp[0], add.clamp[1]);
            *y = code;
            if !mask.is_empty() {
                set_bit(mask, at, inside);
            }
        }
    }

    #[inline]
    fn conv_backward_input(
        layer: &LayerRecord,
        weights: Weights<'_>,
        gradient: &[f32],
        out: &mut [f32],
        accumulate: Accumulate,
    ) {
        let [h, w, c, _, _, out_c] = extents(layer);
        let geometry = layer.geometry();
        for iy in 0..h {
            for ix in 0..w {
                for position in 0..c {
                    let channel = channel_at(&weights, position);
                    let out = &mut out[(iy * w + ix) * c + channel];
                    let mut sum = accumulate.start(*out);
                    for output in 0..out_c {
                        for (tap, pixel) in gather(&geometry, iy, ix) {
                            sum += gradient[pixel * out_c + output]
                                * weight_at(layer, &weights, output, tap, position);
                        }
                    }
                    *out = accumulate.end(*out, sum);
                }
            }
        }
    }

    #[inline]
    fn depthwise_backward_input(
        layer: &LayerRecord,
        weights: Weights<'_>,
        gradient: &[f32],
        out: &mut [f32],
        accumulate: bool,
    ) {
        let [h, w, c, ..] = extents(layer);
        let geometry = layer.geometry();
        for iy in 0..h {
            for ix in 0..w {
                for position in 0..c {
                    let channel = channel_at(&weights, position);
                    let mut sum = 0.0f32;
                    for (tap, pixel) in gather(&geometry, iy, ix) {
                        sum += gradient[pixel * c + channel]
                            * weight_at(layer, &weights, 0, tap, position);
                    }
                    let out = &mut out[(iy * w + ix) * c + channel];
                    *out = if accumulate { *out + sum } else { sum };
                }
            }
        }
    }

    #[inline]
    fn backward_input_of_codes(
        layer: &LayerRecord,
        weights: Weights<'_>,
        gradient: CodeGradient<'_>,
        row: &mut [f32],
        sink: &mut impl FnMut(usize, usize, f32),
    ) {
        for pixel in 0..layer.in_len() / layer.in_channels() {
            let (frozen, trainable) = row.split_at_mut(layer.n_frozen as usize);
            let n_frozen = frozen.len();
            part_of_codes(layer, weights, weights.frozen, gradient, pixel, 0, frozen);
            match weights.trainable {
                Codes::Narrow(codes) => {
                    part_of_codes(layer, weights, codes, gradient, pixel, n_frozen, trainable);
                }
                Codes::Wide(codes) => {
                    part_of_codes(layer, weights, codes, gradient, pixel, n_frozen, trainable);
                }
            }
            for (position, &sum) in row.iter().enumerate() {
                sink(pixel, channel_at(&weights, position), sum);
            }
        }
    }

    #[inline]
    fn conv_weight_gradient(
        layer: &LayerRecord,
        x: &[i8],
        gradient: &[f32],
        first_output: usize,
        rows: &mut [f32],
    ) {
        let [_, _, _, out_h, out_w, out_c] = extents(layer);
        let geometry = layer.geometry();
        let n_trainable = layer.n_trainable as usize;
        rows.fill(0.0);
        for oy in 0..out_h {
            for ox in 0..out_w {
                for (row, sums) in rows
                    .chunks_exact_mut(layer.taps() * n_trainable)
                    .enumerate()
                {
                    let g = gradient[(oy * out_w + ox) * out_c + first_output + row];
                    for (tap, pixel) in window(&geometry, oy, ox) {
                        for k in 0..n_trainable {
                            let code = i32::from(x[pixel * n_trainable + k]);
                            #[expect(clippy::cast_precision_loss, reason = "at most nine bits")]
                            let real = (code - layer.x_quant.zero_point) as f32;
                            sums[tap * n_trainable + k] += real * g;
                        }
                    }
                }
            }
        }
    }

    #[inline]
    fn depthwise_weight_gradient(
        layer: &LayerRecord,
        channels: Option<&[u16]>,
        x: &[i8],
        gradient: &[f32],
        first: usize,
        rows: &mut [f32],
    ) {
        let [_, _, c, out_h, out_w, _] = extents(layer);
        let geometry = layer.geometry();
        let n_trainable = layer.n_trainable as usize;
        let n = rows.len() / layer.taps();
        rows.fill(0.0);
        for oy in 0..out_h {
            for ox in 0..out_w {
                for (tap, pixel) in window(&geometry, oy, ox) {
                    for k in 0..n {
                        let channel =
                            channels.map_or(first + k, |list| usize::from(list[first + k]));
                        let code = i32::from(x[pixel * n_trainable + first + k]);
                        #[expect(clippy::cast_precision_loss, reason = "at most nine bits")]
                        let real = (code - layer.x_quant.zero_point) as f32;
                        rows[tap * n + k] += real * gradient[(oy * out_w + ox) * c + channel];
                    }
                }
            }
        }
    }
}
