//! Records of convolutions and residual adds: geometry, quantization, and where their constants
//! lie.

use super::TensorIdx;
use super::geometry::Geometry;
use crate::num::signed;
use crate::quant::{ElementwiseRule, FixedScale, QuantParams, Residual};

pub(super) const NONE: u32 = u32::MAX;

pub(super) fn optional(word: u32) -> Option<u32> {
    (word != NONE).then_some(word)
}

/// One convolution.
///
/// A layer's weight has two sources: the frozen channels lie in the constants, the trainable
/// channels in the arena. Both are dense: `[O, taps, n]` (depthwise `[taps, n]`), where `n` is
/// `n_frozen` or `n_trainable` channels. `channels` lists the original index of each channel,
/// the frozen ones first; it is absent where the order is the original one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerRecord {
    /// One filter per channel.
    pub depthwise: bool,
    /// Input height, width, channels.
    pub input: [u32; 3],
    /// Output height, width, channels.
    pub output: [u32; 3],
    /// Kernel height and width.
    pub kernel: [u32; 2],
    /// Vertical and horizontal stride.
    pub stride: [u32; 2],
    /// Padding above and to the left; below and right follow from the output size.
    pub padding: [u32; 2],
    /// Quantization of the input.
    pub x_quant: QuantParams,
    /// Quantization of the output.
    pub y_quant: QuantParams,
    /// Smallest and largest output code.
    pub clamp: [i32; 2],
    /// Channels whose weights stay as they are.
    pub n_frozen: u32,
    /// Channels whose weights learn.
    pub n_trainable: u32,
    /// Offset in the constants of the channel list (u16), if the order is not the original one.
    pub channels: Option<u32>,
    /// Offset in the constants of the frozen weights (int8).
    pub frozen_weight: u32,
    /// Offset in the constants of the start values of the trainable weights (int8).
    pub start_weight: u32,
    /// Offset in the constants of the bias (int32), which is the start value if it learns.
    pub bias: u32,
    /// Offset in the constants of the effective scales (f32).
    pub effective_scale: u32,
    /// Offset in the constants of the weight scales (f32).
    pub weight_scale: u32,
    /// Offset in the constants of the effective scales as multiplier and shift (two i32 each),
    /// where the rule is fixed point.
    pub fixed_scale: Option<u32>,
    /// The tensor of the trainable weights: int8, or f32 masters.
    pub weight_tensor: Option<TensorIdx>,
    /// The tensor of their int8 remainders, if the update rule keeps them.
    pub remainder_tensor: Option<TensorIdx>,
    /// The tensor of the trainable bias: int32, or f32 masters.
    pub bias_tensor: Option<TensorIdx>,
    /// The momentum buffers of weights and bias, if the optimizer keeps them.
    pub velocity_tensors: [Option<TensorIdx>; 2],
    /// Index of its name.
    pub name: u32,
}

impl LayerRecord {
    pub(crate) const WORDS: usize = 36;

    /// Kernel positions.
    #[must_use]
    pub fn taps(&self) -> usize {
        self.kernel[0] as usize * self.kernel[1] as usize
    }

    /// Output pixels.
    #[must_use]
    pub fn out_pixels(&self) -> usize {
        self.output[0] as usize * self.output[1] as usize
    }

    /// Input elements.
    #[must_use]
    pub fn in_len(&self) -> usize {
        self.input.iter().map(|&extent| extent as usize).product()
    }

    /// Output elements.
    #[must_use]
    pub fn out_len(&self) -> usize {
        self.output.iter().map(|&extent| extent as usize).product()
    }

    /// Output channels.
    #[must_use]
    pub fn out_channels(&self) -> usize {
        self.output[2] as usize
    }

    /// Input channels.
    #[must_use]
    pub fn in_channels(&self) -> usize {
        self.input[2] as usize
    }

