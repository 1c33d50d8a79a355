//! Writes the operations of one step: forward, loss, and only the part of the backward pass
//! that some parameter of the policy needs.
//!
//! Updates stand at the end of the step; [`super::order`] moves them to where they may stand.

use alloc::vec;
use alloc::vec::Vec;

use super::constants::Constants;
use super::passes::{Passes, Together};
use super::prune::{needs_gradient, update_of};
use super::together::{Chain, Chains, TiledBlock};
use super::{CompileError, Step, block, stream};
use crate::network::{Clamp, Classifier, Conv, Network, NodeKind, Pool, PoolKind, Shape, Value};
use crate::num::word;
use crate::policy::{LayerUpdate, Policy, count_under, selected_channels};
use crate::program::{
    AddRecord, Block, ClassifierRecord, DType, Geometry, HeadRecord, LayerRecord, MAX_REDUCTION,
    Op, PoolRecord, Role, Stream, TensorIdx, TensorRecord,
};
use crate::quant::{
    ADD_LEFT_SHIFT, ChannelChoice, ElementwiseRule, FixedScale, GradientType, Optimizer,
    QuantParams, RequantizeRule, Rules, ShortcutGradient, UpdateRule, effective_scale,
};
use crate::runtime::scratch;

pub(super) fn differentiate(
    network: &Network,
    policy: &Policy,
    rules: Rules,
    passes: Passes,
    together: &Chains,
    is_draft: bool,
) -> Result<Step, CompileError> {
    let mut writer = Writer::new(network, policy, rules, passes, is_draft);
    let mut node_idx = 0;
    while node_idx < network.nodes().len() {
        if let Some(chain) = together
            .streams
            .iter()
            .find(|chain| chain.start == node_idx)
        {
            writer.stream(chain.clone());
            node_idx = chain.end;
        } else {
            writer.forward(node_idx);
            node_idx += 1;
        }
    }
    let mut end = network.nodes().len();
    while end > 0 {
        if let Some(block) = together.blocks.iter().find(|block| block.nodes.end == end) {
            writer.block_backward(block);
            end = block.nodes.start;
        } else {
            end -= 1;
            writer.backward(end)?;
        }
    }
    let Writer {
        mut step, updates, ..
    } = writer;
    step.ops.extend(updates);
    Ok(step)
}

/// The nodes that could run together, of those that `passes` lets run so.
pub(super) fn chains(network: &Network, policy: &Policy, rules: Rules, passes: Passes) -> Chains {
    let needs_gradient = needs_gradient(network, policy, rules, passes.prune);
    let mut chains = Chains::default();
    if passes.streaming != Together::Never {
        let again = again(network, policy);
        // What is computed again is computed from a whole tensor.
        chains.streams = stream::chains(network, &|node_idx| {
            !needs_gradient[node_idx + 1] && again[node_idx + 1] == Again::Never
        });
    }
    // int8 gradients share a scale that is known only when all of them are.
    let updates_at_once = passes.reorder && passes.fuse && rules.gradient == GradientType::F32;
    if passes.hidden_channels != Together::Never && updates_at_once {
        chains.blocks = block::blocks(network, &needs_gradient);
    }
    chains
}

/// Whether a value is computed again in the backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    Never,
    Wanted,
    Done(TensorIdx),
}

/// Which values the policy wants to be computed again.
fn again(network: &Network, policy: &Policy) -> Vec<Again> {
    let mut again = vec![Again::Never; network.values().len()];
    for (layer, (_, node, _)) in network.convs().enumerate() {
        if policy.recompute.binary_search(&layer).is_ok() {
            again[node.inputs[0]] = Again::Wanted;
        }
    }
    again
}

