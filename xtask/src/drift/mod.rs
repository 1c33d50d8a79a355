//! `cargo xtask drift`: what each way of learning recovers and forgets when the world changes,
//! measured by the command line program on the scenarios that ship, and written to `docs/drift.md`.

mod document;

use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::workspace::{Workspace, package};
use crate::{process, report};

/// Mean and standard deviation.
#[derive(Clone, Copy, Deserialize)]
struct Spread {
    mean: f64,
    sd: f64,
}

/// What `quartermeg drift --json` says, as far as the document has it.
#[derive(Deserialize)]
struct DriftReport {
    change: Change,
    steps: [u32; 2],
    seeds: Vec<u64>,
    learn_samples: [u64; 2],
    held_out_samples: [u64; 2],
    budget_bytes: u32,
    learners: Vec<Learner>,
    seconds: f64,
}

#[derive(Deserialize)]
struct Change {
    name: String,
}

#[derive(Deserialize)]
struct Learner {
    #[serde(rename = "learner")]
    id: String,
    name: String,
    arena_bytes: u32,
    fits: bool,
    before_change: Spread,
    at_change: Spread,
    after: Spread,
    old_world_after: Spread,
    recovery: Spread,
    forgetting: Spread,
    new_class: Option<Spread>,
}

/// A scenario, and how its world changes.
struct Subject {
    scenario: &'static str,
    name: &'static str,
    /// Options of the command; what they leave out is what the page begins with.
    changes: &'static [&'static [&'static str]],
}

const SUBJECTS: [Subject; 2] = [
    Subject {
        scenario: "keyboard",
        name: "Keyboard",
        changes: &[
            &["--change", "slant", "--strength", "25"],
            &["--change", "rotation"],
            &["--change", "light"],
            &["--change", "new-class"],
        ],
    },
    Subject {
        scenario: "watch",
        name: "Watch",
        changes: &[
            &["--change", "other-arm"],
            &["--change", "turned-sensor"],
            &["--change", "new-class"],
        ],
    },
];

/// Measures, and writes the document.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut results = Vec::new();
    for subject in SUBJECTS {
        let mut reports = Vec::new();
        for options in subject.changes {
            report::step(format_args!("{}: {}", subject.name, options.join(" ")));
            reports.push(drift(workspace, &subject, options)?);
        }
        results.push((subject, reports));
    }
    let path = workspace.root.join("docs/drift.md");
    fs::write(&path, document::text(&results))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    report::result(report::short(&path));
    Ok(())
}

/// Runs one drift.
fn drift(workspace: &Workspace, subject: &Subject, options: &[&str]) -> Result<DriftReport> {
    let mut quartermeg = process::cargo();
    quartermeg
        .args(["run", "--release", "--locked", "--quiet"])
        .args(["--package", package::CLI, "--", "drift"])
        .args(["--scenario", subject.scenario, "--seeds", "3", "--json"])
        .args(options)
        .current_dir(&workspace.root);
    process::json(&mut quartermeg)
}
