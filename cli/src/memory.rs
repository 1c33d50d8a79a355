//! `quartermeg memory`: what a training step needs.

use std::fmt::Write as _;

use anyhow::anyhow;
use quartermeg_core::compile::compile;
use quartermeg_core::device::DEVICES;
use quartermeg_core::program::{Program, Settings};
use quartermeg_formats::board::{self, BoardFit};
use quartermeg_formats::memory::MemoryReport;
use quartermeg_formats::peak::{self, Peak};
use quartermeg_formats::waterfall::{self, PassReport, WaterfallError};
use quartermeg_formats::{explain, memory};
use serde::Serialize;

use crate::board::OnBoard;
use crate::numerics::Numerics;
use crate::output;
use crate::source::{self, NetworkSource};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    network: NetworkSource,
    #[command(flatten)]
    numerics: Numerics,
    /// What learns: default, classifier, full, bias:K, last:K, one character a convolution
    /// (-, b, 8, 4, 2, 1), or `n_bias_update=..;manual_weight_idx=..;weight_update_ratio=..`.
    #[arg(long, default_value = "classifier", allow_hyphen_values = true)]
    scheme: String,
    /// The board is the 256 KiB microcontroller where none is named.
    #[command(flatten)]
    board: OnBoard,
    /// State what each pass of the compiler that can be left out saves.
    #[arg(long)]
    passes: bool,
    /// State at which operation the most bytes are live, and what is live there.
    #[arg(long)]
    peak: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    memory: MemoryReport,
    on_board: BoardFit,
    #[serde(skip_serializing_if = "Option::is_none")]
    passes: Option<Vec<PassReport>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak: Option<Peak>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let rules = arguments.numerics.rules()?;
    let (network, scenario) = arguments.network.load(rules)?;
    let policy = source::policy(&network, scenario, &arguments.scheme)?;
    let settings = Settings::constant(0.0, 0);
    let image = compile(&network, &policy, rules, settings)
        .map_err(|error| anyhow!(explain::compile(&error)))?;
    let program = Program::parse(image).map_err(|error| anyhow!(explain::program(&error)))?;
    let report = memory::report(&network, &policy, &program);
    let (id, device) = arguments
        .board
        .chosen()?
        .unwrap_or_else(|| (DEVICES[0].id.to_owned(), DEVICES[0]));
    let on_board = board::fit(&id, &device, &program, program.bytes().len());
    let passes = arguments
        .passes
        .then(|| waterfall::waterfall(&network, &policy, rules))
        .transpose()
        .map_err(|error| match error {
            WaterfallError::Compile(error) => anyhow!(explain::compile(&error)),
            WaterfallError::Program(error) => anyhow!(explain::program(&error)),
        })?;
    let peak = arguments.peak.then(|| peak::peak(&program));
    if arguments.json {
        return output::json(&Report {
            memory: report,
            on_board,
            passes,
            peak,
        });
    }
    let rows = [
        ("one block (arena)", report.arena_bytes),
        ("  lower bound of its size", report.lower_bound_bytes),
        ("  trainable parameters", report.trainable_bytes),
        ("  largest scratch", report.scratch_bytes),
        ("peak of the forward pass", report.forward_peak_bytes),
        ("peak of loss and backward pass", report.backward_peak_bytes),
        (
            "all that is written, but the stack",
            report.sram_total_bytes,
        ),
        ("flash: program and constants", report.flash_bytes),
    ];
    let mut text = String::new();
    for (name, value) in rows {
        writeln!(text, "{name:<34} {}", explain::bytes(u64::from(value)))?;
    }
    writeln!(
        text,
        "{:<34} {}",
        "multiply-accumulates",
        report.macs_text()
    )?;
    writeln!(
        text,
        "{:<34} {}",
        "the paper's formula",
        explain::bytes(report.analytic_bytes.total)
    )?;
    text.push_str(&board_text(&on_board));
    if let Some(passes) = passes {
        text.push_str(&passes_text(&passes)?);
    }
    if let Some(peak) = peak {
        text.push_str(&peak_text(&peak)?);
    }
    output::text(&text)
}

/// The waterfall of the passes: the block with each, and what it saved.
fn passes_text(passes: &[PassReport]) -> Result<String, std::fmt::Error> {
    let mut text = format!("\n{:<34} {:<24} saved\n", "pass of the compiler", "arena");
    let mut before = None;
    for pass in passes {
        let arena = explain::bytes(u64::from(pass.arena_bytes));
        let saved = before.map_or_else(String::new, |before| saved(before, pass.arena_bytes));
        let line = format!("{:<34} {arena:<24} {saved}", pass.name);
        writeln!(text, "{}", line.trim_end())?;
        before = Some(pass.arena_bytes);
    }
    Ok(text)
}

/// What a pass saved; one that orders tensors differently may also cost a few bytes.
fn saved(before: u32, after: u32) -> String {
    let bytes = explain::bytes(u64::from(before.abs_diff(after)));
    let sign = if after > before { "-" } else { "" };
    format!("{sign}{bytes}")
}

/// Why the peak is what it is: the operation, and what is live there, largest first.
fn peak_text(peak: &Peak) -> Result<String, std::fmt::Error> {
    let mut text = format!(
        "\nThe most bytes are live at operation {}, {}: {}\n",
        peak.op,
        peak.name,
        explain::bytes(u64::from(peak.bytes))
    );
    for tensor in &peak.tensors {
        let share = 100.0 * f64::from(tensor.bytes) / f64::from(peak.bytes);
        writeln!(
            text,
            "{:<17} {:<24} {share:>5.1} %  {}",
            tensor.role,
            explain::bytes(u64::from(tensor.bytes)),
            tensor.name
        )?;
    }
    Ok(text)
}

/// Whether a step fits the board, and how long it may take there, one line each.
pub(crate) fn board_text(on_board: &BoardFit) -> String {
    let step = on_board.step.map_or_else(
        || format!("not estimated: nothing is known of {}", on_board.board.core),
        |step| step.text(),
    );
    let rows = [("board", on_board.sentence()), ("one step there", step)];
    rows.map(|(name, value)| format!("{name:<34} {value}\n"))
        .concat()
}
