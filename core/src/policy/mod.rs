//! The update policy: which parameters learn (the paper's "sparse update scheme", §2.3).

mod analytic;
mod published;
mod scheme;
mod select;

use alloc::vec;
use alloc::vec::Vec;

pub use analytic::{AnalyticBytes, analytic_bytes};
pub use published::{PUBLISHED, PublishedScheme};
pub use scheme::{SchemeError, parse_scheme};
pub use select::{selected_channels, selected_count};

use crate::network::Network;

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
}

/// One entry per convolution, in order of the convolution index. The classifier always learns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// What each convolution updates.
    pub layers: Vec<LayerUpdate>,
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
        Self {
            layers: vec![update; network.convs().count()],
        }
    }

    /// Checks the policy against the network that it is for.
    ///
    /// # Errors
    /// A wrong number of layers, or a ratio outside 0..=1.
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
        Ok(())
    }
}
