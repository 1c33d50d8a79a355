//! The parts of the Rust toolchain that a command needs beyond the compiler for this machine.

use std::path::Path;

use anyhow::{Result, bail};

use crate::{process, report};

/// The browser.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";
/// A Cortex-M4F or M7, where the runtime must build without an allocator.
pub(crate) const CORTEX_M: &str = "thumbv7em-none-eabihf";

/// Adds the standard library of `target` to the toolchain, if it is missing.
pub(crate) fn ensure_target(target: &str) -> Result<()> {
    let sysroot = process::output(process::command("rustc").args(["--print", "sysroot"]))?;
    let library = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(target)
        .join("lib");
    if library.is_dir() {
        return Ok(());
    }
    rustup(&["target", "add", target])
}

/// Adds the source of the standard library to the toolchain, if it is missing.
pub(crate) fn ensure_std_source() -> Result<()> {
    let sysroot = process::output(process::command("rustc").args(["--print", "sysroot"]))?;
    let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
    if library.is_dir() {
        return Ok(());
    }
    rustup(&["component", "add", "rust-src"])
}

/// Adds `component` to the toolchain, if `cargo <subcommand>` does not run yet.
pub(crate) fn ensure_component(component: &str, subcommand: &str) -> Result<()> {
    if process::output(process::cargo().args([subcommand, "--version"])).is_ok() {
        return Ok(());
    }
    rustup(&["component", "add", component])
}

fn rustup(arguments: &[&str]) -> Result<()> {
    let line = format!("rustup {}", arguments.join(" "));
    report::step(&line);
    // Without rustup there is nothing to start, which is the same to the reader.
    if !process::succeeds(process::command("rustup").args(arguments)).unwrap_or(false) {
        bail!("the Rust toolchain lacks a part; get it with `{line}` (see https://rustup.rs)");
    }
    Ok(())
}
