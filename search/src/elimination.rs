//! Backward elimination, as the authors of the paper explain their method to the public: train
//! everything, then freeze one part after another, the least important first, until the accuracy
//! falls below a threshold.

use crate::{Choice, Contributions, Space};

/// Layers in the order in which they are frozen: the smallest contribution first, of equal ones
/// the earlier layer.
#[must_use]
pub fn order(contributions: &Contributions, space: &Space) -> Vec<usize> {
    let full = space.full();
    let mut layers: Vec<usize> = (0..full.len()).collect();
    layers.sort_by(|&one, &other| {
        let gain = |layer: usize| contributions.gain_of(layer, full[layer]);
        gain(one).total_cmp(&gain(other))
    });
    layers
}

/// The policies that are trained one after another: everything, then one layer less each time.
#[must_use]
pub fn steps(contributions: &Contributions, space: &Space) -> Vec<Choice> {
    let mut choice = space.full();
    let mut steps = vec![choice.clone()];
    for layer in order(contributions, space) {
        choice[layer] = 0;
        steps.push(choice.clone());
    }
    steps
}
