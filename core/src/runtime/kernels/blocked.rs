//! Tiled kernels, written once in vector lanes. Lanes and tiles run across outputs, never
//! inside the sum of one f32 output, so that the bits are those of [`Reference`].

use core::array::from_fn;
use core::marker::PhantomData;
use core::ops::Range;

use super::geometry::{gather, outputs_inside, taps_inside};
use super::lanes::{Lanes, Requantize8, Rounding};
use super::{Accumulate, CodeGradient, Codes, Kernels, Reference, Weights, set_bit};
use crate::program::{AddRecord, LayerRecord};
use crate::quant::{ElementwiseRule, FixedScale, Requantize, RequantizeRule};
use crate::runtime::scratch::{
    DOT_LANES, OUTPUT_TILE, PIXEL_TILE, ROW_TILE, is_pointwise, reads_input_directly, window_parts,
};

/// Tiled kernels on the lanes `L`.
#[derive(Clone, Copy, Debug)]
pub struct Blocked<L>(PhantomData<L>);

/// Pixels and outputs of one tile of the input gradient of a pointwise layer, and the pixels of
/// it that are in registers at once.
const BACKWARD_PIXELS: usize = 32;
const BACKWARD_OUTPUTS: usize = 32;
const BACKWARD_GROUP: usize = 4;

/// Where the input gradient of a pointwise layer reads the gradient at the output.
trait Gradient {
    /// The gradient at the outputs `columns` of four pixels, in `room` if it has to be computed.
    fn rows<'a>(
        &'a self,
        pixels: [usize; BACKWARD_GROUP],
        columns: Range<usize>,
        room: &'a mut [[f32; BACKWARD_OUTPUTS]; BACKWARD_GROUP],
    ) -> [&'a [f32]; BACKWARD_GROUP];
}

/// Values, and the number of output channels.
struct Floats<'a>(&'a [f32], usize);

impl Gradient for Floats<'_> {
    #[inline(always)]
    fn rows<'a>(
        &'a self,
        pixels: [usize; BACKWARD_GROUP],
        columns: Range<usize>,
        _room: &'a mut [[f32; BACKWARD_OUTPUTS]; BACKWARD_GROUP],
    ) -> [&'a [f32]; BACKWARD_GROUP] {
        pixels.map(|pixel| &self.0[pixel * self.1..][columns.clone()])
    }
}

impl Gradient for CodeGradient<'_> {
    #[inline(always)]
    fn rows<'a>(
        &'a self,
        pixels: [usize; BACKWARD_GROUP],
        columns: Range<usize>,
        room: &'a mut [[f32; BACKWARD_OUTPUTS]; BACKWARD_GROUP],
    ) -> [&'a [f32]; BACKWARD_GROUP] {
        let scales = &self.scales[columns.clone()];
        for (values, pixel) in room.iter_mut().zip(pixels) {
            let codes = &self.codes[pixel * self.scales.len()..][columns.clone()];
            for ((value, &code), scale) in values.iter_mut().zip(codes).zip(scales) {
                *value = f32::from(code) * scale;
            }
        }
        room.each_ref().map(|values| &values[..columns.len()])
    }
}

/// Eight channels of a pixel, or what is left of them.
struct ChannelTile<'a> {
    first: usize,
    n: usize,
    /// Original index of each channel of the layer's part, where that is not its order.
    list: Option<&'a [u16]>,
}

impl ChannelTile<'_> {
    #[inline(always)]
    fn channel(&self, lane: usize) -> usize {
        let at = self.first + lane;
        self.list.map_or(at, |list| usize::from(list[at]))
    }

    /// The first of eight channels that stand in one piece.
    #[inline(always)]
    fn in_one_piece(&self) -> Option<usize> {
        (self.n == 8 && self.list.is_none()).then_some(self.first)
    }
}

/// Where the input gradient of a pointwise layer goes.
trait Sink {
    /// What the sums of a pixel start with, where that is not zero.
    #[inline(always)]
    fn start(&self, pixel: usize, tile: &ChannelTile<'_>) -> Option<[f32; 8]> {
        let _ = (pixel, tile);
        None
    }

    /// Takes the sums of a pixel.
    fn take(&mut self, pixel: usize, tile: &ChannelTile<'_>, sums: [f32; 8]);
}

/// Takes pixel, channel and sum of every element.
impl<F: FnMut(usize, usize, f32)> Sink for F {
    #[inline(always)]
    fn take(&mut self, pixel: usize, tile: &ChannelTile<'_>, sums: [f32; 8]) {
        for (lane, sum) in sums.into_iter().enumerate().take(tile.n) {
            self(pixel, tile.channel(lane), sum);
        }
    }
}

/// Values of `n_channels` a pixel.
struct Out<'a> {
    values: &'a mut [f32],
    n_channels: usize,
    accumulate: Accumulate,
}

