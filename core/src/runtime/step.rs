//! Runs one operation.

use core::ops::Range;

use super::kernels::{Kernels, Weights};
use super::noise::Noise;
use super::scratch::{CHANNEL_TILE, ROW_TILE};
use super::trace::{Parameter, SquareSums, Trace, UpdateTrace};
use super::update::{
    ChannelsOf, Counts, FlatIndex, StepParams, qas_factor, update_bias, update_weights,
};
use super::{Runtime, classifier, elementwise};
use crate::program::{LayerRecord, Op, Program, TensorIdx};
use crate::quant::{DEAD_CHANNEL_SCALE, Requantize};

/// Channels whose bias gradient is formed at once.
const BIAS_TILE: usize = 8;

/// Disjoint parts of the block, one a range; an absent operand is an empty range.
fn split<const N: usize>(arena: &mut [u8], ranges: [Range<usize>; N]) -> [&mut [u8]; N] {
    arena
        .get_disjoint_mut(ranges)
        .expect("invariant: the loader refuses operands of one operation that overlap")
}

/// The two sources of the weights of a layer; `arena` is what its weight tensor holds.
fn weights<'a, P: AsRef<[u8]>>(
    program: &'a Program<P>,
    layer: &LayerRecord,
    arena: &'a [u8],
) -> Weights<'a> {
    let n_frozen = layer.weight_len(layer.n_frozen as usize);
    Weights {
        frozen: program.constants(layer.frozen_weight, n_frozen),
        trainable: bytemuck::cast_slice(arena),
        channels: channels(program, layer),
    }
}

fn channels<'a, P: AsRef<[u8]>>(program: &'a Program<P>, layer: &LayerRecord) -> Option<&'a [u16]> {
    layer
        .channels
        .map(|offset| program.constants(offset, layer.in_channels()))
}

