//! Development commands of Quartermeg, run as `cargo xtask <command>`.
//!
//! Every command gets the tools that it needs by itself and keeps them in the user's cache folder.
//! What a command reports goes to the standard error; the standard output carries only its result.

mod browser;
mod check;
mod debian;
mod demo;
mod dist;
mod drift;
mod firmware;
mod memory;
mod node;
mod order;
mod pack;
mod photographs;
mod process;
mod report;
mod screenshots;
mod search;
mod serve;
mod short_names;
mod size;
mod summary;
mod test;
mod toolchain;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about, version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the page, serve it on this machine alone and open a browser.
    Demo(demo::Options),
    /// Write the finished page to `dist/`, for any static host.
    Dist,
    /// Run every test, or only the named parts.
    Test(test::Options),
    /// Check formatting, lints, documentation, licences and dependency directions.
    Check,
    /// Train an exported program on an emulated board, and compare with this machine and wasm.
    Firmware(firmware::Options),
    /// Write what training steps need to `docs/memory.md`; needs MIT's networks.
    Memory,
    /// Search for update policies, and write what came of it to `docs/search.md`.
    Search,
    /// Change the world under the learners, and write what came of it to `docs/drift.md`.
    Drift,
    /// Write the pictures of the page to `docs/screenshots/`.
    Screenshots,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report::error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Runs a command; `false` says that it did its work and found something wrong.
fn run(command: &Command) -> Result<bool> {
    let workspace = Workspace::find()?;
    match command {
        Command::Demo(options) => demo::run(&workspace, options).map(|()| true),
        Command::Dist => dist::run(&workspace).map(|()| true),
        Command::Test(options) => Ok(test::run(&workspace, options)),
        Command::Check => check::run(&workspace),
        Command::Firmware(options) => firmware::run(&workspace, options),
        Command::Memory => memory::run(&workspace).map(|()| true),
        Command::Search => search::run(&workspace).map(|()| true),
        Command::Drift => drift::run(&workspace).map(|()| true),
        Command::Screenshots => screenshots::run(&workspace).map(|()| true),
    }
}
