//! Gives every tensor its offset in the one block.
//!
//! Parameters come first, so that what outlives a step is one prefix. All else is packed by
//! lifetime: several orders are tried with first fit, and the tensors that stick out are moved to
//! the front of the order; where that does not reach the lower bound, an exact search is tried
//! ([`exact`]). Ties go to the lower index, so a plan depends on nothing but its input.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::{Step, exact};

pub(super) const ALIGN: u32 = 4;
/// Rounds of the bounded search, as long as the lower bound is not met.
const MAX_ROUNDS: usize = 384;
/// Groups that the exact search may try to place.
const MAX_ATTEMPTS: usize = 4096;

/// What the placement needs, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) arena: u32,
    pub(super) persistent: u32,
    pub(super) lower_bound: u32,
}

/// One tensor's bytes while it is live.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) size: u32,
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Block {
    pub(super) fn is_live_with(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Tensors that share storage: they start at one offset, one after another in time.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) blocks: Vec<Block>,
}

impl Group {
    pub(super) fn size(&self) -> u32 {
        self.blocks.iter().map(|it| it.size).max().unwrap_or(0)
    }

    pub(super) fn first(&self) -> u32 {
        self.blocks.iter().map(|it| it.first).min().unwrap_or(0)
    }

    pub(super) fn last(&self) -> u32 {
        self.blocks.iter().map(|it| it.last).max().unwrap_or(0)
    }

    /// Bytes live at operation `op`.
    pub(super) fn live_at(&self, op: u32) -> u32 {
        let live = |it: &&Block| (it.first..=it.last).contains(&op);
        let sizes = self.blocks.iter().filter(live).map(|it| it.size);
        sizes.max().unwrap_or(0)
    }
}

pub(super) fn place(step: &mut Step) -> Plan {
    let mut persistent_bytes = 0;
    let persistent = step.tensors.iter_mut();
    for tensor in persistent.filter(|tensor| tensor.role.is_persistent()) {
        tensor.offset = persistent_bytes;
        persistent_bytes += tensor.size_bytes.next_multiple_of(ALIGN);
    }
    let (groups, group_of) = group(step);
    let bound = live_bytes(step).into_iter().max().unwrap_or(0);
    let offsets = pack(&groups, bound);
    for (tensor, group) in step.tensors.iter_mut().zip(&group_of) {
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

/// Bytes that are live at each operation, beside the parameters: no plan can do with less than
/// the most of them.
pub(super) fn live_bytes(step: &Step) -> Vec<u32> {
    // By how much more is live there than before, as numbers that wrap around.
    let mut live = vec![0u32; step.ops.len() + 1];
    let mut change = |op: u32, by: u32| {
        let bytes = &mut live[op as usize];
        *bytes = bytes.wrapping_add(by);
    };
    for group in group(step).0 {
        if let [block] = &group.blocks[..] {
            change(block.first, block.size);
            change(block.last + 1, block.size.wrapping_neg());
            continue;
        }
        let mut before = 0;
        for op in group.first()..=group.last() {
            let bytes = group.live_at(op);
            change(op, bytes.wrapping_sub(before));
            before = bytes;
        }
        change(group.last() + 1, before.wrapping_neg());
    }
    let mut sum = 0u32;
    for bytes in &mut live {
        sum = sum.wrapping_add(*bytes);
        *bytes = sum;
    }
    live.pop();
    live
}

fn group(step: &Step) -> (Vec<Group>, Vec<Option<usize>>) {
    let mut groups: Vec<Group> = Vec::new();
    let mut group_of: Vec<Option<usize>> = vec![None; step.tensors.len()];
    for (idx, tensor) in step.tensors.iter().enumerate() {
        if !tensor.role.is_persistent() {
            group_of[idx] = Some(groups.len());
            groups.push(Group {
                blocks: vec![Block {
                    size: tensor.size_bytes.next_multiple_of(ALIGN),
                    first: tensor.first_use,
                    last: tensor.last_use,
                }],
            });
        }
    }
    for &(from, to) in &step.aliases {
        let (Some(keep), Some(merge)) = (group_of[from as usize], group_of[to as usize]) else {
            continue;
        };
        let merged = core::mem::take(&mut groups[merge].blocks);
        // Nearly always `to` alone.
        if merged.len() > 1 {
            for group in group_of.iter_mut().filter(|group| **group == Some(merge)) {
                *group = Some(keep);
            }
        }
        group_of[to as usize] = Some(keep);
        groups[keep].blocks.extend(merged);
    }
    (groups, group_of)
}

fn pack(groups: &[Group], bound: u32) -> Vec<u32> {
    // Largest key first, of equals the lower index; sorted as plain numbers, which needs the code
    // of only one sort.
    type Key<'a> = &'a dyn Fn(&Group) -> (u64, u32);
    let lifetime = |group: &Group| u64::from(group.last() - group.first());
    let keys: [Key<'_>; 4] = [
        &|it| (it.size().into(), 0),
        &|it| (lifetime(it), 0),
        &|it| ((lifetime(it) + 1) * u64::from(it.size()), 0),
        &|it| (!u64::from(it.first()), it.size()),
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
        let mut known = order.clone();
        for round in 1..=rounds {
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
            // A round depends on its order alone: once one comes again, so do all that follow.
            if order == known {
                break;
            }
            if round.is_power_of_two() {
                known.clone_from(&order);
            }
        }
        if best.as_ref().is_some_and(|(fewest, _)| *fewest == bound) {
            break;
        }
    }
    let is_lowest = best.as_ref().is_none_or(|(fewest, _)| *fewest == bound);
    let exact = (!is_lowest)
        .then(|| exact::place(groups, bound, MAX_ATTEMPTS))
        .flatten();
    exact.unwrap_or_else(|| best.map_or_else(Vec::new, |(_, offsets)| offsets))
}

/// Places each group of `order` at the lowest offset where it meets no live neighbour.
fn first_fit(groups: &[Group], order: &[usize]) -> Vec<u32> {
    let mut offsets = vec![0; groups.len()];
    // What is placed, ascending by offset.
    let mut placed: Vec<(u32, Block)> = Vec::with_capacity(groups.len());
    for &idx in order {
        let blocks = &groups[idx].blocks;
        let mut offset = 0;
        // Tensors of several sizes may, when moved up past one neighbour, meet one that was
        // passed before.
        loop {
            let start = offset;
            for block in blocks {
                offset = lowest_free(&placed, block, offset);
            }
            if offset == start || blocks.len() == 1 {
                break;
            }
        }
        offsets[idx] = offset;
        for &block in blocks {
            let at = placed.partition_point(|&(other, _)| other <= offset);
            placed.insert(at, (offset, block));
        }
    }
    offsets
}

/// The lowest offset from `offset` on at which `block` meets no live neighbour.
fn lowest_free(placed: &[(u32, Block)], block: &Block, mut offset: u32) -> u32 {
    for (other, neighbour) in placed {
        if !block.is_live_with(neighbour) {
            continue;
        }
        // `placed` ascends by offset, so the first gap that is wide enough is the lowest.
        if *other >= offset + block.size {
            break;
        }
        offset = offset.max(other + neighbour.size);
    }
    offset
}

fn height(groups: &[Group], offsets: &[u32]) -> u32 {
    groups
        .iter()
        .zip(offsets)
        .map(|(group, offset)| group.size() + offset)
        .max()
        .unwrap_or(0)
}

fn highest_group(groups: &[Group], offsets: &[u32]) -> Option<usize> {
    (0..groups.len()).max_by_key(|&idx| (groups[idx].size() + offsets[idx], Reverse(idx)))
}
