//! `quartermeg analyze`: what each layer contributes to the accuracy (paper §4.2, figure 5).

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use quartermeg_formats::config::hex;
use quartermeg_formats::explain;
use quartermeg_search::{Contributions, Cost, Measured, Recipe, Space, Spread, Trial, update_text};
use serde::Serialize;

use super::options::{Plan, StudyOptions};
use crate::output;

/// The columns of the table.
const UPDATES: [&str; 5] = ["bias", "1/8", "1/4", "1/2", "1"];

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    study: StudyOptions,
    /// Also write a file of contributions, which the page opens (docs/formats.md).
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What one cell contributes, and what it costs alone.
#[derive(Debug, Serialize)]
pub(super) struct CellReport {
    layer: usize,
    name: String,
    update: String,
    gain: Spread,
    /// One a seed.
    gains: Vec<f64>,
    #[serde(flatten)]
    cost: Option<Cost>,
}

/// The contributions of a network.
#[derive(Debug, Serialize)]
pub(super) struct AnalysisReport {
    /// Network, samples and settings that it holds for.
    study: String,
    steps: u32,
    rate: f32,
    seeds: Vec<u64>,
    learn_samples: usize,
    validation_samples: u32,
    /// Accuracy of the classifier alone, on the validation samples.
    classifier: Spread,
    contributions: Vec<CellReport>,
    /// Multiply-accumulates of these runs, and of those of them that are run because the frozen
    /// beginning of each sample is kept.
    macs_whole: u64,
    macs_run: u64,
}

impl AnalysisReport {
    pub(super) fn n_seeds(&self) -> usize {
        self.seeds.len()
    }
}

/// What a share of an analysis did.
#[derive(Debug, Serialize)]
struct ShareReport {
    shard: String,
    runs: usize,
    file: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut plan = arguments.study.plan()?;
    if plan.shard.is_some() {
        return run_share(&mut plan, arguments.json);
    }
    let (contributions, report) = analyze(&mut plan, arguments.output.as_deref())?;
    if arguments.json {
        return output::json(&report);
    }
    output::text(&text(&contributions, &report)?)
}

/// Runs one share of the analysis.
pub(super) fn run_share(plan: &mut Plan, json: bool) -> anyhow::Result<()> {
    let shard = plan.shard.context("invariant: a share was asked for")?;
    let trials = trials(plan);
    let share: Vec<_> = trials
        .chunks(plan.seeds.len())
        .zip((1..=shard.of).cycle())
        .filter(|(_, place)| *place == shard.place)
        .flat_map(|(trials, _)| trials.to_vec())
        .collect();
    plan.laboratory.run("Analysis", &share)?;
    let report = ShareReport {
        shard: shard.to_string(),
        runs: share.len(),
        file: plan.laboratory.path.display().to_string(),
    };
    if json {
        return output::json(&report);
    }
    output::text(&format!(
        "Share {} of the analysis is done: {} runs, in {}.\n",
        report.shard, report.runs, report.file
    ))
}

