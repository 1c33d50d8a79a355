//! Which layers run together, and where that lowers the block of memory.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::passes::{Passes, Together};
use super::{Step, place};
use crate::network::Network;
use crate::program::{Op, Phase};
use crate::runtime::scratch::{self, HIDDEN_TILE, LEAST_HIDDEN_TILE};

/// Nodes that follow one another and may run as one operation.
pub(super) type Chain = Range<usize>;

/// The layers that run together; none overlap within one list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chains {
    /// Frozen ones, row by row.
    pub(super) streams: Vec<Chain>,
    /// Blocks whose backward pass runs hidden channel by hidden channel.
    pub(super) blocks: Vec<TiledBlock>,
}

/// A block, and how many of its hidden channels are at work at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TiledBlock {
    /// Expand, depthwise, project.
    pub(super) nodes: Chain,
    pub(super) tile: usize,
}

impl Chains {
    pub(super) fn is_empty(&self) -> bool {
        self.streams.is_empty() && self.blocks.is_empty()
    }

    /// Those of `self` that `passes` wants, so that the block of memory is as small as with all
    /// of them: `apart` is the step layer by layer, `together` that with all of them. Blocks take
    /// as many channels at once as that allows.
    pub(super) fn wanted(&self, passes: Passes, apart: &Step, together: &Step) -> Self {
        let target = place::live_bytes(together).into_iter().max().unwrap_or(0);
        let live = place::live_bytes(apart);
        let is_too_high = |chain: &Chain, is_forward: bool| {
            apart.ops.iter().zip(&live).any(|(&op, &bytes)| {
                bytes > target
                    && (op.phase() == Phase::Forward) == is_forward
                    && node(apart, op).is_some_and(|node| chain.contains(&node))
            })
        };
        let is_wanted = |chain: &Chain, wanted: Together, is_forward: bool| match wanted {
            Together::Never => false,
            Together::Everywhere => true,
            Together::WhereNeeded => is_too_high(chain, is_forward),
        };
        let streams = self.streams.iter();
        let blocks = self.blocks.iter();
        Self {
            streams: streams
                .filter(|chain| is_wanted(chain, passes.streaming, true))
                .cloned()
                .collect(),
            blocks: blocks
                .filter(|block| is_wanted(&block.nodes, passes.hidden_channels, false))
                .map(|block| TiledBlock {
                    nodes: block.nodes.clone(),
                    tile: largest_tile(together, &block.nodes, target),
                })
                .collect(),
        }
    }

    /// Whether the operation of `apart` that makes the block of memory as large as it is belongs
    /// to one of them: if not, they cannot lower it.
    pub(super) fn hold_peak(&self, apart: &Step) -> bool {
        let live = place::live_bytes(apart);
        let peak = live.iter().max();
        apart.ops.iter().zip(&live).all(|(&op, bytes)| {
            let is_in = |node: usize| match op.phase() {
                Phase::Forward => self.streams.iter().any(|chain| chain.contains(&node)),
                _ => self.blocks.iter().any(|block| block.nodes.contains(&node)),
            };
            Some(bytes) != peak || node(apart, op).is_some_and(is_in)
        })
    }
}

/// How many hidden channels of a block may be at work at once, so that no more than `target`
/// bytes are live; in `step` it is the fewest.
fn largest_tile(step: &Step, nodes: &Chain, target: u32) -> usize {
    let live = place::live_bytes(step);
    let fits = |tile: usize| {
        step.ops.iter().zip(&live).all(|(&op, &bytes)| {
            let (
                Op::BlockBackward {
                    first,
                    expand_mask,
                    accumulate,
                    ..
                },
                Some(block),
            ) = (op, step.block(op))
            else {
                return true;
            };
            let scratch = |tile: usize| {
                let is_reached = expand_mask.is_some();
                scratch::block_parts(&block, step.rules, tile, is_reached, accumulate).total()
            };
            let is_here = step.layers[first as usize].name as usize == nodes.start;
            !is_here
                || bytes as usize + scratch(tile) - scratch(LEAST_HIDDEN_TILE) <= target as usize
        })
    };
    (LEAST_HIDDEN_TILE..=HIDDEN_TILE)
        .rev()
        .find(|&tile| fits(tile))
        .unwrap_or(LEAST_HIDDEN_TILE)
}

/// The node that an operation of a step layer by layer is about, where it is a convolution or a
/// residual add.
fn node(step: &Step, op: Op) -> Option<usize> {
    let name = match op {
        Op::Conv { y, .. } | Op::Add { y, .. } => step.tensors[y as usize].name,
        _ => step.layers[op.layer()? as usize].name,
    };
    Some(name as usize)
}

/// How many nodes read each value.
pub(super) fn readers(network: &Network) -> Vec<usize> {
    let mut readers = vec![0; network.values().len()];
    for value in network.nodes().iter().flat_map(|node| &node.inputs) {
        readers[*value] += 1;
    }
    readers
}
