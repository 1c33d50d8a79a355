//! `quartermeg search`: the best update policy within a budget (paper §2.3).

pub(crate) mod analyze;
mod laboratory;
mod options;
mod report;

use std::time::Instant;

use anyhow::{Context as _, anyhow};
use quartermeg_core::policy::Policy;
use quartermeg_formats::scenario::{self, OWN};
use quartermeg_formats::{explain, link};
use quartermeg_search::additive::{self, LeastBytes};
use quartermeg_search::evolution::{Evolution, Generation, Task};
use quartermeg_search::{
    Choice, Contributions, Cost, Difference, Limits, Outcome, Part, Planner, Space, Spread, Trial,
    baselines, elimination, greedy,
};

use self::analyze::analyze;
use self::options::{Plan, StudyOptions};
use self::report::{
    DifferenceReport, EliminationReport, EliminationStep, Event, PointReport, SearchReport, Seconds,
};
use crate::board::bytes;
use crate::output;

/// Shares of the budget for which finalists are chosen, so that it shows what fewer bytes cost.
const SHARES: [u32; 3] = [1, 2, 4];

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    study: StudyOptions,
    /// Bytes that may be written at run time, all but the stack (`sram_total_bytes` of
    /// `quartermeg memory`), in bytes, or as 256KiB.
    #[arg(long, value_parser = bytes)]
    budget: u32,
    /// Bytes of program and constants, in the same form; without limit if absent.
    #[arg(long, value_parser = bytes)]
    flash: Option<u32>,
    /// Multiply-accumulates of a step; without limit if absent.
    #[arg(long)]
    macs: Option<u64>,
    /// Accuracy on the validation samples below which backward elimination stops, in percent; that of
    /// the classifier alone if absent.
    #[arg(long, value_parser = percent)]
    threshold: Option<f64>,
    /// Learning rates with which finalists and the steps of backward elimination are trained, as
    /// factors of --lr; the best on the validation samples counts.
    #[arg(long, value_delimiter = ',', default_value = "0.5,1,2", value_parser = factor)]
    rates: Vec<f32>,
    /// Policies that the evolutionary search plans for each share of the budget, at most.
    #[arg(long, default_value_t = 5000)]
    plans: usize,
    /// Leave out backward elimination, which trains once for every layer.
    #[arg(long)]
    no_elimination: bool,
    /// Print JSON, one object a line; the last is the result.
    #[arg(long)]
    json: bool,
}

fn percent(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.trim_end_matches('%').trim().parse().ok();
    number
        .filter(|number| (0.0..=100.0).contains(number))
        .map(|number| number / 100.0)
        .ok_or_else(|| format!("\"{text}\" is no accuracy; write percent, from 0 to 100"))
}

fn factor(text: &str) -> Result<f32, String> {
    let number: Option<f32> = text.trim().parse().ok();
    number
        .filter(|number| (1e-3..=1e3).contains(number))
        .ok_or_else(|| format!("\"{text}\" is no factor; write numbers from 0.001 to 1000"))
}

/// A policy that takes part, and where it comes from.
#[derive(Clone, Debug)]
struct Candidate {
    /// `evolution`, `greedy`, `additive`, `elimination`, `last`, `bias`, `classifier` or `full`, with
    /// the share of the budget where it is not the whole; or `preset` and its id.
    origin: String,
    policy: Policy,
    /// Whether the search found it, or it is what the search is compared with.
    is_found: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut plan = arguments.study.plan()?;
    if plan.shard.is_some() {
        return analyze::run_share(&mut plan, arguments.json);
    }
    let limits = Limits {
        sram_total_bytes: arguments.budget,
        flash_bytes: arguments.flash,
        macs_step: arguments.macs,
    };
    let (contributions, analysis) = analyze(&mut plan, None)?;
    let analysis_seconds = plan.laboratory.tally.seconds;
    let space = Space::of(plan.laboratory.study.network());

