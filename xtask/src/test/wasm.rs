//! The tests that run inside wasm: once as the page is built, and once without SIMD.
//!
//! The second run proves that both sets of kernels give the same bits.

use std::process::Command;

use anyhow::{Result, bail};

use super::{at_least_one, tally_with_exit};
use crate::node::Node;
use crate::summary::{Tally, tally_from_cargo};
use crate::workspace::{Workspace, package};
use crate::{browser, process, report, toolchain, tools};

/// The package that a test needs to run inside wasm; who depends on it has such tests.
const HARNESS: &str = "wasm-bindgen-test";

/// How the tests are compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lanes {
    Simd,
    Scalar,
}

pub(super) fn run(workspace: &Workspace) -> Result<Tally> {
    let packages = workspace.dependants_of(HARNESS);
    if !packages.contains(&package::CORE) {
        bail!(
            "{} does not depend on {HARNESS}, so its kernels have no test in wasm",
            package::CORE
        );
    }
    toolchain::ensure_target(toolchain::WASM)?;
    Node::require("running wasm outside a browser")?;
    let runner = tools::wasm_bindgen(workspace)?;
    let chromedriver = browser::chromedriver()?;

    let mut total = Tally::default();
    for lanes in [Lanes::Simd, Lanes::Scalar] {
        for package in &packages {
            // The page needs SIMD and says so; there is nothing of it to test without.
            if lanes == Lanes::Scalar && *package == package::WEB {
                continue;
            }
            report::step(match lanes {
                Lanes::Simd => format!("{package} in wasm, with SIMD"),
                Lanes::Scalar => format!("{package} in wasm, without SIMD"),
            });
            let mut tests = tests_of(workspace, package, lanes);
            tests
                .arg("--tests")
                .env("PATH", process::path_with(&[&runner])?)
                .env("CHROMEDRIVER", &chromedriver);
            total += run_tests(&mut tests).unwrap_or_else(|error| {
                report::error(&error.context(format!("{package} was not tested in wasm")));
                Tally::ONE_FAILED
            });
        }
    }
    report::step(format_args!("{} in wasm, built for speed", package::CORE));
    let mut speed = tests_of(workspace, package::CORE, Lanes::Simd);
    // The other tests have run already; this one says nothing unless it is optimized.
    speed
        .args(["--release", "--test", "speed"])
        .env("PATH", process::path_with(&[&runner])?)
        .env("CHROMEDRIVER", &chromedriver);
    total += run_tests(&mut speed).unwrap_or_else(|error| {
        report::error(&error.context("the speed of the kernels was not tested"));
        Tally::ONE_FAILED
    });
    Ok(total)
}

fn tests_of(workspace: &Workspace, package: &str, lanes: Lanes) -> Command {
    let mut cargo = process::cargo();
    cargo
        .current_dir(&workspace.root)
        .args(["test", "--locked", "--no-fail-fast", "--all-features"])
        .args(["--target", toolchain::WASM, "--package", package])
        // Seconds until a browser test counts as hanging; the default is too short for a busy machine.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "300");
    if lanes == Lanes::Scalar {
        // This variable outranks the flags in `.cargo/config.toml`, which is what is wanted here.
        // Cargo keeps both builds side by side, because the flags are part of their names.
        cargo.env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=-simd128");
    }
    // What a test compares with `cfg!(target_feature = "simd128")`, so that a flag that got lost is seen.
    cargo.env(
        "QUARTERMEG_EXPECT_SIMD",
        if lanes == Lanes::Simd { "1" } else { "0" },
    );
    cargo
}

fn run_tests(command: &mut Command) -> Result<Tally> {
    let finished = process::tee(command)?;
    let tally = tally_from_cargo(&finished.stdout);
    at_least_one(tally_with_exit(tally, finished.success))
}
