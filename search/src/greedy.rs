//! The greedy search: what gains most for its bytes is taken next, until nothing more fits.

use crate::{Choice, Contributions, Limits, Planner};

/// A search under way. It starts with the classifier alone and makes, again and again, the one change
/// of a layer that gains most for each byte that it adds to the plan.
#[derive(Debug)]
pub struct Greedy {
    limits: Limits,
    best: Choice,
    /// What the next change is chosen from; none before the first.
    larger: Option<Vec<Choice>>,
}

impl Greedy {
    /// A search that has planned nothing yet.
    #[must_use]
    pub fn new(planner: &Planner<'_>, limits: Limits) -> Self {
        Self {
            limits,
            best: planner.space().frozen(),
            larger: None,
        }
    }

    /// Goes on, with at most so many policies to plan; what was found once the search is over: none
    /// where not even the classifier alone fits.
    pub fn advance(
        &mut self,
        contributions: &Contributions,
        planner: &mut Planner<'_>,
        most: usize,
    ) -> Option<Option<Choice>> {
        let Some(larger) = &self.larger else {
            if !planner.fits(&self.best, &self.limits) {
                return Some(None);
            }
            self.larger = Some(larger(contributions, planner, &self.best));
            return None;
        };
        if !planner.plan_some(larger, self.limits.sram_total_bytes, most) {
            return None;
        }
        let before = contributions.gain(&self.best);
        let bytes = planner.cost(&self.best)?.sram_total_bytes;
        let mut next: Option<(f64, &Choice)> = None;
        for choice in larger {
            let Some(cost) = planner.cost_within(choice, &self.limits) else {
                continue;
            };
            // What costs nothing at the peak is worth a byte.
            let added = cost.sram_total_bytes.saturating_sub(bytes).max(1);
            let worth = (contributions.gain(choice) - before) / f64::from(added);
            if next.is_none_or(|(most, _)| worth > most) {
                next = Some((worth, choice));
            }
        }
        let Some((_, choice)) = next else {
            return Some(Some(self.best.clone()));
        };
        self.best.clone_from(choice);
        self.larger = Some(self::larger(contributions, planner, &self.best));
        None
    }
}

/// Searches to the end.
#[must_use]
pub fn search(
    contributions: &Contributions,
    planner: &mut Planner<'_>,
    limits: &Limits,
) -> Option<Choice> {
    let mut greedy = Greedy::new(planner, *limits);
    loop {
        if let Some(found) = greedy.advance(contributions, planner, usize::MAX) {
            return found;
        }
    }
}

/// Every choice that differs in one layer and gains more.
fn larger(contributions: &Contributions, planner: &Planner<'_>, choice: &[usize]) -> Vec<Choice> {
    let before = contributions.gain(choice);
    let layers = planner.space().layers().iter().enumerate();
    let neighbours = layers.flat_map(|(layer, updates)| {
        (0..updates.len())
            .filter(move |&at| at != choice[layer])
            .map(move |at| {
                let mut other = choice.to_vec();
                other[layer] = at;
                other
            })
    });
    neighbours
        .filter(|choice| contributions.gain(choice) > before)
        .collect()
}
