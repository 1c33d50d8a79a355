//! `quartermeg memory`: what a training step needs.

use std::fmt::Write as _;

use anyhow::anyhow;
use quartermeg_core::compile::compile;
use quartermeg_core::device::DEVICES;
use quartermeg_core::program::{Program, Settings};
use quartermeg_formats::board::{self, BoardFit};
use quartermeg_formats::memory::MemoryReport;
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
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    memory: MemoryReport,
    on_board: BoardFit,
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
    if arguments.json {
        return output::json(&Report {
            memory: report,
            on_board,
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
        "{:<34} {} forward, {} a step",
        "multiply-accumulates",
        explain::number(report.macs_forward),
        explain::number(report.macs_step)
    )?;
    writeln!(
        text,
        "{:<34} {}",
        "the paper's formula",
        explain::bytes(report.analytic_bytes.total)
    )?;
    text.push_str(&board_text(&on_board));
    output::text(&text)
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
