//! What a found policy has to be better than.

use quartermeg_core::policy::LayerUpdate;

use crate::{Choice, Limits, Planner, Space};

/// The most of the last layers that can learn all of their weights within the limits; none where
/// not even one fits.
#[must_use]
pub fn last_layers(planner: &mut Planner<'_>, limits: &Limits) -> Option<Choice> {
    let full = planner.space().full();
    longest(planner, limits, &full)
}

/// The most of the last layers that can learn their biases within the limits.
#[must_use]
pub fn biases(planner: &mut Planner<'_>, limits: &Limits) -> Option<Choice> {
    let biases = bias_of_each(planner.space());
    longest(planner, limits, &biases)
}

fn bias_of_each(space: &Space) -> Choice {
    let layers = space.layers().iter();
    layers
        .map(|updates| {
            let bias = updates.iter().position(|it| *it == LayerUpdate::Bias);
            bias.unwrap_or(0)
        })
        .collect()
}

/// The longest end of `whole` that fits, everything before it frozen.
fn longest(planner: &mut Planner<'_>, limits: &Limits, whole: &[usize]) -> Option<Choice> {
    let ends: Vec<Choice> = (1..=whole.len())
        .map(|n_layers| {
            let mut choice = planner.space().frozen();
            let first = whole.len() - n_layers;
            choice[first..].copy_from_slice(&whole[first..]);
            choice
        })
        .collect();
    planner.plan_all(&ends);
    let mut fitting = ends
        .into_iter()
        .filter(|choice| planner.fits(choice, limits));
    fitting.next_back()
}
