//! An inverted-residual block whose backward pass runs hidden channel by hidden channel, so that
//! the gradients of its expanded activations never exist as a whole.

use super::layer::LayerRecord;
use super::op::Op;
use crate::runtime::scratch::is_pointwise;

/// Multiply-accumulates of the parts of a block's backward pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockMacs {
    /// Input gradients of projection and expansion.
    pub dense_input: u64,
    /// Input gradient of the depthwise convolution.
    pub depthwise_input: u64,
    /// Weight gradients of expansion and depthwise convolution.
    pub weight: u64,
}

impl BlockMacs {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.dense_input + self.depthwise_input + self.weight
    }
}

/// Expand, depthwise, project: three convolutions in a row.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// The pointwise convolution that makes the hidden channels.
    pub expand: LayerRecord,
    /// The convolution of each hidden channel by itself.
    pub depthwise: LayerRecord,
    /// The pointwise convolution that sums over the hidden channels.
    pub project: LayerRecord,
}

impl Block {
    const N_LAYERS: usize = 3;

    /// The block of these layers, each of which reads what the one before it writes; `None` where
    /// they are not of such kinds and shapes.
    #[must_use]
    pub fn new([expand, depthwise, project]: [LayerRecord; Self::N_LAYERS]) -> Option<Self> {
        let is_dense = |layer: &LayerRecord| !layer.depthwise && is_pointwise(layer);
        let fits = is_dense(&expand)
            && depthwise.depthwise
            && is_dense(&project)
            && expand.output == depthwise.input
            && depthwise.output == project.input;
        fits.then_some(Self {
            expand,
            depthwise,
            project,
        })
    }

    /// Multiply-accumulates of the operation that runs the backward pass of this block.
    #[must_use]
    pub fn macs(&self, op: Op) -> BlockMacs {
        let Op::BlockBackward {
            out, expand_mask, ..
        } = op
        else {
            return BlockMacs::default();
        };
        let all = |layer: &LayerRecord| layer.macs(layer.in_channels());
        let of_weights = |layer: &LayerRecord| layer.macs(layer.n_trainable as usize);
        let if_there = |is_there: bool, macs: u64| if is_there { macs } else { 0 };
        let [expand, depthwise] = [&self.expand, &self.depthwise];
        BlockMacs {
            dense_input: all(&self.project) + if_there(out.is_some(), all(expand)),
            depthwise_input: if_there(expand_mask.is_some(), all(depthwise)),
            weight: of_weights(depthwise) + of_weights(expand),
        }
    }

    /// Number of hidden channels.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.depthwise.in_channels()
    }
}
