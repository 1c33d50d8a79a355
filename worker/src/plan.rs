//! A compiled setup as the page draws it.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::program::{Access, LayerRecord, Program, Role, Settings};
use quartermeg_core::quant::Rules;
use quartermeg_formats::config::hex;
use quartermeg_formats::scenario::{self, Scenario};
use quartermeg_formats::setup::Setup;
use quartermeg_formats::{board, describe, link, memory, peak};

use quartermeg_web::protocol::{LayerView, LiveView, OpView, PlanView, PresetView, TensorView};

/// The policies that can be chosen by name, with what each needs.
#[cfg_attr(page, optimize(size))]
pub(crate) fn presets(scenario: &Scenario, network: &Network) -> Vec<PresetView> {
    let setup = scenario.default_setup();
    let (rules, settings) = (setup.rules, setup.settings());
    scenario::presets(scenario, network)
        .into_iter()
        .map(|preset| PresetView {
            name: preset.name.into_owned(),
            policy: link::policy_text(&preset.policy),
            arena_bytes: arena_bytes(network, &preset.policy, rules, settings),
        })
        .collect()
}

/// Size of the block that a step needs; none where it cannot be compiled.
pub(crate) fn arena_bytes(
    network: &Network,
    policy: &Policy,
    rules: Rules,
    settings: Settings,
) -> Option<u32> {
    compile(network, policy, rules, settings)
        .ok()
        .and_then(|image| Program::parse(image).ok())
        .map(|program| program.meta().arena_bytes)
}

/// Everything that the page draws of a program.
#[cfg_attr(page, optimize(size))]
pub(crate) fn view(
    program: &Program<AlignedBytes>,
    network: &Network,
    setup: &Setup,
    presets: Vec<PresetView>,
) -> PlanView {
    let meta = program.meta();
    let peak = peak::peak(program);
    let peak_tensors = peak.tensors.into_iter().map(|live| LiveView {
        name: live.name,
        role: live.role.to_owned(),
        bytes: live.bytes,
        because: live.because,
        layers: live.layers,
    });
    let every_weight = Policy::uniform(network, LayerUpdate::Weights { ratio: 1.0 });
    let recomputable = every_weight.recomputable(network);
    PlanView {
        identity: hex(&program.identity()),
        arena_bytes: meta.arena_bytes,
        persistent_bytes: meta.persistent_bytes,
        lower_bound_bytes: meta.lower_bound_bytes,
        peak_op: peak.op,
        live_bytes: memory::live_bytes(program),
        peak_tensors: peak_tensors.collect(),
        loss_ops: [meta.loss_op, meta.loss_op + 1],
        flash_bytes: u32::try_from(program.bytes().len()).unwrap_or(u32::MAX),
        macs_forward: meta.macs_forward,
        macs_step: meta.macs_step,
        cycles_step: board::cycles_of_step(program),
        tensors: (0..program.n_tensors())
            .map(|tensor| tensor_view(program, tensor))
            .collect(),
        ops: (0..program.n_ops())
            .map(|op_idx| op_view(program, op_idx))
            .collect(),
        layers: (0..program.n_layers())
            .map(|layer| layer_view(program, layer, &recomputable))
            .collect(),
        classes: network.classes().to_vec(),
        presets,
        policy: link::policy_text(&setup.policy),
    }
}

fn tensor_view<B: AsRef<[u8]>>(program: &Program<B>, tensor: u32) -> TensorView {
    let record = program.tensor(tensor);
    TensorView {
        name: describe::tensor(program, tensor),
        role: role_index(record.role),
        offset: record.offset,
        size_bytes: record.size_bytes,
        first_op: record.first_use,
        last_op: record.last_use,
        layout: describe::layout(&record),
    }
}

/// Where a role stands in [`Role::ALL`].
pub(crate) fn role_index(wanted: Role) -> u8 {
    (0..)
        .zip(Role::ALL)
        .find(|&(_, role)| role == wanted)
        .map_or(0, |(index, _)| index)
}

fn op_view<B: AsRef<[u8]>>(program: &Program<B>, op_idx: u32) -> OpView {
    let op = program.op(op_idx);
    let (name, help) = describe::op(program, op);
    let operands = program.operands(op);
    let touched = |without: Access| {
        operands
            .iter()
            .filter(|operand| operand.access != without)
            .map(|operand| operand.tensor)
            .collect()
    };
    OpView {
        name,
        help: help.to_owned(),
        reads: touched(Access::Write),
        writes: touched(Access::Read),
    }
}

fn layer_view<B: AsRef<[u8]>>(
    program: &Program<B>,
    layer: u32,
    recomputable: &[usize],
) -> LayerView {
    let record = program.layer(layer);
    let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    LayerView {
        name: program.name(record.name).to_owned(),
        shape: shape(&record),
        depthwise: record.depthwise,
        n_weights: count(record.weight_len(record.in_channels())),
        n_biases: count(record.out_channels()),
        recomputable: recomputable.contains(&(layer as usize)),
    }
}

/// Kernel, channels and output pixels, for example `1x1, 24 -> 96, 6 x 6`.
fn shape(record: &LayerRecord) -> String {
    let [kernel_h, kernel_w] = record.kernel;
    let [h, w, out_channels] = record.output;
    let in_channels = record.input[2];
    format!("{kernel_h}x{kernel_w}, {in_channels} -> {out_channels}, {h} x {w}")
}