impl Sink for Out<'_> {
    #[inline(always)]
    fn start(&self, pixel: usize, tile: &ChannelTile<'_>) -> Option<[f32; 8]> {
        if self.accumulate != Accumulate::Within {
            return None;
        }
        let values = &self.values[pixel * self.n_channels..];
        if let Some(first) = tile.in_one_piece() {
            return values[first..].first_chunk().copied();
        }
        let mut start = [0.0; 8];
        for (lane, start) in start.iter_mut().enumerate().take(tile.n) {
            *start = values[tile.channel(lane)];
        }
        Some(start)
    }

    #[inline(always)]
    fn take(&mut self, pixel: usize, tile: &ChannelTile<'_>, sums: [f32; 8]) {
        let values = &mut self.values[pixel * self.n_channels..];
        if let Some(first) = tile.in_one_piece()
            && let Some(values) = values[first..].first_chunk_mut::<8>()
        {
            for (value, sum) in values.iter_mut().zip(sums) {
                *value = self.accumulate.end(*value, sum);
            }
            return;
        }
        for (lane, sum) in sums.into_iter().enumerate().take(tile.n) {
            let value = &mut values[tile.channel(lane)];
            *value = self.accumulate.end(*value, sum);
        }
    }
}

/// Values of `values[at..at + N]`, zero beyond the end.
#[inline(always)]
fn load_or_zero<T: Copy + Default, const N: usize>(values: &[T], at: usize) -> [T; N] {
    if let Some(whole) = values.get(at..).and_then(|rest| rest.first_chunk::<N>()) {
        return *whole;
    }
    load_tail(values, at)
}

#[cold]
#[cfg_attr(target_os = "none", inline(never))]
fn load_tail<T: Copy + Default, const N: usize>(values: &[T], at: usize) -> [T; N] {
    from_fn(|lane| values.get(at + lane).copied().unwrap_or_default())
}

/// A weight code in memory.
trait Code: Copy + Default {
    /// No code is larger in magnitude.
    const LIMIT: i64;
    /// Eight of them as int16 lanes.
    fn lanes<L: Lanes>(codes: [Self; 8]) -> L::I16;
    /// One of them.
    fn float(self) -> f32;
}

impl Code for i8 {
    const LIMIT: i64 = 1 << 7;

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
    const LIMIT: i64 = 1 << 15;

    #[inline(always)]
    fn lanes<L: Lanes>(codes: [Self; 8]) -> L::I16 {
        L::load_i16(codes)
    }

    #[inline(always)]
    fn float(self) -> f32 {
        f32::from(self)
    }
}

/// Turns the accumulators of eight channels into codes: in lanes, or one by one.
struct Finish<'a> {
    requantize: &'a Requantize<'a>,
    first_channel: usize,
    n_channels: usize,
    lanes: Option<Requantize8>,
}

/// No sum over `n_products` products with weights of at most `limit` is larger in magnitude.
fn largest_sum(n_products: usize, limit: i64) -> i64 {
    i64::try_from(n_products).map_or(i64::MAX, |n| n.saturating_mul(255 * limit))
}

impl<'a> Finish<'a> {
    fn new(requantize: &'a Requantize<'a>, largest_sum: i64, first_channel: usize) -> Self {
        let n_channels = (requantize.effective_scale.len() - first_channel).min(8);
        let of_lane = |lane: usize| (lane < n_channels).then_some(first_channel + lane);
        let fixed = |lane: usize| {
            let scale = requantize.fixed_scale.get(first_channel + lane);
            scale.map_or(FixedScale::default(), |&words| {
                FixedScale::from_words(words)
            })
        };
        let right_factor = |lane: usize| 1.0 / f64::from(1u32 << -fixed(lane).shift.min(0));
        let rounding = match requantize.rule {
            RequantizeRule::HalfEven => Some(Rounding::HalfEven),
            RequantizeRule::Truncate => Some(Rounding::Truncate),
            RequantizeRule::FloatBias => Some(Rounding::FloatBias),
            // Factors of 1 and above, which need a shift to the left, are rare.
            RequantizeRule::FixedPoint => (0..8)
                .all(|lane| fixed(lane).shift <= 0)
                .then_some(Rounding::FixedPoint),
        };
        let int = |lane| of_lane(lane).map_or(0, |channel| requantize.bias.int(channel));
        let float = |lane| of_lane(lane).map_or(0.0, |channel| requantize.bias.float(channel));
        let scale = load_or_zero::<_, 8>(requantize.effective_scale, first_channel);
        #[expect(clippy::cast_possible_truncation, reason = "codes")]
        let code = |value: i32| value as i16;
        let int_bias: [i32; 8] = from_fn(int);
        let room = i64::from(i32::MAX) - largest_sum.min(i64::from(i32::MAX));
        let lanes = rounding.map(|rounding| Requantize8 {
            rounding,
            int_bias: bytemuck::cast(int_bias),
            saturates: int_bias.iter().any(|&bias| i64::from(bias).abs() > room),
            float_bias: [0, 4].map(|half| from_fn(|lane| float(half + lane))),
            scale: bytemuck::cast(scale),
            multiplier: [0, 4].map(|half| from_fn(|lane| fixed(half + lane).multiplier)),
            right_factor: [0, 4]
                .map(|half| [0, 2].map(|pair| [0, 1].map(|lane| right_factor(half + pair + lane)))),
            zero_point: code(requantize.zero_point),
            clamp: [code(requantize.min), code(requantize.max)],
        });
        Self {
            requantize,
            first_channel,
            n_channels,
            lanes,
        }
    }

