//! The greedy search: what gains most for its bytes is taken next, until nothing more fits.

use std::cmp::Ordering;

use crate::{Choice, Contributions, Limits, Planner};

/// A search under way. It starts with the classifier alone and makes, again and again, the one change
/// of a layer that gains most for each byte that it adds to the plan.
#[derive(Debug)]
pub struct Greedy {
    limits: Limits,
    best: Choice,
    round: Round,
}

/// How far the next change is.
#[derive(Debug)]
enum Round {
    /// It is not known yet what there is to choose from.
    Begins,
    /// It is worked out what each choice needs at least.
    Bounding(Vec<Choice>),
    /// Choices with what they are worth at most, the most last; and the best that was planned, with
    /// what it is worth. What is worth less at most need not be planned.
    Planning(Vec<(f64, Choice)>, Option<(f64, Choice)>),
}

impl Greedy {
    /// A search that has planned nothing yet.
    #[must_use]
    pub fn new(planner: &Planner<'_>, limits: Limits) -> Self {
        Self {
            limits,
            best: planner.space().frozen(),
            round: Round::Begins,
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
        match &mut self.round {
            Round::Begins => {
                if !planner.fits(&self.best, &self.limits) {
                    return Some(None);
                }
                self.round = Round::Bounding(larger(contributions, planner, &self.best));
            }
            Round::Bounding(choices) => {
                // Nothing needs no bytes, so this is all that is worked out.
                if planner.plan_some(choices, 0, most) {
                    let choices = std::mem::take(choices);
                    let before = self.before(contributions, planner)?;
                    let most_bytes = self.limits.sram_total_bytes;
                    let possible = choices.into_iter().filter_map(|choice| {
                        let least = planner.least_bytes(&choice)?;
                        let worth = before.worth(contributions, &choice, least);
                        (least <= most_bytes).then_some((worth, choice))
                    });
                    let mut possible: Vec<(f64, Choice)> = possible.collect();
                    possible.sort_by(better);
                    self.round = Round::Planning(possible, None);
                }
            }
            Round::Planning(possible, best) => {
                let is_left = |(most, _): &(f64, Choice)| {
                    best.as_ref().is_none_or(|(worth, _)| most >= worth)
                };
                let Some((_, choice)) = possible.pop().filter(is_left) else {
                    let Some((_, choice)) = best.take() else {
                        return Some(Some(self.best.clone()));
                    };
                    self.best = choice;
                    self.round = Round::Bounding(larger(contributions, planner, &self.best));
                    return None;
                };
                if let Some(cost) = planner.cost_within(&choice, &self.limits) {
                    let mut best = best.take();
                    let before = self.before(contributions, planner)?;
                    let worth = before.worth(contributions, &choice, cost.sram_total_bytes);
                    let found = (worth, choice);
                    if best.as_ref().is_none_or(|it| better(it, &found).is_lt()) {
                        best = Some(found);
                    }
                    if let Round::Planning(_, kept) = &mut self.round {
                        *kept = best;
                    }
                }
            }
        }
        None
    }

    /// What changes are held against.
    fn before(&self, contributions: &Contributions, planner: &mut Planner<'_>) -> Option<Before> {
        Some(Before {
            gain: contributions.gain(&self.best),
            bytes: planner.cost(&self.best)?.sram_total_bytes,
        })
    }
}

/// What the policy before a change gains and needs.
struct Before {
    gain: f64,
    bytes: u32,
}

impl Before {
    /// What a byte of a choice gains that needs so many; what costs nothing at the peak is worth a
    /// byte.
    fn worth(&self, contributions: &Contributions, choice: &[usize], bytes: u32) -> f64 {
        let added = bytes.saturating_sub(self.bytes).max(1);
        (contributions.gain(choice) - self.gain) / f64::from(added)
    }
}

/// The better one last; of equal ones the smaller choice.
fn better(one: &(f64, Choice), other: &(f64, Choice)) -> Ordering {
    let by_worth = one.0.total_cmp(&other.0);
    by_worth.then_with(|| other.1.cmp(&one.1))
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
