//! Working space of the kernels, so that the compiler can place it.

use crate::program::{Block, LayerRecord, MAX_STREAM_LAYERS, Stream};
use crate::quant::{GradientType, Rules, UpdateRule};

/// Output channels that a convolution computes at once.
pub const OUTPUT_TILE: usize = 8;
/// Output pixels that it computes at once.
pub const PIXEL_TILE: usize = 4;
/// int16 values whose products are added at once; windows are padded to a multiple of it.
pub const DOT_LANES: usize = 8;
/// Bytes that the widened windows of a tile may have.
const WINDOW_BYTES: usize = 4096;
/// The same for one row of layers that run row by row, which stand where memory is scarce.
const ROW_WINDOW_BYTES: usize = 1024;
/// Output channels whose weight gradient is formed at once.
pub const ROW_TILE: usize = 4;
/// Most hidden channels of a block whose gradients exist at once.
pub const HIDDEN_TILE: usize = 8;
/// Fewest of them that the compiler asks for: a block takes as long for a tile of one channel as
/// for one of eight.
pub const LEAST_HIDDEN_TILE: usize = 4;
/// Depthwise channels whose weight gradient is formed at once.
pub const CHANNEL_TILE: usize = 16;

/// Length of the two parts of one widened window: frozen and trainable channels.
#[must_use]
pub fn window_parts(layer: &LayerRecord) -> [usize; 2] {
    [layer.n_frozen, layer.n_trainable]
        .map(|n_channels| (layer.taps() * n_channels as usize).next_multiple_of(DOT_LANES))
}

/// Whether the window of an output pixel is the input pixel in the same place, as it is stored.
#[must_use]
pub fn is_pointwise(layer: &LayerRecord) -> bool {
    layer.taps() == 1
        && layer.stride == [1, 1]
        && layer.padding == [0, 0]
        && layer.input[..2] == layer.output[..2]
}

/// Whether an ordinary convolution needs no windows: a pointwise layer whose channels stand in
/// their order reads its input as it is.
#[must_use]
pub fn reads_input_directly(layer: &LayerRecord) -> bool {
    is_pointwise(layer) && layer.channels.is_none()
}

/// int16 values of scratch of an ordinary convolution: the weights of a tile of outputs, then
/// the widened windows of a tile of pixels, of at most `window_bytes` if they are more than one
/// [`PIXEL_TILE`]. Both are widened once and read often.
#[must_use]
pub fn conv_tiles(layer: &LayerRecord, window_bytes: usize) -> usize {
    let window: usize = window_parts(layer).iter().sum();
    let n_windows = if reads_input_directly(layer) {
        0
    } else {
        let that_fit = window_bytes / (2 * window.max(1));
        let needed = layer.out_pixels().next_multiple_of(PIXEL_TILE);
        (that_fit / PIXEL_TILE * PIXEL_TILE).clamp(PIXEL_TILE, needed)
    };
    (OUTPUT_TILE + n_windows) * window
}

/// Bytes of the codes that are rounded from f32 masters while an operation uses them.
#[must_use]
pub fn rounded_codes(layer: &LayerRecord, rules: Rules) -> usize {
    if rules.update == UpdateRule::Master {
        2 * layer
            .weight_len(layer.n_trainable as usize)
            .next_multiple_of(2)
    } else {
        0
    }
}

/// Bytes of one merged weight of a partially updated depthwise layer.
#[must_use]
pub fn merged_code(rules: Rules) -> usize {
    if rules.update == UpdateRule::Master {
        2
    } else {
        1
    }
}

/// Bytes of scratch of the forward pass of `layer`: the codes rounded from masters, then what
/// [`conv_tiles`] says, or for a partially updated depthwise layer its merged weights.
#[must_use]
pub fn conv_forward(layer: &LayerRecord, rules: Rules) -> usize {
    conv_within(layer, rules, WINDOW_BYTES)
}

fn conv_within(layer: &LayerRecord, rules: Rules, window_bytes: usize) -> usize {
    let own = if !layer.depthwise {
        2 * conv_tiles(layer, window_bytes)
    } else if layer.is_partial() {
        merged_code(rules) * layer.taps() * layer.in_channels()
    } else {
        0
    };
    rounded_codes(layer, rules) + own
}