impl<P: AsRef<[u8]>, A: AsRef<[u8]> + AsMut<[u8]>, K: Kernels> Runtime<P, A, K> {
    /// Runs one operation. The loss operation returns the loss.
    ///
    /// # Panics
    /// When there is no operation of that index.
    pub fn run_op(
        &mut self,
        op_idx: u32,
        params: &StepParams,
        trace: &mut impl Trace,
    ) -> Option<f32> {
        match self.program.op(op_idx) {
            Op::Conv {
                layer,
                x,
                y,
                mask,
                scratch,
            } => {
                self.conv_forward(layer, x, y, mask, scratch);
            }
            Op::Add { add, a, b, y, mask } => self.add_forward(add, a, b, y, mask),
            Op::AveragePool { x, y, pixels, .. } => {
                let [x, y] = self.split([Some(x), Some(y)]);
                elementwise::average_pool(cast(x), cast_mut(y), pixels);
            }
            Op::SaveChannels { layer, x, saved } => {
                let record = self.program.layer(layer);
                let ranges = self.ranges([Some(x), Some(saved)]);
                let [x, saved] = split(self.arena.as_mut(), ranges);
                let list = channels(&self.program, &record).unwrap_or_default();
                let kept = &list[record.n_frozen as usize..];
                elementwise::save_channels(x, saved, record.in_channels(), kept);
            }
            Op::Classifier { x, logits } => {
                let head = self.program.meta().head;
                let [x, logits, weight, bias] = self.split([
                    Some(x),
                    Some(logits),
                    Some(head.weight_tensor),
                    Some(head.bias_tensor),
                ]);
                classifier::forward(
                    head.x_quant,
                    cast(x),
                    cast(weight),
                    cast(bias),
                    cast_mut(logits),
                );
            }
            Op::Loss {
                logits,
                label,
                gradient,
            } => {
                self.move_to(logits, gradient);
                let [gradient, label] = self.split([Some(gradient), Some(label)]);
                let label: &[u32] = cast(label);
                return Some(classifier::softmax_cross_entropy(
                    cast_mut(gradient),
                    label[0],
                ));
            }
            Op::ClassifierBackwardInput { gradient, out } => {
                let head = self.program.meta().head;
                let [gradient, out, weight] =
                    self.split([Some(gradient), Some(out), Some(head.weight_tensor)]);
                let scale = head.x_quant.scale;
                classifier::backward_input(scale, cast(gradient), cast(weight), cast_mut(out));
            }
            Op::ClassifierUpdate { x, gradient } => {
                self.classifier_update(x, gradient, params, trace);
            }
            Op::AveragePoolBackward {
                gradient,
                out,
                pixels,
                ..
            } => {
                let [gradient, out] = self.split([Some(gradient), Some(out)]);
                elementwise::average_pool_backward(cast(gradient), cast_mut(out), pixels);
            }
            Op::MaskScale {
                layer,
                gradient,
                out,
                mask,
            } => {
                self.move_to(gradient, out);
                let record = self.program.layer(layer);
                let ranges = self.ranges([Some(out), Some(mask)]);
                let [out, mask] = split(self.arena.as_mut(), ranges);
                let scale = self
                    .program
                    .constants(record.effective_scale, record.out_channels());
                elementwise::mask_scale(cast_mut(out), mask, scale);
            }
            Op::BiasUpdate { layer, gradient } => {
                self.bias_update(layer, gradient, params, trace);
            }
            Op::ConvBackwardInput {
                layer,
                gradient,
                out,
                accumulate,
            } => {
                let record = self.program.layer(layer);
                let ranges = self.ranges([Some(gradient), Some(out), record.weight_tensor]);
                let [gradient, out, weight] = split(self.arena.as_mut(), ranges);
                let weights = weights(&self.program, &record, weight);
                let (gradient, out) = (cast(gradient), cast_mut(out));
                if record.depthwise {
                    K::depthwise_backward_input(&record, weights, gradient, out, accumulate);
                } else {
                    K::conv_backward_input(&record, weights, gradient, out, accumulate);
                }
            }
            Op::WeightUpdate {
                layer,
                x,
                gradient,
                scratch,
            } => {
                self.weight_update(layer, x, gradient, scratch, params, trace);
            }
            Op::AddBackward {
                add,
                gradient,
                shortcut,
                branch,
                mask,
            } => {
                let record = self.program.add(add);
                let in_place = shortcut.or(branch);
                if let Some(out) = in_place {
                    self.move_to(gradient, out);
                }
                let second = shortcut.and(branch);
                let [first, second, mask] = self.split([in_place, second, Some(mask)]);
                let scale = |quant: crate::quant::QuantParams| quant.scale / record.y_quant.scale;
                let first_scale = if shortcut.is_some() {
                    record.a_quant
                } else {
                    record.b_quant
                };
                elementwise::add_backward(
                    cast_mut(first),
                    cast_mut(second),
                    mask,
                    [scale(first_scale), scale(record.b_quant)],
                );
            }
        }
        None
    }

    fn ranges<const N: usize>(&self, tensors: [Option<TensorIdx>; N]) -> [Range<usize>; N] {
        tensors.map(|tensor| tensor.map_or(0..0, |tensor| self.range(tensor)))
    }

    fn split<const N: usize>(&mut self, tensors: [Option<TensorIdx>; N]) -> [&mut [u8]; N] {
        let ranges = self.ranges(tensors);
        split(self.arena.as_mut(), ranges)
    }

    /// Copies a tensor to the one that takes its place, unless they share storage.
    fn move_to(&mut self, from: TensorIdx, to: TensorIdx) {
        let (from, to) = (self.range(from), self.range(to));
        if from != to {
            self.arena.as_mut().copy_within(from, to.start);
        }
    }

