//! Tiled kernels, written once in vector lanes. Lanes and tiles run across outputs, never
//! inside the sum of one f32 output, so that the bits are those of [`Reference`].

use core::array::from_fn;
use core::marker::PhantomData;

use super::geometry::{gather, outputs_inside, taps_inside, window};
use super::lanes::{Lanes, Requantize4};
use super::{Codes, Kernels, Reference, Weights, set_bit};
use crate::program::{AddRecord, LayerRecord};
use crate::quant::{ElementwiseRule, Requantize};
use crate::runtime::scratch::{DOT_LANES, PIXEL_TILE, ROW_TILE, window_parts};

/// Tiled kernels on the lanes `L`.
#[derive(Clone, Copy, Debug)]
pub struct Blocked<L>(PhantomData<L>);

/// Values of `values[at..at + N]`, zero beyond the end.
#[inline(always)]
fn load_or_zero<T: Copy + Default, const N: usize>(values: &[T], at: usize) -> [T; N] {
    if let Some(whole) = values.get(at..).and_then(|rest| rest.first_chunk::<N>()) {
        return *whole;
    }
    load_tail(values, at)
}

#[cold]
#[inline(never)]
fn load_tail<T: Copy + Default, const N: usize>(values: &[T], at: usize) -> [T; N] {
    from_fn(|lane| values.get(at + lane).copied().unwrap_or_default())
}

/// A weight code in memory.
trait Code: Copy + Default {
    /// Eight of them as int16 lanes.
    fn lanes<L: Lanes>(codes: [Self; 8]) -> L::I16;
    /// One of them.
    fn float(self) -> f32;
}

impl Code for i8 {
    #[inline(always)]
    fn lanes<L: Lanes>(codes: [Self; 8]) -> L::I16 {
        L::widen(codes)
    }

    #[inline(always)]
    fn float(self) -> f32 {
        f32::from(self)
    }
}

impl Code for i16 {
    #[inline(always)]
    fn lanes<L: Lanes>(codes: [Self; 8]) -> L::I16 {
        L::load_i16(codes)
    }

    #[inline(always)]
    fn float(self) -> f32 {
        f32::from(self)
    }
}

/// Turns four accumulators into codes: in lanes under the device's rule, else one by one.
struct Finish<'a> {
    requantize: &'a Requantize<'a>,
    first_channel: usize,
    lanes: Option<Requantize4>,
}

impl<'a> Finish<'a> {
    #[inline(always)]
    fn new(requantize: &'a Requantize<'a>, first_channel: usize) -> Self {
        let lanes = requantize.device_bias().map(|bias| Requantize4 {
            bias: load_or_zero(bias, first_channel),
            scale: load_or_zero(requantize.effective_scale, first_channel),
            zero_point: requantize.zero_point,
            clamp: [requantize.min, requantize.max],
        });
        Self {
            requantize,
            first_channel,
            lanes,
        }
    }

    #[inline(always)]
    fn codes<L: Lanes>(&self, accumulators: L::I32) -> ([i8; 4], u8) {
        match &self.lanes {
            Some(rule) => L::requantize(accumulators, rule),
            None => self.one_by_one(L::store_i32(accumulators)),
        }
    }

    #[inline(never)]
    fn one_by_one(&self, accumulators: [i32; 4]) -> ([i8; 4], u8) {
        let mut codes = [0; 4];
        let mut inside = 0;
        let n_channels = self.requantize.effective_scale.len();
        let lanes = codes.iter_mut().zip(accumulators).enumerate();
        for (lane, (code, accumulator)) in lanes.take(n_channels - self.first_channel) {
            let channel = self.first_channel + lane;
            let (value, is_inside) = self.requantize.apply(accumulator, channel);
            *code = value;
            inside |= u8::from(is_inside) << lane;
        }
        (codes, inside)
    }
}

/// Input gradient of a depthwise layer whose channels stand in their original order.
fn depthwise_backward_of<T: Code>(
    layer: &LayerRecord,
    codes: &[T],
    gradient: &[f32],
    out: &mut [f32],
) {
    let geometry = layer.geometry();
    let [_, w, c] = layer.input.map(|extent| extent as usize);
    for (pixel, sums) in out.chunks_exact_mut(c).enumerate() {
        sums.fill(0.0);
        for (tap, out_pixel) in gather(&geometry, pixel / w, pixel % w) {
            let gradient = &gradient[out_pixel * c..(out_pixel + 1) * c];
            let taps = &codes[tap * c..(tap + 1) * c];
            for ((sum, &g), &code) in sums.iter_mut().zip(gradient).zip(taps) {
                *sum += g * code.float();
            }
        }
    }
}