    let started = Instant::now();
    let chosen = choose(&plan, arguments, &contributions, &limits)?;
    let planning_seconds = started.elapsed().as_secs_f64();

    let elimination = if arguments.no_elimination {
        None
    } else {
        Some(eliminate(&mut plan, arguments, &contributions)?)
    };
    let until_training = plan.laboratory.tally.seconds;

    let mut candidates = chosen.candidates;
    if let Some(elimination) = &elimination {
        candidates.extend(elimination.candidates(&limits));
    }
    let finalists = retrain(&mut plan, arguments, distinct(candidates))?;
    let point = |finalist: &Finalist| {
        let choice = space.choice(&finalist.candidate.policy);
        PointReport {
            origin: finalist.candidate.origin.clone(),
            found: finalist.candidate.is_found,
            policy: link::policy_text(&finalist.candidate.policy),
            fits: limits.allow(&finalist.cost),
            cost: finalist.cost,
            gain: choice.map(|choice| contributions.gain(&choice)),
            rate: finalist.trained.rate,
            accuracy: finalist.trained.accuracy(Part::Test),
            validation_accuracy: finalist.trained.accuracy(Part::Validation),
            on_front: false,
        }
    };
    let mut points: Vec<PointReport> = finalists.iter().map(point).collect();
    let laboratory = &plan.laboratory;
    report::mark_front(&mut points);
    let report = SearchReport {
        limits,
        analysis,
        planned: chosen.n_planned,
        bound_gain: chosen.bound_gain,
        gap: chosen
            .bound_gain
            .zip(chosen.best_gain)
            .map(|(bound, best)| bound - best),
        best_gain: chosen.best_gain,
        elimination: elimination.map(|it| it.report),
        differences: differences(&finalists, &limits),
        test_samples: laboratory.study.n_held_out() / 2,
        points,
        runs: laboratory.tally.run,
        runs_known: laboratory.tally.known,
        seconds: Seconds {
            analysis: analysis_seconds,
            planning: planning_seconds,
            elimination: until_training - analysis_seconds,
            training: laboratory.tally.seconds - until_training,
        },
    };
    if arguments.json {
        return output::json(&report);
    }
    output::text(&report.text()?)
}

/// What the methods that only plan come to.
struct Chosen {
    candidates: Vec<Candidate>,
    n_planned: usize,
    /// No policy within the limits gains more.
    bound_gain: Option<f64>,
    best_gain: Option<f64>,
}