    fn conv_forward(
        &mut self,
        layer: u32,
        x: TensorIdx,
        y: TensorIdx,
        mask: Option<TensorIdx>,
        scratch: Option<TensorIdx>,
    ) {
        let record = self.program.layer(layer);
        let outputs = record.out_channels();
        let ranges = self.ranges([
            Some(x),
            Some(y),
            mask,
            scratch,
            record.weight_tensor,
            record.bias_tensor,
        ]);
        let [x, y, mask, scratch, weight, bias] = split(self.arena.as_mut(), ranges);
        let weights = weights(&self.program, &record, weight);
        let requantize = Requantize {
            bias: match record.bias_tensor {
                Some(_) => cast(bias),
                None => self.program.constants(record.bias, outputs),
            },
            effective_scale: self.program.constants(record.effective_scale, outputs),
            zero_point: record.y_quant.zero_point,
            min: record.clamp[0],
            max: record.clamp[1],
        };
        let (x, y) = (cast(x), cast_mut(y));
        if !record.depthwise {
            K::conv_forward(&record, weights, &requantize, x, y, mask, cast_mut(scratch));
        } else if record.is_partial() {
            let merged: &mut [i8] = cast_mut(scratch);
            elementwise::merge_depthwise(&record, weights, merged);
            K::depthwise_forward(&record, merged, &requantize, x, y, mask);
        } else {
            let codes = if record.n_trainable > 0 {
                weights.trainable
            } else {
                weights.frozen
            };
            K::depthwise_forward(&record, codes, &requantize, x, y, mask);
        }
    }

    fn add_forward(
        &mut self,
        add: u32,
        a: TensorIdx,
        b: TensorIdx,
        y: TensorIdx,
        mask: Option<TensorIdx>,
    ) {
        self.move_to(a, y);
        let record = self.program.add(add);
        let [y, b, mask] = self.split([Some(y), Some(b), mask]);
        K::add_forward(&record, cast_mut(y), cast(b), mask);
    }

    fn classifier_update(
        &mut self,
        x: TensorIdx,
        gradient: TensorIdx,
        params: &StepParams,
        trace: &mut impl Trace,
    ) {
        let head = self.program.meta().head;
        let [x, gradient, weight, bias] = self.split([
            Some(x),
            Some(gradient),
            Some(head.weight_tensor),
            Some(head.bias_tensor),
        ]);
        let wants_squares = trace.wants_squares();
        let [weight_trace, bias_trace] = classifier::update(
            head.x_quant,
            cast(x),
            cast(gradient),
            cast_mut(weight),
            cast_mut(bias),
            params.learning_rate,
            wants_squares,
        );
        trace.update(weight_trace);
        trace.update(bias_trace);
    }

    fn bias_update(
        &mut self,
        layer: u32,
        gradient: TensorIdx,
        params: &StepParams,
        trace: &mut impl Trace,
    ) {
        let record = self.program.layer(layer);
        let outputs = record.out_channels();
        let ranges = self.ranges([Some(gradient), record.bias_tensor]);
        let [gradient, bias] = split(self.arena.as_mut(), ranges);
        let gradient: &[f32] = cast(gradient);
        let bias: &mut [i32] = cast_mut(bias);
        let weight_scale = self.program.constants::<f32>(record.weight_scale, outputs);
        let parameter = Parameter::Bias(layer);
        let noise = Noise::new(params.seed, params.step, parameter.noise_key());
        let mut counts = Counts::default();
        let mut squares = trace.wants_squares().then(SquareSums::default);
        for (tile, biases) in bias.chunks_mut(BIAS_TILE).enumerate() {
            let first = tile * BIAS_TILE;
            let mut sums = [0.0; BIAS_TILE];
            elementwise::bias_gradient(gradient, outputs, first, &mut sums[..biases.len()]);
            for (lane, bias) in biases.iter_mut().enumerate() {
                let channel = first + lane;
                let scale = weight_scale[channel];
                if scale < DEAD_CHANNEL_SCALE {
                    counts.dead += 1;
                    continue;
                }
                let scale = scale * record.x_quant.scale;
                if let Some(squares) = &mut squares {
                    #[expect(clippy::cast_precision_loss, reason = "a norm for display")]
                    let value = *bias as f32;
                    squares.add_channel(value * value, sums[lane] * sums[lane], scale);
                }
                #[expect(clippy::cast_possible_truncation, reason = "at most 4096 channels")]
                let unit = noise.unit(channel as u32);
                counts.add(update_bias(
                    bias,
                    sums[lane],
                    params.learning_rate,
                    qas_factor(params.qas, scale),
                    unit,
                ));
            }
        }
        trace.update(update_trace(parameter, outputs, counts, squares));
    }

