//! Working space of the kernels, so that the compiler can place it.

use crate::program::LayerRecord;

/// Pixels whose input windows a convolution widens at once.
pub const PIXEL_TILE: usize = 4;
/// Output channels whose weight gradient is formed at once.
pub const ROW_TILE: usize = 4;
/// Depthwise channels whose weight gradient is formed at once.
pub const CHANNEL_TILE: usize = 16;
/// int16 values that a dot product takes at once; windows are padded to a multiple of it.
pub const DOT_LANES: usize = 8;

/// Length of the two parts of one widened window: frozen and trainable channels.
#[must_use]
pub fn window_parts(layer: &LayerRecord) -> [usize; 2] {
    [layer.n_frozen, layer.n_trainable]
        .map(|n_channels| (layer.taps() * n_channels as usize).next_multiple_of(DOT_LANES))
}

/// Bytes of scratch of the forward pass of `layer`: the widened windows of a pixel tile, or for
/// a partially updated depthwise layer its merged weights.
#[must_use]
pub fn conv_forward(layer: &LayerRecord) -> usize {
    if !layer.depthwise {
        let [frozen, trainable] = window_parts(layer);
        2 * PIXEL_TILE * (frozen + trainable)
    } else if layer.is_partial() {
        layer.taps() * layer.in_channels()
    } else {
        0
    }
}

/// Floats of scratch of a weight update: one tile of the gradient.
#[must_use]
pub fn weight_update(layer: &LayerRecord) -> usize {
    if layer.depthwise {
        layer.taps() * CHANNEL_TILE
    } else {
        ROW_TILE * layer.taps() * layer.n_trainable as usize
    }
}
