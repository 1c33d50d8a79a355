//! Lets the output of an operation take the place of an input that dies there.

use super::Step;
use crate::program::{Op, Role};

/// Declares the pairs that share storage: the second tensor is born where the first dies.
///
/// Layers that run row by row may write over the rows of the step's input that they have read;
/// any other operation leaves the input alone.
pub(super) fn choose(step: &mut Step) {
    let pairs = step.ops.iter().filter_map(|&op| {
        let (from, to) = op.in_place()?;
        let (before, after) = (&step.tensors[from as usize], &step.tensors[to as usize]);
        let fits = match (op, step.stream(op)) {
            (Op::Stream { .. }, Some(stream)) => stream.may_overwrite(),
            _ => {
                before.size_bytes == after.size_bytes
                    && !matches!(before.role, Role::Input | Role::Label)
            }
        };
        (fits && before.last_use == after.first_use).then_some((from, to))
    });
    step.aliases = pairs.collect();
}
