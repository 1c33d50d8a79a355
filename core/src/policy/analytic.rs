//! The paper's byte formula: what its figures count, without the classifier, gradients,
//! scratch and the forward pass. It is shown beside the planner's bytes, never instead.

use super::{LayerUpdate, Policy, selected_count};
use crate::network::Network;

/// Bytes by the paper's formula (`tiny-training`, `nelem_saved_for_backward`, batch 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnalyticBytes {
    /// Copies of weights and biases that learn.
    pub weights: u64,
    /// Saved activations and clamp masks, and the classifier's int8 features.
    pub activations: u64,
}

impl AnalyticBytes {
    /// Weights and activations together.
    #[must_use]
    pub fn total(self) -> u64 {
        self.weights + self.activations
    }
}

/// Counts every convolution from the first that learns to the last, as the formula's
/// "last k" does: 4 bytes a bias, one bit an output element, and for the selected channels
/// one byte a saved input element and a weight.
#[must_use]
pub fn analytic_bytes(network: &Network, policy: &Policy) -> AnalyticBytes {
    let mut bits = AnalyticBytes::default();
    for (layer, (node_idx, node, conv)) in network.convs().enumerate() {
        let update = policy.layers.get(layer).copied().unwrap_or_default();
        if update == LayerUpdate::Frozen {
            continue;
        }
        let input = network.values()[node.inputs[0]].shape;
        let output = network.values()[node_idx + 1].shape;
        let n_selected = selected_count(update.ratio(), input.c);
        let per_channel =
            conv.kernel[0] * conv.kernel[1] * if conv.depthwise { 1 } else { output.c };
        bits.weights += 8 * (4 * output.c + n_selected * per_channel) as u64;
        bits.activations += (output.len() + 8 * n_selected * input.h * input.w) as u64;
    }
    let features = network
        .features()
        .map_or(0, |value| network.values()[value].shape.c);
    AnalyticBytes {
        weights: bits.weights / 8,
        activations: bits.activations / 8 + features as u64,
    }
}
