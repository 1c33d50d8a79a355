//! What a found policy has to be better than.

use quartermeg_core::policy::LayerUpdate;

use crate::{Choice, Limits, Planner, Space};

/// The ends of a network that can learn, the shortest first: all weights of the last layer, of the
/// last two, and so on.
#[must_use]
pub fn last_layers(space: &Space) -> Vec<Choice> {
    ends(space, &space.full())
}

/// The same, with nothing but the biases.
#[must_use]
pub fn biases(space: &Space) -> Vec<Choice> {
    let layers = space.layers().iter();
    let biases: Choice = layers
        .map(|updates| {
            let bias = updates.iter().position(|it| *it == LayerUpdate::Bias);
            bias.unwrap_or(0)
        })
        .collect();
    ends(space, &biases)
}

/// The longest of these ends that fits; none where not even the shortest does.
pub fn longest(ends: &[Choice], planner: &mut Planner<'_>, limits: &Limits) -> Option<Choice> {
    let mut ends = ends.iter().rev();
    ends.find(|choice| planner.fits(choice, limits)).cloned()
}

fn ends(space: &Space, whole: &[usize]) -> Vec<Choice> {
    let ends = (1..=whole.len()).map(|n_layers| {
        let mut choice = space.frozen();
        let first = whole.len() - n_layers;
        choice[first..].copy_from_slice(&whole[first..]);
        choice
    });
    ends.collect()
}
