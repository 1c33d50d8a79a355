//! `cargo xtask check`: everything that can be found wrong without running the program.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::workspace::{Workspace, package};
use crate::{process, report, toolchain, tools};

/// One check and the program that does it.
struct Check {
    name: &'static str,
    command: Command,
}

/// Runs every check, also after one has failed, and says which failed.
pub(crate) fn run(workspace: &Workspace) -> Result<bool> {
    toolchain::ensure_component("rustfmt", "fmt")?;
    toolchain::ensure_component("clippy", "clippy")?;
    toolchain::ensure_target(toolchain::WASM)?;
    toolchain::ensure_target(toolchain::CORTEX_M)?;
    let deny = tools::cargo_deny()?.join("cargo-deny");

    let mut checks = vec![
        formatting(),
        lints(
            "lints on this machine",
            &["--workspace", "--all-targets", "--all-features"],
        ),
        lints_for_wasm(),
        lints_for_the_driver_in_wasm(),
        lints_for_cortex_m(),
        documentation(),
        dependency_direction(),
        Check {
            name: "licences, sources and bans",
            command: deny_check(&deny, &["bans", "licenses", "sources"]),
        },
    ];
    for check in &mut checks {
        check.command.current_dir(&workspace.root);
    }

    let mut failed = Vec::new();
    for mut check in checks {
        report::step(format_args!("Check: {}", check.name));
        if !process::succeeds(&mut check.command)? {
            failed.push(format!(
                "{} (`{}`)",
                check.name,
                process::line(&check.command)
            ));
        }
    }
    if !advisories_pass(workspace, &deny)? {
        failed.push("advisories (`cargo deny check advisories`)".to_owned());
    }
    for check in &failed {
        report::note(format_args!("failed: {check}"));
    }
    if failed.is_empty() {
        report::step("Every check passed");
    }
    Ok(failed.is_empty())
}

fn formatting() -> Check {
    let mut command = process::cargo();
    command.args(["fmt", "--all", "--check"]);
    Check {
        name: "formatting",
        command,
    }
}

fn lints(name: &'static str, what: &[&str]) -> Check {
    let mut command = process::cargo();
    command
        .args(["clippy", "--locked"])
        .args(what)
        .args(["--", "-Dwarnings"]);
    Check { name, command }
}

fn lints_for_wasm() -> Check {
    lints(
        "lints for wasm",
        &[
            "--target",
            toolchain::WASM,
            "--package",
            package::CORE,
            "--package",
            package::FORMATS,
            "--package",
            package::WEB,
            "--package",
            package::WORKER,
        ],
    )
}

/// The driver of the firmware by itself: together with the page the core would want an allocator.
fn lints_for_the_driver_in_wasm() -> Check {
    lints(
        "lints for the driver in wasm",
        &[
            "--target",
            toolchain::WASM,
            "--package",
            package::FIRMWARE_WASM,
        ],
    )
}

/// The runtime alone and the firmware, for a processor without an allocator: what they may not know
/// cannot compile.
fn lints_for_cortex_m() -> Check {
    lints(
        "lints for Cortex-M",
        &[
            "--target",
            toolchain::CORTEX_M,
            "--package",
            package::CORE,
            "--package",
            package::FIRMWARE,
            "--package",
            package::FIRMWARE_LIBRARY,
            "--no-default-features",
        ],
    )
}

fn documentation() -> Check {
    let mut command = process::cargo();
    command
        .args(["doc", "--workspace", "--all-features", "--no-deps"])
        .args(["--document-private-items", "--locked", "--quiet"])
        .env("RUSTDOCFLAGS", "-Dwarnings");
    Check {
        name: "documentation",
        command,
    }
}

fn dependency_direction() -> Check {
    let mut command = process::cargo();
    command.args([
        "test",
        "--locked",
        "--quiet",
        "--package",
        package::TESTS,
        "--test",
        "architecture",
    ]);
    Check {
        name: "who may know whom",
        command,
    }
}

fn deny_check(deny: &Path, what: &[&str]) -> Command {
    let mut command = process::command(deny);
    command
        .args(["--workspace", "--all-features", "--locked", "check"])
        .args(what);
    command
}

/// Checks against the database of known faults, where that can be reached.
fn advisories_pass(workspace: &Workspace, deny: &Path) -> Result<bool> {
    report::step("Check: advisories");
    let fetched = process::output(
        process::command(deny)
            .args(["fetch", "db"])
            .current_dir(&workspace.root),
    );
    if fetched.is_err() {
        report::note("advisories were not checked, because their database could not be reached");
        return Ok(true);
    }
    process::succeeds(
        deny_check(deny, &["--disable-fetch", "advisories"]).current_dir(&workspace.root),
    )
}
