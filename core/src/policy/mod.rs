//! The update policy: which parameters learn (the paper's "sparse update scheme", §2.3).

mod analytic;
mod published;
mod scheme;
mod select;

use alloc::vec;
use alloc::vec::Vec;

pub use analytic::{AnalyticBytes, analytic_bytes};
pub use published::{PUBLISHED, PublishedScheme};
pub use scheme::{SchemeError, parse_channels, parse_recompute, parse_scheme};
pub(crate) use select::count_under;
pub use select::{selected_channels, selected_count};

use crate::network::{Network, NodeKind};
use crate::quant::ChannelChoice;

/// What a step changes in one convolution.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum LayerUpdate {
    /// Nothing.
    #[default]
    Frozen,
    /// The bias.
    Bias,
    /// The bias, and the weights of `floor(ratio * C)` input channels
    /// (depthwise: of as many channels).
    Weights {
        /// Channel ratio in `0.0..=1.0`.
        ratio: f32,
    },
}

impl LayerUpdate {
    /// Whether the bias learns.
    #[must_use]
    pub fn updates_bias(self) -> bool {
        !matches!(self, Self::Frozen)
    }

    /// The channel ratio; 0 when no weight learns.
    #[must_use]
    pub fn ratio(self) -> f32 {
        match self {
            Self::Weights { ratio } => ratio,
            Self::Frozen | Self::Bias => 0.0,
        }
    }

    /// Whether the ratio leaves a choice of channels: some learn, and not all.
    #[must_use]
    pub fn is_partial(self) -> bool {
        let ratio = self.ratio();
        ratio > 0.0 && ratio < 1.0
    }
}

/// One entry per convolution, in order of the convolution index. The classifier always learns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// What each convolution updates.
    pub layers: Vec<LayerUpdate>,
    /// Convolutions whose input is computed again for the gradient of their weights instead of
    /// being kept from the forward pass, by index, ascending. It changes bytes and
    /// multiply-accumulates of a step, and no weight.
    pub recompute: Vec<usize>,
    /// Convolutions that choose the channels of their ratio by themselves, by index, ascending;
    /// the others do as the rule says that is compiled with ([`crate::quant::Rules::channels`]).
    pub channels: Vec<(usize, ChannelChoice)>,
}

/// Why a policy does not fit a network.
#[expect(
    missing_docs,
    reason = "the fields are named by the sentence of their variant"
)]
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum PolicyError {
    /// The policy has another number of layers than the network has convolutions.
    LayerCount { expected: usize, found: usize },
    /// A ratio is not a number in 0..=1.
    Ratio { layer: usize, ratio: f32 },
    /// The input of a layer cannot be computed again, or the list of such layers does not ascend:
    /// its weights must learn, and a convolution must have made the input.
    Recompute { layer: usize },
    /// A layer chooses channels though none of its weights learns, or the list of such layers does
    /// not ascend.
    Channels { layer: usize },
}

impl Policy {
    /// Only the classifier learns.
    #[must_use]
    pub fn classifier_only(network: &Network) -> Self {
        Self::uniform(network, LayerUpdate::Frozen)
    }

    /// Every layer of the network does `update`.
    #[must_use]
    pub fn uniform(network: &Network, update: LayerUpdate) -> Self {
        Self::new(vec![update; network.convs().count()])
    }

    /// A policy that keeps every input that it needs, and chooses channels by the rule.
    #[must_use]
    pub fn new(layers: Vec<LayerUpdate>) -> Self {
        Self {
            layers,
            recompute: Vec::new(),
            channels: Vec::new(),
        }
    }