/// Runs what is not known of the analysis, and writes what was measured to `output`.
pub(super) fn analyze(
    plan: &mut Plan,
    output: Option<&Path>,
) -> anyhow::Result<(Contributions, AnalysisReport)> {
    let trials = trials(plan);
    let before = plan.laboratory.tally;
    let outcomes = plan.laboratory.outcomes("Analysis", &trials)?;
    let study = &plan.laboratory.study;
    let space = Space::of(study.network());
    let recipe = Recipe {
        study: hex(&study.identity()),
        command: command_line(),
        steps: plan.steps,
        rate: plan.rate,
        seeds: plan.seeds.clone(),
    };
    let mut measured = Measured::of(&space, recipe, &outcomes);
    let known = plan.laboratory.known.policies(plan.rate, plan.steps);
    measured.add_policies(&space, known);
    if let Some(path) = output {
        fs::write(path, measured.file())
            .with_context(|| format!("{} cannot be written.", path.display()))?;
    }
    let contributions = measured.contributions(&space);
    let policies: Vec<_> = trials
        .chunks(plan.seeds.len())
        .skip(1)
        .map(|trials| trials[0].policy.clone())
        .collect();
    let planned = plan.laboratory.plan(&policies, u32::MAX);
    let names: Vec<&str> = study
        .network()
        .convs()
        .map(|(_, node, _)| node.name.as_str())
        .collect();
    let cells = contributions
        .cells
        .iter()
        .zip(planned)
        .map(|(cell, planned)| CellReport {
            layer: cell.layer,
            name: names[cell.layer].to_owned(),
            update: update_text(cell.update),
            gain: cell.spread(),
            gains: cell.gains.clone(),
            cost: planned.cost(),
        });
    let tally = plan.laboratory.tally;
    let report = AnalysisReport {
        study: measured.study,
        steps: plan.steps,
        rate: plan.rate,
        seeds: plan.seeds.clone(),
        learn_samples: study.n_learn(),
        validation_samples: measured.validation_samples,
        classifier: Spread::of(&contributions.classifier),
        contributions: cells.collect(),
        macs_whole: tally.macs_whole - before.macs_whole,
        macs_run: tally.macs_run - before.macs_run,
    };
    Ok((contributions, report))
}

/// Options that change nothing of what is measured, each with a value.
const OF_THIS_MACHINE: [&str; 3] = ["--cache", "--output", "--threads"];

/// The command that runs, for whoever wants to measure it again.
fn command_line() -> String {
    let mut line = "quartermeg".to_owned();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let name = argument.split('=').next().unwrap_or_default();
        if OF_THIS_MACHINE.contains(&name) {
            if !argument.contains('=') {
                arguments.next();
            }
        } else if name != "--json" {
            line.push(' ');
            line.push_str(&argument);
        }
    }
    line
}

fn trials(plan: &Plan) -> Vec<Trial> {
    let space = Space::of(plan.laboratory.study.network());
    Contributions::trials(&space, plan.rate, &plan.seeds, plan.steps)
}

/// Percentage points, with their sign.
pub(super) fn points(share: f64) -> String {
    format!("{:+.1}", 100.0 * share)
}

/// One row a layer, one column an update, from the classifier alone.
fn text(contributions: &Contributions, report: &AnalysisReport) -> anyhow::Result<String> {
    let mut text = format!(
        "Percentage points that a layer adds to the {:.1} % of the classifier alone, mean of {} \
         seeds;\nmeasured on {} validation samples after {} steps from {} samples.\n\n",
        100.0 * report.classifier.mean,
        report.seeds.len(),
        report.validation_samples,
        report.steps,
        report.learn_samples
    );
    write!(text, "{:<7}{:<26}", "layer", "name")?;
    for update in UPDATES {
        write!(text, "{update:>7}")?;
    }
    text.push('\n');
    let cells = contributions.cells.iter().zip(&report.contributions);
    let mut rows: Vec<(usize, &str, [String; 5])> = Vec::new();
    for (cell, report) in cells {
        if rows.last().is_none_or(|(layer, ..)| *layer != cell.layer) {
            rows.push((cell.layer, &report.name, Default::default()));
        }
        let column = UPDATES.iter().position(|it| *it == report.update);
        if let Some((row, column)) = rows.last_mut().zip(column) {
            row.2[column] = points(report.gain.mean);
        }
    }
    for (layer, name, gains) in rows.iter().rev() {
        write!(text, "{layer:<7}{name:<26}")?;
        for gain in gains {
            write!(text, "{gain:>7}")?;
        }
        text.push('\n');
    }
    writeln!(
        text,
        "\n{} multiply-accumulates instead of {}, because what the frozen layers before it compute \
         is kept.",
        explain::number(report.macs_run),
        explain::number(report.macs_whole)
    )?;
    Ok(text)
}
