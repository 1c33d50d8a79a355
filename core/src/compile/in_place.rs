//! Lets the output of an operation take the place of an input that dies there.

use alloc::vec::Vec;

use super::Step;
use crate::program::{Role, TensorIdx};

/// The pairs that share storage: the second tensor is born where the first dies.
pub(super) fn choose(step: &Step) -> Vec<(TensorIdx, TensorIdx)> {
    step.ops
        .iter()
        .filter_map(|op| op.in_place())
        .filter(|&(from, to)| {
            let before = &step.tensors[from as usize];
            let after = &step.tensors[to as usize];
            before.last_use == after.first_use
                && before.size_bytes == after.size_bytes
                && !matches!(before.role, Role::Input | Role::Label)
        })
        .collect()
}
