//! Runs one operation: the forward pass and the loss.

use core::ops::Range;

use super::kernels::{Codes, Kernels, Weights};
use super::trace::Trace;
use super::update::StepParams;
use super::{Runtime, classifier, elementwise, pool, scratch};
use crate::program::{HeadRecord, LayerRecord, Op, Program, TensorIdx};
use crate::quant::{Bias, Requantize, UpdateRule};

/// Disjoint parts of the block, one a range; an absent operand is an empty range.
pub(super) fn split<const N: usize>(arena: &mut [u8], ranges: [Range<usize>; N]) -> [&mut [u8]; N] {
    arena
        .get_disjoint_mut(ranges)
        .expect("invariant: the loader refuses operands of one operation that overlap")
}

/// The two sources of the weights of a layer. `arena` is what its weight tensor holds; masters
/// are rounded into the front of `scratch`, whose rest is returned.
pub(super) fn weights<'a, P: AsRef<[u8]>>(
    program: &'a Program<P>,
    layer: &LayerRecord,
    arena: &'a [u8],
    scratch: &'a mut [u8],
) -> (Weights<'a>, &'a mut [u8]) {
    let rules = program.rules();
    let (rounded, rest) = scratch.split_at_mut(scratch::rounded_codes(layer, rules));
    let trainable = if rules.update == UpdateRule::Master {
        let n_codes = layer.weight_len(layer.n_trainable as usize);
        let codes: &mut [i16] = &mut cast_mut(rounded)[..n_codes];
        elementwise::round_masters(cast(arena), rules.master_codes, codes);
        Codes::Wide(codes)
    } else {
        Codes::Narrow(bytemuck::cast_slice(arena))
    };
    let n_frozen = layer.weight_len(layer.n_frozen as usize);
    let weights = Weights {
        frozen: program.constants(layer.frozen_weight, n_frozen),
        trainable,
        channels: channels(program, layer),
    };
    (weights, rest)
}

pub(super) fn channels<'a, P: AsRef<[u8]>>(
    program: &'a Program<P>,
    layer: &LayerRecord,
) -> Option<&'a [u16]> {
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
        let op = self.program.op(op_idx);
        if self.run_forward(op_idx, op) {
            return None;
        }
        match op {
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
            backward => self.run_backward(backward, params, trace),
        }
        None
    }

    /// Runs operation `op_idx`, which is `op`, if it is one that computes activations; gives
    /// whether it is. Apart from the others, so that whoever only predicts has no code to learn.
    pub(super) fn run_forward(&mut self, op_idx: u32, op: Op) -> bool {
        match op {
            Op::Conv {
                layer,
                x,
                y,
                mask,
                scratch,
                ..
            } => {
                self.conv_forward(layer, x, y, mask, scratch);
            }
            Op::Stream { x, y, scratch, .. } => self.stream_forward(op_idx, [x, y, scratch]),
            Op::Add { add, a, b, y, mask } => self.add_forward(add, a, b, y, mask),
            Op::AveragePool { x, y, pixels, .. } => {
                let rule = self.program.rules().elementwise;
                let [x, y] = self.split([Some(x), Some(y)]);
                elementwise::average_pool(rule, cast(x), cast_mut(y), pixels);
            }
            Op::Pool { pool, x, y, mask } => {
                let record = self.program.pool(pool);
                let rule = self.program.rules().elementwise;
                let [x, y, mask] = self.split([Some(x), Some(y), mask]);
                pool::forward(&record, rule, cast(x), cast_mut(y), mask);
            }
            Op::SaveChannels {
                layer, x, saved, ..
            } => {
                let record = self.program.layer(layer);
                let ranges = self.ranges([Some(x), Some(saved)]);
                let [x, saved] = split(self.arena.as_mut(), ranges);
                let list = channels(&self.program, &record).unwrap_or_default();
                let kept = &list[record.n_frozen as usize..];
                elementwise::save_channels(x, saved, record.in_channels(), kept);
            }
            Op::Classifier { x, logits } => self.classifier_forward(x, logits),
            Op::Logits { x, logits } => {
                let (quant, rule) = (self.head().x_quant, self.program.rules().logits);
                let [x, logits] = self.split([Some(x), Some(logits)]);
                classifier::logits(quant, rule, cast(x), cast_mut(logits));
            }
            _ => return false,
        }
        true
    }

    pub(super) fn ranges<const N: usize>(
        &self,
        tensors: [Option<TensorIdx>; N],
    ) -> [Range<usize>; N] {
        tensors.map(|tensor| tensor.map_or(0..0, |tensor| self.range(tensor)))
    }

    pub(super) fn split<const N: usize>(
        &mut self,
        tensors: [Option<TensorIdx>; N],
    ) -> [&mut [u8]; N] {
        let ranges = self.ranges(tensors);
        split(self.arena.as_mut(), ranges)
    }

    /// Copies a tensor to the one that takes its place, unless they share storage.
    pub(super) fn move_to(&mut self, from: TensorIdx, to: TensorIdx) {
        let (from, to) = (self.range(from), self.range(to));
        if from != to {
            self.arena.as_mut().copy_within(from, to.start);
        }
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn conv_forward(
        &mut self,
        layer: u32,
        x: TensorIdx,
        y: TensorIdx,
        mask: Option<TensorIdx>,
        scratch: Option<TensorIdx>,
    ) {
        let record = self.program.layer(layer);
        let ranges = self.ranges([
            Some(x),
            Some(y),
            mask,
            scratch,
            record.weight_tensor,
            record.bias_tensor,
        ]);
        let tensors = split(self.arena.as_mut(), ranges);
        convolve::<K, _>(&self.program, &record, tensors);
    }

    #[cfg_attr(target_os = "none", inline(never))]
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
        let rule = self.program.rules().elementwise;
        let [y, b, mask] = self.split([Some(y), Some(b), mask]);
        K::add_forward(&record, rule, cast_mut(y), cast(b), mask);
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn classifier_forward(&mut self, x: TensorIdx, logits: TensorIdx) {
        let head = self.head();
        let Some(classifier) = head.classifier else {
            return;
        };
        let [x, logits, weight, bias] = self.split([
            Some(x),
            Some(logits),
            Some(classifier.weight_tensor),
            Some(classifier.bias_tensor),
        ]);
        let (weight, bias) = (cast(weight), cast(bias));
        classifier::forward(head.x_quant, cast(x), weight, bias, cast_mut(logits));
    }

    pub(super) fn head(&self) -> HeadRecord {
        self.program.meta().head
    }
}