fn choose(
    plan: &Plan,
    arguments: &Arguments,
    contributions: &Contributions,
    limits: &Limits,
) -> anyhow::Result<Chosen> {
    let laboratory = &plan.laboratory;
    let network = laboratory.study.network();
    let rules = laboratory.study.setup().rules;
    let space = Space::of(network);
    let mut planner = Planner::new(space.clone(), |it| laboratory.plan(it));
    if !planner.fits(&space.frozen(), limits) {
        let least = planner.cost(&space.frozen());
        return Err(anyhow!(too_little(least, limits)));
    }
    let least = LeastBytes::of(network, rules, &space)
        .map_err(|error| anyhow!(explain::compile(&error)))?;
    let bound = least.best(contributions, limits.sram_total_bytes);
    let seed = plan.seeds.first().copied().unwrap_or_default();
    let evolve = |planner: &mut Planner<'_>, limits: Limits, begin_with: &[Choice]| {
        let task = Task {
            contributions,
            least: &least,
            limits,
            n_plans: arguments.plans,
        };
        let mut evolution = Evolution::new(task, planner, begin_with, seed);
        while let Some(generation) = evolution.advance(planner) {
            tell(arguments.json, limits.sram_total_bytes, &generation)?;
        }
        anyhow::Ok(evolution.best().cloned())
    };
    let greedy = greedy::search(contributions, &mut planner, limits);
    let additive = additive::search(&least, contributions, &mut planner, limits);
    let begin_with: Vec<Choice> = greedy.iter().chain(&additive).cloned().collect();
    let evolution = evolve(&mut planner, *limits, &begin_with)?;
    let found = [
        ("evolution", &evolution),
        ("additive", &additive),
        ("greedy", &greedy),
    ];
    let best_gain = found
        .iter()
        .filter_map(|(_, choice)| choice.as_ref())
        .map(|choice| contributions.gain(choice))
        .max_by(f64::total_cmp);
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut add = |origin: String, choice: Option<Choice>, is_found: bool| {
        candidates.extend(choice.map(|choice| Candidate {
            origin,
            policy: space.policy(&choice),
            is_found,
        }));
    };
    for (origin, choice) in found {
        add(origin.to_owned(), choice.clone(), true);
    }
    for (limits, name) in shares(limits).skip(1) {
        let greedy = greedy::search(contributions, &mut planner, &limits);
        let choice = evolve(&mut planner, limits, greedy.as_slice())?;
        add(format!("evolution{name}"), choice, true);
    }
    for (limits, name) in shares(limits) {
        let last = baselines::last_layers(&mut planner, &limits);
        add(format!("last{name}"), last, false);
        let biases = baselines::biases(&mut planner, &limits);
        add(format!("bias{name}"), biases, false);
    }
    add("classifier".to_owned(), Some(space.frozen()), false);
    add("full".to_owned(), Some(space.full()), false);
    let presets = scenario::presets(plan.scenario.unwrap_or(&OWN), network);
    candidates.extend(presets.into_iter().map(|preset| Candidate {
        origin: format!("preset {}", preset.id),
        policy: preset.policy,
        is_found: false,
    }));
    Ok(Chosen {
        candidates,
        n_planned: planner.n_planned(),
        bound_gain: bound.map(|choice| contributions.gain(&choice)),
        best_gain,
    })
}

fn too_little(least: Option<Cost>, limits: &Limits) -> String {
    let Some(least) = least else {
        return "The network cannot be trained.".to_owned();
    };
    let bytes = |bytes: u32| explain::bytes(u64::from(bytes));
    let mut reasons = Vec::new();
    if least.sram_total_bytes > limits.sram_total_bytes {
        reasons.push(format!(
            "{} of memory, {} more than --budget",
            bytes(least.sram_total_bytes),
            bytes(least.sram_total_bytes - limits.sram_total_bytes)
        ));
    }
    if let Some(limit) = limits
        .flash_bytes
        .filter(|&limit| least.flash_bytes > limit)
    {
        reasons.push(format!(
            "{} of flash, {} more than --flash",
            bytes(least.flash_bytes),
            bytes(least.flash_bytes - limit)
        ));
    }
    if let Some(limit) = limits.macs_step.filter(|&limit| least.macs_step > limit) {
        reasons.push(format!(
            "{} multiply-accumulates a step, {} more than --macs",
            explain::number(least.macs_step),
            explain::number(least.macs_step - limit)
        ));
    }
    format!(
        "Nothing fits: training the classifier alone needs {}. Raise the limit, or take a smaller \
         network.",
        reasons.join(" and ")
    )
}

fn tell(json: bool, budget_bytes: u32, generation: &Generation) -> anyhow::Result<()> {
    if json {
        return output::json(&Event::Generation {
            budget_bytes,
            generation: *generation,
        });
    }
    Ok(())
}

/// Backward elimination, and the policies that it trained.
struct Elimination {
    report: EliminationReport,
    policies: Vec<Policy>,
}

impl Elimination {
    /// For each share of the budget the most accurate step that fits, those below the threshold
    /// left out.
    fn candidates(&self, limits: &Limits) -> Vec<Candidate> {
        let n_above = self.report.steps.len() - usize::from(self.report.stopped);
        let steps = || self.report.steps[..n_above].iter().zip(&self.policies);
        let of_share = |(limits, name): (Limits, String)| {
            let fitting = steps().filter(|(step, _)| limits.allow(&step.cost));
            // Of equal ones the last, which needs the fewest bytes.
            let best = fitting
                .max_by(|(one, _), (other, _)| one.accuracy.mean.total_cmp(&other.accuracy.mean));
            best.map(|(_, policy)| Candidate {
                origin: format!("elimination{name}"),
                policy: policy.clone(),
                is_found: true,
            })
        };
        shares(limits).filter_map(of_share).collect()
    }
}

