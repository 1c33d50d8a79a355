//! The searches, against a planner that is simple enough to try every policy, and against the real
//! one.

mod common;

use common::network;
use proptest::prelude::*;
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::quant::Rules;
use quartermeg_formats::scenario::{KEYBOARD, WATCH};
use quartermeg_search::additive::{self, LeastBytes};
use quartermeg_search::evolution::{Evolution, Progress, Task};
use quartermeg_search::greedy::Greedy;
use quartermeg_search::selection::{Selection, Told, shares};
use quartermeg_search::{
    Choice, Contributions, Cost, Limits, Measured, Outcome, Planned, Planner, Recipe, Space,
    baselines, elimination, greedy,
};

const N_SEEDS: u64 = 2;

/// Contributions of a network, as if trials had come out by chance.
fn contributions(space: &Space, seed: u64) -> Contributions {
    let mut dice = fastrand::Rng::with_seed(seed);
    let trials = Contributions::trials(space, 0.01, &[1, 2], 10);
    let outcomes: Vec<Outcome> = trials
        .iter()
        .map(|_| Outcome {
            correct: (0..40).map(|_| dice.bool()).collect(),
        })
        .collect();
    measured(space, N_SEEDS, &outcomes).contributions(space)
}

/// What an analysis with these outcomes measured.
fn measured(space: &Space, n_seeds: u64, outcomes: &[Outcome]) -> Measured {
    let recipe = Recipe {
        seeds: (0..n_seeds).collect(),
        ..Recipe::default()
    };
    Measured::of(space, recipe, outcomes)
}

fn within(sram_total_bytes: u32) -> Limits {
    Limits {
        sram_total_bytes,
        flash_bytes: None,
        macs_step: None,
    }
}

fn real_costs(network: &Network) -> impl FnMut(&[Policy], u32) -> Vec<Planned> + '_ {
    |policies, bytes| {
        let planned = policies
            .iter()
            .map(|policy| Planned::within(network, policy, Rules::DEVICE, bytes));
        planned.collect()
    }
}

/// Costs that are quick to have: each learning layer adds bytes, and the largest of them once more,
/// as a gradient would.
fn quick_costs(policies: &[Policy], sram_total_bytes: u32) -> Vec<Planned> {
    let costs = policies.iter().map(|policy| {
        let bytes = policy.layers.iter().enumerate().map(|(layer, update)| {
            let ratio = f64::from(update.ratio());
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "made-up bytes"
            )]
            let bytes =
                (1000.0 * ratio * f64::from(1 + u32::try_from(layer).unwrap_or(0) % 5)) as u32;
            bytes + 40 * u32::from(update.updates_bias())
        });
        let bytes: Vec<u32> = bytes.collect();
        let cost = Cost {
            sram_total_bytes: 5000 + bytes.iter().sum::<u32>() + bytes.iter().max().unwrap_or(&0),
            flash_bytes: 1,
            macs_step: 1,
        };
        // Half of what is too large is known to be so at once.
        let least = cost.sram_total_bytes - bytes.iter().max().unwrap_or(&0);
        if least > sram_total_bytes {
            Planned::Above(least)
        } else {
            Planned::Costs(cost)
        }
    });
    costs.collect()
}

/// Runs the evolution to its end.
fn evolved(
    contributions: &Contributions,
    planner: &mut Planner<'_>,
    limits: Limits,
    seed: u64,
) -> (Option<Choice>, Vec<String>) {
    evolved_by(contributions, planner, limits, seed, usize::MAX)
}

