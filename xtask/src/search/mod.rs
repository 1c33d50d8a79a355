//! `cargo xtask search`: the searches of the command line program on every network that there are
//! samples for, written to `docs/search.md` with its figures; and the contributions that ship.

mod document;
mod figures;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::workspace::{REFERENCE_VARIABLE, Workspace, package};
use crate::{process, report};

/// Mean and standard deviation.
#[derive(Clone, Copy, Deserialize)]
struct Spread {
    mean: f64,
    sd: f64,
}

/// What `quartermeg search --json` says in its last line, as far as the document has it.
#[derive(Deserialize)]
struct SearchReport {
    analysis: Analysis,
    planned: usize,
    best_gain: Option<f64>,
    bound_gain: Option<f64>,
    elimination: Option<Elimination>,
    test_samples: usize,
    points: Vec<Point>,
    differences: Vec<Difference>,
    seconds: Seconds,
}

#[derive(Deserialize)]
struct Analysis {
    steps: u32,
    rate: f32,
    seeds: Vec<u64>,
    learn_samples: usize,
    validation_samples: usize,
    classifier: Spread,
    contributions: Vec<Contribution>,
    macs_whole: u64,
    macs_run: u64,
}

#[derive(Deserialize)]
struct Contribution {
    layer: usize,
    update: String,
    gain: Spread,
}

#[derive(Deserialize)]
struct Elimination {
    threshold: f64,
    steps: Vec<EliminationStep>,
}

#[derive(Deserialize)]
struct EliminationStep {
    accuracy: Spread,
    sram_total_bytes: u32,
}

#[derive(Deserialize)]
struct Point {
    origin: String,
    found: bool,
    policy: String,
    fits: bool,
    sram_total_bytes: u32,
    macs_step: u64,
    gain: Option<f64>,
    rate: f32,
    accuracy: Spread,
    on_front: bool,
}

#[derive(Deserialize)]
struct Difference {
    budget_bytes: u32,
    ours: String,
    theirs: String,
    mean: f64,
    interval: [f64; 2],
}

/// Seconds of each part, see the command line program.
#[derive(Deserialize)]
struct Seconds {
    analysis: f64,
    planning: f64,
    elimination: f64,
    training: f64,
}

/// A network that is searched.
struct Subject {
    /// In names of files.
    id: &'static str,
    name: &'static str,
    /// Sentences about network and samples.
    about: &'static str,
    budget_bytes: u32,
    /// Whether it is a scenario with samples that ship.
    ships: bool,
    /// Learning rates that finalists are trained with, as factors of that of the scenario.
    rates: &'static [f32],
    /// Options of the search, but for the budget and the rates.
    options: Vec<OsString>,
}

/// Searches, and writes the document and its figures.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut results = Vec::new();
    for subject in subjects() {
        report::step(format_args!("Searching: {}", subject.name));
        let result = search(workspace, &subject)?;
        if subject.ships {
            ship_contributions(workspace, &subject)?;
        }
        results.push((subject, result));
    }
    let folder = workspace.root.join("docs/search");
    fs::create_dir_all(&folder)
        .with_context(|| format!("{} cannot be written", folder.display()))?;
    for (subject, result) in &results {
        let path = |what: &str| folder.join(format!("{}-{what}.svg", subject.id));
        figures::contributions(&path("contributions"), result)?;
        figures::front(&path("front"), subject, result)?;
    }
    let path = workspace.root.join("docs/search.md");
    fs::write(&path, document::text(&results))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    report::result(report::short(&path));
    Ok(())
}

/// The scenarios that ship samples, with the bytes of their default policy, and what there is
/// reference data for.
fn subjects() -> Vec<Subject> {
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    let mut subjects = vec![
        Subject {
            id: "keyboard",
            name: "Keyboard",
            about: "The scenario as it ships: a network that knows printed digits learns handwritten ones.",
            budget_bytes: 140_844,
            ships: true,
            rates: &[0.125, 0.25, 0.5, 1.0, 2.0, 4.0],
            options: words(&["--scenario", "keyboard"]),
        },
        Subject {
            id: "watch",
            name: "Watch",
            about: "The scenario as it ships: a network that knows exercises of right arms learns those of a new person's left arm. The held-out windows are few.",
            budget_bytes: 109_032,
            ships: true,
            rates: &[0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
            options: words(&["--scenario", "watch"]),
        },
    ];
    match std::env::var_os(REFERENCE_VARIABLE).map(PathBuf::from) {
        Some(folder) => subjects.push(Subject {
            id: "mcunet",
            name: "MCUNet",
            about: "The paper's network (`mcunet-5fps.pkl`) with a new classifier of twenty classes of photographs of Caltech-101, of which every fifth is held out; the budget is what its published scheme of 99 KB needs here. Backward elimination is left out: it would begin with an update that needs 1.4 MiB.",
            budget_bytes: 142_880,
            ships: false,
            // The more of a large network learns, the smaller is its best rate.
            rates: &[0.125, 0.25, 0.5, 1.0, 2.0, 4.0],
            options: mcunet(&folder),
        }),
        None => report::note(format_args!(
            "MCUNet is left out: {REFERENCE_VARIABLE} names no folder with it and with photographs"
        )),
    }
    subjects
}

fn mcunet(folder: &Path) -> Vec<OsString> {
    let mut options = vec![folder.join("models/mcunet-5fps.pkl").into_os_string()];
    options.push("--data".into());
    options.push(folder.join("images").into_os_string());
    options.extend(["--steps", "600", "--plans", "2000", "--no-elimination"].map(OsString::from));
    options
}

/// The command line program with one of its commands; what it has trained once is kept in
/// `target/search`.
fn quartermeg(workspace: &Workspace, command: &str, subject: &Subject) -> Command {
    let mut quartermeg = process::cargo();
    quartermeg
        .args(["run", "--release", "--locked", "--quiet"])
        .args(["--package", package::CLI, "--", command])
        .args(&subject.options)
        .args(["--seeds", "3", "--cache"])
        .arg(workspace.target.join("search"))
        .current_dir(&workspace.root);
    quartermeg
}

/// Writes the contributions of a scenario that ships to where the page finds them.
fn ship_contributions(workspace: &Workspace, subject: &Subject) -> Result<()> {
    let path = format!("static/data/{}-contributions.json", subject.id);
    let mut quartermeg = quartermeg(workspace, "analyze", subject);
    process::output(quartermeg.args(["--output", &path, "--json"]))?;
    report::result(&path);
    Ok(())
}

/// Runs a search.
fn search(workspace: &Workspace, subject: &Subject) -> Result<SearchReport> {
    let mut quartermeg = quartermeg(workspace, "search", subject);
    let rates: Vec<String> = subject.rates.iter().map(f32::to_string).collect();
    quartermeg.args(["--rates", &rates.join(",")]);
    quartermeg.args(["--json", "--budget", &subject.budget_bytes.to_string()]);
    process::json(&mut quartermeg)
}
