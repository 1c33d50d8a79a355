//! Applies a tile of a weight gradient to the weights that it belongs to.

use super::noise::Noise;
use super::scratch::CHANNEL_TILE;
use super::step::channels;
use super::trace::{Parameter, SquareSums, Trace, UpdateTrace};
use super::update::{
    ChannelsOf, Counts, FlatIndex, HowToUpdate, StepParams, StoredBias, StoredWeights, qas_factor,
};
use crate::program::{LayerRecord, Program};
use crate::quant::{DEAD_CHANNEL_SCALE, DeadChannels, GradientInput, Rules};

/// Applies one tile of a weight gradient.
pub(super) struct TileUpdate<'a> {
    pub(super) layer: &'a LayerRecord,
    pub(super) scales: &'a [f32],
    /// Original index of each trainable channel, if not all channels learn.
    pub(super) list: Option<&'a [u16]>,
    pub(super) noise: Noise,
    pub(super) params: &'a StepParams,
    pub(super) rules: Rules,
}

impl<'a> TileUpdate<'a> {
    /// Updates of the weight of layer `layer` in one step.
    pub(super) fn new<P: AsRef<[u8]>>(
        program: &'a Program<P>,
        record: &'a LayerRecord,
        layer: u32,
        params: &'a StepParams,
    ) -> Self {
        let list = channels(program, record);
        Self {
            layer: record,
            scales: program.constants(record.weight_scale, record.out_channels()),
            list: list.map(|list| &list[record.n_frozen as usize..]),
            noise: Noise::new(
                params.seed,
                params.step,
                Parameter::Weight(layer).noise_key(),
            ),
            params,
            rules: program.rules(),
        }
    }

    /// The layer as the gradient reads its input: the zero point may be left in.
    pub(super) fn seen(&self) -> LayerRecord {
        let mut seen = *self.layer;
        if self.rules.gradient_input == GradientInput::Raw {
            seen.x_quant.zero_point = 0;
        }
        seen
    }
}

impl TileUpdate<'_> {
    /// Applies the tile that begins with output channel (depthwise: trainable channel) `first`.
    #[inline]
    pub(super) fn tile(
        &self,
        stored: &mut StoredWeights<'_>,
        rows: &[f32],
        first: usize,
        totals: &mut Totals,
    ) {
        if self.layer.depthwise {
            self.depthwise(stored, rows, first, totals);
        } else {
            self.conv(stored, rows, first, totals);
        }
    }

    #[inline]
    fn conv(
        &self,
        stored: &mut StoredWeights<'_>,
        rows: &[f32],
        first_output: usize,
        totals: &mut Totals,
    ) {
        let n_trainable = self.layer.n_trainable as usize;
        let (taps, in_channels) = (self.layer.taps(), self.layer.in_channels());
        let row_len = taps * n_trainable;
        for (row, gradient) in rows.chunks_exact(row_len).enumerate() {
            let output = first_output + row;
            let scale = self.scales[output];
            if self.is_dead(scale) {
                totals.counts.dead += flat(row_len);
                continue;
            }
            let start = output * row_len;
            if let Some(squares) = &mut totals.squares {
                let of_weights = stored.squares(start..start + row_len);
                squares.add_channel(of_weights, float_squares(gradient), scale);
            }
            let factor = qas_factor(self.params.qas, scale);
            for (tap, gradient) in gradient.chunks_exact(n_trainable).enumerate() {
                let index = FlatIndex {
                    base: flat((output * taps + tap) * in_channels),
                    stride: 1,
                    channels: self.list.map_or(ChannelsOf::From(0), ChannelsOf::Listed),
                };
                let at = start + tap * n_trainable;
                totals
                    .counts
                    .add(self.run(stored, at, gradient, |_| factor, index));
            }
        }
    }

    #[inline]
    fn depthwise(
        &self,
        stored: &mut StoredWeights<'_>,
        rows: &[f32],
        first: usize,
        totals: &mut Totals,
    ) {
        let taps = self.layer.taps();
        let n_trainable = self.layer.n_trainable as usize;
        let n = rows.len() / taps;
        let channel_of = |k: usize| {
            self.list
                .map_or(first + k, |list| usize::from(list[first + k]))
        };
        let mut factors = [0.0; CHANNEL_TILE];
        for (k, factor) in factors.iter_mut().enumerate().take(n) {
            let scale = self.scales[channel_of(k)];
            // A zero factor leaves a dead channel as it is: floor(0 + u) is 0.
            if self.is_dead(scale) {
                totals.counts.dead += flat(taps);
            } else {
                *factor = qas_factor(self.params.qas, scale);
            }
        }
        for (tap, gradient) in rows.chunks_exact(n).enumerate() {
            let start = tap * n_trainable + first;
            if let Some(squares) = &mut totals.squares {
                for (k, gradient) in gradient.iter().enumerate() {
                    let scale = self.scales[channel_of(k)];
                    if !self.is_dead(scale) {
                        let of_weight = stored.squares(start + k..start + k + 1);
                        squares.add_channel(of_weight, gradient * gradient, scale);
                    }
                }
            }
            let index = FlatIndex {
                base: flat(tap),
                stride: flat(taps),
                channels: self.list.map_or(ChannelsOf::From(flat(first)), |list| {
                    ChannelsOf::Listed(&list[first..])
                }),
            };
            totals
                .counts
                .add(self.run(stored, start, gradient, |k| factors[k], index));
        }
    }

    #[inline]
    fn run(
        &self,
        stored: &mut StoredWeights<'_>,
        at: usize,
        gradient: &[f32],
        factor: impl Fn(usize) -> f32,
        index: FlatIndex<'_>,
    ) -> Counts {
        let how = HowToUpdate {
            rule: self.rules.update,
            params: self.params,
            noise: self.noise,
        };
        stored.update(at, gradient, factor, &how, index)
    }

    #[inline]
    fn is_dead(&self, scale: f32) -> bool {
        is_dead(self.rules, scale)
    }
}

