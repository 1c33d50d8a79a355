//! `cargo xtask firmware`: trains an exported program on an emulated board, and compares every bit
//! with this machine and with wasm.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::debian::{self, Need};
use crate::node::Node;
use crate::workspace::{Workspace, package};
use crate::{process, report, toolchain};

/// Emulates the board.
const EMULATOR: Need = Need {
    programs: &["qemu-system-arm"],
    package: "qemu-system-arm",
};
/// Compiles C for the board.
const C_COMPILER: Need = Need {
    programs: &["arm-none-eabi-gcc"],
    package: "gcc-arm-none-eabi",
};
/// The static library for firmware in C, as cargo names it.
const LIBRARY: &str = "libquartermeg_c.a";
/// What the tests write of the programs that were verified, beside the images.
pub(crate) const VERIFIED: &str = "verified.json";
/// Names the board for the firmware's build.
const BOARD_VARIABLE: &str = "QUARTERMEG_BOARD";
/// The profile of the root manifest that the images are built with.
const PROFILE: &str = "firmware";

#[derive(Args)]
pub(crate) struct Options {
    /// The exported program (.qmeg)
    file: PathBuf,
    /// The board, by its id in files and links; 256k by default
    #[arg(long)]
    board: Option<String>,
    /// Steps to train
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Runs the program; `false` says that the machines do not agree, or that it was refused.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let boards = boards(workspace)?;
    let board = options
        .board
        .as_deref()
        .or(boards.first().map(String::as_str));
    let Some(board) = board.filter(|id| boards.iter().any(|board| board == id)) else {
        bail!(
            "there is no board \"{}\"; there are: {}",
            options.board.as_deref().unwrap_or_default(),
            boards.join(", ")
        );
    };
    let images = build(workspace, &[board.to_owned()])?;
    let mut twin = twin(workspace);
    twin.arg("run")
        .arg(&options.file)
        .arg("--images")
        .arg(&images)
        .args(["--board", board, "--steps", &options.steps.to_string()]);
    if options.json {
        twin.arg("--json");
    }
    Ok(process::tee(&mut twin)?.success)
}

/// The folder of the images.
fn folder(workspace: &Workspace) -> PathBuf {
    // Beside the folder of the profile, which has the same name.
    workspace.target.join("twin")
}

/// The list of the programs that were verified.
pub(crate) fn verified(workspace: &Workspace) -> PathBuf {
    folder(workspace).join(VERIFIED)
}

/// The ids of the boards that the core knows, the default first.
pub(crate) fn boards(workspace: &Workspace) -> Result<Vec<String>> {
    let ids = process::output(twin(workspace).arg("boards"))?;
    Ok(ids.lines().map(str::to_owned).collect())
}

/// Builds the images of those boards and the wasm module, and returns their folder.
pub(crate) fn build(workspace: &Workspace, boards: &[String]) -> Result<PathBuf> {
    toolchain::ensure_target(toolchain::CORTEX_M)?;
    toolchain::ensure_target(toolchain::WASM)?;
    Node::require("comparing with wasm")?;
    debian::provide(&[&EMULATOR])?;
    let folder = folder(workspace);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("{} cannot be created", folder.display()))?;
    for board in boards {
        report::step(format_args!("Building the firmware for board {board}"));
        let mut image = cargo(workspace, "build");
        image
            .args(["--profile", PROFILE, "--target", toolchain::CORTEX_M])
            .args(["--package", package::FIRMWARE])
            .env(BOARD_VARIABLE, board);
        process::run(&mut image, "the firmware could not be built")?;
        let built = workspace.target.join(toolchain::CORTEX_M).join(PROFILE);
        copy(
            &built.join(package::FIRMWARE),
            &folder.join(format!("{board}.elf")),
        )?;
    }
    report::step("Building the driver for wasm");
    let mut module = cargo(workspace, "build");
    module
        .args(["--release", "--target", toolchain::WASM])
        .args(["--package", package::FIRMWARE_WASM]);
    process::run(&mut module, "the driver could not be built for wasm")?;
    let built = workspace.target.join(toolchain::WASM).join("release");
    let module = package::FIRMWARE_WASM.replace('-', "_");
    copy(
        &built.join(format!("{module}.wasm")),
        &folder.join("driver.wasm"),
    )?;
    Ok(folder)
}

/// Builds the static library for firmware in C and exports a program as C, both into the folder `c`
/// beside the images, where the tests find them; and provides the compiler.
pub(crate) fn build_for_c(workspace: &Workspace, images: &Path) -> Result<()> {
    debian::provide(&[&C_COMPILER])?;
    let folder = images.join("c");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("{} cannot be created", folder.display()))?;
    report::step("Building the static library for firmware in C");
    let mut library = cargo(workspace, "build");
    library
        .args(["--profile", PROFILE, "--target", toolchain::CORTEX_M])
        .args(["--package", package::FIRMWARE_LIBRARY]);
    process::run(&mut library, "the static library could not be built")?;
    let built = workspace.target.join(toolchain::CORTEX_M).join(PROFILE);
    copy(&built.join(LIBRARY), &folder.join(LIBRARY))?;
    report::step("Exporting a program as C");
    let mut export = cargo(workspace, "run");
    export
        .args(["--quiet", "--package", package::COMMAND_LINE, "--"])
        .args(["export", "--scenario", "keyboard", "--as", "c", "--force"])
        .arg("--out")
        .arg(&folder);
    process::run(&mut export, "the program could not be exported")
}

fn twin(workspace: &Workspace) -> Command {
    let mut twin = process::cargo();
    // It runs where the person is, because the file's name is relative to that.
    twin.args(["run", "--locked", "--quiet", "--package", package::TWIN])
        .arg("--manifest-path")
        .arg(workspace.root.join("Cargo.toml"))
        .arg("--");
    twin
}

fn cargo(workspace: &Workspace, subcommand: &str) -> Command {
    let mut cargo = process::cargo();
    cargo
        .args([subcommand, "--locked"])
        .current_dir(&workspace.root);
    cargo
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to)
        .with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))?;
    Ok(())
}