    /// Stores the codes and the mask bits of the pixel whose channels start at `pixel`.
    #[inline(always)]
    fn store<L: Lanes>(&self, sums: [L::I32; 2], y: &mut [i8], mask: &mut [u8], pixel: usize) {
        let (codes, inside) = match &self.lanes {
            Some(rule) => L::requantize(sums, rule),
            None => self.one_by_one(bytemuck::cast(sums.map(L::store_i32))),
        };
        let at = pixel + self.first_channel;
        if self.n_channels == 8 && (mask.is_empty() || at.is_multiple_of(8)) {
            y[at..at + 8].copy_from_slice(&codes);
            if let Some(bits) = mask.get_mut(at / 8) {
                *bits = inside;
            }
        } else {
            self.store_some(codes, inside, y, mask, at);
        }
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn store_some(&self, codes: [i8; 8], inside: u8, y: &mut [i8], mask: &mut [u8], at: usize) {
        for (lane, &code) in codes.iter().enumerate().take(self.n_channels) {
            y[at + lane] = code;
            if !mask.is_empty() {
                set_bit(mask, at + lane, inside >> lane & 1 != 0);
            }
        }
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn one_by_one(&self, accumulators: [i32; 8]) -> ([i8; 8], u8) {
        let mut codes = [0; 8];
        let mut inside = 0;
        let lanes = codes.iter_mut().zip(accumulators).enumerate();
        for (lane, (code, accumulator)) in lanes.take(self.n_channels) {
            let channel = self.first_channel + lane;
            let (value, is_inside) = self.requantize.apply(accumulator, channel);
            *code = value;
            inside |= u8::from(is_inside) << lane;
        }
        (codes, inside)
    }
}

/// Input gradient of a depthwise layer whose channels stand in their original order, of a
/// gradient that is stored as codes.
fn depthwise_backward_of_codes<T: Code>(
    layer: &LayerRecord,
    codes: &[T],
    gradient: CodeGradient<'_>,
    sums: &mut [f32],
    sink: &mut impl FnMut(usize, usize, f32),
) {
    let geometry = layer.geometry();
    let [h, w, c] = layer.input.map(|extent| extent as usize);
    let sums = &mut sums[..c];
    for pixel in 0..h * w {
        sums.fill(0.0);
        for (tap, out_pixel) in gather(&geometry, pixel / w, pixel % w) {
            let gradient_codes = &gradient.codes[out_pixel * c..(out_pixel + 1) * c];
            let taps = &codes[tap * c..(tap + 1) * c];
            let of_gradient = gradient_codes.iter().zip(gradient.scales);
            for ((sum, (&g, scale)), &code) in sums.iter_mut().zip(of_gradient).zip(taps) {
                *sum += f32::from(g) * scale * code.float();
            }
        }
        for (channel, &sum) in sums.iter().enumerate() {
            sink(pixel, channel, sum);
        }
    }
}

/// Original index of each channel of the frozen and of the trainable part; `None` where a part
/// is the whole layer.
fn lists_of_parts<'a>(layer: &LayerRecord, weights: &Weights<'a>) -> [Option<&'a [u16]>; 2] {
    match weights.channels {
        Some(channels) => {
            let (first, second) = channels.split_at(layer.n_frozen as usize);
            [Some(first), Some(second)]
        }
        None => [None, None],
    }
}

/// Widens the input window of one output pixel, zero point subtracted and padding zero, into
/// the frozen and the trainable part.
fn widen_window(
    layer: &LayerRecord,
    channels: Option<&[u16]>,
    x: &[i8],
    pixel: usize,
    window: &mut [i16],
) {
    let geometry = layer.geometry();
    #[expect(clippy::cast_possible_truncation, reason = "a code")]
    let zero_point = layer.x_quant.zero_point as i16;
    let c = layer.in_channels();
    let (w, kw) = (layer.input[1] as usize, layer.kernel[1] as usize);
    let [pt, pl] = layer.padding.map(|padding| padding as usize);
    let [sh, sw] = layer.stride.map(|stride| stride as usize);
    let (oy, ox) = (
        pixel / layer.output[1] as usize,
        pixel % layer.output[1] as usize,
    );
    let columns = taps_inside(&geometry, 1, ox);
    window.fill(0);
    for ky in taps_inside(&geometry, 0, oy) {
        // One row of the window lies in one piece.
        let first = ((oy * sh + ky - pt) * w + ox * sw + columns.start - pl) * c;
        let codes = &x[first..first + columns.len() * c];
        let tap = ky * kw + columns.start;
        if let Some(channels) = channels {
            let (n_frozen, n_trainable) = (layer.n_frozen as usize, layer.n_trainable as usize);
            let (frozen, trainable) = window.split_at_mut(window_parts(layer)[0]);
            let (first, second) = channels.split_at(n_frozen);
            for (tap, codes) in (tap..).zip(codes.chunks_exact(c)) {
                let pick = |(wide, &channel): (&mut i16, &u16)| {
                    *wide = i16::from(codes[usize::from(channel)]) - zero_point;
                };
                let frozen = &mut frozen[tap * n_frozen..];
                frozen.iter_mut().zip(first).for_each(pick);
                let trainable = &mut trainable[tap * n_trainable..];
                trainable.iter_mut().zip(second).for_each(pick);
            }
        } else {
            for (wide, &code) in window[tap * c..].iter_mut().zip(codes) {
                *wide = i16::from(code) - zero_point;
            }
        }
    }
}

/// Weights of one tile of outputs: of eight values of the window, four pairs; of each pair, the
/// weights of the lower and of the upper four outputs.
type PanelChunk = [[[i16; DOT_LANES]; 2]; 4];

/// The operands of the forward pass of an ordinary convolution.
struct ConvForward<'a, T> {
    layer: &'a LayerRecord,
    channels: Option<&'a [u16]>,
    frozen: &'a [i8],
    trainable: &'a [T],
    requantize: &'a Requantize<'a>,
    largest_sum: i64,
}

