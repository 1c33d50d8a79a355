//! When each tensor is live, in operation indices, inclusive.

use super::Step;
use crate::num::word;
use crate::program::Role;

/// Sets first and last use. Parameters are always live; the input and the label are live from
/// the step's start. An activation that is still read after the loss becomes a saved one.
pub(super) fn assign(step: &mut Step) {
    let last_op = word(step.ops.len() - 1);
    let loss_op = step
        .ops
        .iter()
        .position(|op| op.phase() == crate::program::Phase::Loss)
        .map_or(0, word);
    let mut uses: alloc::vec::Vec<Option<(u32, u32)>> = alloc::vec![None; step.tensors.len()];
    for (op_idx, &op) in step.ops.iter().enumerate() {
        let op_idx = word(op_idx);
        for operand in step.operands(op).iter() {
            let lifetime = &mut uses[operand.tensor as usize];
            let first = lifetime.map_or(op_idx, |(first, _)| first);
            *lifetime = Some((first, op_idx));
        }
    }
    for (tensor, lifetime) in step.tensors.iter_mut().zip(uses) {
        let (first, last) = lifetime.unwrap_or((0, 0));
        (tensor.first_use, tensor.last_use) = match tensor.role {
            role if role.is_persistent() => (0, last_op),
            Role::Input | Role::Label => (0, last),
            _ => (first, last),
        };
        if tensor.role == Role::Activation && tensor.last_use > loss_op {
            tensor.role = Role::SavedActivation;
        }
    }
}
