//! The evolutionary search of the paper (§2.3): a population of policies, of which the best are
//! crossed and changed at random. Its population and rates are ours, the paper states none.

use std::collections::HashSet;

use serde::Serialize;

use crate::additive::LeastBytes;
use crate::{Choice, Contributions, Limits, Planner};

/// Policies in a generation.
const POPULATION: usize = 64;
/// Of these, the best that live on.
const ELITE: usize = 8;
/// Policies among which a parent is the best.
const TOURNAMENT: usize = 4;
/// Generations without a better policy, after which the search ends.
const PATIENCE: u32 = 24;

/// How a generation stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Generation {
    /// Counted from 0.
    pub generation: u32,
    /// Policies planned since the beginning.
    pub planned: usize,
    /// The largest gain within the limits so far.
    pub best_gain: f64,
    /// Mean gain of the generation.
    pub mean_gain: f64,
}

/// What a search goes by.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// What the cells of a policy gain.
    pub contributions: &'a Contributions,
    /// What a plan needs at least: what needs more than the budget is not even planned.
    pub least: &'a LeastBytes,
    /// What a policy may cost.
    pub limits: Limits,
    /// Policies to plan; the search ends with the generation that reaches it.
    pub n_plans: usize,
}

/// A search under way.
pub struct Evolution<'a> {
    task: Task<'a>,
    /// Policies that had been planned before.
    n_before: usize,
    dice: fastrand::Rng,
    /// The best first; all of them fit.
    population: Vec<Choice>,
    generation: u32,
    /// Generations since the best was found.
    idle: u32,
}

impl<'a> Evolution<'a> {
    /// `begin_with` are policies of other searches; the others are made at random.
    #[must_use]
    pub fn new(
        task: Task<'a>,
        planner: &mut Planner<'_>,
        begin_with: &[Choice],
        seed: u64,
    ) -> Self {
        let mut evolution = Self {
            task,
            n_before: planner.n_planned(),
            dice: fastrand::Rng::with_seed(seed),
            population: Vec::new(),
            generation: 0,
            idle: 0,
        };
        let full = planner.space().full();
        let random = (0..POPULATION).map(|_| {
            let layers = full.iter().map(|&most| {
                // Most layers of good policies are frozen.
                if evolution.dice.bool() {
                    0
                } else {
                    evolution.dice.usize(0..=most)
                }
            });
            layers.collect::<Choice>()
        });
        let mut choices: Vec<Choice> = random.collect();
        choices.extend_from_slice(begin_with);
        choices.push(planner.space().frozen());
        let fitting = evolution.made_to_fit(planner, choices);
        evolution.population = evolution.ranked(fitting);
        evolution
    }

    /// The best policy so far; none where not even the classifier alone fits.
    #[must_use]
    pub fn best(&self) -> Option<&Choice> {
        self.population.first()
    }

    /// Makes one more generation; none when the search is over.
    pub fn advance(&mut self, planner: &mut Planner<'_>) -> Option<Generation> {
        let before = self.task.contributions.gain(self.best()?);
        let n_planned = planner.n_planned() - self.n_before;
        let is_enough = self.generation > 0 && n_planned >= self.task.n_plans;
        if self.idle >= PATIENCE || is_enough {
            return None;
        }
        let full = planner.space().full();
        let children: Vec<Choice> = (0..POPULATION - ELITE).map(|_| self.child(&full)).collect();
        let mut all = self.made_to_fit(planner, children);
        all.extend(self.population.iter().take(ELITE).cloned());
        let n_all = all.len();
        let mean_gain = all
            .iter()
            .map(|choice| self.task.contributions.gain(choice))
            .sum::<f64>()
            / crate::statistics::count(n_all);
        // Those of the generation before live on where children are too few to take their places.
        all.extend(self.population.iter().skip(ELITE).cloned());
        self.population = self.ranked(all);
        let best_gain = self.task.contributions.gain(&self.population[0]);
        self.idle = if best_gain > before { 0 } else { self.idle + 1 };
        self.generation += 1;
        Some(Generation {
            generation: self.generation,
            planned: planner.n_planned(),
            best_gain,
            mean_gain,
        })
    }

    /// The best of some policies chosen at random.
    fn parent(&mut self) -> &Choice {
        let n = self.population.len();
        let place = (0..TOURNAMENT).map(|_| self.dice.usize(0..n)).min();
        &self.population[place.unwrap_or(0)]
    }

    fn child(&mut self, full: &[usize]) -> Choice {
        let (one, other) = (self.parent().clone(), self.parent().clone());
        let mut child: Choice = one
            .iter()
            .zip(&other)
            .map(|(&one, &other)| if self.dice.bool() { one } else { other })
            .collect();
        for _ in 0..=self.dice.usize(0..3) {
            let layer = self.dice.usize(0..child.len());
            child[layer] = self.dice.usize(0..=full[layer]);
        }
        child
    }

    /// Those of `choices` that fit, and of the others what is left of them when, cell by cell, the
    /// least gain for its bytes is given up. Planned together, so that the work can be spread.
    fn made_to_fit(&self, planner: &mut Planner<'_>, mut choices: Vec<Choice>) -> Vec<Choice> {
        let mut fitting = Vec::new();
        let budget_bytes = self.task.limits.sram_total_bytes;
        while !choices.is_empty() {
            for choice in &mut choices {
                while self.task.least.bytes(choice) > budget_bytes
                    && let Some(less) = self.with_less(choice)
                {
                    *choice = less;
                }
            }
            planner.plan_all(&choices);
            let (fit, too_large): (Vec<Choice>, Vec<Choice>) = choices
                .into_iter()
                .partition(|choice| planner.fits(choice, &self.task.limits));
            fitting.extend(fit);
            choices = too_large
                .iter()
                .filter_map(|choice| self.with_less(choice))
                .collect();
        }
        fitting
    }

    /// A choice without the cell that contributes least; none where nothing learns.
    fn with_less(&self, choice: &[usize]) -> Option<Choice> {
        let learning = (0..choice.len()).filter(|&layer| choice[layer] > 0);
        let least = learning.min_by(|&one, &other| {
            let gain = |layer: usize| self.task.contributions.gain_of(layer, choice[layer]);
            gain(one).total_cmp(&gain(other))
        })?;
        let mut less = choice.to_vec();
        less[least] = 0;
        Some(less)
    }

    /// Different choices, the largest gain first; of equal gains the smaller choice.
    fn ranked(&self, choices: Vec<Choice>) -> Vec<Choice> {
        let mut seen = HashSet::new();
        let mut choices: Vec<Choice> = choices
            .into_iter()
            .filter(|choice| seen.insert(choice.clone()))
            .collect();
        choices.sort_by(|one, other| {
            let gain = |choice: &Choice| self.task.contributions.gain(choice);
            gain(other)
                .total_cmp(&gain(one))
                .then_with(|| one.cmp(other))
        });
        choices.truncate(POPULATION);
        choices
    }
}