impl<'a, T: Code> ConvForward<'a, T> {
    fn new(
        layer: &'a LayerRecord,
        weights: &Weights<'a>,
        trainable: &'a [T],
        requantize: &'a Requantize<'a>,
    ) -> Self {
        let n_products = layer.taps() * layer.in_channels();
        Self {
            layer,
            channels: weights.channels,
            frozen: weights.frozen,
            trainable,
            requantize,
            largest_sum: largest_sum(n_products, T::LIMIT),
        }
    }
}

impl<L: Lanes> Blocked<L> {
    /// Input gradient of one part (frozen or trainable) of a layer.
    #[cfg_attr(target_os = "none", inline(never))]
    fn backward_part<T: Code>(
        layer: &LayerRecord,
        weights: &[T],
        channels: Option<&[u16]>,
        gradient: &[f32],
        out: &mut [f32],
        accumulate: Accumulate,
    ) {
        if weights.is_empty() {
            return;
        }
        if is_pointwise(layer) {
            Self::pointwise_backward_part(
                layer,
                weights,
                channels,
                &Floats(gradient, layer.out_channels()),
                &mut Out {
                    values: out,
                    n_channels: layer.in_channels(),
                    accumulate,
                },
            );
        } else {
            Self::conv_backward_part(layer, weights, channels, gradient, out, accumulate);
        }
    }

    /// Input gradient of one part of a pointwise layer. Tiles of weights are widened once for many pixels, whose sums wait in
    /// memory meanwhile.
    #[inline(always)]
    fn pointwise_backward_part<T: Code>(
        layer: &LayerRecord,
        weights: &[T],
        channels: Option<&[u16]>,
        gradient: &impl Gradient,
        sink: &mut impl Sink,
    ) {
        let out_c = layer.out_channels();
        let n = weights.len() / out_c;
        let n_pixels = layer.out_pixels();
        let mut room = [[0.0; BACKWARD_OUTPUTS]; BACKWARD_GROUP];
        for at in (0..n).step_by(8) {
            let channels = ChannelTile {
                first: at,
                n: (n - at).min(8),
                list: channels,
            };
            for first_pixel in (0..n_pixels).step_by(BACKWARD_PIXELS) {
                let mut sums = [[L::splat(0.0); 2]; BACKWARD_PIXELS];
                for (pixel, sum) in (first_pixel..n_pixels).zip(&mut sums) {
                    let Some(start) = sink.start(pixel, &channels) else {
                        break;
                    };
                    let halves: [[f32; 4]; 2] = bytemuck::cast(start);
                    *sum = halves.map(L::load);
                }
                for first in (0..out_c).step_by(BACKWARD_OUTPUTS) {
                    let n_outputs = (out_c - first).min(BACKWARD_OUTPUTS);
                    let mut tile = [[L::splat(0.0); 2]; BACKWARD_OUTPUTS];
                    let tile = &mut tile[..n_outputs];
                    for (output, tile) in (first..).zip(&mut *tile) {
                        let row = &weights[output * n..(output + 1) * n];
                        *tile = L::to_f32(T::lanes::<L>(load_or_zero(row, at)));
                    }
                    let groups = sums.as_chunks_mut::<BACKWARD_GROUP>().0;
                    let starts = (first_pixel..n_pixels).step_by(BACKWARD_GROUP);
                    for (sums, start) in groups.iter_mut().zip(starts) {
                        // The last group repeats the last pixel, whose sums are not used.
                        let pixels = from_fn(|lane| (start + lane).min(n_pixels - 1));
                        let rows = gradient.rows(pixels, first..first + n_outputs, &mut room);
                        Self::add_outputs(sums, tile, rows);
                    }
                }
                for (pixel, sum) in (first_pixel..n_pixels).zip(sums) {
                    sink.take(pixel, &channels, bytemuck::cast(sum.map(L::store)));
                }
            }
        }
    }

    /// Adds the products of the weights of some outputs with the gradient at these.
    #[inline(always)]
    fn add_outputs(
        sums: &mut [[L::F32; 2]; BACKWARD_GROUP],
        weights: &[[L::F32; 2]],
        gradients: [&[f32]; BACKWARD_GROUP],
    ) {
        // Slices of one length, so that the loop needs no bounds checks.
        let gradients = gradients.map(|gradient| &gradient[..weights.len()]);
        let mut tile = *sums;
        for (at, &[low, high]) in weights.iter().enumerate() {
            for (sum, gradient) in tile.iter_mut().zip(gradients) {
                let g = L::splat(gradient[at]);
                sum[0] = L::add(sum[0], L::mul(g, low));
                sum[1] = L::add(sum[1], L::mul(g, high));
            }
        }
        *sums = tile;
    }