struct Writer<'a> {
    network: &'a Network,
    /// Whether gradient and update of a parameter are one operation.
    fuse: bool,
    /// Which values lie behind a convolution that learns, so that their gradient is needed.
    needs_gradient: Vec<bool>,
    /// Index in the layer, add or pool table of each node.
    record_of_node: Vec<u32>,
    value_tensor: Vec<TensorIdx>,
    gradient_tensor: Vec<Option<TensorIdx>>,
    mask_tensor: Vec<Option<TensorIdx>>,
    /// The tensor that a layer's weight gradient reads as its input.
    saved_tensor: Vec<Option<TensorIdx>>,
    /// Which values are computed again in the backward pass, and the tensor once they are.
    again: Vec<Again>,
    /// What the step ends with.
    updates: Vec<Op>,
    step: Step,
}

impl<'a> Writer<'a> {
    fn new(
        network: &'a Network,
        policy: &Policy,
        rules: Rules,
        passes: Passes,
        is_draft: bool,
    ) -> Self {
        let n_values = network.values().len();
        let mut record_of_node = vec![0; network.nodes().len()];
        let (mut n_layers, mut n_adds, mut n_pools) = (0, 0, 0);
        for (node, record) in network.nodes().iter().zip(&mut record_of_node) {
            let counter = match node.kind {
                NodeKind::Conv(_) => &mut n_layers,
                NodeKind::Add { .. } => &mut n_adds,
                NodeKind::Pool(_) => &mut n_pools,
                NodeKind::AveragePool | NodeKind::Logits { .. } | NodeKind::Classifier(_) => {
                    continue;
                }
            };
            *record = *counter;
            *counter += 1;
        }
        let mut writer = Self {
            network,
            fuse: passes.fuse,
            needs_gradient: needs_gradient(network, policy, rules, passes.prune),
            record_of_node,
            value_tensor: vec![0; n_values],
            gradient_tensor: vec![None; n_values],
            mask_tensor: vec![None; network.nodes().len()],
            saved_tensor: vec![None; network.nodes().len()],
            again: again(network, policy),
            updates: Vec::new(),
            step: Step {
                tensors: Vec::new(),
                ops: Vec::new(),
                layers: Vec::new(),
                adds: Vec::new(),
                pools: Vec::new(),
                head: HeadRecord {
                    n_features: 0,
                    n_classes: 0,
                    x_quant: network.input().quant,
                    classifier: None,
                },
                rules,
                constants: Constants::new(is_draft),
                aliases: Vec::new(),
                input: 0,
                label: 0,
                logits: 0,
            },
        };
        writer.parameters(policy);
        let no_name = TensorRecord::NO_NAME;
        let input = shape(network.input().shape);
        writer.step.input = writer.tensor(DType::I8, Role::Input, input, no_name);
        writer.step.label = writer.tensor(DType::I32, Role::Label, [1, 1, 1], no_name);
        writer.value_tensor[0] = writer.step.input;
        writer
    }

    /// Writes the records and the trainable tensors of every layer.
    fn parameters(&mut self, policy: &Policy) {
        for (node_idx, node) in self.network.nodes().iter().enumerate() {
            let input = self.network.values()[node.inputs[0]];
            let output = self.network.values()[node_idx + 1];
            match &node.kind {
                NodeKind::Conv(conv) => {
                    let layer = self.step.layers.len();
                    let update = update_of(policy, layer);
                    let choice = policy.channels_of(layer, self.step.rules.channels);
                    let learns = (update, choice);
                    let record = self.layer(word(node_idx), conv, learns, input, output);
                    self.step.layers.push(record);
                }
                NodeKind::Add {
                    output: quant,
                    clamp,
                } => {
                    let branch = self.network.values()[node.inputs[1]];
                    self.step.adds.push(AddRecord {
                        a_quant: input.quant,
                        b_quant: branch.quant,
                        y_quant: *quant,
                        clamp: codes(*clamp),
                        len: word(output.shape.len()),
                        fixed: self.fixed_add([input.quant, branch.quant, *quant]),
                    });
                }
                NodeKind::AveragePool => {}
                NodeKind::Pool(pool) => {
                    let record = pool_record(pool, input.shape, output.shape);
                    self.step.pools.push(record);
                }
                NodeKind::Logits { .. } => {
                    let n_classes = word(input.shape.c);
                    self.step.head = HeadRecord {
                        n_features: n_classes,
                        n_classes,
                        x_quant: input.quant,
                        classifier: None,
                    };
                }
                NodeKind::Classifier(classifier) => {
                    self.step.head = self.head(word(node_idx), classifier, input);
                }
            }
        }
    }

