//! An update policy as golden vectors write it: for each convolution `"frozen"`, `"bias"`, or the
//! ratio of channels whose weights learn too.

use quartermeg_core::policy::{LayerUpdate, Policy};
use serde::Deserialize;

/// What one convolution updates.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub enum Update {
    /// The bias, and the weights of this ratio of channels.
    Ratio(f32),
    /// No weights.
    Name(Name),
}

/// What has no ratio.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Name {
    /// Nothing.
    Frozen,
    /// Only the bias.
    Bias,
}

impl Update {
    /// The same for the core.
    #[must_use]
    pub fn layer_update(self) -> LayerUpdate {
        match self {
            Self::Name(Name::Frozen) => LayerUpdate::Frozen,
            Self::Name(Name::Bias) => LayerUpdate::Bias,
            Self::Ratio(ratio) => LayerUpdate::Weights { ratio },
        }
    }
}

/// The policy of a record.
#[must_use]
pub fn policy(record: &[Update]) -> Policy {
    Policy::new(record.iter().map(|update| update.layer_update()).collect())
}
