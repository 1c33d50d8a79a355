//! What a step needs, before its tensors are placed.

use super::{Step, place};
use crate::num::word;
use crate::program::{Op, Phase, Role};

/// What a plan needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Bytes live at the peak, parameters included: no placement can do with less, and it seldom
    /// needs more.
    pub peak_bytes: u32,
    /// Bytes of parameters that learn, and of what their optimizer keeps.
    pub trainable_bytes: u32,
    /// Bytes of activations that are kept from the forward pass for the backward pass.
    pub saved_bytes: u32,
    /// Multiply-accumulates of a step.
    pub macs_step: u64,
}

impl Outline {
    pub(super) fn of(step: &Step) -> Self {
        let loss_op = step.ops.iter().position(|op| op.phase() == Phase::Loss);
        let loss_op = loss_op.map_or(0, word);
        let (mut trainable_bytes, mut saved_bytes) = (0, 0);
        for tensor in &step.tensors {
            let bytes = tensor.size_bytes.next_multiple_of(place::ALIGN);
            match tensor.role {
                role if role.is_persistent() => trainable_bytes += bytes,
                // What is computed again is born after the loss.
                Role::SavedActivation if tensor.is_live_at(loss_op) => saved_bytes += bytes,
                _ => {}
            }
        }
        let live = place::live_bytes(step).into_iter().max();
        Self {
            peak_bytes: trainable_bytes + live.unwrap_or(0),
            trainable_bytes,
            saved_bytes,
            macs_step: step.macs(),
        }
    }
}

impl Step {
    /// Multiply-accumulates of all operations, as executed.
    pub(super) fn macs(&self) -> u64 {
        self.ops.iter().map(|&op| macs(self, op)).sum()
    }
}

/// Multiply-accumulates of one operation, as executed.
fn macs(step: &Step, op: Op) -> u64 {
    let of_layer = |layer: u32| {
        let record = &step.layers[layer as usize];
        record.macs(record.in_channels())
    };
    match op {
        Op::Conv { layer, .. } | Op::ConvBackwardInput { layer, .. } => of_layer(layer),
        Op::Stream {
            first, n_layers, ..
        } => (first..first + n_layers).map(of_layer).sum(),
        Op::BlockBackward { .. } => step.block(op).map_or(0, |block| block.macs(op).total()),
        Op::WeightUpdate { layer, .. } | Op::WeightGradient { layer, .. } => {
            let record = &step.layers[layer as usize];
            record.macs(record.n_trainable as usize)
        }
        Op::Classifier { .. }
        | Op::ClassifierBackwardInput { .. }
        | Op::ClassifierUpdate { .. } => {
            u64::from(step.head.n_features) * u64::from(step.head.n_classes)
        }
        _ => 0,
    }
}