/// Bytes of each part of the scratch of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamParts {
    /// The line buffer behind each layer but the last.
    pub buffers: [usize; MAX_STREAM_LAYERS - 1],
    /// One row of the branch, where an add follows.
    pub branch: usize,
    /// What the widest of its layers needs for one row.
    pub kernels: usize,
}

/// The parts, each a multiple of four bytes.
#[must_use]
pub fn stream_parts(stream: &Stream, rules: Rules) -> StreamParts {
    let layers = stream.layers();
    let mut buffers = [0; MAX_STREAM_LAYERS - 1];
    for ((at, layer), bytes) in layers.iter().enumerate().zip(&mut buffers) {
        if at + 1 < layers.len() {
            *bytes = (stream.buffer_rows(at) * layer.out_row()).next_multiple_of(4);
        }
    }
    let of_row = |layer: &LayerRecord| conv_within(&layer.of_one_row(0), rules, ROW_WINDOW_BYTES);
    let branch = stream
        .add()
        .and(layers.last())
        .map_or(0, LayerRecord::out_row);
    StreamParts {
        buffers,
        branch: branch.next_multiple_of(4),
        kernels: layers
            .iter()
            .map(of_row)
            .max()
            .unwrap_or(0)
            .next_multiple_of(4),
    }
}

/// Bytes of scratch of layers that run row by row.
#[must_use]
pub fn stream(stream: &Stream, rules: Rules) -> usize {
    let parts = stream_parts(stream, rules);
    parts.buffers.iter().sum::<usize>() + parts.branch + parts.kernels
}

/// Bytes of scratch of the input gradient of `layer`: the codes rounded from masters, then, of
/// int8 gradients, one pixel of the result as f32.
#[must_use]
pub fn conv_backward_input(layer: &LayerRecord, rules: Rules) -> usize {
    let own = match rules.gradient {
        GradientType::F32 => 0,
        GradientType::I8 => 4 * layer.in_channels(),
    };
    rounded_codes(layer, rules) + own
}

/// Bytes of each part of the scratch of the backward pass of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockParts {
    /// The gradient at the block's input, where it is added to another when it is complete.
    pub sum: usize,
    /// The gradient at the output of the depthwise convolution, of a tile of hidden channels.
    pub reduced: usize,
    /// The same at its input.
    pub expanded: usize,
    /// The weights of one layer that belong to the tile, or a tile of a weight gradient.
    pub working: usize,
}

impl BlockParts {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> usize {
        self.sum + self.reduced + self.expanded + self.working
    }
}

/// The parts, each a multiple of four bytes, with `tile` hidden channels at once. Where
/// `is_reached`, a gradient is needed at the output of the expansion; where `accumulate`, the
/// input already has one.
#[must_use]
pub fn block_parts(
    block: &Block,
    rules: Rules,
    tile: usize,
    is_reached: bool,
    accumulate: bool,
) -> BlockParts {
    let Block {
        expand,
        depthwise,
        project,
    } = block;
    let tile = tile.min(block.hidden());
    let if_reached = |bytes: usize| if is_reached { bytes } else { 0 };
    let is_master = rules.update == UpdateRule::Master;
    // Of the expansion, only masters have to be rounded: a tile of it lies in one piece.
    let of_expand = if is_master {
        tile * expand.n_trainable as usize
    } else {
        0
    };
    let n_codes = [
        tile * project.out_channels(),
        tile * depthwise.taps(),
        if_reached(of_expand),
    ];
    let code = if is_master { 2 } else { 1 };
    let of_depthwise = if depthwise.n_trainable > 0 {
        depthwise.taps() * tile
    } else {
        0
    };
    let of_codes = (code * n_codes.into_iter().max().unwrap_or(0)).next_multiple_of(4);
    let of_rows = ROW_TILE.min(tile) * expand.n_trainable as usize;
    BlockParts {
        sum: if accumulate { 4 * expand.in_len() } else { 0 },
        reduced: 4 * depthwise.out_pixels() * tile,
        expanded: if_reached(4 * expand.out_pixels() * tile),
        working: of_codes.max(4 * of_depthwise.max(if_reached(of_rows))),
    }
}

/// Floats of scratch of a weight update: one tile of the gradient.
#[must_use]
pub fn weight_update(layer: &LayerRecord) -> usize {
    let n_trainable = layer.n_trainable as usize;
    if layer.depthwise {
        layer.taps() * CHANNEL_TILE.min(n_trainable)
    } else {
        ROW_TILE.min(layer.out_channels()) * layer.taps() * n_trainable
    }
}