    /// As [`Self::pointwise_backward_part`], of a gradient that is stored as codes.
    fn codes_backward_part<T: Code>(
        layer: &LayerRecord,
        weights: &[T],
        channels: Option<&[u16]>,
        gradient: CodeGradient<'_>,
        sink: &mut impl FnMut(usize, usize, f32),
    ) {
        if !weights.is_empty() {
            Self::pointwise_backward_part(layer, weights, channels, &gradient, sink);
        }
    }

    /// Input gradient of one part of a layer of any kernel.
    fn conv_backward_part<T: Code>(
        layer: &LayerRecord,
        weights: &[T],
        channels: Option<&[u16]>,
        gradient: &[f32],
        out: &mut [f32],
        accumulate: Accumulate,
    ) {
        let geometry = layer.geometry();
        let [h, w, c] = layer.input.map(|extent| extent as usize);
        let out_c = layer.out_channels();
        let taps = layer.taps();
        let n = weights.len() / (out_c * taps);
        for pixel in 0..h * w {
            let out = &mut out[pixel * c..(pixel + 1) * c];
            for at in (0..n).step_by(8) {
                let channel_of = |lane: usize| {
                    channels.map_or(at + lane, |channels| usize::from(channels[at + lane]))
                };
                let n_lanes = (n - at).min(8);
                let held = from_fn(|lane| {
                    let held = if lane < n_lanes {
                        out[channel_of(lane)]
                    } else {
                        0.0
                    };
                    accumulate.start(held)
                });
                let [low, high]: [[f32; 4]; 2] = bytemuck::cast::<[f32; 8], _>(held);
                let mut sum = [L::load(low), L::load(high)];
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
                for (lane, value) in values.into_iter().enumerate().take(n_lanes) {
                    let out = &mut out[channel_of(lane)];
                    *out = accumulate.end(*out, value);
                }
            }
        }
    }

    /// Input gradient of a depthwise layer whose channels stand in their original order, eight
    /// channels and one tap at a time: an element has one product with every tap.
    fn depthwise_backward_of<T: Code>(
        layer: &LayerRecord,
        codes: &[T],
        gradient: &[f32],
        out: &mut [f32],
    ) {
        let geometry = layer.geometry();
        let c = layer.in_channels();
        let (w, out_w) = (layer.input[1] as usize, layer.output[1] as usize);
        let [pt, pl] = layer.padding.map(|padding| padding as usize);
        let [sh, sw] = layer.stride.map(|stride| stride as usize);
        let kw = layer.kernel[1] as usize;
        out.fill(0.0);
        for at in (0..c).step_by(8) {
            let n_lanes = (c - at).min(8);
            for tap in 0..layer.taps() {
                let (ky, kx) = (tap / kw, tap % kw);
                let [low, high] = L::to_f32(T::lanes::<L>(load_or_zero(codes, tap * c + at)));
                let columns = outputs_inside(&geometry, 1, kx);
                for oy in outputs_inside(&geometry, 0, ky) {
                    let line = (oy * sh + ky - pt) * w;
                    for ox in columns.clone() {
                        let pixel = line + ox * sw + kx - pl;
                        let g: [f32; 8] = load_or_zero(gradient, (oy * out_w + ox) * c + at);
                        let [g_low, g_high]: [[f32; 4]; 2] = bytemuck::cast(g);
                        let products = [L::mul(L::load(g_low), low), L::mul(L::load(g_high), high)];
                        let out = &mut out[pixel * c + at..];
                        if n_lanes == 8
                            && let Some(out) = out.first_chunk_mut::<8>()
                        {
                            let [low, high]: [[f32; 4]; 2] = bytemuck::cast(*out);
                            let sums = [
                                L::store(L::add(L::load(low), products[0])),
                                L::store(L::add(L::load(high), products[1])),
                            ];
                            *out = bytemuck::cast(sums);
                        } else {
                            let products: [f32; 8] = bytemuck::cast(products.map(L::store));
                            for (out, product) in out.iter_mut().zip(products).take(n_lanes) {
                                *out += product;
                            }
                        }
                    }
                }
            }
        }
    }

    /// Lays out the weights of outputs `output..` for lanes across outputs.
    fn fill_panel<T: Code>(
        weights: &[T],
        output: usize,
        n_outputs: usize,
        panel: &mut [PanelChunk],
    ) {
        let len = weights.len() / n_outputs;
        for half in 0..2 {
            let rows: [&[T]; 4] = from_fn(|lane| {
                // The last tile repeats the last row, whose sums are not stored.
                let row = (output + 4 * half + lane).min(n_outputs - 1);
                &weights[row * len..(row + 1) * len]
            });
            for (chunk, at) in panel.iter_mut().zip((0..len).step_by(DOT_LANES)) {
                let pairs = L::transpose(rows.map(|row| T::lanes::<L>(load_or_zero(row, at))));
                for (weights, pair) in chunk.iter_mut().zip(pairs) {
                    weights[half] = L::store_i16(pair);
                }
            }
        }
    }

