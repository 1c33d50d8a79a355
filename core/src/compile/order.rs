//! Moves every update to where its parameter is used no more (paper §2.4, operator reordering).

use alloc::vec;
use alloc::vec::Vec;

use super::Step;
use crate::program::{Access, Op};

/// Every update stands at the end of `step`. It moves to just behind the last operation that uses
/// the old value of its parameters or writes what it reads; updates that come together keep their
/// order.
pub(super) fn reorder(step: &mut Step) {
    let (updates, ops): (Vec<Op>, Vec<Op>) = step.ops.drain(..).partition(|op| op.is_update());
    let mut last_use = vec![0; step.tensors.len()];
    let mut last_write = last_use.clone();
    for (op_idx, &op) in ops.iter().enumerate() {
        for operand in step.operands(op).iter() {
            let tensor = operand.tensor as usize;
            last_use[tensor] = op_idx;
            if operand.access != Access::Read {
                last_write[tensor] = op_idx;
            }
        }
    }
    let mut behind = vec![Vec::new(); ops.len()];
    for update in updates {
        let operands = step.operands(update);
        let waits_for = operands.iter().map(|operand| {
            let last = if operand.access == Access::ReadWrite {
                &last_use
            } else {
                &last_write
            };
            last[operand.tensor as usize]
        });
        behind[waits_for.max().unwrap_or(0)].push(update);
    }
    for (op, updates) in ops.into_iter().zip(behind) {
        step.ops.push(op);
        step.ops.extend(updates);
    }
}
