//! The tests that run on this machine's own processor.

use std::env;
use std::process::Command;

use anyhow::Result;

use super::{at_least_one, tally_with_exit};
use crate::photographs::{self, MOPED_VARIABLE};
use crate::summary::{Tally, tally_from_cargo};
use crate::workspace::{REFERENCE_VARIABLE, Workspace, package};
use crate::{process, report};

pub(super) fn run(workspace: &Workspace) -> Result<Tally> {
    let mut tests = process::cargo();
    tests
        .args(["test", "--workspace", "--all-features"])
        .args(["--locked", "--no-fail-fast"])
        .current_dir(&workspace.root);
    // The networks that look at the photograph are reference data.
    if env::var_os(REFERENCE_VARIABLE).is_some() && env::var_os(MOPED_VARIABLE).is_none() {
        match photographs::moped(workspace) {
            Ok(picture) => {
                tests.env(MOPED_VARIABLE, picture);
            }
            Err(error) => report::note(format_args!(
                "the photograph of a moped is left out: {error:#}"
            )),
        }
    }
    let mut total = run_tests(&mut tests)?;
    report::step("The speed of whole steps, built for speed");
    let mut speed = process::cargo();
    speed
        .args(["test", "--release", "--locked"])
        .args(["--package", package::TESTS, "--test", "speed"])
        // A test that passed keeps its figures to itself otherwise.
        .args(["--", "--nocapture"])
        .current_dir(&workspace.root);
    let speed = run_tests(&mut speed).and_then(at_least_one);
    total += speed.unwrap_or_else(|error| {
        report::error(&error.context("the speed of whole steps was not tested"));
        Tally::ONE_FAILED
    });
    Ok(total)
}

fn run_tests(command: &mut Command) -> Result<Tally> {
    let finished = process::tee(command)?;
    let tally = tally_from_cargo(&finished.stdout);
    Ok(tally_with_exit(tally, finished.success))
}
