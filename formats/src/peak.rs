//! Why a step needs what it needs: the operation at which the most bytes are live, and the tensors
//! that are live there.

use std::cmp::Reverse;

use quartermeg_core::program::{Program, Role};
use serde::Serialize;

use crate::memory::{ALIGN, live_bytes};
use crate::{cause, describe, explain};

/// The operation at which the most bytes are live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Peak {
    /// Its place in the step, from 0; the first of several with as many bytes.
    pub op: u32,
    /// Its name.
    pub name: String,
    /// Bytes that are live while it runs: the program's lower bound.
    pub bytes: u32,
    /// What is live there, largest first; the bytes add up to those above.
    pub tensors: Vec<LiveTensor>,
}

/// A tensor that is live at the peak, or all parameters of one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LiveTensor {
    /// Name of the tensor, of both where one takes the place of the other, or how many there are.
    pub name: String,
    /// Name of the role.
    pub role: &'static str,
    /// Bytes with what alignment adds; storage that two tensors share counts once.
    pub bytes: u32,
    /// Why it is there: what the policy does, or what a step needs whatever the policy is.
    pub because: String,
    /// The layers whose entries in the policy make it so, by index; the weightiest first.
    pub layers: Vec<u32>,
}

/// Finds the peak of a program.
#[must_use]
#[cfg_attr(page, optimize(size))]
pub fn peak<B: AsRef<[u8]>>(program: &Program<B>) -> Peak {
    let live = live_bytes(program);
    let bytes = live.iter().copied().max().unwrap_or(0);
    let op = (0..)
        .zip(&live)
        .find_map(|(op, &live)| (live == bytes).then_some(op))
        .unwrap_or(0);
    let mut tensors = parameters(program);
    tensors.extend(others(program, op));
    tensors.sort_by_key(|tensor| Reverse(tensor.bytes));
    Peak {
        op,
        name: describe::op(program, program.op(op)).0,
        bytes,
        tensors,
    }
}

/// The parameters, which are live at every operation, one entry a role.
#[cfg_attr(page, optimize(size))]
fn parameters<B: AsRef<[u8]>>(program: &Program<B>) -> Vec<LiveTensor> {
    let roles = Role::ALL.into_iter().filter(|role| role.is_persistent());
    roles
        .filter_map(|role| {
            let sizes: Vec<u32> = (0..program.n_tensors())
                .map(|tensor| program.tensor(tensor))
                .filter(|record| record.role == role)
                .map(|record| record.size_bytes.next_multiple_of(ALIGN))
                .collect();
            let name = match sizes.len() {
                0 => return None,
                1 => "1 tensor".to_owned(),
                n => format!("{} tensors", explain::number(n as u64)),
            };
            let (because, layers) = cause::of_role(program, role);
            Some(LiveTensor {
                name,
                role: describe::role(role),
                bytes: sizes.iter().sum(),
                because,
                layers,
            })
        })
        .collect()
}

/// What else is live at `op`.
#[cfg_attr(page, optimize(size))]
fn others<B: AsRef<[u8]>>(program: &Program<B>, op: u32) -> Vec<LiveTensor> {
    let n_tensors = program.n_tensors();
    let mut bytes: Vec<u32> = (0..n_tensors)
        .map(|tensor| program.tensor(tensor))
        .map(|record| {
            if record.is_live_at(op) && !record.role.is_persistent() {
                record.size_bytes.next_multiple_of(ALIGN)
            } else {
                0
            }
        })
        .collect();
    let mut names: Vec<String> = (0..n_tensors)
        .map(|tensor| describe::tensor(program, tensor))
        .collect();
    for alias in 0..program.n_aliases() {
        let (from, to) = program.alias(alias);
        let [old, new] = [from, to].map(|tensor| program.tensor(tensor));
        // Both tensors of a pair are live during this operation only.
        if new.first_use != op {
            continue;
        }
        let shared = old.size_bytes.min(new.size_bytes);
        let [from, to] = [from, to].map(|tensor| tensor as usize);
        // The second holds the first's bytes and what it is larger by.
        bytes[to] = bytes[to] + bytes[from] - shared.next_multiple_of(ALIGN);
        bytes[from] = 0;
        names[to] = format!("{}, in the place of {}", names[to], names[from]);
    }
    let all = (0..n_tensors).zip(names).zip(bytes);
    all.filter(|&(_, bytes)| bytes > 0)
        .map(|((tensor, name), bytes)| {
            let record = program.tensor(tensor);
            let (because, layers) = cause::of_tensor(program, tensor);
            LiveTensor {
                name,
                role: describe::role(record.role),
                bytes,
                because,
                layers,
            }
        })
        .collect()
}