    /// Adds the products of eight values of four windows with the weights of eight outputs.
    #[inline(always)]
    fn add_products(
        sums: &mut [[L::I32; 2]; PIXEL_TILE],
        windows: [L::I16; PIXEL_TILE],
        weights: &PanelChunk,
    ) {
        let windows = windows.map(L::spread);
        for (pair, weights) in weights.iter().enumerate() {
            let [low, high] = weights.map(L::load_i16);
            for (sums, window) in sums.iter_mut().zip(windows) {
                sums[0] = L::add_i32(sums[0], L::dot(window[pair], low));
                sums[1] = L::add_i32(sums[1], L::dot(window[pair], high));
            }
        }
    }

    /// The outputs of a tile of a layer that reads its input as it is.
    fn pointwise_tile<T: Code>(
        conv: &ConvForward<'_, T>,
        finish: &Finish<'_>,
        panel: &[PanelChunk],
        x: &[i8],
        y: &mut [i8],
        mask: &mut [u8],
    ) {
        let c = conv.layer.in_channels();
        let n_pixels = conv.layer.out_pixels();
        #[expect(clippy::cast_possible_truncation, reason = "a code")]
        let zero_point = L::splat_i16(conv.layer.x_quant.zero_point as i16);
        let n_whole = c / DOT_LANES;
        let (whole, rest) = panel.split_at(n_whole);
        for first in (0..n_pixels).step_by(PIXEL_TILE) {
            // The last tile repeats its last pixel.
            let rows: [&[i8]; PIXEL_TILE] = from_fn(|lane| {
                let pixel = (first + lane).min(n_pixels - 1);
                &x[pixel * c..(pixel + 1) * c]
            });
            let mut sums = [[L::load_i32([0; 4]); 2]; PIXEL_TILE];
            // Slices of one length, so that the loop needs no bounds checks.
            let chunks = rows.map(|row| &row.as_chunks::<DOT_LANES>().0[..n_whole]);
            for (at, weights) in whole.iter().enumerate() {
                let codes = chunks.map(|chunks| L::sub_i16(L::widen(chunks[at]), zero_point));
                Self::add_products(&mut sums, codes, weights);
            }
            // Beyond the last channel the weights are zero.
            for weights in rest {
                let codes = rows.map(|row| L::widen(load_tail(row, n_whole * DOT_LANES)));
                let codes = codes.map(|codes| L::sub_i16(codes, zero_point));
                Self::add_products(&mut sums, codes, weights);
            }
            for (pixel, sums) in (first..n_pixels).zip(sums) {
                finish.store::<L>(sums, y, mask, pixel * conv.layer.out_channels());
            }
        }
    }

    /// The outputs of a tile whose windows were widened; `first` is the first of their pixels.
    fn window_tile<T: Code>(
        conv: &ConvForward<'_, T>,
        finish: &Finish<'_>,
        panel: &[PanelChunk],
        windows: &[i16],
        first: usize,
        y: &mut [i8],
        mask: &mut [u8],
    ) {
        let n_pixels = conv.layer.out_pixels();
        let len = panel.len() * DOT_LANES;
        for (windows, first) in windows
            .chunks_exact(PIXEL_TILE * len)
            .zip((first..n_pixels).step_by(PIXEL_TILE))
        {
            let mut sums = [[L::load_i32([0; 4]); 2]; PIXEL_TILE];
            let windows = windows.as_chunks::<DOT_LANES>().0;
            let windows: [&[[i16; DOT_LANES]]; PIXEL_TILE] =
                from_fn(|lane| &windows[lane * panel.len()..(lane + 1) * panel.len()]);
            for (at, weights) in panel.iter().enumerate() {
                let values = windows.map(|window| L::load_i16(window[at]));
                Self::add_products(&mut sums, values, weights);
            }
            for (pixel, sums) in (first..n_pixels).zip(sums) {
                finish.store::<L>(sums, y, mask, pixel * conv.layer.out_channels());
            }
        }
    }

    fn conv_forward_of<T: Code>(
        conv: &ConvForward<'_, T>,
        x: &[i8],
        y: &mut [i8],
        mask: &mut [u8],
        scratch: &mut [i16],
    ) {
        let layer = conv.layer;
        let n_outputs = layer.out_channels();
        let n_pixels = layer.out_pixels();
        let [frozen_len, trainable_len] = window_parts(layer);
        let window_len = frozen_len + trainable_len;
        let (panel, windows) = scratch.split_at_mut(OUTPUT_TILE * window_len);
        let panel: &mut [PanelChunk] = bytemuck::cast_slice_mut(panel);
        mask.fill(0);
        let is_direct = reads_input_directly(layer);
        // As many windows as the scratch has room for.
        let n_tile = if is_direct {
            n_pixels
        } else {
            windows.len() / window_len / PIXEL_TILE * PIXEL_TILE
        };
        for first in (0..n_pixels).step_by(n_tile.max(1)) {
            if !is_direct {
                let pixels = first..(first + n_tile).min(n_pixels);
                for (pixel, window) in pixels.zip(windows.chunks_exact_mut(window_len)) {
                    widen_window(layer, conv.channels, x, pixel, window);
                }
            }
            for output in (0..n_outputs).step_by(OUTPUT_TILE) {
                let (frozen, trainable) = panel.split_at_mut(frozen_len / DOT_LANES);
                Self::fill_panel(conv.frozen, output, n_outputs, frozen);
                Self::fill_panel(conv.trainable, output, n_outputs, trainable);
                let finish = Finish::new(conv.requantize, conv.largest_sum, output);
                if is_direct {
                    Self::pointwise_tile(conv, &finish, panel, x, y, mask);
                } else {
                    Self::window_tile(conv, &finish, panel, windows, first, y, mask);
                }
            }
        }
    }