/// Four rows of weights from row `first` on; the last one stands for rows beyond it.
#[inline(always)]
fn four_rows<T>(weights: &[T], first: usize, n_rows: usize, len: usize) -> [&[T]; 4] {
    from_fn(|lane| {
        let row = (first + lane).min(n_rows - 1);
        &weights[row * len..(row + 1) * len]
    })
}

/// Stores the first `n` of four codes at `at`, and their mask bits.
#[inline(always)]
fn store_codes(y: &mut [i8], mask: &mut [u8], at: usize, n: usize, codes: [i8; 4], inside: u8) {
    if n == 4 {
        y[at..at + 4].copy_from_slice(&codes);
        if !mask.is_empty() {
            if at.is_multiple_of(4) {
                mask[at / 8] |= inside << (at % 8);
            } else {
                for lane in 0..4 {
                    set_bit(mask, at + lane, inside >> lane & 1 != 0);
                }
            }
        }
    } else {
        for (lane, &code) in codes.iter().enumerate().take(n) {
            y[at + lane] = code;
            if !mask.is_empty() {
                set_bit(mask, at + lane, inside >> lane & 1 != 0);
            }
        }
    }
}

/// Widens the input window of one output pixel, zero point subtracted and padding zero, into
/// the frozen and the trainable part.
fn widen_window(
    layer: &LayerRecord,
    channels: Option<&[u16]>,
    x: &[i8],
    pixel: usize,
    frozen: &mut [i16],
    trainable: &mut [i16],
) {
    let geometry = layer.geometry();
    #[expect(clippy::cast_possible_truncation, reason = "a code")]
    let zero_point = layer.x_quant.zero_point as i16;
    let c = layer.in_channels();
    let out_w = layer.output[1] as usize;
    let (n_frozen, n_trainable) = (layer.n_frozen as usize, layer.n_trainable as usize);
    frozen.fill(0);
    trainable.fill(0);
    for (tap, pixel) in window(&geometry, pixel / out_w, pixel % out_w) {
        let codes = &x[pixel * c..pixel * c + c];
        let frozen = &mut frozen[tap * n_frozen..(tap + 1) * n_frozen];
        let trainable = &mut trainable[tap * n_trainable..(tap + 1) * n_trainable];
        if let Some(channels) = channels {
            let (first, second) = channels.split_at(n_frozen);
            for (wide, &channel) in frozen.iter_mut().zip(first) {
                *wide = i16::from(codes[usize::from(channel)]) - zero_point;
            }
            for (wide, &channel) in trainable.iter_mut().zip(second) {
                *wide = i16::from(codes[usize::from(channel)]) - zero_point;
            }
        } else {
            let wide = if n_frozen > 0 { frozen } else { trainable };
            for (wide, &code) in wide.iter_mut().zip(codes) {
                *wide = i16::from(code) - zero_point;
            }
        }
    }
}

impl<L: Lanes> Blocked<L> {
    /// Adds the products of two windows with four rows of weights.
    #[inline(always)]
    fn dot_rows<T: Code>(
        accumulators: &mut [[L::I32; 4]; 2],
        windows: [&[i16]; 2],
        rows: [&[T]; 4],
    ) {
        let n = rows[0].len();
        let n_whole = n / DOT_LANES;
        // Slices of one length, so that the loop needs no bounds checks.
        let whole_windows = windows.map(|window| &window.as_chunks::<DOT_LANES>().0[..n_whole]);
        let whole_rows = rows.map(|row| &row.as_chunks::<DOT_LANES>().0[..n_whole]);
        let mut add = |windows: [[i16; DOT_LANES]; 2], rows: [[T; DOT_LANES]; 4]| {
            let [first, second] = windows.map(L::load_i16);
            for (lane, row) in rows.into_iter().enumerate() {
                let weights = T::lanes::<L>(row);
                accumulators[0][lane] = L::add_i32(accumulators[0][lane], L::dot(first, weights));
                accumulators[1][lane] = L::add_i32(accumulators[1][lane], L::dot(second, weights));
            }
        };
        for at in 0..n_whole {
            add(
                whole_windows.map(|window| window[at]),
                whole_rows.map(|row| row[at]),
            );
        }
        if !n.is_multiple_of(DOT_LANES) {
            let at = n_whole * DOT_LANES;
            add(
                windows.map(|window| load_or_zero(window, at)),
                rows.map(|row| load_or_zero(row, at)),
            );
        }
    }