    fn layer(
        &mut self,
        name: u32,
        conv: &Conv,
        (update, choice): (LayerUpdate, ChannelChoice),
        input: Value,
        output: Value,
    ) -> LayerRecord {
        let n_channels = input.shape.c;
        let ratio = update.ratio();
        let n_trainable = count_under(choice, ratio, n_channels);
        let n_frozen = n_channels - n_trainable;
        // A draft has no use for which they are.
        let (trainable, frozen) = if self.step.constants.is_draft() {
            (Vec::new(), Vec::new())
        } else {
            let trainable = selected_channels(conv, n_channels, ratio, choice);
            let is_frozen = |channel: &usize| trainable.binary_search(channel).is_err();
            let frozen = (0..n_channels).filter(is_frozen).collect();
            (trainable, frozen)
        };
        let partial = n_trainable > 0 && n_frozen > 0;
        let constants = &mut self.step.constants;
        let channels = partial.then(|| {
            let channel = |&channel: &usize| {
                u16::try_from(channel).expect("invariant: at most 4096 channels")
            };
            let order = || frozen.iter().chain(&trainable).map(channel);
            constants.push_with(|| order().collect::<Vec<u16>>())
        });
        let frozen_weight = constants.push_with(|| gather_weights(conv, n_channels, &frozen));
        let start_weight = constants.push_with(|| gather_weights(conv, n_channels, &trainable));
        let bias = constants.push(&conv.bias);
        let effective_scale = constants.push_with(|| {
            let scales = (0..output.shape.c).map(|channel| conv.real_scale(input.quant, channel));
            scales.map(effective_scale).collect::<Vec<f32>>()
        });
        let weight_scale = constants.push(&conv.weight_scale);
        let taps = word(conv.kernel[0] * conv.kernel[1]);
        let filters = if conv.depthwise {
            1
        } else {
            word(output.shape.c)
        };
        let fixed_scale = self.fixed_scale(conv, input, output);
        let rules = self.step.rules;
        let of_weight = [filters, taps, word(n_trainable)];
        let weight_tensor = (n_trainable > 0).then(|| {
            self.tensor(
                DType::of_weights(rules),
                Role::TrainableWeight,
                of_weight,
                name,
            )
        });
        let of_bias = [word(output.shape.c), 1, 1];
        let bias_tensor = update
            .updates_bias()
            .then(|| self.tensor(DType::of_biases(rules), Role::TrainableBias, of_bias, name));
        let remainder_tensor = (rules.update == UpdateRule::Int16 && weight_tensor.is_some())
            .then(|| self.tensor(DType::I8, Role::OptimizerState, of_weight, name));
        let velocity_tensors = [
            self.velocity(weight_tensor.is_some(), of_weight, name),
            self.velocity(bias_tensor.is_some(), of_bias, name),
        ];
        LayerRecord {
            depthwise: conv.depthwise,
            input: shape(input.shape),
            output: shape(output.shape),
            kernel: conv.kernel.map(word),
            stride: conv.stride.map(word),
            padding: [word(conv.padding[0]), word(conv.padding[1])],
            x_quant: input.quant,
            y_quant: output.quant,
            clamp: codes(conv.clamp),
            n_frozen: word(n_frozen),
            n_trainable: word(n_trainable),
            channels,
            frozen_weight,
            start_weight,
            bias,
            effective_scale,
            weight_scale,
            fixed_scale,
            weight_tensor,
            remainder_tensor,
            bias_tensor,
            velocity_tensors,
            name,
        }
    }

    /// A momentum buffer for a parameter that learns.
    fn velocity(&mut self, learns: bool, extents: [u32; 3], name: u32) -> Option<TensorIdx> {
        (learns && self.step.rules.optimizer == Optimizer::Momentum)
            .then(|| self.tensor(DType::F32, Role::OptimizerState, extents, name))
    }