/// The limits with each share of the budget, and how a policy for it is named.
fn shares(limits: &Limits) -> impl Iterator<Item = (Limits, String)> + use<> {
    let limits = *limits;
    SHARES.into_iter().map(move |share| {
        let sram_total_bytes = limits.sram_total_bytes / share;
        let name = if share == 1 {
            String::new()
        } else {
            format!(" 1/{share}")
        };
        let of_share = Limits {
            sram_total_bytes,
            ..limits
        };
        (of_share, name)
    })
}

fn eliminate(
    plan: &mut Plan,
    arguments: &Arguments,
    contributions: &Contributions,
) -> anyhow::Result<Elimination> {
    let space = Space::of(plan.laboratory.study.network());
    let order = elimination::order(contributions, &space);
    let seeds = plan.seeds.clone();
    let threshold = if let Some(threshold) = arguments.threshold {
        threshold
    } else {
        let alone = space.policy(&space.frozen());
        let trained = best_rate(plan, arguments, "Classifier alone", &alone, &seeds)?;
        trained.accuracy(Part::Validation).mean
    };
    let mut report = EliminationReport {
        threshold,
        stopped: false,
        steps: Vec::new(),
    };
    let mut policies = Vec::new();
    for (at, choice) in elimination::steps(contributions, &space).iter().enumerate() {
        let policy = space.policy(choice);
        let trained = best_rate(plan, arguments, "Backward elimination", &policy, &seeds)?;
        let cost = plan.laboratory.plan(std::slice::from_ref(&policy));
        let cost = cost.into_iter().flatten().next();
        let step = EliminationStep {
            frozen_layer: at.checked_sub(1).map(|at| order[at]),
            policy: link::policy_text(&policy),
            rate: trained.rate,
            accuracy: trained.accuracy(Part::Validation),
            cost: cost.context("invariant: it was trained, so it can be compiled")?,
        };
        if arguments.json {
            output::json(&Event::Elimination(&step))?;
        }
        report.stopped = step.accuracy.mean < threshold;
        report.steps.push(step);
        policies.push(policy);
        if report.stopped {
            break;
        }
    }
    Ok(Elimination { report, policies })
}

/// One policy with every seed.
fn trials(policy: &Policy, rate: f32, seeds: &[u64], steps: u32) -> Vec<Trial> {
    let seeds = seeds.iter();
    seeds
        .map(|&seed| Trial {
            policy: policy.clone(),
            rate,
            seed,
            steps,
        })
        .collect()
}

/// A policy, trained with every rate: the best of them, and its outcomes.
struct Trained {
    rate: f32,
    outcomes: Vec<Outcome>,
}

impl Trained {
    fn accuracy(&self, part: Part) -> Spread {
        let accuracies: Vec<f64> = self.outcomes.iter().map(|it| it.accuracy(part)).collect();
        Spread::of(&accuracies)
    }
}

/// Trains a policy with every rate and every seed; the best rate on the validation samples counts.
fn best_rate(
    plan: &mut Plan,
    arguments: &Arguments,
    what: &str,
    policy: &Policy,
    seeds: &[u64],
) -> anyhow::Result<Trained> {
    let rates: Vec<f32> = arguments.rates.iter().map(|it| it * plan.rate).collect();
    let trials: Vec<Trial> = rates
        .iter()
        .flat_map(|&rate| trials(policy, rate, seeds, plan.steps))
        .collect();
    let outcomes = plan.laboratory.outcomes(what, &trials)?;
    best_of(&rates, &outcomes)
}