    /// Input gradient of one part (frozen or trainable) of a layer.
    fn backward_part<T: Code>(
        layer: &LayerRecord,
        weights: &[T],
        channels: Option<&[u16]>,
        gradient: &[f32],
        out: &mut [f32],
        accumulate: bool,
    ) {
        if weights.is_empty() {
            return;
        }
        if layer.taps() == 1 && layer.stride == [1, 1] {
            Self::pointwise_backward_part(layer, weights, channels, gradient, out, accumulate);
        } else {
            Self::conv_backward_part(layer, weights, channels, gradient, out, accumulate);
        }
    }

    /// Input gradient of one part of a pointwise layer.
    #[inline(always)]
    fn pointwise_backward_part<T: Code>(
        layer: &LayerRecord,
        weights: &[T],
        channels: Option<&[u16]>,
        gradient: &[f32],
        out: &mut [f32],
        accumulate: bool,
    ) {
        const PIXELS: usize = 4;
        let c = layer.in_channels();
        let out_c = layer.out_channels();
        let n = weights.len() / out_c;
        let n_pixels = layer.out_pixels();
        for at in (0..n).step_by(8) {
            let n_lanes = (n - at).min(8);
            for first_pixel in (0..n_pixels).step_by(PIXELS) {
                // The last tile repeats its last pixel rather than read beyond it.
                let pixels: [usize; PIXELS] =
                    from_fn(|lane| (first_pixel + lane).min(n_pixels - 1));
                let gradients = pixels.map(|pixel| &gradient[pixel * out_c..(pixel + 1) * out_c]);
                let mut sums = [[L::splat(0.0); 2]; PIXELS];
                for output in 0..out_c {
                    let row = &weights[output * n..(output + 1) * n];
                    let [low, high] = L::to_f32(T::lanes::<L>(load_or_zero(row, at)));
                    for (sum, gradient) in sums.iter_mut().zip(gradients) {
                        let g = L::splat(gradient[output]);
                        sum[0] = L::add(sum[0], L::mul(g, low));
                        sum[1] = L::add(sum[1], L::mul(g, high));
                    }
                }
                for (pixel, sum) in pixels.iter().zip(sums).take(n_pixels - first_pixel) {
                    let values: [f32; 8] = bytemuck::cast([L::store(sum[0]), L::store(sum[1])]);
                    let out = &mut out[pixel * c..(pixel + 1) * c];
                    for (lane, value) in values.into_iter().enumerate().take(n_lanes) {
                        let channel =
                            channels.map_or(at + lane, |channels| usize::from(channels[at + lane]));
                        out[channel] = if accumulate {
                            out[channel] + value
                        } else {
                            value
                        };
                    }
                }
            }
        }
    }

