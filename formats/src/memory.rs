//! What a program needs, in bytes: the figures behind the page's map and `quartermeg memory`.

use quartermeg_core::network::Network;
use quartermeg_core::policy::{Policy, analytic_bytes};
use quartermeg_core::program::{Op, Program, Role};
use quartermeg_core::runtime::STATE_BYTES;
use serde::Serialize;

use crate::explain;

/// Alignment to which the planner rounds every tensor.
pub(crate) const ALIGN: u32 = 4;

/// The paper's byte formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AnalyticReport {
    /// Weights that learn, biases included.
    pub weights: u64,
    /// Saved activations, masks included.
    pub activations: u64,
    /// Both.
    pub total: u64,
}

/// What one training step needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryReport {
    /// The paper's byte formula, which counts neither gradients nor the forward pass.
    pub analytic_bytes: AnalyticReport,
    /// The one block.
    pub arena_bytes: u32,
    /// Parameters that learn, the classifier included, without optimizer state; a part of the
    /// block.
    pub trainable_bytes: u32,
    /// Largest working space of one operation; a part of the block.
    pub scratch_bytes: u32,
    /// Largest live sum over the operations of the forward pass.
    pub forward_peak_bytes: u32,
    /// Largest live sum over the loss and the backward pass.
    pub backward_peak_bytes: u32,
    /// The larger of the two: no placement of this order can need less.
    pub lower_bound_bytes: u32,
    /// The block and every other byte that is written at run time, without the stack.
    pub sram_total_bytes: u32,
    /// The program with its constants.
    pub flash_bytes: u32,
    /// Multiply-accumulates of the forward pass.
    pub macs_forward: u64,
    /// Multiply-accumulates of a step.
    pub macs_step: u64,
    /// Those of them that compute again what was not kept.
    pub macs_again: u64,
}

impl MemoryReport {
    /// The multiply-accumulates in words.
    #[must_use]
    pub fn macs_text(&self) -> String {
        let mut text = format!(
            "{} forward, {} a step",
            explain::number(self.macs_forward),
            explain::number(self.macs_step)
        );
        if self.macs_again > 0 {
            text.push_str(", of which ");
            text.push_str(&explain::number(self.macs_again));
            text.push_str(" compute again what was not kept");
        }
        text
    }
}

/// Bytes live at each operation, every tensor rounded up to its alignment; tensors that share
/// storage count once.
#[must_use]
pub fn live_bytes<B: AsRef<[u8]>>(program: &Program<B>) -> Vec<u32> {
    let mut live = vec![0; program.n_ops() as usize];
    for tensor in 0..program.n_tensors() {
        let record = program.tensor(tensor);
        for bytes in &mut live[record.first_use as usize..=record.last_use as usize] {
            *bytes += record.size_bytes.next_multiple_of(ALIGN);
        }
    }
    // Both tensors of a pair are live during the operation in which one replaces the other.
    for alias in 0..program.n_aliases() {
        let (from, to) = program.alias(alias);
        let [from, to] = [from, to].map(|tensor| program.tensor(tensor));
        let shared = from.size_bytes.min(to.size_bytes);
        live[to.first_use as usize] -= shared.next_multiple_of(ALIGN);
    }
    live
}

/// Multiply-accumulates of the activations that are computed again in the backward pass.
fn macs_again<B: AsRef<[u8]>>(program: &Program<B>) -> u64 {
    let layers = (0..program.n_ops()).filter_map(|op| match program.op(op) {
        Op::Conv {
            layer, again: true, ..
        } => Some(program.layer(layer)),
        _ => None,
    });
    layers.map(|layer| layer.macs(layer.in_channels())).sum()
}

/// Everything that `quartermeg memory` states.
#[must_use]
pub fn report<B: AsRef<[u8]>>(
    network: &Network,
    policy: &Policy,
    program: &Program<B>,
) -> MemoryReport {
    let analytic = analytic_bytes(network, policy);
    let meta = program.meta();
    let live = live_bytes(program);
    let (forward, backward) = live.split_at(meta.loss_op as usize);
    let records = || (0..program.n_tensors()).map(|tensor| program.tensor(tensor));
    let sizes = |wanted: fn(Role) -> bool| {
        records()
            .filter(move |record| wanted(record.role))
            .map(|record| record.size_bytes)
    };
    MemoryReport {
        analytic_bytes: AnalyticReport {
            weights: analytic.weights,
            activations: analytic.activations,
            total: analytic.total(),
        },
        arena_bytes: meta.arena_bytes,
        trainable_bytes: sizes(|role| role.is_persistent() && role != Role::OptimizerState).sum(),
        scratch_bytes: sizes(|role| role == Role::Scratch).max().unwrap_or(0),
        forward_peak_bytes: forward.iter().copied().max().unwrap_or(0),
        backward_peak_bytes: backward.iter().copied().max().unwrap_or(0),
        lower_bound_bytes: meta.lower_bound_bytes,
        sram_total_bytes: meta.arena_bytes + STATE_BYTES,
        flash_bytes: u32::try_from(program.bytes().len()).unwrap_or(u32::MAX),
        macs_forward: meta.macs_forward,
        macs_step: meta.macs_step,
        macs_again: macs_again(program),
    }
}