    /// Outputs of eight depthwise channels.
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
        let [kh, kw] = layer.kernel.map(|extent| extent as usize);
        let [pt, pl] = layer.padding.map(|padding| padding as usize);
        let [sh, sw] = layer.stride.map(|stride| stride as usize);
        let largest_sum = largest_sum(layer.taps(), T::LIMIT);
        mask.fill(0);
        let interior = Interior::new(layer);
        for at in (0..c).step_by(8) {
            let finish = Finish::new(requantize, largest_sum, at);
            let taps = interior
                .as_ref()
                .map(|interior| interior.taps::<L, T>(weights, c, at));
            for oy in 0..out_h {
                let rows = taps_inside(&geometry, 0, oy);
                for ox in 0..out_w {
                    let columns = taps_inside(&geometry, 1, ox);
                    let sums = if let (Some(interior), Some(taps)) = (&interior, &taps)
                        && rows.len() == kh
                        && columns.len() == kw
                    {
                        let first = ((oy * sh - pt) * w + ox * sw - pl) * c + at;
                        interior.sums::<L>(taps, &x[first..])
                    } else {
                        let first = (oy * sh + rows.start - pt) * w + ox * sw + columns.start - pl;
                        let tap = rows.start * kw + columns.start;
                        Self::border_sums(
                            layer,
                            &weights[tap * c..],
                            &x[first * c..],
                            at,
                            [rows.len(), columns.len()],
                        )
                    };
                    finish.store::<L>(sums, y, mask, (oy * out_w + ox) * c);
                }
            }
        }
    }

    /// Sums of eight depthwise channels from `at` on over `[rows, columns]` of taps, the first
    /// of which the slices start with.
    #[inline(always)]
    fn border_sums<T: Code>(
        layer: &LayerRecord,
        weights: &[T],
        x: &[i8],
        at: usize,
        [rows, columns]: [usize; 2],
    ) -> [L::I32; 2] {
        let c = layer.in_channels();
        let (w, kw) = (layer.input[1] as usize, layer.kernel[1] as usize);
        #[expect(clippy::cast_possible_truncation, reason = "a code")]
        let zero_point = L::splat_i16(layer.x_quant.zero_point as i16);
        let zero = L::splat_i16(0);
        let mut sums = [L::load_i32([0; 4]); 2];
        for row in 0..rows {
            for column in (0..columns).step_by(2) {
                let here = (row * w + column) * c + at;
                let tap = (row * kw + column) * c + at;
                let has_second = column + 1 < columns;
                let first = T::lanes::<L>(load_or_zero(weights, tap));
                let second = if has_second {
                    T::lanes::<L>(load_or_zero(weights, tap + c))
                } else {
                    zero
                };
                let beside = if has_second { here + c } else { here };
                let codes = L::widen_pairs(load_or_zero(x, here), load_or_zero(x, beside));
                let factors = L::pairs(first, second);
                for half in 0..2 {
                    let codes = L::sub_i16(codes[half], zero_point);
                    sums[half] = L::add_i32(sums[half], L::dot(codes, factors[half]));
                }
            }
        }
        sums
    }
}

/// Pairs of taps of a depthwise kernel that pixels away from the border add up without a branch.
const MAX_PAIRS: usize = 32;

/// The way through the window of a pixel away from the border, where the kernel is small enough
/// (7x7 is): pairs of taps.
struct Interior {
    n_pairs: usize,
    n_taps: usize,
    zero_point: i32,
    /// Where the two taps of each pair stand in the input, from the first tap on.
    offsets: [[usize; 2]; MAX_PAIRS],
}

/// Weights of eight channels for [`Interior`].
struct InteriorTaps<L: Lanes> {
    pairs: [[L::I16; 2]; MAX_PAIRS],
    /// What the zero point of the input takes from every sum.
    start: [L::I32; 2],
}

impl Interior {
    fn new(layer: &LayerRecord) -> Option<Self> {
        let n_taps = layer.taps();
        let n_pairs = n_taps.div_ceil(2);
        if n_pairs > MAX_PAIRS {
            return None;
        }
        let (kw, w) = (layer.kernel[1] as usize, layer.input[1] as usize);
        let c = layer.in_channels();
        // A missing partner has no weight, so any place in the window will do.
        let offset = |tap: usize| {
            if tap < n_taps {
                (tap / kw * w + tap % kw) * c
            } else {
                0
            }
        };
        Some(Self {
            n_pairs,
            n_taps,
            zero_point: layer.x_quant.zero_point,
            offsets: from_fn(|pair| [offset(2 * pair), offset(2 * pair + 1)]),
        })
    }

