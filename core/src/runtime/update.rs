//! The update of one element: QAS, momentum, learning rate, and how the result is stored
//! (paper Eq. 4; numerics: "Update").
//!
//! In place the *delta* is rounded, by default `w -= floor(delta + u)`; then the weight
//! saturates.

use core::array::from_fn;
use core::ops::Range;

use super::noise::Noise;
use crate::quant::{Rules, UpdateRule, half_even, nearest};

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
    /// What it is multiplied by for biases.
    pub bias_rate_factor: f32,
    /// Share of the momentum buffer that is kept, where the optimizer has one.
    pub momentum: f32,
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
    /// Flat index of element `at`.
    #[inline(always)]
    fn one(&self, at: usize) -> u32 {
        let channel = match self.channels {
            ChannelsOf::From(first) => first + narrow(at),
            ChannelsOf::Listed(channels) => u32::from(channels[at]),
        };
        self.base + self.stride * channel
    }

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

/// The gradient after momentum: `v = momentum * v + g`, where there is a buffer.
#[inline(always)]
pub(crate) fn with_momentum(velocity: &mut [f32], at: usize, momentum: f32, gradient: f32) -> f32 {
    match velocity.get_mut(at) {
        Some(velocity) => {
            *velocity = momentum * *velocity + gradient;
            *velocity
        }
        None => gradient,
    }
}

/// What holds for all elements of one parameter in one step.
#[derive(Clone, Copy)]
pub(crate) struct HowToUpdate<'a> {
    pub(crate) rule: UpdateRule,
    pub(crate) params: &'a StepParams,
    pub(crate) noise: Noise,
}

/// The trainable weights of one layer as the block holds them; what a rule does not keep is
/// empty.
pub(crate) struct StoredWeights<'a> {
    pub(crate) codes: &'a mut [i8],
    pub(crate) remainders: &'a mut [i8],
    pub(crate) masters: &'a mut [f32],
    pub(crate) velocity: &'a mut [f32],
}

impl<'a> StoredWeights<'a> {
    /// What the tensors of a layer hold; absent ones are empty.
    pub(crate) fn new(
        rules: Rules,
        weight: &'a mut [u8],
        remainder: &'a mut [u8],
        velocity: &'a mut [u8],
    ) -> Self {
        let n_masters = if rules.update == UpdateRule::Master {
            weight.len()
        } else {
            0
        };
        let (masters, codes) = weight.split_at_mut(n_masters);
        Self {
            codes: bytemuck::cast_slice_mut(codes),
            remainders: bytemuck::cast_slice_mut(remainder),
            masters: bytemuck::cast_slice_mut(masters),
            velocity: bytemuck::cast_slice_mut(velocity),
        }
    }
}

impl StoredWeights<'_> {
    /// Number of weights.
    pub(crate) fn len(&self) -> usize {
        self.codes.len().max(self.masters.len())
    }

    /// Sum of squares of the integer weights of a range.
    #[inline]
    pub(crate) fn squares(&self, range: Range<usize>) -> f32 {
        if self.masters.is_empty() {
            let codes = &self.codes[range];
            codes
                .iter()
                .map(|&code| f32::from(code) * f32::from(code))
                .sum()
        } else {
            let masters = &self.masters[range];
            masters.iter().map(|master| master * master).sum()
        }
    }

    /// Updates as many weights from `start` on as `gradient` has values; `factor(k)` is the QAS
    /// factor of value `k`.
    #[inline(always)]
    pub(crate) fn update(
        &mut self,
        start: usize,
        gradient: &[f32],
        factor: impl Fn(usize) -> f32,
        how: &HowToUpdate<'_>,
        index: FlatIndex<'_>,
    ) -> Counts {
        if how.rule == UpdateRule::Stochastic && self.velocity.is_empty() {
            let codes = &mut self.codes[start..start + gradient.len()];
            let rate = how.params.learning_rate;
            return update_weights(codes, gradient, rate, factor, how.noise, index);
        }
        self.update_by_rule(start, gradient, &factor, how, index)
    }

    /// The same by any rule, one element after another.
    #[inline]
    fn update_by_rule(
        &mut self,
        start: usize,
        gradient: &[f32],
        factor: &dyn Fn(usize) -> f32,
        how: &HowToUpdate<'_>,
        index: FlatIndex<'_>,
    ) -> Counts {
        let HowToUpdate {
            rule,
            params,
            noise,
        } = *how;
        let rate = params.learning_rate;
        let mut counts = Counts::default();
        for (k, &gradient) in gradient.iter().enumerate() {
            let at = start + k;
            let scaled = gradient * factor(k);
            let scaled = with_momentum(self.velocity, at, params.momentum, scaled);
            let unit = || noise.unit(index.one(k));
            counts.add(self.update_one(rule, at, rate * scaled, unit));
        }
        counts
    }

    #[inline]
    fn update_one(
        &mut self,
        rule: UpdateRule,
        at: usize,
        delta: f32,
        unit: impl Fn() -> f32,
    ) -> Counts {
        if rule == UpdateRule::Master {
            let old = self.masters[at];
            let new = old - delta;
            self.masters[at] = new;
            return Counts {
                moved: u32::from(nearest(new) != nearest(old)),
                vanished: u32::from(new.to_bits() == old.to_bits() && delta != 0.0),
                dead: 0,
            };
        }
        // What is not a number counts as 0.
        let clamped = if delta.is_nan() {
            0.0
        } else {
            delta.clamp(-WEIGHT_DELTA_LIMIT, WEIGHT_DELTA_LIMIT)
        };
        let old = i32::from(self.codes[at]);
        // The new code, and whether the change was rounded to nothing.
        let (new, same) = match rule {
            UpdateRule::Int16 => {
                let rounded = half_even(clamped * 256.0);
                let fine = 256 * old + i32::from(self.remainders[at]) - rounded;
                let fine = fine.clamp(-127 * 256, 127 * 256);
                let code = (fine + 128) >> 8;
                self.remainders[at] = byte(fine - 256 * code);
                (code, rounded == 0)
            }
            UpdateRule::Truncate => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_precision_loss,
                    reason = "the rule: the conversion of the difference truncates"
                )]
                let new = (old as f32 - clamped) as i32;
                (new.clamp(-128, 127), new == old)
            }
            UpdateRule::Nearest => {
                let rounded = half_even(clamped);
                ((old - rounded).clamp(-127, 127), rounded == 0)
            }
            UpdateRule::Stochastic | UpdateRule::Master => {
                let rounded = floor(clamped + unit());
                ((old - rounded).clamp(-127, 127), rounded == 0)
            }
        };
        self.codes[at] = byte(new);
        Counts {
            moved: u32::from(new != old),
            vanished: u32::from(same && delta != 0.0),
            dead: 0,
        }
    }
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "clamped by the caller")]
fn byte(code: i32) -> i8 {
    code as i8
}

