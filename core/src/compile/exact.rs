//! Exact placement: looks for offsets within a given height by branch and bound, as long as a
//! number of attempts allows.
//!
//! Groups are placed by ascending offset, each as low as those before it permit. What lies below
//! is then settled, so that of every operation only two numbers matter: the height that is taken,
//! and the bytes that are still to come. Where their sum is above the height that is allowed, no
//! way of going on can succeed.

use alloc::vec;
use alloc::vec::Vec;

use super::place::{Block, Group};

/// What makes a group the next of those that could lie at one offset.
#[derive(Clone, Copy)]
enum First {
    /// The most bytes times operations.
    Area,
    /// The least room that is left at one of its operations.
    Pressure,
    /// The longest lifetime.
    Lifetime,
    /// The most bytes.
    Size,
}

impl First {
    const ALL: [Self; 4] = [Self::Area, Self::Pressure, Self::Lifetime, Self::Size];
}

/// Offsets of `groups` within `height`; `None` where there are none, or none were found in
/// `max_attempts` for each of several orders of trying.
pub(super) fn place(groups: &[Group], height: u32, max_attempts: usize) -> Option<Vec<u32>> {
    let by = |first: First| place_by(first, groups, height, max_attempts);
    First::ALL.into_iter().find_map(by)
}

fn place_by(by: First, groups: &[Group], height: u32, max_attempts: usize) -> Option<Vec<u32>> {
    let n_ops = groups.iter().map(|it| it.last() as usize + 1).max()?;
    let mut to_come = vec![0; n_ops];
    for group in groups {
        for op in group.first()..=group.last() {
            to_come[op as usize] += group.live_at(op);
        }
    }
    let mut search = Search {
        by,
        groups,
        height,
        taken: vec![0; n_ops],
        to_come,
        lowest: vec![0; groups.len()],
        spans: groups
            .iter()
            .map(|it| Block {
                size: it.size(),
                first: it.first(),
                last: it.last(),
            })
            .collect(),
        // A group without bytes, as merging leaves them, lies anywhere.
        offsets: groups
            .iter()
            .map(|it| (it.size() == 0).then_some(0))
            .collect(),
        attempts_left: max_attempts,
    };
    search.go_on().then(|| {
        let offsets = search.offsets.iter();
        offsets.map(|offset| offset.unwrap_or_default()).collect()
    })
}

struct Search<'a> {
    by: First,
    groups: &'a [Group],
    height: u32,
    /// Height that is taken at each operation.
    taken: Vec<u32>,
    /// Bytes at each operation of groups that have no place yet.
    to_come: Vec<u32>,
    /// Size and lifetime of each group.
    spans: Vec<Block>,
    /// The lowest offset that each group could have: the most that is taken in its lifetime.
    lowest: Vec<u32>,
    offsets: Vec<Option<u32>>,
    attempts_left: usize,
}