    fn weight_update(
        &mut self,
        layer: u32,
        x: TensorIdx,
        gradient: TensorIdx,
        scratch: TensorIdx,
        params: &StepParams,
        trace: &mut impl Trace,
    ) {
        let record = self.program.layer(layer);
        let ranges = self.ranges([Some(x), Some(gradient), Some(scratch), record.weight_tensor]);
        let [x, gradient, scratch, weight] = split(self.arena.as_mut(), ranges);
        let (x, gradient): (&[i8], &[f32]) = (cast(x), cast(gradient));
        let (rows, weight): (&mut [f32], &mut [i8]) = (cast_mut(scratch), cast_mut(weight));
        let outputs = record.out_channels();
        let scales = self.program.constants::<f32>(record.weight_scale, outputs);
        let list = channels(&self.program, &record).map(|list| &list[record.n_frozen as usize..]);
        let parameter = Parameter::Weight(layer);
        let update = TileUpdate {
            layer: &record,
            scales,
            list,
            noise: Noise::new(params.seed, params.step, parameter.noise_key()),
            params,
        };
        let n_elements = weight.len();
        let mut counts = Counts::default();
        let mut squares = trace.wants_squares().then(SquareSums::default);
        let n_trainable = record.n_trainable as usize;
        if record.depthwise {
            for first in (0..n_trainable).step_by(CHANNEL_TILE) {
                let n = (n_trainable - first).min(CHANNEL_TILE);
                let rows = &mut rows[..record.taps() * n];
                K::depthwise_weight_gradient(&record, list, x, gradient, first, rows);
                update.depthwise(weight, rows, first, &mut counts, &mut squares);
            }
        } else {
            let row_len = record.taps() * n_trainable;
            for first in (0..outputs).step_by(ROW_TILE) {
                let n = (outputs - first).min(ROW_TILE);
                let rows = &mut rows[..n * row_len];
                K::conv_weight_gradient(&record, x, gradient, first, rows);
                update.conv(weight, rows, first, &mut counts, &mut squares);
            }
        }
        trace.update(update_trace(parameter, n_elements, counts, squares));
    }
}

/// Applies one tile of a weight gradient.
struct TileUpdate<'a> {
    layer: &'a LayerRecord,
    scales: &'a [f32],
    /// Original index of each trainable channel, if not all channels learn.
    list: Option<&'a [u16]>,
    noise: Noise,
    params: &'a StepParams,
}

