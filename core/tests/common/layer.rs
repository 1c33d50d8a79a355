//! One random convolution with everything that its kernels read.

use quartermeg_core::program::LayerRecord;
use quartermeg_core::quant::{Bias, FixedScale, QuantParams, Requantize, RequantizeRule};
use quartermeg_core::runtime::kernels::{Codes, Weights};

use super::rng::Rng;

/// Channel counts around the widths of the lanes and tiles.
pub(crate) const ODD_CHANNELS: [usize; 8] = [1, 3, 7, 8, 9, 15, 16, 17];

/// What is asked of a random layer; the rest is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) depthwise: bool,
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    pub(crate) n_trainable: usize,
}

/// A layer and its operands.
#[derive(Clone, Debug)]
pub(crate) struct LayerCase {
    pub(crate) record: LayerRecord,
    pub(crate) frozen: Vec<i8>,
    pub(crate) trainable: Vec<i8>,
    pub(crate) channels: Option<Vec<u16>>,
    pub(crate) bias: Vec<i32>,
    pub(crate) scale: Vec<f32>,
    pub(crate) x: Vec<i8>,
    /// Input of the weight gradient: the trainable channels of `x`.
    pub(crate) saved: Vec<i8>,
    pub(crate) gradient: Vec<f32>,
    pub(crate) rule: RequantizeRule,
    /// `scale` as multipliers and shifts.
    pub(crate) fixed_scale: Vec<[i32; 2]>,
    /// What masters of weights and bias were rounded to and are, in place of the int8 codes and
    /// the int32 bias.
    pub(crate) masters: Option<Masters>,
}

/// Codes rounded from f32 masters, and the master of a bias.
#[derive(Clone, Debug)]
pub(crate) struct Masters {
    pub(crate) codes: Vec<i16>,
    pub(crate) bias: Vec<f32>,
}

pub(crate) const REQUANTIZE_RULES: [RequantizeRule; 4] = [
    RequantizeRule::HalfEven,
    RequantizeRule::FloatBias,
    RequantizeRule::Truncate,
    RequantizeRule::FixedPoint,
];

pub(crate) fn word(value: usize) -> u32 {
    u32::try_from(value).expect("small")
}

/// A kernel size, stride and padding that fit the input, asymmetric paddings included.
pub(crate) struct Geometry {
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    /// Top, left, bottom, right.
    pub(crate) padding: [usize; 4],
}

impl Geometry {
    pub(crate) fn random(rng: &mut Rng, kernel: [usize; 2], extent: [usize; 2]) -> Self {
        let stride = [0, 1].map(|_| rng.choose(&[1, 1, 2]));
        loop {
            let pad = |rng: &mut Rng, extent: usize| rng.below(extent);
            let padding = [
                pad(rng, kernel[0]),
                pad(rng, kernel[1]),
                pad(rng, kernel[0]),
                pad(rng, kernel[1]),
            ];
            let fits = extent[0] + padding[0] + padding[2] >= kernel[0]
                && extent[1] + padding[1] + padding[3] >= kernel[1];
            if fits {
                return Self {
                    kernel,
                    stride,
                    padding,
                };
            }
        }
    }

    pub(crate) fn output(&self, extent: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|axis| {
            let padded = extent[axis] + self.padding[axis] + self.padding[axis + 2];
            (padded - self.kernel[axis]) / self.stride[axis] + 1
        })
    }
}

pub(crate) fn random_kernel(rng: &mut Rng) -> [usize; 2] {
    rng.choose(&[
        [1, 1],
        [1, 1],
        [3, 3],
        [3, 3],
        [1, 3],
        [3, 1],
        [2, 2],
        [1, 5],
        [5, 5],
        [4, 3],
    ])
}

impl LayerCase {
    pub(crate) fn random(rng: &mut Rng, shape: Shape) -> Self {
        // A kernel may be larger than its input, but padding stays below the kernel.
        let (extent, geometry) = loop {
            let extent = [1 + rng.below(7), 1 + rng.below(7)];
            let kernel = random_kernel(rng);
            if kernel[0] < 2 * extent[0] && kernel[1] < 2 * extent[1] {
                break (extent, Geometry::random(rng, kernel, extent));
            }
        };
        Self::new(rng, shape, extent, &geometry)
    }

    /// A layer of a given geometry on an input of a given height and width.
    pub(crate) fn new(
        rng: &mut Rng,
        shape: Shape,
        extent: [usize; 2],
        geometry: &Geometry,
    ) -> Self {
        let pixels = extent[0] * extent[1];
        let Shape {
            depthwise,
            in_channels,
            out_channels,
            n_trainable,
        } = shape;
        let n_frozen = in_channels - n_trainable;
        let [out_h, out_w] = geometry.output(extent);
        let taps = geometry.kernel[0] * geometry.kernel[1];
        let filters = if depthwise { 1 } else { out_channels };
        let channels = (n_frozen > 0 && n_trainable > 0)
            .then(|| random_channels(rng, in_channels, n_trainable));
        let quant = |rng: &mut Rng| QuantParams {
            scale: rng.real(0.01, 0.1),
            zero_point: rng.between(-128, 127),
        };
        let (x_quant, y_quant) = (quant(rng), quant(rng));
        let clamp = random_clamp(rng);
        let record = LayerRecord {
            depthwise,
            input: [word(extent[0]), word(extent[1]), word(in_channels)],
            output: [word(out_h), word(out_w), word(out_channels)],
            kernel: geometry.kernel.map(word),
            stride: geometry.stride.map(word),
            padding: [word(geometry.padding[0]), word(geometry.padding[1])],
            x_quant,
            y_quant,
            clamp,
            n_frozen: word(n_frozen),
            n_trainable: word(n_trainable),
            channels: channels.is_some().then_some(0),
            frozen_weight: 0,
            start_weight: 0,
            bias: 0,
            effective_scale: 0,
            weight_scale: 0,
            fixed_scale: None,
            weight_tensor: (n_trainable > 0).then_some(0),
            remainder_tensor: None,
            bias_tensor: None,
            velocity_tensors: [None; 2],
            name: 0,
        };
        let x = rng.codes(pixels * in_channels);
        let kept: Vec<usize> = match &channels {
            Some(channels) => channels[n_frozen..]
                .iter()
                .map(|&channel| usize::from(channel))
                .collect(),
            None => (0..n_trainable).collect(),
        };
        let saved = x
            .chunks_exact(in_channels)
            .flat_map(|pixel| kept.iter().map(|&channel| pixel[channel]))
            .collect();
        Self {
            record,
            frozen: rng.weights(filters * taps * n_frozen),
            trainable: rng.weights(filters * taps * n_trainable),
            channels,
            bias: (0..out_channels).map(|_| random_bias(rng)).collect(),
            scale: (0..out_channels)
                .map(|_| random_effective_scale(rng))
                .collect(),
            x,
            saved,
            gradient: rng.gradients(out_h * out_w * out_channels),
            rule: RequantizeRule::HalfEven,
            fixed_scale: Vec::new(),
            masters: None,
        }
    }

