//! Policies that are trained again to be judged, and what comes of the comparison.

use quartermeg_core::policy::Policy;

use crate::selection::{Candidate, shares};
use crate::study::{Outcome, Part, Trial};
use crate::{Cost, Difference, Limits, Spread};

/// A policy, trained with the rate that is best for it on the validation samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The learning rate.
    pub rate: f32,
    /// What came of it, seed by seed.
    pub outcomes: Vec<Outcome>,
}

impl Trained {
    /// The best of some rates on the validation samples, of equal ones the first; `outcomes` has
    /// those of each rate together. None where there is no rate or no outcome.
    #[must_use]
    pub fn best_of(rates: &[f32], outcomes: &[Outcome]) -> Option<Self> {
        let n_seeds = outcomes.len() / rates.len().max(1);
        let tried = rates.iter().zip(outcomes.chunks_exact(n_seeds.max(1)));
        let tried = tried.map(|(&rate, outcomes)| Self {
            rate,
            outcomes: outcomes.to_vec(),
        });
        tried.rev().max_by(|one, other| {
            let mean = |it: &Self| it.accuracy(Part::Validation).mean;
            mean(one).total_cmp(&mean(other))
        })
    }

    /// Share of the samples of a part that are recognized.
    #[must_use]
    pub fn accuracy(&self, part: Part) -> Spread {
        let accuracies: Vec<f64> = self.outcomes.iter().map(|it| it.accuracy(part)).collect();
        Spread::of(&accuracies)
    }
}

/// The trials of a policy with each rate and, of each rate, each seed.
#[must_use]
pub fn trials(policy: &Policy, rates: &[f32], seeds: &[u64], steps: u32) -> Vec<Trial> {
    let rates = rates.iter();
    rates
        .flat_map(|&rate| {
            seeds.iter().map(move |&seed| Trial {
                policy: policy.clone(),
                rate,
                seed,
                steps,
            })
        })
        .collect()
}

/// Seeds that had no part in choosing: of many that were tried the best was also lucky.
#[must_use]
pub fn other_seeds(seeds: &[u64]) -> Vec<u64> {
    let n_seeds = seeds.len() as u64;
    seeds.iter().map(|it| it.wrapping_add(n_seeds)).collect()
}

/// A candidate that was trained again, and what it costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Finalist {
    /// Where it comes from.
    pub candidate: Candidate,
    /// What came of it.
    pub trained: Trained,
    /// What it costs.
    pub cost: Cost,
}

/// One step of backward elimination, of which something is left that learns.
#[derive(Clone, Debug, PartialEq)]
pub struct EliminationStep {
    /// What still learns.
    pub policy: Policy,
    /// Mean accuracy on the validation samples.
    pub accuracy: f64,
    /// What it costs.
    pub cost: Cost,
}

/// For each share of the budget the most accurate step that fits; of equal ones the last, which needs
/// the fewest bytes. The steps are those that are not below the threshold.
#[must_use]
pub fn of_elimination(steps: &[EliminationStep], limits: &Limits) -> Vec<Candidate> {
    let of_share = |(limits, name): (Limits, String)| {
        let fitting = steps.iter().filter(|step| limits.allow(&step.cost));
        let best = fitting.max_by(|one, other| one.accuracy.total_cmp(&other.accuracy));
        best.map(|step| Candidate {
            origin: format!("elimination{name}"),
            policy: step.policy.clone(),
            is_found: true,
        })
    };
    shares(limits).filter_map(of_share).collect()
}

/// Which of some places in bytes and accuracy no other beats in accuracy with no more bytes.
#[must_use]
pub fn front(places: &[(u32, f64)]) -> Vec<bool> {
    let is_beaten = |&(bytes, accuracy): &(u32, f64)| {
        places.iter().any(|&(others, higher)| {
            others <= bytes && higher >= accuracy && (others < bytes || higher > accuracy)
        })
    };
    places.iter().map(|place| !is_beaten(place)).collect()
}

/// What the best found policy has over another that fits the same share of the budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison<'a> {
    /// The share, in bytes.
    pub sram_total_bytes: u32,
    /// The found one.
    pub ours: &'a Finalist,
    /// What it is compared with.
    pub theirs: &'a Finalist,
    /// In accuracy on the test samples.
    pub difference: Difference,
}

/// Within each share of the budget, the found policy that is best on the validation samples against
/// everything that it is compared with there.
#[must_use]
pub fn comparisons<'a>(finalists: &'a [Finalist], limits: &Limits) -> Vec<Comparison<'a>> {
    let mut comparisons = Vec::new();
    for (limits, _) in shares(limits) {
        let fitting = || finalists.iter().filter(|it| limits.allow(&it.cost));
        let found = fitting().filter(|it| it.candidate.is_found);
        let best = found.max_by(|one, other| {
            let mean = |it: &Finalist| it.trained.accuracy(Part::Validation).mean;
            mean(one).total_cmp(&mean(other))
        });
        let Some(ours) = best else {
            continue;
        };
        let compared = fitting().filter(|it| !it.candidate.is_found);
        comparisons.extend(compared.map(|theirs| Comparison {
            sram_total_bytes: limits.sram_total_bytes,
            ours,
            theirs,
            difference: Difference::between(
                &ours.trained.outcomes,
                &theirs.trained.outcomes,
                Part::Test,
            ),
        }));
    }
    comparisons
}