    /// How its kernel slides.
    #[inline(always)]
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        Geometry {
            input: self.input,
            output: self.output,
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
        }
    }

    /// Number of weights in `n_channels` channels.
    #[must_use]
    pub fn weight_len(&self, n_channels: usize) -> usize {
        let filters = if self.depthwise {
            1
        } else {
            self.out_channels()
        };
        filters * self.taps() * n_channels
    }

    /// Multiply-accumulates of a pass over all output pixels and `n_channels` channels of the
    /// input: forward, or of the gradient at them, or of their weights.
    #[must_use]
    pub fn macs(&self, n_channels: usize) -> u64 {
        (self.out_pixels() * self.weight_len(n_channels)) as u64
    }

    /// Whether only some of the channels learn.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.n_frozen > 0 && self.n_trainable > 0
    }

    #[cfg(feature = "compile")]
    pub(crate) fn encode(&self) -> [u32; Self::WORDS] {
        let mut words = [0; Self::WORDS];
        let fields = [
            u32::from(self.depthwise),
            self.input[0],
            self.input[1],
            self.input[2],
            self.output[0],
            self.output[1],
            self.output[2],
            self.kernel[0],
            self.kernel[1],
            self.stride[0],
            self.stride[1],
            self.padding[0],
            self.padding[1],
            self.x_quant.scale.to_bits(),
            self.x_quant.zero_point.cast_unsigned(),
            self.y_quant.scale.to_bits(),
            self.y_quant.zero_point.cast_unsigned(),
            self.clamp[0].cast_unsigned(),
            self.clamp[1].cast_unsigned(),
            self.n_frozen,
            self.n_trainable,
            self.channels.unwrap_or(NONE),
            self.frozen_weight,
            self.start_weight,
            self.bias,
            self.effective_scale,
            self.weight_scale,
            self.fixed_scale.unwrap_or(NONE),
            self.weight_tensor.unwrap_or(NONE),
            self.remainder_tensor.unwrap_or(NONE),
            self.bias_tensor.unwrap_or(NONE),
            self.velocity_tensors[0].unwrap_or(NONE),
            self.velocity_tensors[1].unwrap_or(NONE),
            self.name,
        ];
        words[..fields.len()].copy_from_slice(&fields);
        words
    }

    pub(crate) fn decode(w: &[u32; Self::WORDS]) -> Self {
        let quant = |scale: u32, zero: u32| QuantParams {
            scale: f32::from_bits(scale),
            zero_point: signed(zero),
        };
        Self {
            depthwise: w[0] != 0,
            input: [w[1], w[2], w[3]],
            output: [w[4], w[5], w[6]],
            kernel: [w[7], w[8]],
            stride: [w[9], w[10]],
            padding: [w[11], w[12]],
            x_quant: quant(w[13], w[14]),
            y_quant: quant(w[15], w[16]),
            clamp: [signed(w[17]), signed(w[18])],
            n_frozen: w[19],
            n_trainable: w[20],
            channels: optional(w[21]),
            frozen_weight: w[22],
            start_weight: w[23],
            bias: w[24],
            effective_scale: w[25],
            weight_scale: w[26],
            fixed_scale: optional(w[27]),
            weight_tensor: optional(w[28]),
            remainder_tensor: optional(w[29]),
            bias_tensor: optional(w[30]),
            velocity_tensors: [optional(w[31]), optional(w[32])],
            name: w[33],
        }
    }
}

/// One residual add.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AddRecord {
    /// Quantization of the shortcut.
    pub a_quant: QuantParams,
    /// Quantization of the branch.
    pub b_quant: QuantParams,
    /// Quantization of the sum.
    pub y_quant: QuantParams,
    /// Smallest and largest output code.
    pub clamp: [i32; 2],
    /// Number of elements.
    pub len: u32,
    /// Fixed-point factors of shortcut, branch and sum; zero unless the rule is fixed point.
    pub fixed: [FixedScale; 3],
}

impl AddRecord {
    pub(crate) const WORDS: usize = 15;

    /// The sum of two codes under `rule`.
    #[must_use]
    pub fn residual(&self, rule: ElementwiseRule) -> Residual {
        Residual {
            rule,
            a: self.a_quant,
            b: self.b_quant,
            y: self.y_quant,
            fixed: self.fixed,
        }
    }

    #[cfg(feature = "compile")]
    pub(crate) fn encode(&self) -> [u32; Self::WORDS] {
        [
            self.a_quant.scale.to_bits(),
            self.a_quant.zero_point.cast_unsigned(),
            self.b_quant.scale.to_bits(),
            self.b_quant.zero_point.cast_unsigned(),
            self.y_quant.scale.to_bits(),
            self.y_quant.zero_point.cast_unsigned(),
            self.clamp[0].cast_unsigned(),
            self.clamp[1].cast_unsigned(),
            self.len,
            self.fixed[0].multiplier.cast_unsigned(),
            self.fixed[0].shift.cast_unsigned(),
            self.fixed[1].multiplier.cast_unsigned(),
            self.fixed[1].shift.cast_unsigned(),
            self.fixed[2].multiplier.cast_unsigned(),
            self.fixed[2].shift.cast_unsigned(),
        ]
    }

    pub(crate) fn decode(w: &[u32; Self::WORDS]) -> Self {
        let quant = |at: usize| QuantParams {
            scale: f32::from_bits(w[at]),
            zero_point: signed(w[at + 1]),
        };
        let fixed = |at: usize| FixedScale {
            multiplier: signed(w[at]),
            shift: signed(w[at + 1]),
        };
        Self {
            a_quant: quant(0),
            b_quant: quant(2),
            y_quant: quant(4),
            clamp: [signed(w[6]), signed(w[7])],
            len: w[8],
            fixed: [fixed(9), fixed(11), fixed(13)],
        }
    }
}