    /// The same layer under another rule, with int16 codes where `wide`.
    pub(crate) fn under(&self, rng: &mut Rng, rule: RequantizeRule, wide: bool) -> Self {
        let masters = wide.then(|| Masters {
            codes: wide_codes(rng, self.trainable.len()),
            bias: self.bias.iter().map(|&bias| master(rng, bias)).collect(),
        });
        let fixed = self.scale.iter().map(|&scale| {
            let fixed = FixedScale::of(f64::from(scale));
            [fixed.multiplier, fixed.shift]
        });
        Self {
            rule,
            fixed_scale: fixed.collect(),
            masters,
            ..self.clone()
        }
    }

    /// The trainable codes, of either width.
    pub(crate) fn trainable(&self) -> Codes<'_> {
        match &self.masters {
            Some(masters) => Codes::Wide(&masters.codes),
            None => Codes::Narrow(&self.trainable),
        }
    }

    pub(crate) fn weights(&self) -> Weights<'_> {
        Weights {
            frozen: &self.frozen,
            trainable: self.trainable(),
            channels: self.channels.as_deref(),
        }
    }

    /// Original index of each trainable channel, if not all channels learn.
    pub(crate) fn kept(&self) -> Option<&[u16]> {
        let n_frozen = usize::try_from(self.record.n_frozen).expect("small");
        self.channels
            .as_deref()
            .map(|channels| &channels[n_frozen..])
    }

    pub(crate) fn requantize(&self) -> Requantize<'_> {
        Requantize {
            rule: self.rule,
            bias: match &self.masters {
                Some(masters) => Bias::Float(&masters.bias),
                None => Bias::Int(&self.bias),
            },
            effective_scale: &self.scale,
            fixed_scale: &self.fixed_scale,
            zero_point: self.record.y_quant.zero_point,
            min: self.record.clamp[0],
            max: self.record.clamp[1],
        }
    }
}

/// The frozen channels, then `n_trainable` others, both ascending.
fn random_channels(rng: &mut Rng, n_channels: usize, n_trainable: usize) -> Vec<u16> {
    let mut learns = vec![false; n_channels];
    while learns.iter().filter(|&&learns| learns).count() < n_trainable {
        learns[rng.below(n_channels)] = true;
    }
    let part = |wanted: bool| {
        (0..n_channels)
            .filter(|&channel| learns[channel] == wanted)
            .map(|channel| u16::try_from(channel).expect("small"))
            .collect::<Vec<_>>()
    };
    [part(false), part(true)].concat()
}

pub(crate) fn random_clamp(rng: &mut Rng) -> [i32; 2] {
    if rng.chance(0.5) {
        return [-128, 127];
    }
    let min = rng.between(-128, 60);
    [min, rng.between(min, 127)]
}

/// Mostly of the size of an accumulator; now and then so large that the sum saturates, or so
/// that it just does not.
fn random_bias(rng: &mut Rng) -> i32 {
    match rng.below(12) {
        0 => i32::MAX,
        1 => i32::MIN,
        2 => i32::MAX - rng.between(0, 100_000),
        3 => i32::MIN + rng.between(0, 100_000),
        _ => rng.between(-20_000, 20_000),
    }
}

/// Mostly a little beyond int8, as masters drift, and now and then at an end of int16; sometimes
/// all at one end, so that sums leave int32.
fn wide_codes(rng: &mut Rng, len: usize) -> Vec<i16> {
    if rng.below(8) == 0 {
        return vec![rng.choose(&[i16::MIN, i16::MAX]); len];
    }
    let mut code = || match rng.below(40) {
        0 => i16::MAX,
        1 => i16::MIN,
        _ => i16::try_from(rng.between(-160, 160)).expect("in range"),
    };
    (0..len).map(|_| code()).collect()
}

/// An f32 near an int32 bias, most often no integer.
fn master(rng: &mut Rng, bias: i32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "any number near it will do")]
    let bias = bias as f32;
    bias + rng.choose(&[0.0, 0.5, -0.25, 0.37])
}

fn random_effective_scale(rng: &mut Rng) -> f32 {
    match rng.below(12) {
        0 => 0.0,
        1 => 1e30,
        2 => 3e-8,
        // One half, so that ties are met.
        3 => 0.5,
        _ => rng.real(1e-4, 0.02),
    }
}