    /// Multiplier and shift of every output channel, where the rule needs them.
    fn fixed_scale(&mut self, conv: &Conv, input: Value, output: Value) -> Option<u32> {
        if self.step.rules.requantize != RequantizeRule::FixedPoint {
            return None;
        }
        Some(self.step.constants.push_with(|| {
            (0..output.shape.c)
                .map(|channel| FixedScale::of(conv.real_scale(input.quant, channel)))
                .map(|fixed| [fixed.multiplier, fixed.shift])
                .collect::<Vec<[i32; 2]>>()
        }))
    }

    /// The factors of a fixed-point add: both operands are brought to twice the larger scale.
    fn fixed_add(&self, quants: [QuantParams; 3]) -> [FixedScale; 3] {
        if self.step.rules.elementwise != ElementwiseRule::FixedPoint {
            return [FixedScale::default(); 3];
        }
        let [a, b, y] = quants.map(|quant| f64::from(quant.scale));
        let common = 2.0 * a.max(b);
        let shifted = f64::from(1u32 << ADD_LEFT_SHIFT);
        [a / common, b / common, common / (shifted * y)].map(FixedScale::of)
    }

    fn head(&mut self, name: u32, classifier: &Classifier, input: Value) -> HeadRecord {
        let n_features = word(input.shape.len());
        let n_classes = word(classifier.bias.len());
        let of_weight = [n_classes, 1, n_features];
        let of_bias = [n_classes, 1, 1];
        HeadRecord {
            n_features,
            n_classes,
            x_quant: input.quant,
            classifier: Some(ClassifierRecord {
                start_weight: self.step.constants.push(&classifier.weight),
                start_bias: self.step.constants.push(&classifier.bias),
                weight_tensor: self.tensor(DType::F32, Role::Classifier, of_weight, name),
                bias_tensor: self.tensor(DType::F32, Role::Classifier, of_bias, name),
                velocity_tensors: [
                    self.velocity(true, of_weight, name),
                    self.velocity(true, of_bias, name),
                ],
            }),
        }
    }

    /// Nodes that run row by row as one operation.
    fn stream(&mut self, chain: Chain) {
        let (first_node, last_node) = (chain.start, chain.end - 1);
        let first = self.record_of_node[first_node];
        let is_add = matches!(self.network.nodes()[last_node].kind, NodeKind::Add { .. });
        let x = self.value_tensor[self.network.nodes()[first_node].inputs[0]];
        let y = self.activation(last_node);
        let n_layers = word(chain.len()) - u32::from(is_add);
        let add = is_add.then_some(self.record_of_node[last_node]);
        let layers = &self.step.layers[first as usize..][..n_layers as usize];
        let stream = Stream::new(layers, add.map(|add| self.step.adds[add as usize]))
            .expect("invariant: the nodes of a chain are frozen and follow one another");
        let bytes = scratch::stream(&stream, self.step.rules);
        let name = word(last_node);
        let scratch = self.tensor(DType::I8, Role::Scratch, [word(bytes), 1, 1], name);
        self.step.ops.push(Op::Stream {
            first,
            n_layers,
            add,
            x,
            y,
            scratch,
        });
    }

