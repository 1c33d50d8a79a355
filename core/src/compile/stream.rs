//! Runs frozen layers row by row where that lowers the peak: inverted-residual blocks, separable
//! convolutions, and the first convolution together with the block behind it.

use alloc::vec::Vec;
use core::ops::Range;

use super::Step;
use super::place;
use crate::network::{Conv, Network, NodeKind};
use crate::program::{MAX_STREAM_LAYERS, Op};

/// Nodes that follow one another and may run as one operation: convolutions, then perhaps the
/// add whose shortcut is their input.
pub(super) type Chain = Range<usize>;

/// The chains of `network` of which no value is kept for the backward pass, none overlapping.
/// `is_free` tells of a node whether nothing of it learns and no gradient passes through it.
pub(super) fn chains(network: &Network, is_free: &dyn Fn(usize) -> bool) -> Vec<Chain> {
    let nodes = network.nodes();
    let mut readers = alloc::vec![0; network.values().len()];
    for value in nodes.iter().flat_map(|node| &node.inputs) {
        readers[*value] += 1;
    }
    let conv = |at: usize| match &nodes.get(at)?.kind {
        NodeKind::Conv(conv) if is_free(at) => Some(conv),
        _ => None,
    };
    // A node goes on with a chain when it is the only one that reads what the one before writes.
    let goes_on = |at: usize, input: usize| nodes[at].inputs[input] == at && readers[at] == 1;
    let is_pointwise = |conv: &Conv| !conv.depthwise && conv.kernel == [1, 1];
    let mut found = Vec::new();
    let mut at = 0;
    while at < nodes.len() {
        let start = at;
        at += 1;
        let Some(first) = conv(start) else {
            continue;
        };
        let mut end = start + 1;
        if !first.depthwise {
            match conv(end) {
                Some(next) if next.depthwise && goes_on(end, 0) => end += 1,
                _ => continue,
            }
        }
        match conv(end) {
            Some(next) if is_pointwise(next) && goes_on(end, 0) => end += 1,
            _ => continue,
        }
        let is_branch = nodes.get(end).is_some_and(|node| {
            matches!(node.kind, NodeKind::Add { .. })
                && is_free(end)
                && node.inputs[0] == nodes[start].inputs[0]
                && goes_on(end, 1)
        });
        end += usize::from(is_branch);
        debug_assert!(end - start <= MAX_STREAM_LAYERS + 1);
        found.push(start..end);
        at = end;
    }
    found
}

/// The chains that must run row by row, so that the block is as small as if all did:
/// `whole` is the step layer by layer, `streamed` that in which all of them run row by row.
pub(super) fn needed(chains: &[Chain], whole: &Step, streamed: &Step) -> Vec<Chain> {
    let bound = |step: &Step| place::live_bytes(step).into_iter().max().unwrap_or(0);
    let target = bound(streamed);
    let live = place::live_bytes(whole);
    let is_too_high = |chain: &&Chain| {
        whole.ops.iter().zip(&live).any(|(op, &bytes)| {
            let node = match *op {
                Op::Conv { y, .. } | Op::Add { y, .. } => whole.tensors[y as usize].name as usize,
                _ => return false,
            };
            chain.contains(&node) && bytes > target
        })
    };
    chains.iter().filter(is_too_high).cloned().collect()
}
