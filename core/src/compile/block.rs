//! Finds the inverted-residual blocks whose backward pass may run hidden channel by hidden channel.

use alloc::vec::Vec;

use super::together::TiledBlock;
use crate::network::{Conv, Network, NodeKind};
use crate::runtime::scratch::LEAST_HIDDEN_TILE;

/// The nodes (expand, depthwise, project) of every block of `network` through whose projection a
/// gradient passes, as `needs_gradient` tells of every value; with the fewest hidden
/// channels at once.
pub(super) fn blocks(network: &Network, needs_gradient: &[bool]) -> Vec<TiledBlock> {
    let nodes = network.nodes();
    let readers = super::together::readers(network);
    let conv = |at: usize| match &nodes.get(at)?.kind {
        NodeKind::Conv(conv) => Some(conv),
        _ => None,
    };
    let is_dense = |conv: &Conv| {
        !conv.depthwise
            && conv.kernel == [1, 1]
            && conv.stride == [1, 1]
            && conv.padding == [0, 0, 0, 0]
    };
    let goes_on = |at: usize| nodes[at].inputs[0] == at && readers[at] == 1;
    let is_block = |start: usize| {
        let [Some(expand), Some(depthwise), Some(project)] =
            [start, start + 1, start + 2].map(conv)
        else {
            return false;
        };
        is_dense(expand)
            && depthwise.depthwise
            && is_dense(project)
            && goes_on(start + 1)
            && goes_on(start + 2)
            // The value that the projection reads.
            && needs_gradient[start + 2]
    };
    let starts = (0..nodes.len()).filter(|&start| is_block(start));
    let with_fewest = |start| TiledBlock {
        nodes: start..start + 3,
        tile: LEAST_HIDDEN_TILE,
    };
    starts.map(with_fewest).collect()
}