    /// Input gradient of one part of a layer of any kernel.
    fn conv_backward_part<T: Code>(
        layer: &LayerRecord,
        weights: &[T],
        channels: Option<&[u16]>,
        gradient: &[f32],
        out: &mut [f32],
        accumulate: bool,
    ) {
        let geometry = layer.geometry();
        let [h, w, c] = layer.input.map(|extent| extent as usize);
        let out_c = layer.out_channels();
        let taps = layer.taps();
        let n = weights.len() / (out_c * taps);
        for pixel in 0..h * w {
            for at in (0..n).step_by(8) {
                let mut sum = [L::splat(0.0); 2];
                for output in 0..out_c {
                    for (tap, out_pixel) in gather(&geometry, pixel / w, pixel % w) {
                        let row = output * taps + tap;
                        let row = &weights[row * n..(row + 1) * n];
                        let [low, high] = L::to_f32(T::lanes::<L>(load_or_zero(row, at)));
                        let g = L::splat(gradient[out_pixel * out_c + output]);
                        sum[0] = L::add(sum[0], L::mul(g, low));
                        sum[1] = L::add(sum[1], L::mul(g, high));
                    }
                }
                let values: [f32; 8] = bytemuck::cast([L::store(sum[0]), L::store(sum[1])]);
                for (lane, value) in values.into_iter().enumerate().take((n - at).min(8)) {
                    let channel =
                        channels.map_or(at + lane, |channels| usize::from(channels[at + lane]));
                    let out = &mut out[pixel * c + channel];
                    *out = if accumulate { *out + value } else { value };
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the operands of one operation")]
    fn conv_forward_of<T: Code>(
        layer: &LayerRecord,
        channels: Option<&[u16]>,
        frozen_weights: &[i8],
        trainable_weights: &[T],
        requantize: &Requantize<'_>,
        x: &[i8],
        y: &mut [i8],
        mask: &mut [u8],
        scratch: &mut [i16],
    ) {
        let out_c = layer.out_channels();
        let n_pixels = layer.out_pixels();
        let [frozen_len, trainable_len] = window_parts(layer);
        let row_len = [layer.n_frozen, layer.n_trainable]
            .map(|n_channels| layer.taps() * n_channels as usize);
        let (frozen, trainable) = scratch.split_at_mut(PIXEL_TILE * frozen_len);
        mask.fill(0);
        for first_pixel in (0..n_pixels).step_by(PIXEL_TILE) {
            let n_tile = (n_pixels - first_pixel).min(PIXEL_TILE);
            for lane in 0..n_tile {
                widen_window(
                    layer,
                    channels,
                    x,
                    first_pixel + lane,
                    &mut frozen[lane * frozen_len..(lane + 1) * frozen_len],
                    &mut trainable[lane * trainable_len..(lane + 1) * trainable_len],
                );
            }
            for output in (0..out_c).step_by(4) {
                let n_outputs = (out_c - output).min(4);
                let finish = Finish::new(requantize, output);
                // The last tile repeats its last row, and an odd tile its last window.
                let frozen_rows = four_rows(frozen_weights, output, out_c, row_len[0]);
                let trainable_rows = four_rows(trainable_weights, output, out_c, row_len[1]);
                for lane in (0..n_tile).step_by(2) {
                    let pair = [lane, (lane + 1).min(n_tile - 1)];
                    let mut accumulators = [[L::zero_i32(); 4]; 2];
                    let windows = pair.map(|at| &frozen[at * frozen_len..(at + 1) * frozen_len]);
                    Self::dot_rows(&mut accumulators, windows, frozen_rows);
                    let windows =
                        pair.map(|at| &trainable[at * trainable_len..(at + 1) * trainable_len]);
                    Self::dot_rows(&mut accumulators, windows, trainable_rows);
                    for (at, parts) in pair.into_iter().zip(accumulators).take(n_tile - lane) {
                        let (codes, inside) = finish.codes::<L>(L::sums(parts));
                        let at = (first_pixel + at) * out_c + output;
                        store_codes(y, mask, at, n_outputs, codes, inside);
                    }
                }
            }
        }
    }

    fn depthwise_forward_of<T: Code>(
        layer: &LayerRecord,
        weights: &[T],
        requantize: &Requantize<'_>,
        x: &[i8],
        y: &mut [i8],
        mask: &mut [u8],
    ) {
        let geometry = layer.geometry();
        let [_, w, c] = layer.input.map(|extent| extent as usize);
        let [out_h, out_w, _] = layer.output.map(|extent| extent as usize);
        let kw = layer.kernel[1] as usize;
        let [pt, pl] = layer.padding.map(|padding| padding as usize);
        let [sh, sw] = layer.stride.map(|stride| stride as usize);
        #[expect(clippy::cast_possible_truncation, reason = "a code")]
        let zero_point = L::splat_i16(layer.x_quant.zero_point as i16);
        mask.fill(0);
        for at in (0..c).step_by(8) {
            let n_lanes = (c - at).min(8);
            let finish = [0, 4].map(|half| Finish::new(requantize, (at + half).min(c)));
            for oy in 0..out_h {
                let rows = taps_inside(&geometry, 0, oy);
                for ox in 0..out_w {
                    let columns = taps_inside(&geometry, 1, ox);
                    let mut sums = [L::zero_i32(); 2];
                    for ky in rows.clone() {
                        let line = (oy * sh + ky - pt) * w + ox * sw;
                        for kx in columns.clone() {
                            let pixel = line + kx - pl;
                            let tap = ky * kw + kx;
                            let codes = L::widen(load_or_zero(&x[pixel * c..(pixel + 1) * c], at));
                            let taps = &weights[tap * c..(tap + 1) * c];
                            let factors = T::lanes::<L>(load_or_zero(taps, at));
                            let products = L::products(L::sub_i16(codes, zero_point), factors);
                            sums[0] = L::add_i32(sums[0], products[0]);
                            sums[1] = L::add_i32(sums[1], products[1]);
                        }
                    }
                    let first = (oy * out_w + ox) * c + at;
                    for half in 0..2 {
                        let (codes, inside) = finish[half].codes::<L>(sums[half]);
                        let n = n_lanes.saturating_sub(4 * half).min(4);
                        store_codes(y, mask, first + 4 * half, n, codes, inside);
                    }
                }
            }
        }
    }
}

impl<L: Lanes> Kernels for Blocked<L> {
    const NAME: &'static str = L::NAME;

    fn conv_forward(
        layer: &LayerRecord,
        weights: Weights<'_>,
        requantize: &Requantize<'_>,
        x: &[i8],
        y: &mut [i8],
        mask: &mut [u8],
        scratch: &mut [i16],
    ) {
        let Weights {
            frozen, channels, ..
        } = weights;
        match weights.trainable {
            Codes::Narrow(trainable) => Self::conv_forward_of(
                layer, channels, frozen, trainable, requantize, x, y, mask, scratch,
            ),
            Codes::Wide(trainable) => Self::conv_forward_of(
                layer, channels, frozen, trainable, requantize, x, y, mask, scratch,
            ),
        }
    }

    fn depthwise_forward(
        layer: &LayerRecord,
        weights: Codes<'_>,
        requantize: &Requantize<'_>,
        x: &[i8],
        y: &mut [i8],
        mask: &mut [u8],
    ) {
        match weights {
            Codes::Narrow(weights) => {
                Self::depthwise_forward_of(layer, weights, requantize, x, y, mask);
            }
            Codes::Wide(weights) => {
                Self::depthwise_forward_of(layer, weights, requantize, x, y, mask);
            }
        }
    }

    fn add_forward(
        add: &AddRecord,
        rule: ElementwiseRule,
        y: &mut [i8],
        b: &[i8],
        mask: &mut [u8],
    ) {
        Reference::add_forward(add, rule, y, b, mask);
    }

    fn conv_backward_input(
        layer: &LayerRecord,
        weights: Weights<'_>,
        gradient: &[f32],
        out: &mut [f32],
        accumulate: bool,
    ) {
        let [first, second] = match weights.channels {
            Some(channels) => {
                let (first, second) = channels.split_at(layer.n_frozen as usize);
                [Some(first), Some(second)]
            }
            None => [None, None],
        };
        Self::backward_part(layer, weights.frozen, first, gradient, out, accumulate);
        match weights.trainable {
            Codes::Narrow(codes) => {
                Self::backward_part(layer, codes, second, gradient, out, accumulate);
            }
            Codes::Wide(codes) => {
                Self::backward_part(layer, codes, second, gradient, out, accumulate);
            }
        }
    }

    fn depthwise_backward_input(
        layer: &LayerRecord,
        weights: Weights<'_>,
        gradient: &[f32],
        out: &mut [f32],
        accumulate: bool,
    ) {
        // Listed channels would need a gather in every lane.
        if weights.channels.is_some() || accumulate {
            Reference::depthwise_backward_input(layer, weights, gradient, out, accumulate);
            return;
        }
        match (layer.n_frozen, weights.trainable) {
            (0, Codes::Narrow(codes)) => depthwise_backward_of(layer, codes, gradient, out),
            (0, Codes::Wide(codes)) => depthwise_backward_of(layer, codes, gradient, out),
            _ => depthwise_backward_of(layer, weights.frozen, gradient, out),
        }
    }

    fn conv_weight_gradient(
        layer: &LayerRecord,
        x: &[i8],
        gradient: &[f32],
        first_output: usize,
        rows: &mut [f32],
    ) {
        let geometry = layer.geometry();
        let out_c = layer.out_channels();
        let n = layer.n_trainable as usize;
        let taps = layer.taps();
        let (w, out_w) = (layer.input[1] as usize, layer.output[1] as usize);
        let [pt, pl] = layer.padding.map(|padding| padding as usize);
        let [sh, sw] = layer.stride.map(|stride| stride as usize);
        let pointwise = layer.taps() == 1 && layer.stride == [1, 1];
        #[expect(clippy::cast_possible_truncation, reason = "a code")]
        let zero_point = L::splat_i16(layer.x_quant.zero_point as i16);
        for tap in 0..taps {
            let (ky, kx) = (
                tap / layer.kernel[1] as usize,
                tap % layer.kernel[1] as usize,
            );
            let lines = outputs_inside(&geometry, 0, ky);
            let columns = outputs_inside(&geometry, 1, kx);
            for at in (0..n).step_by(8) {
                let mut sums = [[L::splat(0.0); 2]; ROW_TILE];
                let mut add = |x: &[i8], gradient: &[f32]| {
                    let codes = L::widen(load_or_zero(x, at));
                    let [low, high] = L::to_f32(L::sub_i16(codes, zero_point));
                    // Beyond the last output the gradient is zero and its sums are not stored.
                    let gradient: [f32; ROW_TILE] = load_or_zero(gradient, first_output);
                    for (sum, g) in sums.iter_mut().zip(gradient) {
                        let g = L::splat(g);
                        sum[0] = L::add(sum[0], L::mul(low, g));
                        sum[1] = L::add(sum[1], L::mul(high, g));
                    }
                };
                if pointwise {
                    for (x, gradient) in x.chunks_exact(n).zip(gradient.chunks_exact(out_c)) {
                        add(x, gradient);
                    }
                } else {
                    for oy in lines.clone() {
                        let line = (oy * sh + ky - pt) * w;
                        for ox in columns.clone() {
                            let pixel = line + ox * sw + kx - pl;
                            let out_pixel = oy * out_w + ox;
                            add(
                                &x[pixel * n..(pixel + 1) * n],
                                &gradient[out_pixel * out_c..(out_pixel + 1) * out_c],
                            );
                        }
                    }
                }
                let n_lanes = (n - at).min(8);
                for (row, sum) in rows.chunks_exact_mut(taps * n).zip(sums) {
                    let values: [f32; 8] = bytemuck::cast([L::store(sum[0]), L::store(sum[1])]);
                    row[tap * n + at..][..n_lanes].copy_from_slice(&values[..n_lanes]);
                }
            }
        }
    }

    fn depthwise_weight_gradient(
        layer: &LayerRecord,
        channels: Option<&[u16]>,
        x: &[i8],
        gradient: &[f32],
        first: usize,
        rows: &mut [f32],
    ) {
        if channels.is_some() {
            Reference::depthwise_weight_gradient(layer, channels, x, gradient, first, rows);
            return;
        }
        let geometry = layer.geometry();
        let c = layer.in_channels();
        let (w, out_w) = (layer.input[1] as usize, layer.output[1] as usize);
        let [pt, pl] = layer.padding.map(|padding| padding as usize);
        let [sh, sw] = layer.stride.map(|stride| stride as usize);
        let n = rows.len() / layer.taps();
        #[expect(clippy::cast_possible_truncation, reason = "a code")]
        let zero_point = L::splat_i16(layer.x_quant.zero_point as i16);
        for (tap, row) in rows.chunks_exact_mut(n).enumerate() {
            let (ky, kx) = (
                tap / layer.kernel[1] as usize,
                tap % layer.kernel[1] as usize,
            );
            for at in (0..n).step_by(8) {
                let mut sum = [L::splat(0.0); 2];
                for oy in outputs_inside(&geometry, 0, ky) {
                    let line = (oy * sh + ky - pt) * w;
                    for ox in outputs_inside(&geometry, 1, kx) {
                        let pixel = line + ox * sw + kx - pl;
                        let codes = &x[pixel * c..(pixel + 1) * c];
                        let codes = L::widen(load_or_zero(codes, first + at));
                        let [low, high] = L::to_f32(L::sub_i16(codes, zero_point));
                        let out_pixel = oy * out_w + ox;
                        let gradient = &gradient[out_pixel * c..(out_pixel + 1) * c];
                        let g: [f32; 8] = load_or_zero(gradient, first + at);
                        let [g_low, g_high]: [[f32; 4]; 2] = bytemuck::cast(g);
                        sum[0] = L::add(sum[0], L::mul(low, L::load(g_low)));
                        sum[1] = L::add(sum[1], L::mul(high, L::load(g_high)));
                    }
                }
                let values: [f32; 8] = bytemuck::cast([L::store(sum[0]), L::store(sum[1])]);
                let n_lanes = (n - at).min(8);
                row[at..at + n_lanes].copy_from_slice(&values[..n_lanes]);
            }
        }
    }
}