    fn forward(&mut self, node_idx: usize) {
        let node = &self.network.nodes()[node_idx];
        let name = word(node_idx);
        let output = self.network.values()[node_idx + 1].shape;
        let record = self.record_of_node[node_idx];
        let x = self.value_tensor[node.inputs[0]];
        match &node.kind {
            NodeKind::Conv(_) => {
                let y = self.activation(node_idx);
                let is_again = self.again[node_idx + 1] != Again::Never;
                self.conv(node_idx, x, y, !is_again, false);
                if self.again[node.inputs[0]] == Again::Never {
                    self.save(node_idx, x, false);
                }
            }
            NodeKind::Add { .. } => {
                let b = self.value_tensor[node.inputs[1]];
                let y = self.activation(node_idx);
                let mask = self.mask(node_idx);
                self.step.ops.push(Op::Add {
                    add: record,
                    a: x,
                    b,
                    y,
                    mask,
                });
            }
            NodeKind::AveragePool => {
                let y = self.activation(node_idx);
                let pixels = self.pixels(node_idx);
                self.step.ops.push(Op::AveragePool {
                    x,
                    y,
                    pixels,
                    channels: word(output.c),
                });
            }
            NodeKind::Pool(pool) => {
                let y = self.activation(node_idx);
                let mask = self.mask(node_idx);
                if pool.kind == PoolKind::Max {
                    self.saved_tensor[node_idx] = Some(x);
                }
                self.step.ops.push(Op::Pool {
                    pool: record,
                    x,
                    y,
                    mask,
                });
            }
            NodeKind::Logits { .. } | NodeKind::Classifier(_) => {
                let extents = [1, 1, word(output.c)];
                let logits = self.tensor(DType::F32, Role::Activation, extents, name);
                self.step.logits = logits;
                self.step.ops.push(if self.step.head.classifier.is_some() {
                    Op::Classifier { x, logits }
                } else {
                    Op::Logits { x, logits }
                });
            }
        }
    }

    /// A convolution, with the mask of its clamp where a gradient needs it and it is wanted now.
    fn conv(&mut self, node_idx: usize, x: TensorIdx, y: TensorIdx, with_mask: bool, again: bool) {
        let record = self.record_of_node[node_idx];
        let mask = with_mask.then(|| self.mask(node_idx)).flatten();
        let layer = &self.step.layers[record as usize];
        let bytes = word(scratch::conv_forward(layer, self.step.rules));
        let scratch = (bytes > 0)
            .then(|| self.tensor(DType::I8, Role::Scratch, [bytes, 1, 1], word(node_idx)));
        self.step.ops.push(Op::Conv {
            layer: record,
            x,
            y,
            mask,
            scratch,
            again,
        });
    }

    /// Keeps of `x` what the weight gradient of a convolution reads.
    fn save(&mut self, node_idx: usize, x: TensorIdx, again: bool) {
        let record = self.record_of_node[node_idx];
        let layer = self.step.layers[record as usize];
        if layer.is_partial() {
            let [h, w, _] = layer.input;
            let extents = [h, w, layer.n_trainable];
            let saved = self.tensor(DType::I8, Role::SavedActivation, extents, word(node_idx));
            self.step.ops.push(Op::SaveChannels {
                layer: record,
                x,
                saved,
                again,
            });
            self.saved_tensor[node_idx] = Some(saved);
        } else if layer.n_trainable > 0 {
            self.saved_tensor[node_idx] = Some(x);
        }
    }

    /// Computes a value again, unless that was done, and what it is computed from. No weight has
    /// changed on the way to it: a layer learns after those behind it.
    fn value_again(&mut self, value: usize) -> TensorIdx {
        match self.again[value] {
            Again::Never => self.value_tensor[value],
            Again::Done(tensor) => tensor,
            Again::Wanted => {
                let node_idx = value - 1;
                let x = self.value_again(self.network.nodes()[node_idx].inputs[0]);
                let extents = shape(self.network.values()[value].shape);
                let y = self.tensor(DType::I8, Role::SavedActivation, extents, word(node_idx));
                self.conv(node_idx, x, y, true, true);
                self.again[value] = Again::Done(y);
                y
            }
        }
    }

    /// Computes the input of a convolution again for the gradient of its weights, where it was
    /// not kept.
    fn input_again(&mut self, node_idx: usize) {
        let input = self.network.nodes()[node_idx].inputs[0];
        if self.again[input] != Again::Never {
            let x = self.value_again(input);
            self.save(node_idx, x, true);
        }
    }

