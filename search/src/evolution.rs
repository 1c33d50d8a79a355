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
#[derive(Clone, Debug)]
pub struct Task {
    /// What the cells of a policy gain.
    pub contributions: Contributions,
    /// What a plan needs at least: what needs more than the budget is not even planned.
    pub least: LeastBytes,
    /// What a policy may cost.
    pub limits: Limits,
    /// Policies to plan; the search ends with the generation that reaches it.
    pub n_plans: usize,
}

/// A search under way.
#[derive(Debug)]
pub struct Evolution {
    task: Task,
    /// Policies that had been planned before.
    n_before: usize,
    dice: fastrand::Rng,
    /// The best first; all of them fit. None before the first is complete.
    population: Vec<Choice>,
    /// Those that are to be made to fit.
    children: Vec<Choice>,
    /// Those that do.
    fitting: Vec<Choice>,
    /// Generations that are complete; the first is made at random.
    generation: Option<u32>,
    /// Generations since the best was found.
    idle: u32,
    is_over: bool,
}

/// How far a search is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// A generation is under way.
    UnderWay,
    /// One more generation is complete.
    Complete(Generation),
    /// The search is over.
    Over,
}

impl Evolution {
    /// A search that has planned nothing yet. `begin_with` are policies of other searches; the others
    /// of the first generation are made at random.
    #[must_use]
    pub fn new(task: Task, planner: &Planner<'_>, begin_with: &[Choice], seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let full = planner.space().full();
        let random = (0..POPULATION).map(|_| {
            let layers = full.iter().map(|&most| {
                // Most layers of good policies are frozen.
                if dice.bool() { 0 } else { dice.usize(0..=most) }
            });
            layers.collect::<Choice>()
        });
        let mut children: Vec<Choice> = random.collect();
        children.extend_from_slice(begin_with);
        children.push(planner.space().frozen());
        Self {
            task,
            n_before: planner.n_planned(),
            dice,
            population: Vec::new(),
            children,
            fitting: Vec::new(),
            generation: None,
            idle: 0,
            is_over: false,
        }
    }

    /// The best policy so far; none before one is known to fit.
    #[must_use]
    pub fn best(&self) -> Option<&Choice> {
        self.population.first()
    }

    /// Goes on, with at most so many policies to plan. What is found does not depend on how many.
    pub fn advance(&mut self, planner: &mut Planner<'_>, most: usize) -> Progress {
        if self.is_over {
            return Progress::Over;
        }
        if !self.children.is_empty() {
            self.make_fit(planner, most);
            return Progress::UnderWay;
        }
        let fitting = std::mem::take(&mut self.fitting);
        let Some(generation) = self.generation else {
            self.population = self.ranked(fitting);
            self.generation = Some(0);
            self.breed(planner);
            return Progress::UnderWay;
        };
        let before = self.best().map(|best| self.gain(best));
        let elite = self.population.iter().take(ELITE).cloned();
        let mut gains: Vec<f64> = fitting
            .iter()
            .chain(&self.population[..elite.len()])
            .map(|choice| self.gain(choice))
            .collect();
        // A sum that does not depend on the order in which they were made to fit.
        gains.sort_by(f64::total_cmp);
        let mean_gain = gains.iter().sum::<f64>() / crate::statistics::count(gains.len());
        // Those of the generation before live on where children are too few to take their places.
        let mut all = fitting;
        all.append(&mut self.population);
        self.population = self.ranked(all);
        let best_gain = self.best().map_or(0.0, |best| self.gain(best));
        let is_better = before.is_none_or(|before| best_gain > before);
        self.idle = if is_better { 0 } else { self.idle + 1 };
        let generation = generation + 1;
        self.generation = Some(generation);
        self.breed(planner);
        Progress::Complete(Generation {
            generation,
            planned: planner.n_planned(),
            best_gain,
            mean_gain,
        })
    }

    /// Makes children, unless the search is over.
    fn breed(&mut self, planner: &Planner<'_>) {
        let n_planned = planner.n_planned() - self.n_before;
        let is_enough = self.generation > Some(0) && n_planned >= self.task.n_plans;
        self.is_over = self.idle >= PATIENCE || is_enough || self.population.is_empty();
        if !self.is_over {
            let full = planner.space().full();
            self.children = (0..POPULATION - ELITE).map(|_| self.child(&full)).collect();
        }
    }

    fn gain(&self, choice: &[usize]) -> f64 {
        self.task.contributions.gain(choice)
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

    /// Plans children; of those that do not fit the cell that gains least is given up, so that they
    /// are planned again. Planned together, so that the work can be spread.
    fn make_fit(&mut self, planner: &mut Planner<'_>, most: usize) {
        let limits = self.task.limits;
        let mut children = std::mem::take(&mut self.children);
        for choice in &mut children {
            while self.task.least.bytes(choice) > limits.sram_total_bytes
                && let Some(less) = self.with_less(choice)
            {
                *choice = less;
            }
        }
        if !planner.plan_some(&children, limits.sram_total_bytes, most) {
            self.children = children;
            return;
        }
        let (fit, too_large): (Vec<Choice>, Vec<Choice>) = children
            .into_iter()
            .partition(|choice| planner.fits(choice, &limits));
        self.fitting.extend(fit);
        self.children = too_large
            .iter()
            .filter_map(|choice| self.with_less(choice))
            .collect();
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
            let [of_one, of_other] = [one, other].map(|choice| self.gain(choice));
            of_other.total_cmp(&of_one).then_with(|| one.cmp(other))
        });
        choices.truncate(POPULATION);
        choices
    }
}
