//! What a program is and needs, as JSON for programs and as Markdown for people.

use std::fmt::Write as _;

use quartermeg_core::device::cost::Work;
use quartermeg_core::network::Network;
use quartermeg_core::program::{Op, Phase, Program};
use serde::Serialize;

use super::stamp::{FORMAT_VERSION, Stamp};
use crate::board::BoardFit;
use crate::config::PolicyRow;
use crate::link::{self, Link};
use crate::memory::{self, MemoryReport};
use crate::scenario;
use crate::setup::Setup;
use crate::{config, describe, explain, numerics};

/// Value of the field `format`.
pub const FORMAT: &str = "quartermeg-report";

/// Everything that a report states.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Always `quartermeg-report`.
    pub format: &'static str,
    /// Version of this layout.
    pub version: u32,
    /// Version of the core that wrote it.
    pub core_version: &'static str,
    /// SHA-256 of network, policy and plan, as hexadecimal digits.
    pub identity: String,
    /// Name of the network.
    pub network: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Height, width and channels of the input.
    pub input_shape: [u32; 3],
    /// The arithmetic.
    pub numerics: String,
    /// The command line that repeats the run.
    pub command: String,
    /// Bytes and multiply-accumulates of a step.
    pub memory: MemoryReport,
    /// How it lies on its board.
    pub on_board: BoardFit,
    /// What learns.
    pub policy: Vec<PolicyRow>,
    /// What each operation of a step does.
    pub operations: Vec<Operation>,
    /// The kinds of operations that the program needs code for, and how many of each it has.
    pub code: Vec<Code>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Operation {
    /// Its place in the step, from 0.
    pub index: u32,
    /// `forward`, `loss` or `backward`.
    pub phase: &'static str,
    /// Its name.
    pub name: String,
    /// What it spends its cycles on.
    pub class: String,
    /// Multiply-accumulates, or elements where the class is `elementwise`.
    pub units: u64,
    /// Bytes live while it runs.
    pub live_bytes: u32,
}

/// One kind of operations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Code {
    /// Its name.
    pub kind: &'static str,
    /// How many the program has.
    pub count: u32,
}

/// Gathers a report.
#[must_use]
pub fn report<B: AsRef<[u8]>>(
    setup: &Setup,
    network: &Network,
    program: &Program<B>,
    on_board: BoardFit,
) -> Report {
    let live = memory::live_bytes(program);
    let mut code: Vec<Code> = Vec::new();
    let operations = (0..program.n_ops())
        .zip(&live)
        .map(|(index, &live_bytes)| {
            let op = program.op(index);
            let work = Work::of_op(program, op);
            let classes: Vec<&str> = work.classes().map(|(class, _)| class.name()).collect();
            let kind = kind(op);
            match code.iter_mut().find(|known| known.kind == kind) {
                Some(known) => known.count += 1,
                None => code.push(Code { kind, count: 1 }),
            }
            Operation {
                index,
                phase: match op.phase() {
                    Phase::Forward => "forward",
                    Phase::Loss => "loss",
                    Phase::Backward => "backward",
                },
                name: describe::op(program, op).0,
                class: classes.join(" and "),
                units: work.units.iter().sum(),
                live_bytes,
            }
        })
        .collect();
    Report {
        format: FORMAT,
        version: FORMAT_VERSION,
        core_version: env!("CARGO_PKG_VERSION"),
        identity: config::hex(&program.identity()),
        network: network.name().to_owned(),
        classes: network.classes().to_vec(),
        input_shape: program.meta().input_shape,
        numerics: numerics::text(program.rules()),
        command: command(setup),
        memory: memory::report(network, &setup.policy, program),
        on_board,
        policy: config::policy_rows(network, &setup.policy),
        operations,
        code,
    }
}

/// The command line that trains what the setup says; files that only its owner has are in capitals.
#[must_use]
pub fn command(setup: &Setup) -> String {
    let fragment = link::to_fragment(&Link {
        setup: setup.clone(),
        hidden: Vec::new(),
        locked: Vec::new(),
    });
    let scenario = scenario::by_id(&setup.scenario);
    let model = if scenario.is_some_and(scenario::Scenario::is_own_network) {
        "MODEL "
    } else {
        ""
    };
    let data = if scenario.is_some_and(scenario::Scenario::is_own) {
        "--data DATA "
    } else {
        ""
    };
    format!("quartermeg train {model}{data}--link '#{fragment}'")
}

