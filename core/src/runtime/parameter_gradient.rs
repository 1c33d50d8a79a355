//! Gradients of weights and biases, tile by tile.

use super::apply::TileUpdate;
use super::kernels::Kernels;
use super::scratch::{CHANNEL_TILE, ROW_TILE};
use super::step::cast;
use super::{elementwise, int8_gradient};
use crate::program::{LayerRecord, Program};
use crate::quant::GradientType;

/// Channels whose bias gradient is formed at once.
const BIAS_TILE: usize = 8;

/// The tiles of a weight gradient: the first output channel of each (depthwise: the first
/// trainable channel), and its number of values.
pub(super) fn tiles(layer: &LayerRecord) -> impl Iterator<Item = (usize, usize)> {
    let n_trainable = layer.n_trainable as usize;
    let (n_rows, tile, row_len) = if layer.depthwise {
        (n_trainable, CHANNEL_TILE, layer.taps())
    } else {
        (layer.out_channels(), ROW_TILE, layer.taps() * n_trainable)
    };
    (0..n_rows)
        .step_by(tile)
        .map(move |first| (first, (n_rows - first).min(tile) * row_len))
}

/// What a weight gradient is formed from.
pub(super) struct WeightGradient<'a> {
    /// The layer as the gradient reads its input.
    seen: LayerRecord,
    list: Option<&'a [u16]>,
    effective_scale: &'a [f32],
    gradient_type: GradientType,
    x: &'a [i8],
    gradient: &'a [u8],
}

impl<'a> WeightGradient<'a> {
    /// Of the gradient at the accumulators and the trainable channels of the input.
    pub(super) fn new<P: AsRef<[u8]>>(
        program: &'a Program<P>,
        record: &LayerRecord,
        update: &TileUpdate<'a>,
        x: &'a [u8],
        gradient: &'a [u8],
    ) -> Self {
        Self {
            seen: update.seen(),
            list: update.list,
            effective_scale: program.constants(record.effective_scale, record.out_channels()),
            gradient_type: program.rules().gradient,
            x: cast(x),
            gradient,
        }
    }

    /// The tile that begins with `first`, of as many values as `rows` has.
    #[inline]
    pub(super) fn tile<K: Kernels>(&self, first: usize, rows: &mut [f32]) {
        let Self {
            seen,
            list,
            effective_scale,
            x,
            ..
        } = self;
        let int8 = || int8_gradient::read(self.gradient, seen.out_len());
        match (self.gradient_type, seen.depthwise) {
            (GradientType::F32, true) => {
                let gradient = cast(self.gradient);
                K::depthwise_weight_gradient(seen, *list, x, gradient, first, rows);
            }
            (GradientType::F32, false) => {
                K::conv_weight_gradient(seen, x, cast(self.gradient), first, rows);
            }
            (GradientType::I8, true) => int8_gradient::depthwise_weight_gradient(
                seen,
                *list,
                x,
                int8(),
                effective_scale,
                first,
                rows,
            ),
            (GradientType::I8, false) => {
                int8_gradient::conv_weight_gradient(seen, x, int8(), effective_scale, first, rows);
            }
        }
    }
}

/// What a bias gradient is formed from.
pub(super) struct BiasGradient<'a> {
    out_len: usize,
    effective_scale: &'a [f32],
    gradient_type: GradientType,
    gradient: &'a [u8],
}

impl<'a> BiasGradient<'a> {
    /// Of the gradient at the accumulators.
    pub(super) fn new<P: AsRef<[u8]>>(
        program: &'a Program<P>,
        record: &LayerRecord,
        gradient: &'a [u8],
    ) -> Self {
        Self {
            out_len: record.out_len(),
            effective_scale: program.constants(record.effective_scale, record.out_channels()),
            gradient_type: program.rules().gradient,
            gradient,
        }
    }

    /// Calls `then` with every output channel and its sum.
    #[inline]
    pub(super) fn each(&self, mut then: impl FnMut(usize, f32)) {
        let outputs = self.effective_scale.len();
        let mut sums = [0.0; BIAS_TILE];
        for (channel, &scale) in self.effective_scale.iter().enumerate() {
            let lane = channel % BIAS_TILE;
            if lane == 0 && self.gradient_type == GradientType::F32 {
                let n = (outputs - channel).min(BIAS_TILE);
                sums.fill(0.0);
                elementwise::bias_gradient(cast(self.gradient), outputs, channel, &mut sums[..n]);
            }
            let sum = match self.gradient_type {
                GradientType::F32 => sums[lane],
                GradientType::I8 => {
                    let gradient = int8_gradient::read(self.gradient, self.out_len);
                    int8_gradient::bias_gradient(gradient, outputs, channel, scale)
                }
            };
            then(channel, sum);
        }
    }
}
