//! What a program needs, in bytes: the figures behind the page's map and `quartermeg memory`.

use quartermeg_core::network::Network;
use quartermeg_core::policy::{Policy, analytic_bytes};
use quartermeg_core::program::{Op, Program, Role, TensorRecord};
use quartermeg_core::runtime::STATE_BYTES;
use serde::Serialize;

use crate::{describe, explain};

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
#[cfg_attr(page, optimize(size))]
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

/// Where a block of fewer bytes than a program needs ends the step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overflow {
    /// The first operation that cannot run, from 0.
    pub op: u32,
    /// Name of the tensor that does not fit then; of several, the largest.
    pub tensor: String,
    /// Its bytes.
    pub tensor_bytes: u32,
    /// Bytes that are missing for it.
    pub missing_bytes: u32,
    /// The largest hole that the other tensors can leave at that moment.
    pub hole_bytes: u32,
}

/// The first operation that a block of `budget_bytes` stops: the first during which more bytes are
/// live, or, where the parameters alone are too many or only the places reach further, the one with
/// the first tensor outside. None where the program fits.
#[must_use]
#[cfg_attr(page, optimize(size))]
pub fn overflow<B: AsRef<[u8]>>(program: &Program<B>, budget_bytes: u32) -> Option<Overflow> {
    if program.meta().arena_bytes <= budget_bytes {
        return None;
    }
    if program.meta().persistent_bytes > budget_bytes {
        return misplaced(program, budget_bytes);
    }
    let records = || (0..program.n_tensors()).map(|tensor| (tensor, program.tensor(tensor)));
    let mut live = (0..).zip(live_bytes(program));
    let Some((op, live)) = live.find(|&(_, live)| live > budget_bytes) else {
        return misplaced(program, budget_bytes);
    };
    // What keeps its contents has been there all along.
    let born = records().filter(|(_, it)| it.first_use == op && !it.role.is_persistent());
    let (tensor, record) = born.max_by_key(|(_, record)| record.size_bytes)?;
    let others = live.saturating_sub(record.size_bytes.next_multiple_of(ALIGN));
    Some(Overflow {
        op,
        tensor: describe::tensor(program, tensor),
        tensor_bytes: record.size_bytes,
        missing_bytes: live - budget_bytes,
        hole_bytes: budget_bytes.saturating_sub(others),
    })
}

/// The first tensor that is placed outside.
#[cfg_attr(page, optimize(size))]
fn misplaced<B: AsRef<[u8]>>(program: &Program<B>, budget_bytes: u32) -> Option<Overflow> {
    let records = || (0..program.n_tensors()).map(|tensor| (tensor, program.tensor(tensor)));
    let end = |record: &TensorRecord| record.offset + record.size_bytes;
    let outside = records().filter(|(_, record)| end(record) > budget_bytes);
    let (tensor, record) = outside.min_by_key(|(_, record)| record.first_use)?;
    let op = record.first_use;
    let mut taken: Vec<[u32; 2]> = records()
        .filter(|(other, record)| *other != tensor && record.is_live_at(op))
        .map(|(_, record)| [record.offset, end(&record).next_multiple_of(ALIGN)])
        .collect();
    taken.sort_unstable();
    taken.push([budget_bytes, budget_bytes]);
    let (mut hole_bytes, mut free_from) = (0, 0);
    for [from, to] in taken {
        hole_bytes = hole_bytes.max(from.min(budget_bytes).saturating_sub(free_from));
        free_from = free_from.max(to);
    }
    Some(Overflow {
        op,
        tensor: describe::tensor(program, tensor),
        tensor_bytes: record.size_bytes,
        missing_bytes: end(&record) - budget_bytes,
        hole_bytes,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use quartermeg_core::compile::compile;
    use quartermeg_core::program::Settings;

    use super::*;
    use crate::network_file;
    use crate::scenario::KEYBOARD;

    #[test]
    fn a_misplaced_tensor_is_the_first_outside_and_its_hole_the_longest_run_of_free_bytes() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let file = std::fs::read(root.join(KEYBOARD.network_path)).expect("it ships");
        let network = network_file::read(&file).expect("a network");
        let setup = KEYBOARD.default_setup();
        let settings = Settings::constant(0.0, 0);
        let image = compile(&network, &setup.policy, setup.rules, settings).expect("compiles");
        let program = Program::parse(image).expect("valid");
        let needed = program.meta().arena_bytes;
        assert_eq!(misplaced(&program, needed), None);
        let all = || (0..program.n_tensors()).map(|tensor| (tensor, program.tensor(tensor)));
        let end = |record: &TensorRecord| record.offset + record.size_bytes;
        for budget in [needed - 4, needed - 4_000, needed - 12_000] {
            let found = misplaced(&program, budget).expect("it does not fit");
            let outside = || all().filter(|(_, record)| end(record) > budget);
            assert!(outside().all(|(_, record)| record.first_use >= found.op));
            let (tensor, record) = outside()
                .find(|(_, record)| record.first_use == found.op)
                .expect("it is born then");
            assert_eq!(found.missing_bytes, end(&record) - budget);
            let mut is_free = vec![true; budget as usize];
            for (_, other) in
                all().filter(|&(it, record)| it != tensor && record.is_live_at(found.op))
            {
                let end = end(&other).next_multiple_of(ALIGN).min(budget);
                is_free[other.offset.min(end) as usize..end as usize].fill(false);
            }
            let longest = is_free.split(|free| !free).map(<[bool]>::len).max();
            assert_eq!(longest, Some(found.hole_bytes as usize), "{found:?}");
        }
    }
}
