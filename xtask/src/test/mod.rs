//! `cargo xtask test`: every test of every runner, and one line that sums them.

mod e2e;
mod firmware;
mod native;
mod wasm;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::dist::{self, Optimized};
use crate::summary::Tally;
use crate::workspace::Workspace;
use crate::{report, size};

#[derive(Args)]
pub(crate) struct Options {
    /// The parts to run; by default all
    #[arg(value_enum)]
    parts: Vec<Part>,
}

/// What can be run by itself.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Everything that runs on this machine's own processor
    Native,
    /// The tests inside wasm, with SIMD and without
    Wasm,
    /// Exported programs on an emulated board
    Firmware,
    /// The size of the finished page
    Size,
    /// The finished page in a real browser
    E2e,
}

/// Runs the chosen parts, all of them even if one fails, and prints the sum as the last line.
///
/// Returns whether every test passed.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> bool {
    let parts = if options.parts.is_empty() {
        Part::value_variants()
    } else {
        &options.parts
    };
    let mut page = Page::default();
    let mut total = Tally::default();
    for part in parts {
        let name = name(*part);
        report::step(format_args!("Tests: {name}"));
        let tally = run_part(workspace, *part, &mut page).and_then(at_least_one);
        let tally = tally.unwrap_or_else(|error| {
            report::error(&error.context(format!("the {name} tests did not run")));
            Tally::ONE_FAILED
        });
        report::step(format_args!("Tests: {name}: {tally}"));
        total += tally;
    }
    report::result(total);
    total.failed == 0
}

fn run_part(workspace: &Workspace, part: Part, page: &mut Page) -> Result<Tally> {
    match part {
        Part::Native => native::run(workspace),
        Part::Wasm => wasm::run(workspace),
        Part::Firmware => firmware::run(workspace),
        Part::Size => size::check(&page.get(workspace)?),
        Part::E2e => e2e::run(workspace, &page.get(workspace)?),
    }
}

/// A runner that found nothing to run has not passed.
fn at_least_one(tally: Tally) -> Result<Tally> {
    if tally.ran() == 0 {
        bail!("not a single test was found");
    }
    Ok(tally)
}

fn name(part: Part) -> &'static str {
    match part {
        Part::Native => "native",
        Part::Wasm => "wasm",
        Part::Firmware => "firmware",
        Part::Size => "size",
        Part::E2e => "e2e",
    }
}

/// The finished page, built when a part first asks for it.
#[derive(Default)]
struct Page {
    dist: Option<PathBuf>,
}

impl Page {
    fn get(&mut self, workspace: &Workspace) -> Result<PathBuf> {
        if let Some(dist) = &self.dist {
            return Ok(dist.clone());
        }
        let dist = dist::build(workspace, Optimized::Always)?;
        self.dist = Some(dist.clone());
        Ok(dist)
    }
}

/// The tally of a runner that also has an exit code.
///
/// A runner may fail without any test having failed: it did not compile, or a test ended its process.
fn tally_with_exit(mut tally: Tally, success: bool) -> Tally {
    if !success && tally.failed == 0 {
        tally.failed = 1;
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_that_found_no_test_has_not_passed() {
        assert!(at_least_one(Tally::default()).is_err());
        let only_skipped = Tally {
            skipped: 3,
            ..Tally::default()
        };
        assert!(at_least_one(only_skipped).is_err());
        assert!(at_least_one(Tally::ONE_FAILED).is_ok());
    }

    #[test]
    fn a_runner_that_failed_has_a_failed_test() {
        assert_eq!(tally_with_exit(Tally::default(), false), Tally::ONE_FAILED);
        assert_eq!(tally_with_exit(Tally::ONE_FAILED, false), Tally::ONE_FAILED);
        assert_eq!(tally_with_exit(Tally::default(), true), Tally::default());
    }
}