/// The best of some rates on the validation samples; `outcomes` has those of each rate together.
fn best_of(rates: &[f32], outcomes: &[Outcome]) -> anyhow::Result<Trained> {
    let n_seeds = outcomes.len() / rates.len().max(1);
    let tried = rates.iter().zip(outcomes.chunks_exact(n_seeds.max(1)));
    let tried = tried.map(|(&rate, outcomes)| Trained {
        rate,
        outcomes: outcomes.to_vec(),
    });
    // Of equal rates the first.
    let best = tried.rev().max_by(|one, other| {
        let mean = |it: &Trained| it.accuracy(Part::Validation).mean;
        mean(one).total_cmp(&mean(other))
    });
    best.context("invariant: there is a rate")
}

/// Each policy once, with all that it comes from.
fn distinct(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut distinct: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let known = distinct
            .iter_mut()
            .find(|other| other.policy == candidate.policy && other.is_found == candidate.is_found);
        match known {
            Some(other) if other.origin.split(", ").any(|it| it == candidate.origin) => {}
            Some(other) => {
                other.origin.push_str(", ");
                other.origin.push_str(&candidate.origin);
            }
            None => distinct.push(candidate),
        }
    }
    distinct
}

/// A candidate that was trained again, and what it costs.
struct Finalist {
    candidate: Candidate,
    trained: Trained,
    cost: Cost,
}

/// Trains candidates again, with seeds that had no part in choosing them: of many that were tried
/// the best was also lucky.
fn retrain(
    plan: &mut Plan,
    arguments: &Arguments,
    candidates: Vec<Candidate>,
) -> anyhow::Result<Vec<Finalist>> {
    let n_seeds = plan.seeds.len() as u64;
    let seeds: Vec<u64> = plan
        .seeds
        .iter()
        .map(|it| it.wrapping_add(n_seeds))
        .collect();
    let rates: Vec<f32> = arguments.rates.iter().map(|it| it * plan.rate).collect();
    // All together, so that threads have enough to do.
    let trials: Vec<Trial> = candidates
        .iter()
        .flat_map(|candidate| rates.iter().map(move |&rate| (candidate, rate)))
        .flat_map(|(candidate, rate)| trials(&candidate.policy, rate, &seeds, plan.steps))
        .collect();
    let outcomes = plan.laboratory.outcomes("Finalists", &trials)?;
    let policies: Vec<Policy> = candidates.iter().map(|it| it.policy.clone()).collect();
    let costs = plan.laboratory.plan(&policies);
    let outcomes = outcomes.chunks_exact(rates.len() * seeds.len());
    let finalists = candidates.into_iter().zip(costs).zip(outcomes);
    let finalists = finalists.map(|((candidate, cost), outcomes)| {
        Ok(Finalist {
            trained: best_of(&rates, outcomes)?,
            cost: cost.context("invariant: it was trained, so it can be compiled")?,
            candidate,
        })
    });
    finalists.collect()
}

/// Within each share of the budget, the found policy that is best on the validation samples against
/// everything that it is compared with there.
fn differences(finalists: &[Finalist], limits: &Limits) -> Vec<DifferenceReport> {
    let mut differences = Vec::new();
    for (limits, _) in shares(limits) {
        let fitting = || finalists.iter().filter(|it| limits.allow(&it.cost));
        let found = fitting().filter(|it| it.candidate.is_found);
        let best = found.max_by(|one, other| {
            let mean = |it: &Finalist| it.trained.accuracy(Part::Validation).mean;
            mean(one).total_cmp(&mean(other))
        });
        let Some(best) = best else {
            continue;
        };
        let compared = fitting().filter(|it| !it.candidate.is_found);
        differences.extend(compared.map(|other| DifferenceReport {
            budget_bytes: limits.sram_total_bytes,
            ours: best.candidate.origin.clone(),
            theirs: other.candidate.origin.clone(),
            difference: Difference::between(
                &best.trained.outcomes,
                &other.trained.outcomes,
                Part::Test,
            ),
        }));
    }
    differences
}
