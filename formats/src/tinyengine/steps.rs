//! The sequence of fused operations.

use super::fuse::{Fusion, memory_of};
use super::graph::{Node, Source, Value, ValueId};
use super::op::Op;
use super::passes::Passes;

/// A fused operation.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Operator of the file that it comes from.
    pub node: usize,
    /// What it does.
    pub op: Op,
    /// What it reads.
    pub reads: Vec<ValueId>,
    /// What it writes; nothing where it changes parameters.
    pub writes: Vec<ValueId>,
    /// Gradient with which it changes a parameter.
    pub update: Option<ValueId>,
    /// Whether it is a convolution of each channel alone.
    pub depthwise: bool,
}

/// The sequence, and what its values are.
pub(super) struct Schedule {
    /// Tensors of the file, then those that the generator adds.
    pub values: Vec<Value>,
    /// Operators of the file.
    pub nodes: Vec<Node>,
    /// Fused operations in execution order.
    pub steps: Vec<Step>,
    /// Value in whose memory a value lies.
    pub stand_in: Vec<ValueId>,
    /// Bytes of the memory of a value, without alignment.
    pub bytes: Vec<u32>,
    /// For a value: the operation after which only a quarter of its memory is in use.
    pub quarter_after: Vec<Option<u32>>,
}

impl Schedule {
    /// The value in whose memory a value lies.
    pub(super) fn memory_of(&self, value: ValueId) -> ValueId {
        memory_of(&self.stand_in, value)
    }

    /// Whether the memory of a value is in the arena: parameters are elsewhere.
    pub(super) fn is_in_arena(&self, memory: ValueId) -> bool {
        matches!(self.values[memory].source, Source::Input | Source::Operator)
    }
}

/// Puts the kept operators in a row, with what the generator adds: an update after each bias
/// gradient, and a permutation after each weight gradient that is stored.
pub(super) fn schedule(fusion: Fusion, passes: &Passes) -> Schedule {
    let Fusion {
        mut values,
        nodes,
        kept,
        writes,
        updates,
        mut stand_in,
        mut bytes,
        ..
    } = fusion;
    let mut steps = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let is_bias_gradient = node.op == Op::Sum && values[node.result].output_info.is_some();
        let step = |op, reads, writes| Step {
            node: index,
            op,
            reads,
            writes,
            update: updates[index],
            depthwise: node.groups > 1
                && node.groups == values[node.inputs[0]].channels()
                && node.groups == values[node.result].channels(),
        };
        if kept[index] {
            steps.push(step(node.op, node.inputs.clone(), writes[index].clone()));
        }
        // A bias gradient of one element a channel is the gradient itself, without a sum.
        if is_bias_gradient {
            steps.push(Step {
                update: Some(node.result),
                ..step(Op::BiasUpdate, vec![node.result], Vec::new())
            });
        }
        if kept[index] && node.op == Op::GroupConvolution && !passes.sgd_in_place {
            let permuted = values.len();
            steps.push(step(Op::PermuteGroups, vec![node.result], vec![permuted]));
            let mut value = values[node.result].clone();
            value.name.push_str("-permuted");
            values.push(value);
            stand_in.push(permuted);
            bytes.push(bytes[node.result]);
        }
    }
    Schedule {
        quarter_after: vec![None; values.len()],
        values,
        nodes,
        steps,
        stand_in,
        bytes,
    }
}

/// Depthwise convolutions overwrite their input; forwards with any stride, of which stride 2
/// leaves three quarters of the input unused, backwards with stride 1.
pub(super) fn depthwise_in_place(schedule: &mut Schedule) {
    for index in 0..schedule.steps.len() {
        let step = &schedule.steps[index];
        let node = &schedule.nodes[step.node];
        let can_be = match step.op {
            Op::DepthwiseConvolution => true,
            Op::TransposeConvolution => step.depthwise && node.strides == [1, 1],
            _ => false,
        };
        if !can_be {
            continue;
        }
        let input = schedule.memory_of(node.inputs[0]);
        let has_room = schedule.bytes[input] >= schedule.bytes[node.result];
        if !has_room || !schedule.is_in_arena(input) {
            continue;
        }
        let (result, halves) = (node.result, node.strides == [2, 2]);
        schedule.stand_in[result] = input;
        if halves {
            schedule.quarter_after[input] = u32::try_from(index).ok();
        }
    }
}