/// One convolution on its tensors; those of a layer that does not learn are empty.
pub(super) fn convolve<K: Kernels, P: AsRef<[u8]>>(
    program: &Program<P>,
    layer: &LayerRecord,
    [x, y, mask, scratch, weight, bias]: [&mut [u8]; 6],
) {
    let outputs = layer.out_channels();
    let (weights, scratch) = weights(program, layer, weight, scratch);
    let rules = program.rules();
    let requantize = Requantize {
        rule: rules.requantize,
        bias: match layer.bias_tensor {
            Some(_) if rules.update == UpdateRule::Master => Bias::Float(cast(bias)),
            Some(_) => Bias::Int(cast(bias)),
            None => Bias::Int(program.constants(layer.bias, outputs)),
        },
        effective_scale: program.constants(layer.effective_scale, outputs),
        fixed_scale: layer
            .fixed_scale
            .map_or(&[][..], |offset| program.constants(offset, outputs)),
        zero_point: layer.y_quant.zero_point,
        min: layer.clamp[0],
        max: layer.clamp[1],
    };
    let (x, y) = (cast(x), cast_mut(y));
    if layer.depthwise {
        let codes = merged(layer, weights, scratch);
        K::depthwise_forward(layer, codes, &requantize, x, y, mask);
    } else {
        let scratch = cast_mut(scratch);
        K::conv_forward(layer, weights, &requantize, x, y, mask, scratch);
    }
}

/// The weights of a depthwise layer in one piece, `[taps, C]`: a partially updated one is merged
/// into `scratch`.
fn merged<'a>(layer: &LayerRecord, weights: Weights<'a>, scratch: &'a mut [u8]) -> Codes<'a> {
    if layer.n_trainable == 0 {
        return Codes::Narrow(weights.frozen);
    }
    let Some(list) = weights.channels else {
        return weights.trainable;
    };
    match weights.trainable {
        Codes::Narrow(trainable) => {
            let merged = cast_mut(scratch);
            elementwise::merge_depthwise(layer, weights.frozen, trainable, list, merged);
            Codes::Narrow(merged)
        }
        Codes::Wide(trainable) => {
            let merged = cast_mut(scratch);
            elementwise::merge_depthwise(layer, weights.frozen, trainable, list, merged);
            Codes::Wide(merged)
        }
    }
}

pub(super) fn cast<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> &[T] {
    bytemuck::cast_slice(bytes)
}

pub(super) fn cast_mut<T: bytemuck::NoUninit + bytemuck::AnyBitPattern>(
    bytes: &mut [u8],
) -> &mut [T] {
    bytemuck::cast_slice_mut(bytes)
}
