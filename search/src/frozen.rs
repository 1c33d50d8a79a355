//! The frozen beginning of a step: what the layers before the first one that learns compute from a
//! sample never changes, so it is computed once and kept, for every policy that begins there.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use quartermeg_core::program::{Access, Op, Program, Role, TensorIdx};

/// Where a program's frozen beginning ends, and what it leaves behind.
#[derive(Debug)]
pub(crate) struct Beginning {
    /// The first operation whose result is not the same in every step.
    pub(crate) end: u32,
    /// What is live there and came from the sample, in the order of `values`.
    pub(crate) tensors: Vec<TensorIdx>,
    /// Which values of the network these are.
    values: Vec<ValueKey>,
}

/// An activation of the network, whatever program computes it: the node that made it, and its
/// bytes.
type ValueKey = (u32, u32);

impl Beginning {
    /// The frozen beginning of a program that runs layer by layer.
    pub(crate) fn of<B: AsRef<[u8]>>(program: &Program<B>) -> Self {
        let end = (0..program.meta().loss_op)
            .find(|&op| depends_on_policy(program, program.op(op)))
            .unwrap_or(program.meta().loss_op);
        let mut live: Vec<(ValueKey, TensorIdx)> = (0..program.n_tensors())
            .map(|tensor| (program.tensor(tensor), tensor))
            .filter(|(record, _)| {
                let comes_from_sample = !record.role.is_persistent() && record.role != Role::Label;
                comes_from_sample && record.first_use < end && end <= record.last_use
                    || record.role == Role::Input && record.is_live_at(end)
            })
            .map(|(record, tensor)| ((record.name, record.size_bytes), tensor))
            .collect();
        live.sort_unstable();
        let (values, tensors) = live.into_iter().unzip();
        Self {
            end,
            tensors,
            values,
        }
    }
}

/// Whether an operation reads what learns, or writes what only some policies need.
fn depends_on_policy<B: AsRef<[u8]>>(program: &Program<B>, op: Op) -> bool {
    let keeps = matches!(op, Op::SaveChannels { .. });
    keeps
        || program.operands(op).iter().any(|operand| {
            let role = program.tensor(operand.tensor).role;
            role.is_persistent() || (operand.access == Access::Write && role == Role::Mask)
        })
}

/// What a frozen beginning leaves behind, for each sample once it was needed.
pub(crate) type Values = Vec<OnceLock<Box<[u8]>>>;

/// The beginnings that were computed, the newest last.
#[derive(Debug)]
pub(crate) struct Kept {
    list: Mutex<Vec<(Vec<ValueKey>, Arc<Values>)>>,
    /// How many are kept at a time.
    most: usize,
}

impl Kept {
    pub(crate) fn at_most(most: usize) -> Self {
        Self {
            list: Mutex::default(),
            most,
        }
    }

    /// What `beginning` left behind of each of `n_samples`.
    pub(crate) fn values(&self, beginning: &Beginning, n_samples: usize) -> Arc<Values> {
        let mut kept = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|(key, _)| *key == beginning.values);
        let entry = match found {
            Some(at) => kept.remove(at),
            None => (
                beginning.values.clone(),
                Arc::new((0..n_samples).map(|_| OnceLock::new()).collect()),
            ),
        };
        let values = Arc::clone(&entry.1);
        kept.push(entry);
        if kept.len() > self.most {
            kept.remove(0);
        }
        values
    }
}
