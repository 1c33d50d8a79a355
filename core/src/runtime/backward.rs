//! Runs one operation of the backward pass: gradients and updates.

use super::apply::{BiasUpdate, TileUpdate, update_trace};
use super::classifier::Stored;
use super::kernels::{Accumulate, Kernels};
use super::scratch::{CHANNEL_TILE, ROW_TILE};
use super::step::{cast, cast_mut, split, weights};
use super::trace::{Parameter, SquareSums, Trace};
use super::update::{Counts, StepParams, StoredBias, StoredWeights};
use super::{Runtime, classifier, elementwise, int8_gradient, pool};
use crate::program::{Op, TensorIdx};
use crate::quant::{GradientType, LogitScale, QuantParams};

/// Channels whose bias gradient is formed at once.
const BIAS_TILE: usize = 8;

impl<P: AsRef<[u8]>, A: AsRef<[u8]> + AsMut<[u8]>, K: Kernels> Runtime<P, A, K> {
    pub(super) fn run_backward(&mut self, op: Op, params: &StepParams, trace: &mut impl Trace) {
        match op {
            Op::LogitsBackward { gradient, out } => self.logits_backward(gradient, out),
            Op::ClassifierBackwardInput { gradient, out } => {
                self.classifier_backward_input(gradient, out);
            }
            Op::ClassifierUpdate { x, gradient } => {
                self.classifier_update(x, gradient, params, trace);
            }
            Op::AveragePoolBackward {
                gradient,
                out,
                pixels,
                channels,
            } => self.average_pool_backward(gradient, out, pixels, channels as usize),
            Op::PoolBackward {
                pool,
                x,
                gradient,
                out,
                mask,
            } => self.pool_backward(pool, x, gradient, out, mask),
            Op::MaskScale {
                layer,
                gradient,
                out,
                mask,
            } => self.mask_scale(layer, gradient, out, mask),
            Op::BiasUpdate { layer, gradient } => {
                self.bias_update(layer, gradient, params, trace);
            }
            Op::ConvBackwardInput {
                layer,
                gradient,
                out,
                accumulate,
                scratch,
            } => self.conv_backward_input(layer, gradient, out, accumulate, scratch),
            Op::WeightUpdate {
                layer,
                x,
                gradient,
                scratch,
            } => self.weight_update(layer, [x, gradient, scratch], params, trace),
            Op::AddBackward {
                add,
                gradient,
                shortcut,
                branch,
                mask,
            } => self.add_backward(add, gradient, [shortcut, branch], mask),
            Op::BlockBackward { .. } => self.block_backward(op, params, trace),
            // The forward pass was run before this was called.
            _ => {}
        }
    }

    fn stores_int8(&self) -> bool {
        self.program.rules().gradient == GradientType::I8
    }

    fn logits_backward(&mut self, gradient: TensorIdx, out: TensorIdx) {
        let head = self.head();
        let scale = match self.program.rules().logits {
            LogitScale::Real => head.x_quant.scale,
            LogitScale::Codes => 1.0,
        };
        let is_int8 = self.stores_int8();
        let [gradient, out] = self.split([Some(gradient), Some(out)]);
        let gradient: &[f32] = cast(gradient);
        if is_int8 {
            int8_gradient::store(out, gradient.len(), |at| gradient[at] * scale);
        } else {
            let out: &mut [f32] = cast_mut(out);
            for (out, gradient) in out.iter_mut().zip(gradient) {
                *out = gradient * scale;
            }
        }
    }

    fn classifier_backward_input(&mut self, gradient: TensorIdx, out: TensorIdx) {
        let head = self.head();
        let Some(classifier) = head.classifier else {
            return;
        };
        let is_int8 = self.stores_int8();
        let tensors = [Some(gradient), Some(out), Some(classifier.weight_tensor)];
        let [gradient, out, weight] = self.split(tensors);
        let (gradient, weight): (&[f32], &[f32]) = (cast(gradient), cast(weight));
        let scale = head.x_quant.scale;
        if is_int8 {
            let n = head.n_features as usize;
            int8_gradient::store(out, n, |feature| {
                let products = gradient
                    .iter()
                    .zip(weight.chunks_exact(n))
                    .map(|(gradient, row)| gradient * row[feature]);
                scale * products.fold(0.0, |sum, product| sum + product)
            });
        } else {
            classifier::backward_input(scale, gradient, weight, cast_mut(out));
        }
    }

    fn classifier_update(
        &mut self,
        x: TensorIdx,
        gradient: TensorIdx,
        params: &StepParams,
        trace: &mut impl Trace,
    ) {
        let head = self.head();
        let Some(classifier) = head.classifier else {
            return;
        };
        let [x, gradient, weight, bias, of_weight, of_bias] = self.split([
            Some(x),
            Some(gradient),
            Some(classifier.weight_tensor),
            Some(classifier.bias_tensor),
            classifier.velocity_tensors[0],
            classifier.velocity_tensors[1],
        ]);
        let stored = Stored {
            weight: cast_mut(weight),
            bias: cast_mut(bias),
            velocities: [cast_mut(of_weight), cast_mut(of_bias)],
        };
        let (x, gradient) = (cast(x), cast(gradient));
        let traces = classifier::update(head.x_quant, x, gradient, stored, params, trace);
        for update in traces {
            trace.update(update);
        }
    }

