//! Finds the frozen layers that may run row by row: inverted-residual blocks, separable
//! convolutions, and the first convolution together with the block behind it.

use alloc::vec::Vec;

use super::together::{Chain, readers};
use crate::network::{Conv, Network, NodeKind};
use crate::program::MAX_STREAM_LAYERS;

/// The chains of `network` of which no value is kept for the backward pass: convolutions, then
/// perhaps the add whose shortcut is their input.
///
/// `is_free` tells of a node whether nothing of it learns and no gradient passes through it.
pub(super) fn chains(network: &Network, is_free: &dyn Fn(usize) -> bool) -> Vec<Chain> {
    let nodes = network.nodes();
    let readers = readers(network);
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
