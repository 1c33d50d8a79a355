//! Working space of the kernels, so that the compiler can place it.

use crate::program::LayerRecord;
use crate::quant::{GradientType, Rules, UpdateRule};

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

/// Bytes of scratch of the forward pass of `layer`: the codes rounded from masters, then the
/// widened windows of a pixel tile, or for a partially updated depthwise layer its merged
/// weights.
#[must_use]
pub fn conv_forward(layer: &LayerRecord, rules: Rules) -> usize {
    let own = if !layer.depthwise {
        let [frozen, trainable] = window_parts(layer);
        2 * PIXEL_TILE * (frozen + trainable)
    } else if layer.is_partial() {
        merged_code(rules) * layer.taps() * layer.in_channels()
    } else {
        0
    };
    rounded_codes(layer, rules) + own
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

/// Floats of scratch of a weight update: one tile of the gradient.
#[must_use]
pub fn weight_update(layer: &LayerRecord) -> usize {
    if layer.depthwise {
        layer.taps() * CHANNEL_TILE
    } else {
        ROW_TILE * layer.taps() * layer.n_trainable as usize
    }
}
