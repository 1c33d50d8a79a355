//! The policies that can be chosen: one choice a layer.

use quartermeg_core::network::Network;
use quartermeg_core::policy::{LayerUpdate, Policy, selected_count};

/// The ratios that a layer can have (paper §2.3).
const RATIOS: [f32; 4] = [0.125, 0.25, 0.5, 1.0];

/// One place of a policy: of each layer, which of its updates.
pub type Choice = Vec<usize>;

/// What each layer of a network can do.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    layers: Vec<Vec<LayerUpdate>>,
}

impl Space {
    /// Every layer can be frozen, learn its bias, or also weights, at each ratio that selects other
    /// channels than the ratio below it.
    #[must_use]
    pub fn of(network: &Network) -> Self {
        let layers = network.convs().map(|(_, node, _)| {
            let channels = network.values()[node.inputs[0]].shape.c;
            let mut updates = vec![LayerUpdate::Frozen, LayerUpdate::Bias];
            let mut n_selected = 0;
            for ratio in RATIOS {
                let n = selected_count(ratio, channels);
                if n > n_selected {
                    updates.push(LayerUpdate::Weights { ratio });
                    n_selected = n;
                }
            }
            updates
        });
        Self {
            layers: layers.collect(),
        }
    }

    /// What each layer can do; the first is to be frozen, the last to learn all of it.
    #[must_use]
    pub fn layers(&self) -> &[Vec<LayerUpdate>] {
        &self.layers
    }

    /// The choice that freezes everything but the classifier.
    #[must_use]
    pub fn frozen(&self) -> Choice {
        vec![0; self.layers.len()]
    }

    /// The choice that trains everything.
    #[must_use]
    pub fn full(&self) -> Choice {
        self.layers
            .iter()
            .map(|updates| updates.len() - 1)
            .collect()
    }

    /// The policy of a choice.
    #[must_use]
    pub fn policy(&self, choice: &[usize]) -> Policy {
        let updates = self.layers.iter().zip(choice);
        Policy::new(updates.map(|(updates, &at)| updates[at]).collect())
    }

    /// The choice of a policy, where it is one of this space.
    #[must_use]
    pub fn choice(&self, policy: &Policy) -> Option<Choice> {
        if !policy.is_plain() || policy.layers.len() != self.layers.len() {
            return None;
        }
        let updates = self.layers.iter().zip(&policy.layers);
        updates
            .map(|(updates, wanted)| updates.iter().position(|update| update == wanted))
            .collect()
    }

    /// Each layer with each update but that of being frozen, from the last layer to the first: in
    /// this order policies share as much of their frozen beginning as they can.
    pub fn cells(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let layers = self.layers.iter().enumerate().rev();
        layers.flat_map(|(layer, updates)| (1..updates.len()).map(move |at| (layer, at)))
    }
}

/// `frozen`, `bias`, or the ratio of the weights: `1/8`, `1/4`, `1/2`, `1`.
#[must_use]
pub fn update_text(update: LayerUpdate) -> String {
    match update {
        LayerUpdate::Frozen => "frozen".to_owned(),
        LayerUpdate::Bias => "bias".to_owned(),
        LayerUpdate::Weights { ratio } if ratio < 1.0 => format!("1/{:.0}", 1.0 / ratio),
        LayerUpdate::Weights { .. } => "1".to_owned(),
    }
}
