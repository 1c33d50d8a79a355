//! The update: QAS, learning rate, stochastic rounding, in place (paper Eq. 4).
//!
//! The *delta* is rounded, `w -= floor(delta + u)`, then the weight saturates.

use core::array::from_fn;

use super::noise::Noise;

/// Weights that are updated at once.
const TILE: usize = 8;

/// Deltas beyond this cannot matter to an int8 weight.
const WEIGHT_DELTA_LIMIT: f32 = 2_097_152.0; // 2^21
/// Deltas of int32 biases are clamped to this before they are rounded.
const BIAS_DELTA_LIMIT: f32 = 32_768.0 * 32_768.0;

/// What holds for all updates of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepParams {
    /// Learning rate of this step.
    pub learning_rate: f32,
    /// Whether gradients are scaled by QAS.
    pub qas: bool,
    /// Seed of the rounding noise.
    pub seed: u64,
    /// Number of steps before this one.
    pub step: u32,
}

/// `1 / scale^2` with QAS, else 1: `scale` is `s_w` for weights and `s_w * s_x` for biases.
#[inline]
pub(crate) fn qas_factor(qas: bool, scale: f32) -> f32 {
    if qas { 1.0 / (scale * scale) } else { 1.0 }
}

/// How many elements an update changed, and how many changes were rounded to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) moved: u32,
    pub(crate) vanished: u32,
    pub(crate) dead: u32,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.moved += other.moved;
        self.vanished += other.vanished;
        self.dead += other.dead;
    }
}

/// Where the elements of a run stand in the full tensor: element `k` has the flat index
/// `base + stride * channel(k)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlatIndex<'a> {
    pub(crate) base: u32,
    pub(crate) stride: u32,
    pub(crate) channels: ChannelsOf<'a>,
}

/// The channel of element `k`: consecutive from a first one, or listed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ChannelsOf<'a> {
    From(u32),
    Listed(&'a [u16]),
}

impl FlatIndex<'_> {
    /// Flat indices of the elements from `at` on; beyond the end they do not matter.
    #[inline(always)]
    fn tile(&self, at: usize) -> [u32; TILE] {
        match self.channels {
            ChannelsOf::From(first) => {
                from_fn(|lane| self.base + self.stride * (first + narrow(at + lane)))
            }
            ChannelsOf::Listed(channels) => from_fn(|lane| {
                let channel = channels.get(at + lane).copied().unwrap_or_default();
                self.base + self.stride * u32::from(channel)
            }),
        }
    }
}

/// A position in a run, of which there are at most 4096.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "at most 4096 channels")]
fn narrow(position: usize) -> u32 {
    position as u32
}

/// Updates a run of int8 weights; `factor(k)` is the QAS factor of element `k`.
///
/// Works on tiles of fixed length, which compilers turn into vector instructions.
#[inline(always)]
pub(crate) fn update_weights(
    weights: &mut [i8],
    gradient: &[f32],
    learning_rate: f32,
    factor: impl Fn(usize) -> f32,
    noise: Noise,
    index: FlatIndex<'_>,
) -> Counts {
    let mut tally = Tally::default();
    let (tiles, rest) = weights.as_chunks_mut::<TILE>();
    let (gradients, gradient_rest) = gradient.as_chunks::<TILE>();
    for (tile, (weights, gradient)) in tiles.iter_mut().zip(gradients).enumerate() {
        let at = tile * TILE;
        let scaled = from_fn(|lane| gradient[lane] * factor(at + lane));
        update_tile(
            weights,
            scaled,
            learning_rate,
            noise,
            index.tile(at),
            &mut tally,
        );
    }
    if !rest.is_empty() {
        // A gradient of zero changes and counts nothing, so the tile may be filled up with it.
        let at = tiles.len() * TILE;
        let mut last = [0; TILE];
        last[..rest.len()].copy_from_slice(rest);
        let mut scaled = [0.0; TILE];
        for (lane, gradient) in gradient_rest.iter().enumerate() {
            scaled[lane] = gradient * factor(at + lane);
        }
        update_tile(
            &mut last,
            scaled,
            learning_rate,
            noise,
            index.tile(at),
            &mut tally,
        );
        rest.copy_from_slice(&last[..rest.len()]);
    }
    Counts {
        moved: tally.moved.iter().sum(),
        vanished: tally.vanished.iter().sum(),
        dead: 0,
    }
}

/// Counts lane by lane, so that they are added up once a run.
#[derive(Default)]
struct Tally {
    moved: [u32; TILE],
    vanished: [u32; TILE],
}

#[inline(always)]
fn update_tile(
    weights: &mut [i8; TILE],
    gradient: [f32; TILE],
    learning_rate: f32,
    noise: Noise,
    index: [u32; TILE],
    tally: &mut Tally,
) {
    for lane in 0..TILE {
        let delta = learning_rate * gradient[lane];
        let clamped = delta.clamp(-WEIGHT_DELTA_LIMIT, WEIGHT_DELTA_LIMIT);
        let rounded = floor(clamped + noise.unit(index[lane]));
        let old = i32::from(weights[lane]);
        let new = (old - rounded).clamp(-127, 127);
        tally.moved[lane] += u32::from(new != old);
        tally.vanished[lane] += u32::from(rounded == 0 && delta != 0.0);
        #[expect(clippy::cast_possible_truncation, reason = "clamped")]
        let code = new as i8;
        weights[lane] = code;
    }
}

/// Updates one int32 bias.
pub(crate) fn update_bias(
    bias: &mut i32,
    gradient: f32,
    learning_rate: f32,
    factor: f32,
    unit: f32,
) -> Counts {
    let delta = learning_rate * (gradient * factor);
    let clamped = delta.clamp(-BIAS_DELTA_LIMIT, BIAS_DELTA_LIMIT);
    let rounded = floor(clamped + unit);
    let new = bias.saturating_sub(rounded);
    let counts = Counts {
        moved: u32::from(new != *bias),
        vanished: u32::from(rounded == 0 && delta != 0.0),
        dead: 0,
    };
    *bias = new;
    counts
}

/// The largest integer not above `value`, whose magnitude is at most 2^30; 0 for NaN.
#[inline(always)]
fn floor(value: f32) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "at most 2^30")]
    let truncated = value as i32;
    #[expect(
        clippy::cast_precision_loss,
        reason = "beyond 2^24 the value is an integer itself"
    )]
    let above = (truncated as f32) > value;
    truncated - i32::from(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_goes_down_for_both_signs() {
        for (value, expected) in [(1.5, 1), (-1.5, -2), (-2.0, -2), (0.99, 0), (-0.01, -1)] {
            assert_eq!(floor(value), expected, "{value}");
        }
    }

    #[test]
    fn weights_saturate_and_biases_too() {
        let mut weights = [126i8, -126, 0];
        let index = FlatIndex {
            base: 0,
            stride: 1,
            channels: ChannelsOf::From(0),
        };
        let noise = Noise::new(1, 0, 0);
        update_weights(
            &mut weights,
            &[-1e9, 1e9, f32::NAN],
            1.0,
            |_| 1.0,
            noise,
            index,
        );
        assert_eq!(weights, [127, -127, 0]);
        let mut bias = i32::MIN + 1;
        update_bias(&mut bias, 1e30, 1.0, 1.0, 0.5);
        update_bias(&mut bias, 1e30, 1.0, 1.0, 0.5);
        update_bias(&mut bias, 1e30, 1.0, 1.0, 0.5);
        assert_eq!(bias, i32::MIN);
    }
}