impl Search<'_> {
    /// Places all groups that have no place yet; whether that succeeded.
    fn go_on(&mut self) -> bool {
        let mut candidates = self.candidates();
        if candidates.is_empty() {
            return true;
        }
        candidates.sort_unstable();
        for (offset, _, idx) in candidates {
            if self.attempts_left == 0 {
                return false;
            }
            self.attempts_left -= 1;
            let before = self.put(idx, offset);
            if self.is_possible(idx) {
                let lowest = self.raise(idx, offset);
                if self.go_on() {
                    return true;
                }
                self.lowest = lowest;
            }
            self.take_back(idx, &before);
        }
        false
    }

    /// Groups that may be next, with their offset and what ranks them where that is the same.
    fn candidates(&self) -> Vec<(u32, u64, usize)> {
        let open = || (0..self.groups.len()).filter(|&idx| self.offsets[idx].is_none());
        // What starts above the end of another could as well come after it.
        let tops = open().map(|idx| self.lowest[idx] + self.spans[idx].size);
        let end = tops.min().unwrap_or(0);
        open()
            .filter(|&idx| self.lowest[idx] < end)
            .map(|idx| (self.lowest[idx], !self.rank(idx), idx))
            .collect()
    }

    /// What makes a group come before others that could lie at the same offset.
    fn rank(&self, idx: usize) -> u64 {
        let Block { size, first, last } = self.spans[idx];
        let lifetime = u64::from(last - first + 1);
        match self.by {
            First::Area => lifetime * u64::from(size),
            First::Pressure => (first as usize..=last as usize)
                .map(|op| u64::from(self.taken[op] + self.to_come[op]))
                .max()
                .unwrap_or(0),
            First::Lifetime => lifetime,
            First::Size => size.into(),
        }
    }

    /// Lifts the others above a group that has its offset; how low they could lie before.
    fn raise(&mut self, idx: usize, offset: u32) -> Vec<u32> {
        let before = self.lowest.clone();
        let (span, blocks) = (self.spans[idx], &self.groups[idx].blocks);
        for (other, lowest) in self.spans.iter().zip(&mut self.lowest) {
            if span.is_live_with(other) {
                let live = blocks.iter().filter(|it| it.is_live_with(other));
                let bytes = live.map(|it| it.size).max().unwrap_or(0);
                *lowest = (*lowest).max(offset + bytes);
            }
        }
        before
    }

    /// Gives a group its offset; the heights that it covers.
    fn put(&mut self, idx: usize, offset: u32) -> Vec<u32> {
        let group = &self.groups[idx];
        self.offsets[idx] = Some(offset);
        (group.first()..=group.last())
            .map(|op| {
                let bytes = group.live_at(op);
                self.to_come[op as usize] -= bytes;
                core::mem::replace(&mut self.taken[op as usize], offset + bytes)
            })
            .collect()
    }

    fn take_back(&mut self, idx: usize, before: &[u32]) {
        let group = &self.groups[idx];
        self.offsets[idx] = None;
        for (op, &taken) in (group.first()..=group.last()).zip(before) {
            self.to_come[op as usize] += group.live_at(op);
            self.taken[op as usize] = taken;
        }
    }

    /// Whether all that is to come fits above group `idx`.
    fn is_possible(&self, idx: usize) -> bool {
        let group = &self.groups[idx];
        let ops = group.first() as usize..=group.last() as usize;
        ops.into_iter()
            .all(|op| self.taken[op] + self.to_come[op] <= self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::Block;
    use super::*;

    fn groups(blocks: &[(u32, u32, u32)]) -> Vec<Group> {
        let group = |&(size, first, last)| Group {
            blocks: vec![Block { size, first, last }],
        };
        blocks.iter().map(group).collect()
    }

    /// First fit by size needs 12 bytes here: 8 + 4 at the second operation with a hole below.
    const INTERLEAVED: [(u32, u32, u32); 5] =
        [(4, 0, 1), (8, 0, 0), (4, 1, 2), (4, 1, 3), (8, 3, 4)];

    #[test]
    fn finds_offsets_within_the_height_where_there_are_any() {
        let groups = groups(&INTERLEAVED);
        let offsets = place(&groups, 12, 100).expect("there are");
        for (idx, (a, first)) in groups.iter().zip(&offsets).enumerate() {
            assert!(first + a.size() <= 12);
            for (b, second) in groups.iter().zip(&offsets).skip(idx + 1) {
                let together = a.first() <= b.last() && b.first() <= a.last();
                let overlap = *first < second + b.size() && *second < first + a.size();
                assert!(!(together && overlap), "{offsets:?}");
            }
        }
    }

    #[test]
    fn says_that_there_are_none_or_gives_up() {
        let groups = groups(&INTERLEAVED);
        assert_eq!(place(&groups, 11, 100), None);
        assert_eq!(place(&groups, 12, 3), None);
    }
}