/// The kind of an operation, as the runtime has code for it.
fn kind(op: Op) -> &'static str {
    match op {
        Op::Conv { .. } => "convolution",
        Op::Stream { .. } => "frozen layers row by row",
        Op::Add { .. } => "residual add",
        Op::AveragePool { .. } => "average pool",
        Op::Pool { .. } => "pool over windows",
        Op::SaveChannels { .. } => "save channels",
        Op::Classifier { .. } => "classifier",
        Op::Logits { .. } => "logits",
        Op::Loss { .. } => "loss",
        Op::LogitsBackward { .. } => "logits, backward",
        Op::ClassifierBackwardInput { .. } => "classifier, input gradient",
        Op::ClassifierUpdate { .. } => "classifier, update",
        Op::AveragePoolBackward { .. } => "average pool, backward",
        Op::PoolBackward { .. } => "pool over windows, backward",
        Op::MaskScale { .. } => "mask and scale",
        Op::BiasUpdate { .. } => "bias update",
        Op::BiasGradient { .. } => "bias gradient",
        Op::BiasApply { .. } => "bias update by a gradient",
        Op::ConvBackwardInput { .. } => "convolution, input gradient",
        Op::WeightUpdate { .. } => "weight update",
        Op::WeightGradient { .. } => "weight gradient",
        Op::WeightApply { .. } => "weight update by a gradient",
        Op::BlockBackward { .. } => "block, backward by hidden channels",
        Op::AddBackward { .. } => "residual add, backward",
    }
}

/// The report as indented JSON with a final newline.
#[must_use]
pub fn json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report)
        .expect("invariant: a report has only text, numbers and lists");
    text.push('\n');
    text
}

/// The report as Markdown.
#[must_use]
pub fn markdown<B: AsRef<[u8]>>(report: &Report, program: &Program<B>) -> String {
    let mut text = format!(
        "<!-- {} -->\n# {}: one training step\n\n",
        Stamp::of("report", program).line(),
        cell(&report.network)
    );
    let board = &report.on_board;
    let step = board.step.map_or_else(
        || format!("not estimated: nothing is known of {}", board.board.core),
        |step| step.text(),
    );
    let [height, width, channels] = report.input_shape;
    let memory = &report.memory;
    let bytes = |bytes: u32| explain::bytes(u64::from(bytes));
    let rows = [
        ("identity", format!("`{}`", report.identity)),
        ("core", report.core_version.to_owned()),
        ("input", format!("{height} x {width} x {channels}, int8")),
        ("classes", report.classes.len().to_string()),
        ("arithmetic", report.numerics.clone()),
        ("board", board.sentence()),
        ("one step there", step),
        ("one block (arena)", bytes(memory.arena_bytes)),
        ("lower bound of its size", bytes(memory.lower_bound_bytes)),
        ("trainable parameters", bytes(memory.trainable_bytes)),
        ("largest scratch", bytes(memory.scratch_bytes)),
        ("peak of the forward pass", bytes(memory.forward_peak_bytes)),
        (
            "peak of loss and backward pass",
            bytes(memory.backward_peak_bytes),
        ),
        (
            "all that is written, but the stack",
            bytes(memory.sram_total_bytes),
        ),
        ("flash: program and constants", bytes(memory.flash_bytes)),
        ("multiply-accumulates", memory.macs_text()),
        (
            "the paper's formula",
            explain::bytes(memory.analytic_bytes.total),
        ),
        ("the same run", format!("`{}`", report.command)),
    ];
    text.push_str("| | |\n|---|---|\n");
    for (name, value) in rows {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    text.push_str(
        "\n## What learns\n\n| layer | name | bias | ratio of the weights |\n|---:|---|---|---:|\n",
    );
    for row in &report.policy {
        let bias = if row.bias { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "| {} | {} | {bias} | {} |",
            row.layer,
            cell(&row.name),
            row.weight_ratio
        );
    }
    text.push_str("\nThe classifier always learns.\n");
    text.push_str(
        "\n## Operations\n\n| | phase | operation | class | multiply-accumulates or elements | bytes live |\n|---:|---|---|---|---:|---:|\n",
    );
    for op in &report.operations {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            op.index,
            op.phase,
            cell(&op.name),
            op.class,
            explain::number(op.units),
            explain::number(u64::from(op.live_bytes))
        );
    }
    text.push_str("\n## Code that it needs\n\n| kind of operation | how many |\n|---|---:|\n");
    for code in &report.code {
        let _ = writeln!(text, "| {} | {} |", code.kind, code.count);
    }
    text
}

/// A name from a file inside a table.
fn cell(name: &str) -> String {
    name.replace('|', "\\|").replace(['\n', '\r'], " ")
}
