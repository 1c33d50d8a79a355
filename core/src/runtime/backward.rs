//! Runs one operation of the backward pass: gradients and updates.

use super::apply::{BiasUpdate, TileUpdate, Totals};
use super::classifier::Stored;
use super::kernels::{Accumulate, Kernels};
use super::parameter_gradient::{BiasGradient, WeightGradient, tiles};
use super::step::{cast, cast_mut, split, weights};
use super::trace::{Parameter, Trace};
use super::update::{StepParams, StoredBias, StoredWeights};
use super::{Runtime, classifier, elementwise, int8_gradient, pool};
use crate::program::{LayerRecord, Op, TensorIdx};
use crate::quant::{GradientType, LogitScale, QuantParams};

// On a microcontroller no operation is inlined into the function that chooses it: one frame would
// have to hold what all of them keep on the stack. Elsewhere the attribute would let packages share
// the function, and the page would get one that is compiled for size.
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
            Op::BiasGradient {
                layer,
                gradient,
                out,
            } => self.bias_gradient(layer, gradient, out, trace),
            Op::BiasApply { layer, gradient } => {
                self.bias_apply(layer, gradient, params, trace);
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
            Op::WeightGradient {
                layer,
                x,
                gradient,
                out,
            } => self.weight_gradient(layer, [x, gradient, out], params, trace),
            Op::WeightApply { layer, gradient } => {
                self.weight_apply(layer, gradient, params, trace);
            }
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

    #[cfg_attr(target_os = "none", inline(never))]
    #[cfg_attr(page, optimize(size))]
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

    #[cfg_attr(target_os = "none", inline(never))]
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

    #[cfg_attr(target_os = "none", inline(never))]
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

    #[cfg_attr(target_os = "none", inline(never))]
    #[cfg_attr(page, optimize(size))]
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

    #[cfg_attr(target_os = "none", inline(never))]
    #[cfg_attr(page, optimize(size))]
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

    #[cfg_attr(target_os = "none", inline(never))]
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

    #[cfg_attr(target_os = "none", inline(never))]
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
    #[cfg_attr(target_os = "none", inline(never))]
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

    #[cfg_attr(target_os = "none", inline(never))]
    fn bias_update(
        &mut self,
        layer: u32,
        gradient: TensorIdx,
        params: &StepParams,
        trace: &mut impl Trace,
    ) {
        let record = self.program.layer(layer);
        let tensors = [record.bias_tensor, record.velocity_tensors[1]];
        let ranges = self.ranges([Some(gradient), tensors[0], tensors[1]]);
        let [gradient, bias, velocity] = split(self.arena.as_mut(), ranges);
        let gradient = BiasGradient::new(&self.program, &record, gradient);
        let update = BiasUpdate::new(&self.program, &record, layer, params);
        let mut stored = StoredBias::new(self.program.rules(), bias, velocity);
        let mut totals = Totals::new(trace);
        gradient.each(|channel, sum| {
            trace.bias_gradient(layer, channel, sum);
            update.channel(&mut stored, channel, sum, &mut totals);
        });
        trace.update(totals.trace(Parameter::Bias(layer), record.out_channels()));
    }

    #[cfg_attr(target_os = "none", inline(never))]
    #[cfg_attr(page, optimize(size))]
    fn bias_gradient(
        &mut self,
        layer: u32,
        gradient: TensorIdx,
        out: TensorIdx,
        trace: &mut impl Trace,
    ) {
        let record = self.program.layer(layer);
        let ranges = self.ranges([Some(gradient), Some(out)]);
        let [gradient, out] = split(self.arena.as_mut(), ranges);
        let out: &mut [f32] = cast_mut(out);
        BiasGradient::new(&self.program, &record, gradient).each(|channel, sum| {
            trace.bias_gradient(layer, channel, sum);
            out[channel] = sum;
        });
    }

    #[cfg_attr(target_os = "none", inline(never))]
    #[cfg_attr(page, optimize(size))]
    fn bias_apply(
        &mut self,
        layer: u32,
        gradient: TensorIdx,
        params: &StepParams,
        trace: &mut impl Trace,
    ) {
        let record = self.program.layer(layer);
        let tensors = [record.bias_tensor, record.velocity_tensors[1]];
        let ranges = self.ranges([Some(gradient), tensors[0], tensors[1]]);
        let [gradient, bias, velocity] = split(self.arena.as_mut(), ranges);
        let gradient: &[f32] = cast(gradient);
        let update = BiasUpdate::new(&self.program, &record, layer, params);
        let mut stored = StoredBias::new(self.program.rules(), bias, velocity);
        let mut totals = Totals::new(trace);
        for (channel, &sum) in gradient.iter().enumerate() {
            update.channel(&mut stored, channel, sum, &mut totals);
        }
        trace.update(totals.trace(Parameter::Bias(layer), record.out_channels()));
    }

    /// `[x, gradient, scratch]` are the operands.
    #[cfg_attr(target_os = "none", inline(never))]
    fn weight_update(
        &mut self,
        layer: u32,
        [x, gradient, scratch]: [TensorIdx; 3],
        params: &StepParams,
        trace: &mut impl Trace,
    ) {
        let record = self.program.layer(layer);
        let [weight, remainder, velocity] = tensors_of_weight(&record);
        let ranges = self.ranges([
            Some(x),
            Some(gradient),
            Some(scratch),
            weight,
            remainder,
            velocity,
        ]);
        let [x, gradient, scratch, weight, remainder, velocity] =
            split(self.arena.as_mut(), ranges);
        let scratch: &mut [f32] = cast_mut(scratch);
        let mut stored = StoredWeights::new(self.program.rules(), weight, remainder, velocity);
        let update = TileUpdate::new(&self.program, &record, layer, params);
        let gradient = WeightGradient::new(&self.program, &record, &update, x, gradient);
        let mut totals = Totals::new(trace);
        for (first, len) in tiles(&record) {
            let rows = &mut scratch[..len];
            gradient.tile::<K>(first, rows);
            trace.weight_gradient(layer, first, rows);
            update.tile(&mut stored, rows, first, &mut totals);
        }
        trace.update(totals.trace(Parameter::Weight(layer), stored.len()));
    }

    /// `[x, gradient, out]` are the operands.
    #[cfg_attr(target_os = "none", inline(never))]
    #[cfg_attr(page, optimize(size))]
    fn weight_gradient(
        &mut self,
        layer: u32,
        [x, gradient, out]: [TensorIdx; 3],
        params: &StepParams,
        trace: &mut impl Trace,
    ) {
        let record = self.program.layer(layer);
        let ranges = self.ranges([Some(x), Some(gradient), Some(out)]);
        let [x, gradient, out] = split(self.arena.as_mut(), ranges);
        let update = TileUpdate::new(&self.program, &record, layer, params);
        let gradient = WeightGradient::new(&self.program, &record, &update, x, gradient);
        let mut rest: &mut [f32] = cast_mut(out);
        for (first, len) in tiles(&record) {
            let (rows, behind) = rest.split_at_mut(len);
            gradient.tile::<K>(first, rows);
            trace.weight_gradient(layer, first, rows);
            rest = behind;
        }
    }

    #[cfg_attr(target_os = "none", inline(never))]
    #[cfg_attr(page, optimize(size))]
    fn weight_apply(
        &mut self,
        layer: u32,
        gradient: TensorIdx,
        params: &StepParams,
        trace: &mut impl Trace,
    ) {
        let record = self.program.layer(layer);
        let [weight, remainder, velocity] = tensors_of_weight(&record);
        let ranges = self.ranges([Some(gradient), weight, remainder, velocity]);
        let [gradient, weight, remainder, velocity] = split(self.arena.as_mut(), ranges);
        let mut stored = StoredWeights::new(self.program.rules(), weight, remainder, velocity);
        let update = TileUpdate::new(&self.program, &record, layer, params);
        let mut totals = Totals::new(trace);
        let mut rest: &[f32] = cast(gradient);
        for (first, len) in tiles(&record) {
            let (rows, behind) = rest.split_at(len);
            update.tile(&mut stored, rows, first, &mut totals);
            rest = behind;
        }
        trace.update(totals.trace(Parameter::Weight(layer), stored.len()));
    }
}

/// The weight of a layer and what is kept beside it.
fn tensors_of_weight(record: &LayerRecord) -> [Option<TensorIdx>; 3] {
    [
        record.weight_tensor,
        record.remainder_tensor,
        record.velocity_tensors[0],
    ]
}