impl TileUpdate<'_> {
    fn conv(
        &self,
        weight: &mut [i8],
        rows: &[f32],
        first_output: usize,
        counts: &mut Counts,
        squares: &mut Option<SquareSums>,
    ) {
        let n_trainable = self.layer.n_trainable as usize;
        let (taps, in_channels) = (self.layer.taps(), self.layer.in_channels());
        let row_len = taps * n_trainable;
        for (row, gradient) in rows.chunks_exact(row_len).enumerate() {
            let output = first_output + row;
            let scale = self.scales[output];
            if scale < DEAD_CHANNEL_SCALE {
                counts.dead += flat(row_len);
                continue;
            }
            let weight = &mut weight[output * row_len..(output + 1) * row_len];
            if let Some(squares) = squares {
                squares.add_channel(code_squares(weight), float_squares(gradient), scale);
            }
            let factor = qas_factor(self.params.qas, scale);
            let taps_of_row = weight
                .chunks_exact_mut(n_trainable)
                .zip(gradient.chunks_exact(n_trainable));
            for (tap, (weight, gradient)) in taps_of_row.enumerate() {
                let index = FlatIndex {
                    base: flat((output * taps + tap) * in_channels),
                    stride: 1,
                    channels: self.list.map_or(ChannelsOf::From(0), ChannelsOf::Listed),
                };
                counts.add(self.run(weight, gradient, |_| factor, index));
            }
        }
    }

    fn depthwise(
        &self,
        weight: &mut [i8],
        rows: &[f32],
        first: usize,
        counts: &mut Counts,
        squares: &mut Option<SquareSums>,
    ) {
        let taps = self.layer.taps();
        let n_trainable = self.layer.n_trainable as usize;
        let n = rows.len() / taps;
        let channel_of = |k: usize| {
            self.list
                .map_or(first + k, |list| usize::from(list[first + k]))
        };
        let mut factors = [0.0; CHANNEL_TILE];
        for (k, factor) in factors.iter_mut().enumerate().take(n) {
            let scale = self.scales[channel_of(k)];
            // A zero factor leaves a dead channel as it is: floor(0 + u) is 0.
            if scale < DEAD_CHANNEL_SCALE {
                counts.dead += flat(taps);
            } else {
                *factor = qas_factor(self.params.qas, scale);
            }
        }
        for (tap, gradient) in rows.chunks_exact(n).enumerate() {
            let weight = &mut weight[tap * n_trainable + first..][..n];
            if let Some(squares) = squares {
                for (k, (code, gradient)) in weight.iter().zip(gradient).enumerate() {
                    let scale = self.scales[channel_of(k)];
                    if scale >= DEAD_CHANNEL_SCALE {
                        let gradient = core::slice::from_ref(gradient);
                        let code = core::slice::from_ref(code);
                        squares.add_channel(code_squares(code), float_squares(gradient), scale);
                    }
                }
            }
            let index = FlatIndex {
                base: flat(tap),
                stride: flat(taps),
                channels: self.list.map_or(ChannelsOf::From(flat(first)), |list| {
                    ChannelsOf::Listed(&list[first..])
                }),
            };
            counts.add(self.run(weight, gradient, |k| factors[k], index));
        }
    }

    fn run(
        &self,
        weight: &mut [i8],
        gradient: &[f32],
        factor: impl Fn(usize) -> f32,
        index: FlatIndex<'_>,
    ) -> Counts {
        update_weights(
            weight,
            gradient,
            self.params.learning_rate,
            factor,
            self.noise,
            index,
        )
    }
}

fn update_trace(
    parameter: Parameter,
    n_elements: usize,
    counts: Counts,
    squares: Option<SquareSums>,
) -> UpdateTrace {
    UpdateTrace {
        parameter,
        n_elements: flat(n_elements),
        n_dead: counts.dead,
        n_moved: counts.moved,
        n_vanished: counts.vanished,
        squares,
    }
}

/// An index into a weight; the loader keeps weights below 2^32 elements.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked when the program was loaded"
)]
fn flat(index: usize) -> u32 {
    index as u32
}

fn code_squares(codes: &[i8]) -> f32 {
    codes
        .iter()
        .map(|&code| f32::from(code) * f32::from(code))
        .sum()
}

fn float_squares(values: &[f32]) -> f32 {
    values.iter().map(|value| value * value).sum()
}

fn cast<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> &[T] {
    bytemuck::cast_slice(bytes)
}

fn cast_mut<T: bytemuck::NoUninit + bytemuck::AnyBitPattern>(bytes: &mut [u8]) -> &mut [T] {
    bytemuck::cast_slice_mut(bytes)
}
