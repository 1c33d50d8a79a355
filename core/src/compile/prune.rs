//! Which values need a gradient.

use alloc::vec;
use alloc::vec::Vec;

use crate::network::{Network, NodeKind};
use crate::policy::{LayerUpdate, Policy};
use crate::quant::{Rules, ShortcutGradient};

/// What layer `layer` updates: an int8 classifier stands behind the policy's layers and always
/// learns.
pub(super) fn update_of(policy: &Policy, layer: usize) -> LayerUpdate {
    let all = LayerUpdate::Weights { ratio: 1.0 };
    policy.layers.get(layer).copied().unwrap_or(all)
}

/// Which values need a gradient: those behind a convolution that learns; without `prune` all but
/// the input of the network.
pub(super) fn needs_gradient(
    network: &Network,
    policy: &Policy,
    rules: Rules,
    prune: bool,
) -> Vec<bool> {
    let mut needs = vec![!prune; network.values().len()];
    needs[0] = false;
    let mut n_layers = 0;
    for (node_idx, node) in network.nodes().iter().enumerate() {
        let learns = matches!(node.kind, NodeKind::Conv(_)) && {
            n_layers += 1;
            update_of(policy, n_layers - 1) != LayerUpdate::Frozen
        };
        // A shortcut whose gradient is dropped passes none on.
        let is_add = matches!(node.kind, NodeKind::Add { .. });
        let n_deaf = usize::from(is_add && rules.shortcut == ShortcutGradient::Dropped);
        let inputs = &node.inputs[n_deaf..];
        let is_behind = learns || inputs.iter().any(|&input| needs[input]);
        needs[node_idx + 1] |= is_behind;
    }
    needs
}