    fn backward(&mut self, node_idx: usize) -> Result<(), CompileError> {
        let node = &self.network.nodes()[node_idx];
        let record = self.record_of_node[node_idx];
        let input = node.inputs[0];
        if node.kind.is_head() {
            self.loss_and_head(node_idx);
            return Ok(());
        }
        let Some(gradient) = self.gradient_tensor[node_idx + 1] else {
            return Ok(());
        };
        match &node.kind {
            NodeKind::Conv(_) => return self.conv_backward(node_idx, record, gradient),
            NodeKind::Add { .. } => {
                let is_dropped = self.step.rules.shortcut == ShortcutGradient::Dropped;
                let [shortcut, branch] = [0, 1].map(|at| {
                    let value = node.inputs[at];
                    let is_deaf = at == 0 && is_dropped;
                    (self.needs_gradient[value] && !is_deaf).then_some(value)
                });
                if shortcut
                    .into_iter()
                    .chain(branch)
                    .any(|value| self.has_gradient(value))
                {
                    return Err(CompileError::FanOut { node: node_idx });
                }
                let shortcut = shortcut.map(|value| self.new_gradient(value));
                let branch = branch.map(|value| self.new_gradient(value));
                let mask = self.mask_of(node_idx);
                self.step.ops.push(Op::AddBackward {
                    add: record,
                    gradient,
                    shortcut,
                    branch,
                    mask,
                });
            }
            NodeKind::AveragePool => {
                if self.has_gradient(input) {
                    return Err(CompileError::FanOut { node: node_idx });
                }
                let pixels = self.pixels(node_idx);
                let channels = word(self.network.values()[input].shape.c);
                let out = self.new_gradient(input);
                self.step.ops.push(Op::AveragePoolBackward {
                    gradient,
                    out,
                    pixels,
                    channels,
                });
            }
            NodeKind::Pool(_) => {
                if self.has_gradient(input) {
                    return Err(CompileError::FanOut { node: node_idx });
                }
                let mask = self.mask_of(node_idx);
                let out = self.new_gradient(input);
                self.step.ops.push(Op::PoolBackward {
                    pool: record,
                    x: self.saved_tensor[node_idx],
                    gradient,
                    out,
                    mask,
                });
            }
            NodeKind::Logits { .. } | NodeKind::Classifier(_) => {}
        }
        Ok(())
    }

    fn loss_and_head(&mut self, node_idx: usize) {
        let features = self.network.nodes()[node_idx].inputs[0];
        let extents = [1, 1, self.step.head.n_classes];
        let gradient = self.tensor(DType::F32, Role::Gradient, extents, word(node_idx));
        let (logits, label) = (self.step.logits, self.step.label);
        self.step.ops.push(Op::Loss {
            logits,
            label,
            gradient,
        });
        let is_classifier = self.step.head.classifier.is_some();
        if self.needs_gradient[features] {
            let out = self.new_gradient(features);
            self.step.ops.push(if is_classifier {
                Op::ClassifierBackwardInput { gradient, out }
            } else {
                Op::LogitsBackward { gradient, out }
            });
        }
        if is_classifier {
            let x = self.value_tensor[features];
            self.updates.push(Op::ClassifierUpdate { x, gradient });
        }
    }

    fn conv_backward(
        &mut self,
        node_idx: usize,
        layer_idx: u32,
        gradient: TensorIdx,
    ) -> Result<(), CompileError> {
        let layer = self.step.layers[layer_idx as usize];
        let rules = self.step.rules;
        // An int32 sum over more pixels than this could overflow.
        if rules.gradient == GradientType::I8 && layer.out_pixels() > MAX_REDUCTION {
            return Err(CompileError::Pixels { node: node_idx });
        }
        let name = word(node_idx);
        let masked = self.mask_and_bias(node_idx, layer_idx, gradient);
        let input = self.network.nodes()[node_idx].inputs[0];
        if self.needs_gradient[input] {
            let accumulate = self.has_gradient(input);
            let out = self.gradient_tensor[input].unwrap_or_else(|| self.new_gradient(input));
            let bytes = scratch::conv_backward_input(&layer, rules);
            let scratch = (bytes > 0)
                .then(|| self.tensor(DType::I8, Role::Scratch, [word(bytes), 1, 1], name));
            self.step.ops.push(Op::ConvBackwardInput {
                layer: layer_idx,
                gradient: masked,
                out,
                accumulate,
                scratch,
            });
        }
        self.input_again(node_idx);
        self.weight_update(node_idx, layer_idx, masked);
        Ok(())
    }

