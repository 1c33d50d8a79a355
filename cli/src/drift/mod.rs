//! `quartermeg drift`: what each way of learning recovers and forgets when the world changes
//! (`docs/drift.md`).

mod change;
mod report;

use std::time::{Duration, Instant};

use anyhow::anyhow;
use quartermeg_core::device::DEVICES;
use quartermeg_core::network::Network;
use quartermeg_core::runtime::NoTrace;
use quartermeg_formats::setup::{MAX_STEPS, Setup};
use quartermeg_formats::{explain, own};
use quartermeg_search::Study;
use quartermeg_search::drift::{self, Change, Drift, Learner, LearnerPlan, LineUp};

use self::change::{ChangeOptions, ChangeReport};
use self::report::{DriftReport, LearnerReport};
use crate::board::{OnBoard, bytes};
use crate::load::{self, Loaded, SampleOptions};
use crate::output;
use crate::runs::{self, Progress, RunOptions, sentence};
use crate::setup::SetupOptions;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    setup: SetupOptions,
    #[command(flatten)]
    samples: SampleOptions,
    #[command(flatten)]
    change: ChangeOptions,
    /// Steps before the change; half of a link's or scenario's own if absent.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_STEPS / 2)))]
    before: Option<u32>,
    /// Steps after it, in the same form.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_STEPS / 2)))]
    after: Option<u32>,
    /// Bytes of the block that a learner may have, as on the page, in bytes, or as 128KiB; a link's
    /// own or those of the board if absent.
    #[arg(long, value_parser = bytes, conflicts_with_all = ["board", "sram"])]
    budget: Option<u32>,
    /// The board is a link's own, or the 256 KiB microcontroller, where none is named.
    #[command(flatten)]
    board: OnBoard,
    #[command(flatten)]
    runs: RunOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Loaded {
        network,
        mut setup,
        scenario,
        learn,
        test,
    } = load::load(&arguments.setup, &arguments.samples)?;
    setup.budget_bytes = budget(arguments, &setup)?;
    if scenario.is_none() && !arguments.setup.names_policy() {
        // As the page has it for a network of one's own.
        setup.policy = own::default_policy(&network);
    }
    let channels = load::channels(&arguments.samples, scenario)?;
    let change = arguments.change.change(&network, &channels)?;
    let half = setup.stop_after.div_ceil(2).max(1);
    let steps = [arguments.before, arguments.after].map(|steps| steps.unwrap_or(half));
    let held_out = test.unwrap_or_default();
    // Before anything is changed: whether samples and network fit together.
    let refusal = |error| anyhow!(sentence(&error));
    Study::new(
        network.clone(),
        setup.clone(),
        learn.clone(),
        held_out.clone(),
    )
    .map_err(refusal)?;
    let worlds = change
        .worlds([&learn, &held_out], network.input(), &channels)
        .map_err(|error| anyhow!(error.sentence()))?;
    let learn_samples = [drift::BEFORE, drift::AFTER].map(|world| worlds.learn[world].len());
    let learners = line_up(&network, &setup)?;
    let drift = Drift::new(network, setup, worlds, steps).map_err(refusal)?;

    let setup = drift.study().setup();
    let all = drift::runs(setup.seed, arguments.runs.seeds);
    let (known, took) = run_all(&drift, &learners, &all, arguments.runs.threads())?;
    let ends = [steps[0], steps[0].saturating_add(steps[1])];
    let learners = Learner::ALL.into_iter().zip(&learners).enumerate();
    let learners = learners.map(|(at, (learner, plan))| {
        let of_learner = known.iter().zip(&all).filter(|(_, run)| run.0 == at);
        let runs: Vec<&[u32]> = of_learner.map(|(counts, _)| &counts[..]).collect();
        let has_new_class = matches!(change, Change::NewClass { .. });
        LearnerReport::of(learner, plan, &drift, ends, &runs, has_new_class)
    });
    let report = DriftReport {
        change: ChangeReport::of(change, drift.study().network()),
        steps,
        rate: setup.learning_rate,
        seeds: arguments.runs.seeds_from(setup.seed),
        learn_samples,
        held_out_samples: drift.n_held_out(),
        budget_bytes: setup.budget_bytes,
        learners: learners.collect(),
        seconds: took.as_secs_f64(),
    };
    if arguments.json {
        return output::json(&report);
    }
    output::text(&report.text()?)
}

/// Bytes of the block that a learner may have.
fn budget(arguments: &Arguments, setup: &Setup) -> anyhow::Result<u32> {
    let board = arguments.board.chosen()?.map(|(_, device)| device);
    let of_link = arguments.setup.link.is_some().then_some(setup.budget_bytes);
    let budget = arguments
        .budget
        .or(board.map(|device| device.sram_bytes))
        .or(of_link);
    Ok(budget.unwrap_or(DEVICES[0].sram_bytes))
}

/// All learners with what they need.
fn line_up(network: &Network, setup: &Setup) -> anyhow::Result<Vec<LearnerPlan>> {
    let mut line_up = LineUp::new(network, &setup.policy);
    loop {
        if let Some(learners) = line_up.learners(setup.budget_bytes) {
            return Ok(learners);
        }
        line_up
            .plan_next(network, setup.rules)
            .map_err(|error| anyhow!(explain::compile(&error)))?;
    }
}

/// Samples that each run recognized, and the time that all of them took, each on one thread.
fn run_all(
    drift: &Drift,
    learners: &[LearnerPlan],
    all: &[(usize, u64)],
    threads: usize,
) -> anyhow::Result<(Vec<Vec<u32>>, Duration)> {
    let begin = |(learner, seed): (usize, u64)| {
        let course = drift.begin(learners[learner].policy.as_ref(), seed);
        course.map_err(|error| anyhow!(sentence(&error)))
    };
    let mut jobs: Vec<(usize, u64)> = Vec::new();
    for (at, &run) in all.iter().enumerate() {
        jobs.push((at, begin(run)?.work().behind_beginning()));
    }
    // The longest first, so that no thread ends long after the others.
    jobs.sort_by_key(|&(_, macs)| std::cmp::Reverse(macs));
    let mut known = vec![Vec::new(); all.len()];
    let mut took = Duration::ZERO;
    let run = |&at: &usize, progress: &Progress<'_>| {
        let begun = Instant::now();
        let mut course = begin(all[at])?;
        let mut n_known = 0;
        while !course.advance(&mut NoTrace) {
            if course.known().len() > n_known {
                n_known = course.known().len();
                progress.tell(course.done().behind_beginning());
            }
        }
        Ok((course.known().to_vec(), begun.elapsed()))
    };
    runs::all("Drift", threads, &jobs, run, |&at, (counts, time)| {
        known[at] = counts;
        took += time;
        Ok(())
    })?;
    Ok((known, took))
}