/// The same with at most so many policies to plan at a time.
fn evolved_by(
    contributions: &Contributions,
    planner: &mut Planner<'_>,
    limits: Limits,
    seed: u64,
    most: usize,
) -> (Option<Choice>, Vec<String>) {
    let task = Task {
        contributions: contributions.clone(),
        least: LeastBytes::default(),
        limits,
        n_plans: usize::MAX,
    };
    let mut evolution = Evolution::new(task, planner, &[], seed);
    let mut log = Vec::new();
    loop {
        match evolution.advance(planner, most) {
            Progress::UnderWay => {}
            Progress::Complete(generation) => log.push(format!("{generation:?}")),
            Progress::Over => return (evolution.best().cloned(), log),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_is_found_stays_within_the_budget(seed in 0..1000u64, budget in 5000..60_000u32) {
        let network = network(&KEYBOARD);
        let space = Space::of(&network);
        let contributions = contributions(&space, seed);
        let mut planner = Planner::new(space.clone(), quick_costs);
        let limits = within(budget);
        let found = [
            greedy::search(&contributions, &mut planner, &limits),
            evolved(&contributions, &mut planner, limits, seed).0,
        ];
        for choice in found {
            let choice = choice.expect("the classifier alone fits");
            prop_assert!(planner.fits(&choice, &limits));
            prop_assert!(contributions.gain(&choice) >= 0.0);
        }
        for choice in [
            baselines::last_layers(&space),
            baselines::biases(&space),
        ] {
            let Some(choice) = baselines::longest(&choice, &mut planner, &limits) else {
                continue;
            };
            prop_assert!(planner.fits(&choice, &limits));
        }
    }

    #[test]
    fn nothing_fits_a_budget_below_the_classifier(seed in 0..1000u64) {
        let network = network(&WATCH);
        let space = Space::of(&network);
        let contributions = contributions(&space, seed);
        let mut planner = Planner::new(space, quick_costs);
        let limits = within(4999);
        prop_assert_eq!(greedy::search(&contributions, &mut planner, &limits), None);
        prop_assert_eq!(evolved(&contributions, &mut planner, limits, seed).0, None);
    }
}

/// Greedy, as one would write it down: every neighbour is planned whole.
fn greedy_by_all(contributions: &Contributions, space: &Space, limits: &Limits) -> Choice {
    let cost = |choice: &Choice| {
        let planned = quick_costs(&[space.policy(choice)], u32::MAX)[0];
        planned.cost().expect("it compiles").sram_total_bytes
    };
    let mut best = space.frozen();
    loop {
        let (gain, bytes) = (contributions.gain(&best), cost(&best));
        let mut next: Option<(f64, Choice)> = None;
        for (layer, updates) in space.layers().iter().enumerate() {
            for at in 0..updates.len() {
                let mut choice = best.clone();
                choice[layer] = at;
                let (more, needed) = (contributions.gain(&choice) - gain, cost(&choice));
                if more <= 0.0 || needed > limits.sram_total_bytes {
                    continue;
                }
                let worth = more / f64::from(needed.saturating_sub(bytes).max(1));
                let is_better = next.as_ref().is_none_or(|(most, other)| {
                    worth > *most || (worth.to_bits() == most.to_bits() && choice < *other)
                });
                if is_better {
                    next = Some((worth, choice));
                }
            }
        }
        match next {
            Some((_, choice)) => best = choice,
            None => return best,
        }
    }
}

/// What is worth less at most than what is known need not be planned, and changes nothing.
#[test]
fn greedy_finds_what_planning_everything_finds() {
    let network = network(&KEYBOARD);
    let space = Space::of(&network);
    for seed in 0..8 {
        let contributions = contributions(&space, seed);
        let limits = within(8_000 + 4_000 * u32::try_from(seed).unwrap_or(0));
        let mut planner = Planner::new(space.clone(), quick_costs);
        let found = greedy::search(&contributions, &mut planner, &limits);
        let expected = greedy_by_all(&contributions, &space, &limits);
        assert_eq!(found.as_ref(), Some(&expected), "seed {seed}");
        // In small portions too.
        let mut planner = Planner::new(space.clone(), quick_costs);
        let mut greedy = Greedy::new(&planner, limits);
        let found = loop {
            if let Some(found) = greedy.advance(&contributions, &mut planner, 1) {
                break found;
            }
        };
        assert_eq!(found, Some(expected), "seed {seed}, one at a time");
    }
}

#[test]
fn the_same_seed_finds_the_same_however_plans_are_spread() {
    let network = network(&KEYBOARD);
    let space = Space::of(&network);
    let contributions = contributions(&space, 3);
    let together = evolved(
        &contributions,
        &mut Planner::new(space.clone(), quick_costs),
        within(20_000),
        7,
    );
    for most in [1, 7] {
        let apart = evolved_by(
            &contributions,
            &mut Planner::new(space.clone(), quick_costs),
            within(20_000),
            7,
            most,
        );
        assert_eq!(together, apart, "{most} at a time");
    }
    let other_seed = evolved(
        &contributions,
        &mut Planner::new(space, quick_costs),
        within(20_000),
        8,
    );
    assert_ne!(together.1, other_seed.1, "the seed has no effect");
}

#[test]
fn evolution_is_better_than_chance_and_no_better_than_the_bound() {
    let network = network(&KEYBOARD);
    let space = Space::of(&network);
    let contributions = contributions(&space, 5);
    let mut planner = Planner::new(space.clone(), quick_costs);
    let limits = within(20_000);
    let (found, _) = evolved(&contributions, &mut planner, limits, 1);
    let found = contributions.gain(&found.expect("something fits"));
    let greedy = greedy::search(&contributions, &mut planner, &limits).expect("something fits");
    // As many policies by chance as the evolution planned.
    let mut dice = fastrand::Rng::with_seed(2);
    let by_chance = (0..planner.n_planned())
        .map(|_| {
            let layers = space.layers().iter();
            let choice: Choice = layers
                .map(|updates| {
                    if dice.bool() {
                        0
                    } else {
                        dice.usize(0..updates.len())
                    }
                })
                .collect();
            choice
        })
        .filter(|choice| {
            let planned = quick_costs(&[space.policy(choice)], u32::MAX)[0];
            planned.cost().is_some_and(|it| limits.allow(&it))
        })
        .map(|choice| contributions.gain(&choice))
        .fold(0.0, f64::max);
    assert!(
        found > by_chance,
        "{found} by evolution, {by_chance} by chance"
    );
    assert!(contributions.gain(&greedy) > by_chance);
}

/// No plan is smaller than the sum of what its layers keep for the whole step.
#[test]
fn plans_need_at_least_the_additive_bytes() {
    for scenario in [&KEYBOARD, &WATCH] {
        let network = network(scenario);
        let space = Space::of(&network);
        let least = LeastBytes::of(&network, Rules::DEVICE, &space).expect("it compiles");
        let mut dice = fastrand::Rng::with_seed(11);
        let mut plan = real_costs(&network);
        let mut closest = f64::INFINITY;
        for n_frozen in (0..space.layers().len()).step_by(4) {
            let layers = space.layers().iter().enumerate();
            let choice: Choice = layers
                .map(|(layer, updates)| {
                    if layer < n_frozen {
                        0
                    } else {
                        dice.usize(0..updates.len())
                    }
                })
                .collect();
            let planned = plan(&[space.policy(&choice)], u32::MAX)[0];
            let cost = planned.cost().expect("it compiles");
            let bytes = least.bytes(&choice);
            assert!(bytes <= cost.sram_total_bytes, "{bytes} of {cost:?}");
            closest = closest.min(f64::from(cost.sram_total_bytes) / f64::from(bytes));
        }
        assert!(closest < 1.5, "a bound that says nothing: {closest}");
    }
}

/// The knapsack is exact: no policy within the same sum of bytes gains more.
#[test]
fn the_additive_solution_is_the_best_of_all() {
    let network = network(&WATCH);
    let space = Space::of(&network);
    let least = LeastBytes::of(&network, Rules::DEVICE, &space).expect("it compiles");
    // Gains of three layers alone, so that every policy can be tried.
    let layers = [2, 11, 26];
    let mut dice = fastrand::Rng::with_seed(4);
    let trials = Contributions::trials(&space, 0.01, &[1], 10);
    let alone = &trials[0].policy;
    let outcomes: Vec<Outcome> = trials
        .iter()
        .map(|trial| {
            let changed = trial.policy.layers.iter().zip(&alone.layers);
            let layer = changed.clone().position(|(ours, alone)| ours != alone);
            let n_correct = match layer {
                Some(layer) if layers.contains(&layer) => dice.usize(10..200),
                _ => 10,
            };
            Outcome {
                correct: (0..400).map(|sample| sample < 2 * n_correct).collect(),
            }
        })
        .collect();
    let contributions = measured(&space, 1, &outcomes).contributions(&space);
    let full: u32 = least.bytes(&space.full());
    let none: u32 = least.bytes(&space.frozen());
    for share in 0..=16 {
        let budget = none + (full - none) / 16 * share / 8;
        let mut best = 0.0f64;
        let [a, b, c] = layers;
        for at_a in 0..space.layers()[a].len() {
            for at_b in 0..space.layers()[b].len() {
                for at_c in 0..space.layers()[c].len() {
                    let mut choice = space.frozen();
                    (choice[a], choice[b], choice[c]) = (at_a, at_b, at_c);
                    if least.bytes(&choice) <= budget {
                        best = best.max(contributions.gain(&choice));
                    }
                }
            }
        }
        let found = least.best(&contributions, budget).expect("it fits");
        assert!(least.bytes(&found) <= budget);
        assert!(
            (contributions.gain(&found) - best).abs() < 1e-9,
            "at {budget} bytes"
        );
    }
    assert_eq!(least.best(&contributions, none - 4), None);
}

/// With the real planner: what the knapsack makes of a budget fits it, and the bound holds.
#[test]
fn additive_solutions_are_made_to_fit() {
    let network = network(&WATCH);
    let space = Space::of(&network);
    let contributions = contributions(&space, 9);
    let least = LeastBytes::of(&network, Rules::DEVICE, &space).expect("it compiles");
    let mut planner = Planner::new(space, real_costs(&network));
    let limits = within(80_000);
    let found = additive::search(&least, &contributions, &mut planner, &limits);
    let found = found.expect("the classifier alone fits");
    assert!(planner.fits(&found, &limits));
    let bound = least.best(&contributions, limits.sram_total_bytes);
    let bound = contributions.gain(&bound.expect("it fits"));
    assert!(contributions.gain(&found) <= bound + 1e-9);
    assert!(contributions.gain(&found) > 0.0);
}

#[test]
fn elimination_freezes_the_least_important_first() {
    let network = network(&KEYBOARD);
    let space = Space::of(&network);
    let contributions = contributions(&space, 6);
    let steps = elimination::steps(&contributions, &space);
    assert_eq!(steps.first(), Some(&space.full()));
    assert_eq!(steps.last(), Some(&space.frozen()));
    let full = space.full();
    let gains: Vec<f64> = elimination::order(&contributions, &space)
        .into_iter()
        .map(|layer| contributions.gain_of(layer, full[layer]))
        .collect();
    assert!(gains.is_sorted());
    for (before, after) in steps.iter().zip(&steps[1..]) {
        let changed = before.iter().zip(after).filter(|(one, other)| one != other);
        assert_eq!(changed.count(), 1);
    }
}

/// A selection chooses the same however its work is cut, and what it says fits does.
#[test]
fn a_selection_is_the_same_however_it_is_cut() {
    let network = network(&WATCH);
    let space = Space::of(&network);
    let limits = within(60_000);
    let select = |most: usize| {
        let task = Task {
            contributions: contributions(&space, 12),
            least: LeastBytes::of(&network, Rules::DEVICE, &space).expect("it compiles"),
            limits,
            n_plans: 300,
        };
        let mut planner = Planner::new(space.clone(), real_costs(&network));
        let presets = vec![("all".to_owned(), space.policy(&space.full()))];
        let mut selection = Selection::new(task, &planner, 5, presets);
        let mut generations = Vec::new();
        loop {
            match selection.advance(&mut planner, most) {
                Told::Nothing => {}
                Told::Generation {
                    sram_total_bytes,
                    generation,
                } => generations.push(format!("{sram_total_bytes} {generation:?}")),
                Told::Over => break,
            }
        }
        let (best, bound) = (selection.best_gain(), selection.bound_gain());
        let (best, bound) = (best.expect("it fits"), bound.expect("it fits"));
        assert!(best <= bound + 1e-9, "{best} above the bound {bound}");
        for (limits, name) in shares(&limits) {
            for candidate in selection.candidates() {
                let methods = ["evolution", "greedy", "additive", "last", "bias"];
                if methods
                    .iter()
                    .any(|it| candidate.origin == format!("{it}{name}"))
                {
                    let choice = space.choice(&candidate.policy).expect("it is of the space");
                    assert!(planner.fits(&choice, &limits), "{}", candidate.origin);
                }
            }
        }
        (selection.candidates().to_vec(), generations)
    };
    let together = select(usize::MAX);
    let apart = select(5);
    assert_eq!(apart.0.len(), together.0.len());
    assert!(apart == together, "it depends on how it is cut");
    let origins: Vec<&str> = together.0.iter().map(|it| it.origin.as_str()).collect();
    for origin in [
        "evolution",
        "additive",
        "greedy",
        "evolution 1/4",
        "classifier",
        "preset all",
    ] {
        assert!(origins.contains(&origin), "{origin} of {origins:?}");
    }
}