    /// The gradient at a convolution's accumulators, and the update of its bias.
    fn mask_and_bias(&mut self, node_idx: usize, layer: u32, gradient: TensorIdx) -> TensorIdx {
        let record = self.step.layers[layer as usize];
        let of_gradients = DType::of_gradients(self.step.rules);
        let out = self.tensor(of_gradients, Role::Gradient, record.output, word(node_idx));
        let mask = self.mask_of(node_idx);
        self.step.ops.push(Op::MaskScale {
            layer,
            gradient,
            out,
            mask,
        });
        if record.bias_tensor.is_some() {
            self.bias_update(node_idx, layer, out);
        }
        out
    }

    fn bias_update(&mut self, node_idx: usize, layer: u32, gradient: TensorIdx) {
        if self.fuse {
            self.updates.push(Op::BiasUpdate { layer, gradient });
            return;
        }
        let [_, _, outputs] = self.step.layers[layer as usize].output;
        let extents = [outputs, 1, 1];
        let out = self.tensor(DType::F32, Role::Gradient, extents, word(node_idx));
        self.step.ops.push(Op::BiasGradient {
            layer,
            gradient,
            out,
        });
        let gradient = out;
        self.updates.push(Op::BiasApply { layer, gradient });
    }

    fn weight_update(&mut self, node_idx: usize, layer: u32, gradient: TensorIdx) {
        let Some(x) = self.saved_tensor[node_idx] else {
            return;
        };
        let record = self.step.layers[layer as usize];
        let name = word(node_idx);
        if self.fuse {
            let extents = [word(scratch::weight_update(&record)), 1, 1];
            let scratch = self.tensor(DType::F32, Role::Scratch, extents, name);
            self.updates.push(Op::WeightUpdate {
                layer,
                x,
                gradient,
                scratch,
            });
            return;
        }
        let weight = record.weight_tensor.expect("invariant: its weights learn");
        let extents = self.step.tensors[weight as usize].shape;
        let out = self.tensor(DType::F32, Role::Gradient, extents, name);
        self.step.ops.push(Op::WeightGradient {
            layer,
            x,
            gradient,
            out,
        });
        let gradient = out;
        self.updates.push(Op::WeightApply { layer, gradient });
    }

    /// The backward pass of a block, hidden channel by hidden channel.
    fn block_backward(&mut self, tiled: &TiledBlock) {
        let [expand, depthwise, project] = [0, 1, 2].map(|at| tiled.nodes.start + at);
        let Some(gradient) = self.gradient_tensor[project + 1] else {
            return;
        };
        let first = self.record_of_node[expand];
        let layers = self.step.layers[first as usize..].first_chunk();
        let block = layers
            .and_then(|layers| Block::new(*layers))
            .expect("invariant: the nodes of a chain are a block");
        let project_layer = self.record_of_node[project];
        for node_idx in [expand, depthwise, project] {
            self.input_again(node_idx);
        }
        let masked = self.mask_and_bias(project, project_layer, gradient);
        let input = self.network.nodes()[expand].inputs[0];
        let accumulate = self.needs_gradient[input] && self.has_gradient(input);
        let out = self.needs_gradient[input]
            .then(|| self.gradient_tensor[input].unwrap_or_else(|| self.new_gradient(input)));
        let is_reached = self.needs_gradient[depthwise];
        let rules = self.step.rules;
        let parts = scratch::block_parts(&block, rules, tiled.tile, is_reached, accumulate);
        let extents = [word(parts.total()), 1, 1];
        let scratch = self.tensor(DType::I8, Role::Scratch, extents, word(depthwise));
        let expand_mask = is_reached.then(|| self.mask_of(expand));
        let depthwise_mask = self.mask_of(depthwise);
        self.step.ops.push(Op::BlockBackward {
            first,
            gradient: masked,
            out,
            accumulate,
            expand_mask,
            expand_x: self.saved_tensor[expand],
            depthwise_mask,
            depthwise_x: self.saved_tensor[depthwise],
            scratch,
            tile: word(tiled.tile),
        });
        self.weight_update(project, project_layer, masked);
    }

