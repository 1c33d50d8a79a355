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
use quartermeg_search::additive::LeastBytes;
use quartermeg_search::evolution::{Generation, Task};
use quartermeg_search::finalists::{self, EliminationStep, Finalist, Trained};
use quartermeg_search::selection::{Candidate, Selection, Told, distinct};
use quartermeg_search::{Contributions, Cost, Limits, Part, Planner, Space, Trial, elimination};

use self::analyze::analyze;
use self::options::{Plan, StudyOptions};
use self::report::{
    DifferenceReport, EliminationReport, Event, PointReport, SearchReport, Seconds, StepReport,
};
use crate::board::bytes;
use crate::output;

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
        candidates.extend(finalists::of_elimination(&elimination.steps, &limits));
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
    let mut planner = Planner::new(space.clone(), |policies, bytes| {
        laboratory.plan(policies, bytes)
    });
    if !planner.fits(&space.frozen(), limits) {
        let least = planner.cost(&space.frozen());
        return Err(anyhow!(too_little(least, limits)));
    }
    let least = LeastBytes::of(network, rules, &space)
        .map_err(|error| anyhow!(explain::compile(&error)))?;
    let task = Task {
        contributions: contributions.clone(),
        least,
        limits: *limits,
        n_plans: arguments.plans,
    };
    let presets = scenario::presets(plan.scenario.unwrap_or(&OWN), network);
    let presets = presets
        .into_iter()
        .map(|it| (it.id.to_owned(), it.policy))
        .collect();
    let seed = plan.seeds.first().copied().unwrap_or_default();
    let mut selection = Selection::new(task, &planner, seed, presets);
    loop {
        match selection.advance(&mut planner, usize::MAX) {
            Told::Nothing => {}
            Told::Generation {
                sram_total_bytes,
                generation,
            } => tell(arguments.json, sram_total_bytes, &generation)?,
            Told::Over => break,
        }
    }
    Ok(Chosen {
        candidates: selection.candidates().to_vec(),
        n_planned: planner.n_planned(),
        bound_gain: selection.bound_gain(),
        best_gain: selection.best_gain(),
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

/// Backward elimination, and its steps that are not below the threshold.
struct Elimination {
    report: EliminationReport,
    steps: Vec<EliminationStep>,
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
    let mut steps = Vec::new();
    for (at, choice) in elimination::steps(contributions, &space).iter().enumerate() {
        let policy = space.policy(choice);
        let trained = best_rate(plan, arguments, "Backward elimination", &policy, &seeds)?;
        let accuracy = trained.accuracy(Part::Validation);
        let step = StepReport {
            frozen_layer: at.checked_sub(1).map(|at| order[at]),
            policy: link::policy_text(&policy),
            rate: trained.rate,
            accuracy,
            cost: cost(plan, &policy)?,
        };
        if arguments.json {
            output::json(&Event::Elimination(&step))?;
        }
        report.stopped = accuracy.mean < threshold;
        let cost = step.cost;
        report.steps.push(step);
        if report.stopped {
            break;
        }
        steps.push(EliminationStep {
            policy,
            accuracy: accuracy.mean,
            cost,
        });
    }
    Ok(Elimination { report, steps })
}

/// What a policy that was trained costs.
fn cost(plan: &Plan, policy: &Policy) -> anyhow::Result<Cost> {
    let setup = plan.laboratory.study.setup();
    Cost::of(plan.laboratory.study.network(), policy, setup.rules)
        .map_err(|error| anyhow!(explain::compile(&error)))
}

/// Trains a policy with every rate and every seed; the best rate on the validation samples counts.
fn best_rate(
    plan: &mut Plan,
    arguments: &Arguments,
    what: &str,
    policy: &Policy,
    seeds: &[u64],
) -> anyhow::Result<Trained> {
    let rates = rates(plan, arguments);
    let trials = finalists::trials(policy, &rates, seeds, plan.steps);
    let outcomes = plan.laboratory.outcomes(what, &trials)?;
    Trained::best_of(&rates, &outcomes).context("invariant: there is a rate")
}

fn rates(plan: &Plan, arguments: &Arguments) -> Vec<f32> {
    arguments.rates.iter().map(|it| it * plan.rate).collect()
}

/// Trains candidates again.
fn retrain(
    plan: &mut Plan,
    arguments: &Arguments,
    candidates: Vec<Candidate>,
) -> anyhow::Result<Vec<Finalist>> {
    let seeds = finalists::other_seeds(&plan.seeds);
    let rates = rates(plan, arguments);
    // All together, so that threads have enough to do.
    let trials: Vec<Trial> = candidates
        .iter()
        .flat_map(|it| finalists::trials(&it.policy, &rates, &seeds, plan.steps))
        .collect();
    let outcomes = plan.laboratory.outcomes("Finalists", &trials)?;
    let outcomes = outcomes.chunks_exact(rates.len() * seeds.len());
    let finalists = candidates.into_iter().zip(outcomes);
    let finalists = finalists.map(|(candidate, outcomes)| {
        Ok(Finalist {
            trained: Trained::best_of(&rates, outcomes).context("invariant: there is a rate")?,
            cost: cost(plan, &candidate.policy)?,
            candidate,
        })
    });
    finalists.collect()
}

fn differences(finalists: &[Finalist], limits: &Limits) -> Vec<DifferenceReport> {
    let comparisons = finalists::comparisons(finalists, limits).into_iter();
    let reports = comparisons.map(|it| DifferenceReport {
        budget_bytes: it.sram_total_bytes,
        ours: it.ours.candidate.origin.clone(),
        theirs: it.theirs.candidate.origin.clone(),
        difference: it.difference,
    });
    reports.collect()
}