    fn average_pool_backward(
        &mut self,
        gradient: TensorIdx,
        out: TensorIdx,
        pixels: u32,
        n_channels: usize,
    ) {
        let is_int8 = self.stores_int8();
        let [gradient, out] = self.split([Some(gradient), Some(out)]);
        if !is_int8 {
            elementwise::average_pool_backward(cast(gradient), cast_mut(out), pixels);
            return;
        }
        // Every pixel holds the same codes; only the scale changes.
        let stored = int8_gradient::read(gradient, n_channels);
        let n = n_channels * pixels as usize;
        for codes in int8_gradient::codes_mut(out, n).chunks_exact_mut(n_channels) {
            codes.copy_from_slice(stored.codes);
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 65536")]
        let count = pixels as f32;
        int8_gradient::write_scale(out, stored.scale / count);
    }

    fn pool_backward(
        &mut self,
        pool: u32,
        x: Option<TensorIdx>,
        gradient: TensorIdx,
        out: TensorIdx,
        mask: TensorIdx,
    ) {
        let record = self.program.pool(pool);
        let is_int8 = self.stores_int8();
        let [x, gradient, out, mask] = self.split([x, Some(gradient), Some(out), Some(mask)]);
        let (x, mask): (&[i8], &[u8]) = (cast(x), mask);
        if is_int8 {
            let stored = int8_gradient::read(gradient, record.geometry.out_len());
            let value = |at: usize| f32::from(stored.codes[at]) * stored.scale;
            int8_gradient::store(out, record.geometry.in_len(), |at| {
                pool::input_gradient(&record, x, mask, value, at)
            });
        } else {
            let gradient: &[f32] = cast(gradient);
            let out: &mut [f32] = cast_mut(out);
            for (at, out) in out.iter_mut().enumerate() {
                *out = pool::input_gradient(&record, x, mask, |at| gradient[at], at);
            }
        }
    }

    fn mask_scale(&mut self, layer: u32, gradient: TensorIdx, out: TensorIdx, mask: TensorIdx) {
        self.move_to(gradient, out);
        let record = self.program.layer(layer);
        let is_int8 = self.stores_int8();
        let ranges = self.ranges([Some(out), Some(mask)]);
        let [out, mask] = split(self.arena.as_mut(), ranges);
        if is_int8 {
            int8_gradient::mask(int8_gradient::codes_mut(out, record.out_len()), mask);
            return;
        }
        let scale = self
            .program
            .constants(record.effective_scale, record.out_channels());
        elementwise::mask_scale(cast_mut(out), mask, scale, 0, scale.len());
    }

    fn conv_backward_input(
        &mut self,
        layer: u32,
        gradient: TensorIdx,
        out: TensorIdx,
        accumulate: bool,
        scratch: Option<TensorIdx>,
    ) {
        let record = self.program.layer(layer);
        let is_int8 = self.stores_int8();
        let tensors = [Some(gradient), Some(out), scratch, record.weight_tensor];
        let ranges = self.ranges(tensors);
        let [gradient, out, scratch, weight] = split(self.arena.as_mut(), ranges);
        let (weights, scratch) = weights(&self.program, &record, weight, scratch);
        if is_int8 {
            let scales = self
                .program
                .constants(record.effective_scale, record.out_channels());
            let gradient = int8_gradient::read(gradient, record.out_len());
            let row = cast_mut(scratch);
            int8_gradient::conv_backward_input::<K>(
                &record, weights, scales, gradient, out, accumulate, row,
            );
            return;
        }
        let (gradient, out) = (cast(gradient), cast_mut(out));
        if record.depthwise {
            K::depthwise_backward_input(&record, weights, gradient, out, accumulate);
        } else {
            let accumulate = if accumulate {
                Accumulate::After
            } else {
                Accumulate::No
            };
            K::conv_backward_input(&record, weights, gradient, out, accumulate);
        }
    }

    /// Gradients at the inputs of a residual add, `[shortcut, branch]`.
    fn add_backward(
        &mut self,
        add: u32,
        gradient: TensorIdx,
        [shortcut, branch]: [Option<TensorIdx>; 2],
        mask: TensorIdx,
    ) {
        let record = self.program.add(add);
        let is_int8 = self.stores_int8();
        let in_place = shortcut.or(branch);
        if let Some(out) = in_place {
            self.move_to(gradient, out);
        }
        let [first, second, mask] = self.split([in_place, shortcut.and(branch), Some(mask)]);
        let scale = |quant: QuantParams| quant.scale / record.y_quant.scale;
        let of_first = scale(if shortcut.is_some() {
            record.a_quant
        } else {
            record.b_quant
        });
        let of_second = scale(record.b_quant);
        if !is_int8 {
            let scales = [of_first, of_second];
            elementwise::add_backward(cast_mut(first), cast_mut(second), mask, scales);
            return;
        }
        // Codes stay as they are; the scales carry the factors.
        let n = record.len as usize;
        int8_gradient::mask(int8_gradient::codes_mut(first, n), mask);
        if !second.is_empty() {
            second.copy_from_slice(first);
            int8_gradient::rescale(second, n, of_second);
        }
        int8_gradient::rescale(first, n, of_first);
    }

    fn bias_update(
        &mut self,
        layer: u32,
        gradient: TensorIdx,
        params: &StepParams,
        trace: &mut impl Trace,
    ) {
        let record = self.program.layer(layer);
        let rules = self.program.rules();
        let outputs = record.out_channels();
        let ranges = self.ranges([
            Some(gradient),
            record.bias_tensor,
            record.velocity_tensors[1],
        ]);
        let [gradient, bias, velocity] = split(self.arena.as_mut(), ranges);
        let gradient: &[u8] = gradient;
        let mut stored = StoredBias::new(rules, bias, velocity);
        let update = BiasUpdate::new(&self.program, &record, layer, params);
        let effective_scale = self
            .program
            .constants::<f32>(record.effective_scale, outputs);
        let mut counts = Counts::default();
        let mut squares = trace.wants_squares().then(SquareSums::default);
        let mut sums = [0.0; BIAS_TILE];
        for (channel, &scale) in effective_scale.iter().enumerate() {
            let lane = channel % BIAS_TILE;
            if lane == 0 && rules.gradient == GradientType::F32 {
                let n = (outputs - channel).min(BIAS_TILE);
                sums.fill(0.0);
                elementwise::bias_gradient(cast(gradient), outputs, channel, &mut sums[..n]);
            }
            let sum = match rules.gradient {
                GradientType::F32 => sums[lane],
                GradientType::I8 => {
                    let gradient = int8_gradient::read(gradient, record.out_len());
                    int8_gradient::bias_gradient(gradient, outputs, channel, scale)
                }
            };
            trace.bias_gradient(layer, channel, sum);
            update.channel(&mut stored, channel, sum, &mut counts, &mut squares);
        }
        trace.update(update_trace(
            Parameter::Bias(layer),
            outputs,
            counts,
            squares,
        ));
    }

    /// `[x, gradient, scratch]` are the operands.
    fn weight_update(
        &mut self,
        layer: u32,
        [x, gradient, scratch]: [TensorIdx; 3],
        params: &StepParams,
        trace: &mut impl Trace,
    ) {
        let record = self.program.layer(layer);
        let rules = self.program.rules();
        let ranges = self.ranges([
            Some(x),
            Some(gradient),
            Some(scratch),
            record.weight_tensor,
            record.remainder_tensor,
            record.velocity_tensors[0],
        ]);
        let [x, gradient, scratch, weight, remainder, velocity] =
            split(self.arena.as_mut(), ranges);
        let (x, gradient): (&[i8], &[u8]) = (cast(x), gradient);
        let rows: &mut [f32] = cast_mut(scratch);
        let mut stored = StoredWeights::new(rules, weight, remainder, velocity);
        let outputs = record.out_channels();
        let effective_scale = self
            .program
            .constants::<f32>(record.effective_scale, outputs);
        let update = TileUpdate::new(&self.program, &record, layer, params);
        let (seen, list) = (update.seen(), update.list);
        let n_elements = stored.len();
        let mut counts = Counts::default();
        let mut squares = trace.wants_squares().then(SquareSums::default);
        let n_trainable = record.n_trainable as usize;
        let int8 = || int8_gradient::read(gradient, record.out_len());
        if record.depthwise {
            for first in (0..n_trainable).step_by(CHANNEL_TILE) {
                let n = (n_trainable - first).min(CHANNEL_TILE);
                let rows = &mut rows[..record.taps() * n];
                match rules.gradient {
                    GradientType::F32 => {
                        let gradient = cast(gradient);
                        K::depthwise_weight_gradient(&seen, list, x, gradient, first, rows);
                    }
                    GradientType::I8 => int8_gradient::depthwise_weight_gradient(
                        &seen,
                        list,
                        x,
                        int8(),
                        effective_scale,
                        first,
                        rows,
                    ),
                }
                trace.weight_gradient(layer, first, rows);
                update.depthwise(&mut stored, rows, first, &mut counts, &mut squares);
            }
        } else {
            let row_len = record.taps() * n_trainable;
            for first in (0..outputs).step_by(ROW_TILE) {
                let n = (outputs - first).min(ROW_TILE);
                let rows = &mut rows[..n * row_len];
                match rules.gradient {
                    GradientType::F32 => {
                        K::conv_weight_gradient(&seen, x, cast(gradient), first, rows);
                    }
                    GradientType::I8 => int8_gradient::conv_weight_gradient(
                        &seen,
                        x,
                        int8(),
                        effective_scale,
                        first,
                        rows,
                    ),
                }
                trace.weight_gradient(layer, first, rows);
                update.conv(&mut stored, rows, first, &mut counts, &mut squares);
            }
        }
        trace.update(update_trace(
            Parameter::Weight(layer),
            n_elements,
            counts,
            squares,
        ));
    }
}
