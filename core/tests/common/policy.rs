//! Random update policies.

use quartermeg_core::network::Network;
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::quant::ChannelChoice;

use super::rng::Rng;

pub(crate) fn random_update(rng: &mut Rng) -> LayerUpdate {
    match rng.below(8) {
        0..=2 => LayerUpdate::Frozen,
        3 => LayerUpdate::Bias,
        // So small that no channel is left of it in a narrow layer.
        4 => LayerUpdate::Weights {
            ratio: rng.real(0.0, 1.0),
        },
        _ => LayerUpdate::Weights {
            ratio: rng.choose(&[0.125, 0.25, 0.5, 1.0]),
        },
    }
}

pub(crate) fn random_policy(rng: &mut Rng, network: &Network) -> Policy {
    Policy::new(network.convs().map(|_| random_update(rng)).collect())
}

/// Lets some of the layers choose the channels of their ratio by themselves.
pub(crate) fn choose_own_channels(rng: &mut Rng, policy: &mut Policy) {
    for layer in 0..policy.layers.len() {
        if rng.chance(0.4) {
            let choice = rng.choose(&[ChannelChoice::Largest, ChannelChoice::First]);
            policy.set_channels(layer, Some(choice));
        }
    }
}

/// The same policy with one layer doing more than before.
pub(crate) fn raised(policy: &Policy, layer: usize) -> Policy {
    let mut raised = policy.clone();
    raised.layers[layer] = match policy.layers[layer] {
        LayerUpdate::Frozen => LayerUpdate::Bias,
        LayerUpdate::Bias => LayerUpdate::Weights { ratio: 0.25 },
        LayerUpdate::Weights { ratio } => LayerUpdate::Weights {
            ratio: ratio + (1.0 - ratio) / 2.0,
        },
    };
    raised
}
