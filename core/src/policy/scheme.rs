//! Policies as text: short names, and the options of the released `tiny-training` code.

use alloc::vec;
use alloc::vec::Vec;

use super::published::PUBLISHED;
use super::{LayerUpdate, Policy};
use crate::network::Network;
use crate::quant::ChannelChoice;

/// Why a scheme was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemeError {
    /// It is none of the forms.
    Form,
    /// `bias:K`, `last:K` or `n_bias_update` asks for more convolutions than there are.
    Count {
        /// Convolutions asked for.
        asked: usize,
        /// Convolutions of the network.
        available: usize,
    },
    /// `manual_weight_idx` names a convolution outside the last `n_bias_update`.
    Index {
        /// The index.
        layer: usize,
    },
    /// The input of a convolution cannot be computed again: its weights do not learn, or no
    /// convolution has made the input.
    Recompute {
        /// The index.
        layer: usize,
    },
    /// A convolution chooses its channels, but not some of them learn.
    Channels {
        /// The index.
        layer: usize,
    },
    /// `manual_weight_idx` and `weight_update_ratio` differ in length.
    Lengths,
    /// A ratio is not a number in 0..=1.
    Ratio,
    /// A published scheme is for a network of another number of convolutions.
    OtherNetwork {
        /// Convolutions of the network that it is for.
        expected: usize,
        /// Convolutions of this network.
        found: usize,
    },
}

/// Reads `classifier`, `full`, the name of a published scheme ([`PUBLISHED`]), `bias:K` (biases of the last K convolutions), `last:K` (biases
/// and all weights of the last K), or
/// `n_bias_update=22;manual_weight_idx=21-24;weight_update_ratio=1-0.125`, where `-` separates.
///
/// # Errors
/// What part cannot be used.
pub fn parse_scheme(network: &Network, text: &str) -> Result<Policy, SchemeError> {
    let n_convs = network.convs().count();
    let all = LayerUpdate::Weights { ratio: 1.0 };
    match text {
        "classifier" => return Ok(Policy::classifier_only(network)),
        "full" => return Ok(Policy::uniform(network, all)),
        _ => {}
    }
    if let Some(published) = PUBLISHED.iter().find(|published| published.id == text) {
        return published.policy(n_convs);
    }
    if let Some(count) = text.strip_prefix("bias:") {
        return last(n_convs, count, LayerUpdate::Bias);
    }
    if let Some(count) = text.strip_prefix("last:") {
        return last(n_convs, count, all);
    }
    options(n_convs, text)
}

/// Reads which convolutions compute their input again: `all` that can, or their indices, where `-`
/// separates. Gives them ascending.
///
/// # Errors
/// [`SchemeError::Form`] when it is neither, [`SchemeError::Recompute`] when a convolution of the
/// list cannot.
pub fn parse_recompute(
    network: &Network,
    policy: &Policy,
    text: &str,
) -> Result<Vec<usize>, SchemeError> {
    let possible = policy.recomputable(network);
    layers_of(text, possible, |layer| SchemeError::Recompute { layer })
}

/// Reads which convolutions of `policy` choose their channels as `choice` says: `all` of a partial
/// ratio, or their indices, where `-` separates.
///
/// # Errors
/// [`SchemeError::Form`] when it is neither, [`SchemeError::Channels`] when a convolution of the
/// list has no channels to choose from.
pub fn parse_channels(
    policy: &mut Policy,
    choice: ChannelChoice,
    text: &str,
) -> Result<(), SchemeError> {
    let layers = policy.layers.iter().enumerate();
    let partial = layers.filter(|(_, update)| update.is_partial());
    let possible = partial.map(|(layer, _)| layer).collect();
    for layer in layers_of(text, possible, |layer| SchemeError::Channels { layer })? {
        policy.set_channels(layer, Some(choice));
    }
    Ok(())
}

/// `all` of `possible`, or those of them that `text` lists, ascending.
fn layers_of(
    text: &str,
    possible: Vec<usize>,
    refuse: fn(usize) -> SchemeError,
) -> Result<Vec<usize>, SchemeError> {
    if text == "all" {
        return Ok(possible);
    }
    let mut layers = Vec::new();
    for item in text.split('-') {
        let layer = item.parse().map_err(|_not_a_number| SchemeError::Form)?;
        if possible.binary_search(&layer).is_err() {
            return Err(refuse(layer));
        }
        layers.push(layer);
    }
    layers.sort_unstable();
    layers.dedup();
    Ok(layers)
}

fn last(n_convs: usize, count: &str, update: LayerUpdate) -> Result<Policy, SchemeError> {
    let asked: usize = count.parse().map_err(|_not_a_number| SchemeError::Form)?;
    let first = n_convs.checked_sub(asked).ok_or(SchemeError::Count {
        asked,
        available: n_convs,
    })?;
    let mut layers = vec![LayerUpdate::Frozen; n_convs];
    layers[first..].fill(update);
    Ok(Policy::new(layers))
}

fn options(n_convs: usize, text: &str) -> Result<Policy, SchemeError> {
    let (mut biases, mut indices, mut ratios) = (None, Vec::new(), Vec::new());
    for part in text.split(';').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').ok_or(SchemeError::Form)?;
        let items = || value.split('-').filter(|item| !item.is_empty());
        match key {
            "n_bias_update" => biases = Some(value),
            "manual_weight_idx" => {
                for item in items() {
                    indices.push(item.parse().map_err(|_not_a_number| SchemeError::Form)?);
                }
            }
            "weight_update_ratio" => {
                for item in items() {
                    ratios.push(item.parse().map_err(|_not_a_number| SchemeError::Ratio)?);
                }
            }
            _ => return Err(SchemeError::Form),
        }
    }
    let mut policy = last(n_convs, biases.ok_or(SchemeError::Form)?, LayerUpdate::Bias)?;
    if indices.len() != ratios.len() {
        return Err(SchemeError::Lengths);
    }
    for (&layer, &ratio) in indices.iter().zip(&ratios) {
        let update = policy
            .layers
            .get_mut(layer)
            .filter(|update| **update == LayerUpdate::Bias);
        let update = update.ok_or(SchemeError::Index { layer })?;
        if !(0.0..=1.0f32).contains(&ratio) {
            return Err(SchemeError::Ratio);
        }
        // Ratio 0 names a layer of which only the bias learns.
        if ratio > 0.0 {
            *update = LayerUpdate::Weights { ratio };
        }
    }
    Ok(policy)
}
