//! What each cell of a policy contributes (paper §4.2): the accuracy that it gains over training the
//! classifier alone, on the validation samples.

use quartermeg_core::policy::{LayerUpdate, Policy};

use crate::statistics::Spread;
use crate::study::Trial;
use crate::{Choice, Space};

/// The contribution of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    /// Index of the convolution.
    pub layer: usize,
    /// What it does.
    pub update: LayerUpdate,
    /// Gain in accuracy, one a seed: that of the classifier alone with the same seed is taken off.
    pub gains: Vec<f64>,
}

impl Contribution {
    /// Mean gain over the seeds, with its spread.
    #[must_use]
    pub fn spread(&self) -> Spread {
        Spread::of(&self.gains)
    }
}

/// All contributions of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributions {
    /// Accuracy of the classifier alone, one a seed.
    pub classifier: Vec<f64>,
    /// One a cell, in the order of [`Space::cells`].
    pub cells: Vec<Contribution>,
    /// Mean gain by layer and update, that of being frozen is 0.
    gains: Vec<Vec<f64>>,
}

impl Contributions {
    /// The trials that an analysis needs: the classifier alone, then cell by cell, each with every
    /// seed.
    #[must_use]
    pub fn trials(space: &Space, rate: f32, seeds: &[u64], steps: u32) -> Vec<Trial> {
        let alone = std::iter::once(space.policy(&space.frozen()));
        let cells = space.cells().map(|cell| policy_of(space, cell));
        let policies: Vec<Policy> = alone.chain(cells).collect();
        let trial = |policy: &Policy, seed: u64| Trial {
            policy: policy.clone(),
            rate,
            seed,
            steps,
        };
        policies
            .iter()
            .flat_map(|policy| seeds.iter().map(move |&seed| trial(policy, seed)))
            .collect()
    }

    /// From the accuracies of the classifier alone and of each cell, in the order of
    /// [`Space::cells`], one a seed.
    #[must_use]
    pub fn of(space: &Space, classifier: Vec<f64>, cells: impl Iterator<Item = Vec<f64>>) -> Self {
        let mut gains: Vec<Vec<f64>> = space
            .layers()
            .iter()
            .map(|updates| vec![0.0; updates.len()])
            .collect();
        let cells = space.cells().zip(cells).map(|((layer, at), accuracies)| {
            let pairs = accuracies.iter().zip(&classifier);
            let contribution = Contribution {
                layer,
                update: space.layers()[layer][at],
                gains: pairs.map(|(ours, alone)| ours - alone).collect(),
            };
            gains[layer][at] = contribution.spread().mean;
            contribution
        });
        Self {
            cells: cells.collect(),
            classifier,
            gains,
        }
    }

    /// Mean gain of one cell.
    #[must_use]
    pub fn gain_of(&self, layer: usize, at: usize) -> f64 {
        self.gains[layer][at]
    }

    /// The sum of the gains of all that a choice trains (paper eq. 5): what a search maximizes.
    #[must_use]
    pub fn gain(&self, choice: &[usize]) -> f64 {
        let cells = choice.iter().enumerate();
        cells.map(|(layer, &at)| self.gains[layer][at]).sum()
    }
}

/// The policy that does nothing but one cell.
fn policy_of(space: &Space, (layer, at): (usize, usize)) -> Policy {
    let mut choice: Choice = space.frozen();
    choice[layer] = at;
    space.policy(&choice)
}