    /// Weights `[taps, c]` of channels `at..at + 8`.
    fn taps<L: Lanes, T: Code>(&self, weights: &[T], c: usize, at: usize) -> InteriorTaps<L> {
        let zero = L::splat_i16(0);
        let lanes = |tap: usize| {
            if tap < self.n_taps {
                T::lanes::<L>(load_or_zero(weights, tap * c + at))
            } else {
                zero
            }
        };
        let mut totals = [L::load_i32([0; 4]); 2];
        let mut pairs = [[zero; 2]; MAX_PAIRS];
        let one = L::splat_i16(1);
        for (pair, both) in pairs.iter_mut().enumerate().take(self.n_pairs) {
            *both = L::pairs(lanes(2 * pair), lanes(2 * pair + 1));
            totals = from_fn(|half| L::add_i32(totals[half], L::dot(both[half], one)));
        }
        InteriorTaps {
            pairs,
            start: totals.map(|total| {
                let taken = L::store_i32(total).map(|sum| sum.wrapping_mul(-self.zero_point));
                L::load_i32(taken)
            }),
        }
    }

    /// Sums of eight channels of the window that `x` starts with.
    #[inline(always)]
    fn sums<L: Lanes>(&self, taps: &InteriorTaps<L>, x: &[i8]) -> [L::I32; 2] {
        let mut sums = taps.start;
        let pairs = taps.pairs.iter().zip(&self.offsets).take(self.n_pairs);
        for (weights, &[first, second]) in pairs {
            let codes = L::widen_pairs(load_or_zero(x, first), load_or_zero(x, second));
            sums = from_fn(|half| L::add_i32(sums[half], L::dot(codes[half], weights[half])));
        }
        sums
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
        match weights.trainable {
            Codes::Narrow(trainable) => {
                let conv = ConvForward::new(layer, &weights, trainable, requantize);
                Self::conv_forward_of(&conv, x, y, mask, scratch);
            }
            Codes::Wide(trainable) => {
                let conv = ConvForward::new(layer, &weights, trainable, requantize);
                Self::conv_forward_of(&conv, x, y, mask, scratch);
            }
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
        accumulate: Accumulate,
    ) {
        let [first, second] = lists_of_parts(layer, &weights);
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

    fn backward_input_of_codes(
        layer: &LayerRecord,
        weights: Weights<'_>,
        gradient: CodeGradient<'_>,
        row: &mut [f32],
        sink: &mut impl FnMut(usize, usize, f32),
    ) {
        if layer.depthwise && weights.channels.is_none() {
            match (layer.n_frozen, weights.trainable) {
                (0, Codes::Narrow(codes)) => {
                    depthwise_backward_of_codes(layer, codes, gradient, row, sink);
                }
                (0, Codes::Wide(codes)) => {
                    depthwise_backward_of_codes(layer, codes, gradient, row, sink);
                }
                _ => depthwise_backward_of_codes(layer, weights.frozen, gradient, row, sink),
            }
            return;
        }
        if layer.depthwise || !is_pointwise(layer) {
            Reference::backward_input_of_codes(layer, weights, gradient, row, sink);
            return;
        }
        let [first, second] = lists_of_parts(layer, &weights);
        Self::codes_backward_part(layer, weights.frozen, first, gradient, sink);
        match weights.trainable {
            Codes::Narrow(codes) => {
                Self::codes_backward_part(layer, codes, second, gradient, sink);
            }
            Codes::Wide(codes) => Self::codes_backward_part(layer, codes, second, gradient, sink),
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
            (0, Codes::Narrow(codes)) => Self::depthwise_backward_of(layer, codes, gradient, out),
            (0, Codes::Wide(codes)) => Self::depthwise_backward_of(layer, codes, gradient, out),
            _ => Self::depthwise_backward_of(layer, weights.frozen, gradient, out),
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
        let pointwise = is_pointwise(layer);
        let n_pixels = layer.out_pixels();
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
                let mut add = |codes: [i8; 8], gradient: [f32; ROW_TILE]| {
                    let codes = L::sub_i16(L::widen(codes), zero_point);
                    let [low, high] = L::to_f32(codes);
                    for (sum, g) in sums.iter_mut().zip(gradient) {
                        let g = L::splat(g);
                        sum[0] = L::add(sum[0], L::mul(low, g));
                        sum[1] = L::add(sum[1], L::mul(high, g));
                    }
                };
                if pointwise {
                    // What is read beyond a pixel's last channel or output is not stored.
                    for pixel in 0..n_pixels {
                        add(
                            load_or_zero(x, pixel * n + at),
                            load_or_zero(gradient, pixel * out_c + first_output),
                        );
                    }
                } else {
                    for oy in lines.clone() {
                        let line = (oy * sh + ky - pt) * w;
                        for ox in columns.clone() {
                            let pixel = line + ox * sw + kx - pl;
                            let out_pixel = oy * out_w + ox;
                            add(
                                load_or_zero(x, pixel * n + at),
                                load_or_zero(gradient, out_pixel * out_c + first_output),
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
        let (in_c, out_c) = (layer.n_trainable as usize, layer.out_channels());
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
                        // What is read beyond a pixel's last channel is not stored.
                        let codes = L::widen(load_or_zero(x, pixel * in_c + first + at));
                        let [low, high] = L::to_f32(L::sub_i16(codes, zero_point));
                        let out_pixel = oy * out_w + ox;
                        let g: [f32; 8] = load_or_zero(gradient, out_pixel * out_c + first + at);
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