/// The trainable bias of one layer as the block holds it.
pub(crate) struct StoredBias<'a> {
    pub(crate) ints: &'a mut [i32],
    pub(crate) masters: &'a mut [f32],
    pub(crate) velocity: &'a mut [f32],
}

impl<'a> StoredBias<'a> {
    /// What the tensors of a layer hold; absent ones are empty.
    pub(crate) fn new(rules: Rules, bias: &'a mut [u8], velocity: &'a mut [u8]) -> Self {
        let n_masters = if rules.update == UpdateRule::Master {
            bias.len()
        } else {
            0
        };
        let (masters, ints) = bias.split_at_mut(n_masters);
        Self {
            ints: bytemuck::cast_slice_mut(ints),
            masters: bytemuck::cast_slice_mut(masters),
            velocity: bytemuck::cast_slice_mut(velocity),
        }
    }
}

impl StoredBias<'_> {
    /// One bias as a number to display.
    #[inline]
    pub(crate) fn value(&self, channel: usize) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "for display")]
        let int = |bias: &i32| *bias as f32;
        let master = self.masters.get(channel).copied();
        master.unwrap_or_else(|| self.ints.get(channel).map_or(0.0, int))
    }

    /// Updates one bias by its gradient after QAS.
    #[inline]
    pub(crate) fn update(
        &mut self,
        rule: UpdateRule,
        params: &StepParams,
        channel: usize,
        scaled: f32,
        unit: f32,
    ) -> Counts {
        let scaled = with_momentum(self.velocity, channel, params.momentum, scaled);
        let delta = params.learning_rate * params.bias_rate_factor * scaled;
        if rule == UpdateRule::Master {
            let old = self.masters[channel];
            let new = old - delta;
            self.masters[channel] = new;
            let same = new.to_bits() == old.to_bits();
            return Counts {
                moved: u32::from(!same),
                vanished: u32::from(same && delta != 0.0),
                dead: 0,
            };
        }
        let bias = &mut self.ints[channel];
        let clamped = delta.clamp(-BIAS_DELTA_LIMIT, BIAS_DELTA_LIMIT);
        let rounded = match rule {
            UpdateRule::Nearest | UpdateRule::Int16 => nearest(clamped),
            #[expect(clippy::cast_possible_truncation, reason = "at most 2^30")]
            UpdateRule::Truncate => clamped as i32,
            UpdateRule::Stochastic | UpdateRule::Master => floor(clamped + unit),
        };
        let new = bias.saturating_sub(rounded);
        let counts = Counts {
            moved: u32::from(new != *bias),
            vanished: u32::from(rounded == 0 && delta != 0.0),
            dead: 0,
        };
        *bias = new;
        counts
    }
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
        let mut ints = [i32::MIN + 1];
        let mut bias = StoredBias {
            ints: &mut ints,
            masters: &mut [],
            velocity: &mut [],
        };
        let params = StepParams {
            learning_rate: 1.0,
            bias_rate_factor: 1.0,
            momentum: 0.0,
            qas: false,
            seed: 0,
            step: 0,
        };
        for _ in 0..3 {
            bias.update(UpdateRule::Stochastic, &params, 0, 1e30, 0.5);
        }
        assert_eq!(ints, [i32::MIN]);
    }
}