    /// Whether each layer does no more than its entry says: inputs are kept, and channels are
    /// chosen by the rule.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.recompute.is_empty() && self.channels.is_empty()
    }

    /// Changes what one convolution updates. Where its weights learn no more, there is no input
    /// left to compute again, and no channel to choose.
    pub fn set(&mut self, layer: usize, update: LayerUpdate) {
        if let Some(entry) = self.layers.get_mut(layer) {
            *entry = update;
        }
        if update.ratio() == 0.0 {
            self.recompute.retain(|&entry| entry != layer);
            self.channels.retain(|&(entry, _)| entry != layer);
        }
    }

    /// The channels that one convolution chooses, under the rule for all.
    #[must_use]
    pub fn channels_of(&self, layer: usize, rule: ChannelChoice) -> ChannelChoice {
        self.own_channels(layer).unwrap_or(rule)
    }

    /// The channels that one convolution chooses by itself; `None` where it does as the rule says.
    #[must_use]
    pub fn own_channels(&self, layer: usize) -> Option<ChannelChoice> {
        let own = self.channels.iter().find(|&&(entry, _)| entry == layer)?;
        Some(own.1)
    }

    /// Lets one convolution choose its channels by itself, or by the rule again. Where no weights
    /// learn, there is nothing to choose.
    pub fn set_channels(&mut self, layer: usize, choice: Option<ChannelChoice>) {
        self.channels.retain(|&(entry, _)| entry != layer);
        let learns = self.layers.get(layer).is_some_and(|it| it.ratio() > 0.0);
        if let Some(choice) = choice.filter(|_| learns) {
            let at = self.channels.partition_point(|&(entry, _)| entry < layer);
            self.channels.insert(at, (layer, choice));
        }
    }

    /// Chooses whether the input of one convolution is computed again in the backward pass instead
    /// of being kept. Where no weights learn, nothing is kept and there is nothing to choose.
    pub fn set_recompute(&mut self, layer: usize, is_computed_again: bool) {
        let learns = self.layers.get(layer).is_some_and(|it| it.ratio() > 0.0);
        match self.recompute.binary_search(&layer) {
            Ok(at) if !is_computed_again => {
                self.recompute.remove(at);
            }
            Err(at) if is_computed_again && learns => self.recompute.insert(at, layer),
            _ => {}
        }
    }

    /// The convolutions whose input can be computed again, by index, ascending: those whose
    /// weights learn, and whose input a convolution has made.
    #[must_use]
    pub fn recomputable(&self, network: &Network) -> Vec<usize> {
        let is_conv = |value: usize| {
            value
                .checked_sub(1)
                .is_some_and(|node| matches!(network.nodes()[node].kind, NodeKind::Conv(_)))
        };
        network
            .convs()
            .zip(&self.layers)
            .enumerate()
            .filter(|(_, ((_, node, _), update))| update.ratio() > 0.0 && is_conv(node.inputs[0]))
            .map(|(layer, _)| layer)
            .collect()
    }

    /// Checks the policy against the network that it is for.
    ///
    /// # Errors
    /// A wrong number of layers, a ratio outside 0..=1, or a layer whose input is computed again or
    /// whose channels are chosen though that cannot be.
    pub fn check(&self, network: &Network) -> Result<(), PolicyError> {
        let expected = network.convs().count();
        if self.layers.len() != expected {
            return Err(PolicyError::LayerCount {
                expected,
                found: self.layers.len(),
            });
        }
        for (layer, update) in self.layers.iter().enumerate() {
            let ratio = update.ratio();
            if !(0.0..=1.0).contains(&ratio) {
                return Err(PolicyError::Ratio { layer, ratio });
            }
        }
        let recomputable = self.recomputable(network);
        for (at, layer) in self.recompute.iter().enumerate() {
            let ascends = at == 0 || self.recompute[at - 1] < *layer;
            if !ascends || recomputable.binary_search(layer).is_err() {
                return Err(PolicyError::Recompute { layer: *layer });
            }
        }
        for (at, &(layer, _)) in self.channels.iter().enumerate() {
            let ascends = at == 0 || self.channels[at - 1].0 < layer;
            let learns = self.layers.get(layer).is_some_and(|it| it.ratio() > 0.0);
            if !ascends || !learns {
                return Err(PolicyError::Channels { layer });
            }
        }
        Ok(())
    }
}