/// Applies a bias gradient.
pub(super) struct BiasUpdate<'a> {
    scales: &'a [f32],
    input_scale: f32,
    noise: Noise,
    params: &'a StepParams,
    rules: Rules,
}

impl<'a> BiasUpdate<'a> {
    /// Updates of the bias of layer `layer` in one step.
    pub(super) fn new<P: AsRef<[u8]>>(
        program: &'a Program<P>,
        record: &LayerRecord,
        layer: u32,
        params: &'a StepParams,
    ) -> Self {
        Self {
            scales: program.constants(record.weight_scale, record.out_channels()),
            input_scale: record.x_quant.scale,
            noise: Noise::new(params.seed, params.step, Parameter::Bias(layer).noise_key()),
            params,
            rules: program.rules(),
        }
    }

    /// Updates the bias of output channel `channel`, whose gradient is `gradient`.
    #[inline]
    pub(super) fn channel(
        &self,
        stored: &mut StoredBias<'_>,
        channel: usize,
        gradient: f32,
        totals: &mut Totals,
    ) {
        if is_dead(self.rules, self.scales[channel]) {
            totals.counts.dead += 1;
            return;
        }
        let scale = self.scales[channel] * self.input_scale;
        if let Some(squares) = &mut totals.squares {
            let value = stored.value(channel);
            squares.add_channel(value * value, gradient * gradient, scale);
        }
        let scaled = gradient * qas_factor(self.params.qas, scale);
        let unit = self.noise.unit(flat(channel));
        totals
            .counts
            .add(stored.update(self.rules.update, self.params, channel, scaled, unit));
    }
}

/// Whether an output channel of weight scale `scale` is left as it is.
#[inline]
fn is_dead(rules: Rules, scale: f32) -> bool {
    rules.dead_channels == DeadChannels::Frozen && scale < DEAD_CHANNEL_SCALE
}

/// What the tiles of one update did together.
pub(super) struct Totals {
    pub(super) counts: Counts,
    /// Where the caller wants them.
    pub(super) squares: Option<SquareSums>,
}

impl Totals {
    #[inline]
    pub(super) fn new(trace: &impl Trace) -> Self {
        Self {
            counts: Counts::default(),
            squares: trace.wants_squares().then(SquareSums::default),
        }
    }

    /// For the caller's sink.
    #[inline]
    pub(super) fn trace(self, parameter: Parameter, n_elements: usize) -> UpdateTrace {
        UpdateTrace {
            parameter,
            n_elements: flat(n_elements),
            n_dead: self.counts.dead,
            n_moved: self.counts.moved,
            n_vanished: self.counts.vanished,
            squares: self.squares,
        }
    }
}

/// An index into a weight; the loader keeps weights below 2^32 elements.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked when the program was loaded"
)]
#[inline]
pub(super) fn flat(index: usize) -> u32 {
    index as u32
}

#[inline]
fn float_squares(values: &[f32]) -> f32 {
    values.iter().map(|value| value * value).sum()
}
