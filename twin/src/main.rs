//! `quartermeg-twin`: what `cargo xtask firmware` runs once the images are built.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::{Parser, Subcommand};
use quartermeg_core::device::DEVICES;
use quartermeg_formats::explain;
use quartermeg_twin::{Board, Images, Report, board, examine};

#[derive(Debug, Parser)]
#[command(about, version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the ids of the boards, one a line, the default first.
    Boards,
    /// Train an exported program on a board, natively and in wasm.
    Run(Run),
}

#[derive(Debug, clap::Args)]
struct Run {
    /// The exported program (.qmeg).
    file: PathBuf,
    /// Folder of the images.
    #[arg(long)]
    images: PathBuf,
    /// The board.
    #[arg(long, default_value = DEVICES[0].id)]
    board: String,
    /// Steps to train.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Most samples that take turns; as many as steps if absent and if they fit.
    #[arg(long, default_value_t = u32::MAX, hide_default_value = true, value_parser = clap::value_parser!(u32).range(1..))]
    samples: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command; `false` says that the machines do not agree.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    match &arguments.command {
        Command::Boards => {
            let ids: Vec<&str> = board::emulated().map(|device| device.id).collect();
            print(&ids.join("\n"))?;
            Ok(true)
        }
        Command::Run(options) => {
            let report = report(options)?;
            print(&if options.json {
                serde_json::to_string(&report)?
            } else {
                table(&report)?
            })?;
            Ok(report.equal_native && report.equal_wasm)
        }
    }
}

fn report(options: &Run) -> anyhow::Result<Report> {
    let path = &options.file;
    let file =
        std::fs::read(path).with_context(|| format!("{} cannot be read.", path.display()))?;
    let images = Images::in_folder(&options.images);
    let board = Board::open(&images, &options.board)?;
    examine(&images, &board, &file, options.steps, options.samples)
        .map_err(|error| anyhow!("{}: {error:#}", path.display()))
}

fn table(report: &Report) -> anyhow::Result<String> {
    let loss = |bits: Option<&String>| {
        let bits = bits.and_then(|bits| u32::from_str_radix(bits, 16).ok());
        bits.map_or_else(
            || "none".to_owned(),
            |bits| format!("{:.4}", f32::from_bits(bits)),
        )
    };
    let agree = |is_equal: bool| {
        if is_equal {
            "equal, bit for bit"
        } else {
            "DIFFERENT"
        }
    };
    let (first, last) = (
        loss(report.loss_bits.first()),
        loss(report.loss_bits.last()),
    );
    let used = |used: u64, of: u64| format!("{} of {}", explain::bytes(used), explain::bytes(of));
    let rows = [
        ("board", report.board.clone()),
        ("core", report.core_version.clone()),
        ("program", report.program_sha256.clone()),
        ("samples", report.samples.clone()),
        ("steps", explain::number(u64::from(report.steps))),
        ("loss, first and last", format!("{first}, {last}")),
        ("weights digest", report.weights_digest.clone()),
        ("RAM of the board", explain::bytes(report.ram_bytes)),
        (
            "  arena, written",
            used(report.arena_high_water_bytes, report.arena_bytes),
        ),
        ("  statics", explain::bytes(report.statics_bytes)),
        (
            "  stack, written",
            used(report.stack_high_water_bytes, report.stack_bytes),
        ),
        ("flash", explain::bytes(report.flash_bytes)),
        ("  of it the firmware", explain::bytes(report.image_bytes)),
        ("this machine", agree(report.equal_native).to_owned()),
        ("wasm", agree(report.equal_wasm).to_owned()),
    ];
    let mut text = String::new();
    for (name, value) in rows {
        writeln!(text, "{name:<22} {value}")?;
    }
    Ok(text.trim_end().to_owned())
}

fn print(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("The result cannot be printed.")
}
