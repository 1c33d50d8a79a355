//! Gives every tensor its offset in the one block.
//!
//! Parameters come first, so that what outlives a step is one prefix. All else is packed by
//! lifetime: several orders are tried with first fit, then a bounded search moves the tensors
//! that stick out to the front of the order. Ties go to the lower index, so a plan depends on
//! nothing but its input.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::program::{TensorIdx, TensorRecord};

const ALIGN: u32 = 4;
/// Rounds of the bounded search, as long as the lower bound is not met.
const MAX_ROUNDS: usize = 96;

/// What the placement needs, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) arena: u32,
    pub(super) persistent: u32,
    pub(super) lower_bound: u32,
}

/// Tensors that share storage count as one.
#[derive(Clone, Copy, Debug)]
struct Group {
    size: u32,
    first: u32,
    last: u32,
}

impl Group {
    fn is_live_with(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

pub(super) fn place(
    tensors: &mut [TensorRecord],
    aliases: &[(TensorIdx, TensorIdx)],
    n_ops: usize,
) -> Plan {
    let mut persistent_bytes = 0;
    for tensor in tensors
        .iter_mut()
        .filter(|tensor| tensor.role.is_persistent())
    {
        tensor.offset = persistent_bytes;
        persistent_bytes += tensor.size_bytes.next_multiple_of(ALIGN);
    }
    let (groups, group_of) = group(tensors, aliases);
    let bound = lower_bound(&groups, n_ops);
    let offsets = pack(&groups, bound);
    for (tensor, group) in tensors.iter_mut().zip(&group_of) {
        if let Some(group) = group {
            tensor.offset = persistent_bytes + offsets[*group];
        }
    }
    Plan {
        arena: persistent_bytes + height(&groups, &offsets),
        persistent: persistent_bytes,
        lower_bound: persistent_bytes + bound,
    }
}

fn group(
    tensors: &[TensorRecord],
    aliases: &[(TensorIdx, TensorIdx)],
) -> (Vec<Group>, Vec<Option<usize>>) {
    let mut groups: Vec<Group> = Vec::new();
    let mut group_of: Vec<Option<usize>> = vec![None; tensors.len()];
    for (idx, tensor) in tensors.iter().enumerate() {
        if !tensor.role.is_persistent() {
            group_of[idx] = Some(groups.len());
            groups.push(Group {
                size: tensor.size_bytes.next_multiple_of(ALIGN),
                first: tensor.first_use,
                last: tensor.last_use,
            });
        }
    }
    for &(from, to) in aliases {
        let (Some(keep), Some(merge)) = (group_of[from as usize], group_of[to as usize]) else {
            continue;
        };
        groups[keep].first = groups[keep].first.min(groups[merge].first);
        groups[keep].last = groups[keep].last.max(groups[merge].last);
        groups[merge].size = 0;
        for group in group_of.iter_mut().filter(|group| **group == Some(merge)) {
            *group = Some(keep);
        }
    }
    (groups, group_of)
}

fn lower_bound(groups: &[Group], n_ops: usize) -> u32 {
    let mut live = vec![0u32; n_ops];
    for group in groups {
        for bytes in &mut live[group.first as usize..=group.last as usize] {
            *bytes += group.size;
        }
    }
    live.into_iter().max().unwrap_or(0)
}

fn pack(groups: &[Group], bound: u32) -> Vec<u32> {
    // Largest key first, of equals the lower index; sorted as plain numbers, which needs the code
    // of only one sort.
    type Key<'a> = &'a dyn Fn(&Group) -> (u64, u32);
    let lifetime = |group: &Group| u64::from(group.last - group.first);
    let keys: [Key<'_>; 4] = [
        &|it| (it.size.into(), 0),
        &|it| (lifetime(it), 0),
        &|it| ((lifetime(it) + 1) * u64::from(it.size), 0),
        &|it| (!u64::from(it.first), it.size),
    ];
    let orders = keys.map(|key| {
        let mut order: Vec<(u64, u32, u32)> = (0..)
            .zip(groups)
            .map(|(idx, group)| {
                let (major, minor) = key(group);
                (!major, !minor, idx)
            })
            .collect();
        order.sort_unstable();
        let order = order.into_iter().map(|(_, _, idx)| idx as usize);
        order.collect::<Vec<usize>>()
    });
    let mut best: Option<(u32, Vec<u32>)> = None;
    for mut order in orders {
        let rounds = MAX_ROUNDS / 4;
        for _ in 0..rounds {
            let offsets = first_fit(groups, &order);
            let bytes = height(groups, &offsets);
            let highest = highest_group(groups, &offsets);
            if best.as_ref().is_none_or(|(fewest, _)| bytes < *fewest) {
                best = Some((bytes, offsets));
            }
            if bytes == bound {
                break;
            }
            // The group that makes the block this high is placed first in the next round.
            let Some(at) = order.iter().position(|&idx| Some(idx) == highest) else {
                break;
            };
            order[..=at].rotate_right(1);
        }
        if best.as_ref().is_some_and(|(fewest, _)| *fewest == bound) {
            break;
        }
    }
    best.map_or_else(Vec::new, |(_, offsets)| offsets)
}

/// Places each group of `order` at the lowest offset where it meets no live neighbour.
fn first_fit(groups: &[Group], order: &[usize]) -> Vec<u32> {
    let mut offsets = vec![0; groups.len()];
    let mut placed: Vec<usize> = Vec::with_capacity(groups.len());
    for &idx in order {
        let group = &groups[idx];
        if group.size == 0 {
            continue;
        }
        let mut offset = 0;
        for &other in &placed {
            // `placed` ascends by offset, so the first gap that is wide enough is the lowest.
            if !group.is_live_with(&groups[other]) {
                continue;
            }
            if offsets[other] >= offset + group.size {
                break;
            }
            offset = offset.max(offsets[other] + groups[other].size);
        }
        offsets[idx] = offset;
        let at = placed.partition_point(|&other| offsets[other] <= offset);
        placed.insert(at, idx);
    }
    offsets
}

fn height(groups: &[Group], offsets: &[u32]) -> u32 {
    groups
        .iter()
        .zip(offsets)
        .map(|(group, offset)| group.size + offset)
        .max()
        .unwrap_or(0)
}

fn highest_group(groups: &[Group], offsets: &[u32]) -> Option<usize> {
    (0..groups.len()).max_by_key(|&idx| (groups[idx].size + offsets[idx], Reverse(idx)))
}