    fn activation(&mut self, node_idx: usize) -> TensorIdx {
        let extents = shape(self.network.values()[node_idx + 1].shape);
        let tensor = self.tensor(DType::I8, Role::Activation, extents, word(node_idx));
        self.value_tensor[node_idx + 1] = tensor;
        tensor
    }

    /// The clamp's mask, if a gradient passes through node `node_idx`.
    fn mask(&mut self, node_idx: usize) -> Option<TensorIdx> {
        if !self.needs_gradient[node_idx + 1] {
            return None;
        }
        let extents = shape(self.network.values()[node_idx + 1].shape);
        let mask = self.tensor(DType::Bit, Role::Mask, extents, word(node_idx));
        self.mask_tensor[node_idx] = Some(mask);
        Some(mask)
    }

    fn mask_of(&mut self, node_idx: usize) -> TensorIdx {
        // What computes its value again makes the mask too.
        self.value_again(node_idx + 1);
        self.mask_tensor[node_idx].expect("invariant: a node with a gradient has kept its mask")
    }

    fn has_gradient(&self, value: usize) -> bool {
        self.gradient_tensor[value].is_some()
    }

    fn new_gradient(&mut self, value: usize) -> TensorIdx {
        let extents = shape(self.network.values()[value].shape);
        let name = value.checked_sub(1).map_or(TensorRecord::NO_NAME, word);
        let of_gradients = DType::of_gradients(self.step.rules);
        let tensor = self.tensor(of_gradients, Role::Gradient, extents, name);
        self.gradient_tensor[value] = Some(tensor);
        tensor
    }

    fn pixels(&self, node_idx: usize) -> u32 {
        let input = self.network.values()[self.network.nodes()[node_idx].inputs[0]].shape;
        word(input.h * input.w)
    }

    fn tensor(&mut self, dtype: DType, role: Role, shape: [u32; 3], name: u32) -> TensorIdx {
        let n_elements = shape.iter().map(|&extent| extent as usize).product();
        self.step.tensors.push(TensorRecord {
            dtype,
            role,
            offset: 0,
            size_bytes: word(dtype.bytes(n_elements)),
            first_use: 0,
            last_use: 0,
            shape,
            name,
        });
        word(self.step.tensors.len() - 1)
    }
}

/// The weights of `channels`, dense: `[O, taps, n]`; depthwise `[taps, n]`.
fn gather_weights(conv: &Conv, n_channels: usize, channels: &[usize]) -> Vec<i8> {
    let taps = conv.kernel[0] * conv.kernel[1];
    if channels.is_empty() {
        Vec::new()
    } else if channels.len() == n_channels && !conv.depthwise {
        conv.weight.clone()
    } else if conv.depthwise {
        (0..taps)
            .flat_map(|tap| channels.iter().map(move |&channel| channel * taps + tap))
            .map(|at| conv.weight[at])
            .collect()
    } else {
        conv.weight
            .chunks_exact(n_channels)
            .flat_map(|pixel| channels.iter().map(|&channel| pixel[channel]))
            .collect()
    }
}

fn pool_record(pool: &Pool, input: Shape, output: Shape) -> PoolRecord {
    PoolRecord {
        is_max: pool.kind == PoolKind::Max,
        geometry: Geometry {
            input: shape(input),
            output: shape(output),
            kernel: pool.kernel.map(word),
            stride: pool.stride.map(word),
            padding: [word(pool.padding[0]), word(pool.padding[1])],
        },
        clamp: codes(pool.clamp),
    }
}

fn shape(shape: Shape) -> [u32; 3] {
    [word(shape.h), word(shape.w), word(shape.c)]
}

fn codes(clamp: Clamp) -> [i32; 2] {
    [i32::from(clamp.min), i32::from(clamp.max)]
}
