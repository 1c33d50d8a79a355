//! `quartermeg memory`: what a training step needs.

use std::fmt::Write as _;

use anyhow::anyhow;
use quartermeg_core::compile::compile;
use quartermeg_core::program::{Program, Settings};
use quartermeg_formats::{explain, memory};

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
    /// Print JSON.
    #[arg(long)]
    json: bool,
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
    if arguments.json {
        return output::json(&report);
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
    output::text(&text)
}
