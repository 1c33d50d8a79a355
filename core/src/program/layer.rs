//! Records of the program's layers: geometry, quantization, and where their constants lie.

use super::TensorIdx;
use crate::num::signed;
use crate::quant::QuantParams;

const NONE: u32 = u32::MAX;

fn optional(word: u32) -> Option<u32> {
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
    /// The tensor of the trainable weights.
    pub weight_tensor: Option<TensorIdx>,
    /// The tensor of the trainable bias.
    pub bias_tensor: Option<TensorIdx>,
    /// Index of its name.
    pub name: u32,
}

impl LayerRecord {
    pub(crate) const WORDS: usize = 32;

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
            self.weight_tensor.unwrap_or(NONE),
            self.bias_tensor.unwrap_or(NONE),
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
            weight_tensor: optional(w[27]),
            bias_tensor: optional(w[28]),
            name: w[29],
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
}

impl AddRecord {
    pub(crate) const WORDS: usize = 9;

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
        ]
    }

    pub(crate) fn decode(w: &[u32; Self::WORDS]) -> Self {
        let quant = |at: usize| QuantParams {
            scale: f32::from_bits(w[at]),
            zero_point: signed(w[at + 1]),
        };
        Self {
            a_quant: quant(0),
            b_quant: quant(2),
            y_quant: quant(4),
            clamp: [signed(w[6]), signed(w[7])],
            len: w[8],
        }
    }
}

/// The f32 classifier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadRecord {
    /// Number of features.
    pub n_features: u32,
    /// Number of classes.
    pub n_classes: u32,
    /// Quantization of the features.
    pub x_quant: QuantParams,
    /// Offset in the constants of the start weights (f32, `[classes, features]`).
    pub start_weight: u32,
    /// Offset in the constants of the start biases (f32, `[classes]`).
    pub start_bias: u32,
    /// The tensor of the weights.
    pub weight_tensor: TensorIdx,
    /// The tensor of the biases.
    pub bias_tensor: TensorIdx,
}

/// What holds for the whole program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Meta {
    /// Size of the one block.
    pub arena_bytes: u32,
    /// The first bytes of the block, which keep their contents from step to step.
    pub persistent_bytes: u32,
    /// Largest sum of live bytes over all operations: no placement can need less.
    pub lower_bound_bytes: u32,
    /// Index of the loss operation; the forward pass ends before it.
    pub loss_op: u32,
    /// Height, width, channels of the input.
    pub input_shape: [u32; 3],
    /// Quantization of the input.
    pub input_quant: QuantParams,
    /// The tensor of the input.
    pub input_tensor: TensorIdx,
    /// The tensor of the label.
    pub label_tensor: TensorIdx,
    /// The tensor of the logits.
    pub logits_tensor: TensorIdx,
    /// The classifier.
    pub head: HeadRecord,
    /// Multiply-accumulates of the forward pass.
    pub macs_forward: u64,
    /// Multiply-accumulates of a whole step, as executed.
    pub macs_step: u64,
}

impl Meta {
    pub(crate) const WORDS: usize = 28;

    #[cfg(feature = "compile")]
    pub(crate) fn encode(&self) -> [u32; Self::WORDS] {
        let halves = |value: u64| {
            let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
            [
                u32::from_le_bytes([a, b, c, d]),
                u32::from_le_bytes([e, f, g, h]),
            ]
        };
        let [forward_low, forward_high] = halves(self.macs_forward);
        let [step_low, step_high] = halves(self.macs_step);
        let mut words = [0; Self::WORDS];
        let fields = [
            self.arena_bytes,
            self.persistent_bytes,
            self.lower_bound_bytes,
            self.loss_op,
            self.input_shape[0],
            self.input_shape[1],
            self.input_shape[2],
            self.input_quant.scale.to_bits(),
            self.input_quant.zero_point.cast_unsigned(),
            self.input_tensor,
            self.label_tensor,
            self.logits_tensor,
            self.head.n_features,
            self.head.n_classes,
            self.head.x_quant.scale.to_bits(),
            self.head.x_quant.zero_point.cast_unsigned(),
            self.head.start_weight,
            self.head.start_bias,
            self.head.weight_tensor,
            self.head.bias_tensor,
            forward_low,
            forward_high,
            step_low,
            step_high,
        ];
        words[..fields.len()].copy_from_slice(&fields);
        words
    }

    pub(crate) fn decode(w: &[u32; Self::WORDS]) -> Self {
        let quant = |at: usize| QuantParams {
            scale: f32::from_bits(w[at]),
            zero_point: signed(w[at + 1]),
        };
        let whole = |at: usize| u64::from(w[at]) | (u64::from(w[at + 1]) << 32);
        Self {
            arena_bytes: w[0],
            persistent_bytes: w[1],
            lower_bound_bytes: w[2],
            loss_op: w[3],
            input_shape: [w[4], w[5], w[6]],
            input_quant: quant(7),
            input_tensor: w[9],
            label_tensor: w[10],
            logits_tensor: w[11],
            head: HeadRecord {
                n_features: w[12],
                n_classes: w[13],
                x_quant: quant(14),
                start_weight: w[16],
                start_bias: w[17],
                weight_tensor: w[18],
                bias_tensor: w[19],
            },
            macs_forward: whole(20),
            macs_step: whole(22),
        }
    }
}

/// Training settings that travel with a program but are not part of its identity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Learning rate.
    pub learning_rate: f32,
    /// Whether gradients are scaled by QAS.
    pub qas: bool,
    /// Seed of rounding noise and sample order.
    pub seed: u64,
}

impl Settings {
    pub(crate) const WORDS: usize = 4;

    #[cfg(feature = "compile")]
    pub(crate) fn encode(&self) -> [u32; Self::WORDS] {
        let [a, b, c, d, e, f, g, h] = self.seed.to_le_bytes();
        [
            self.learning_rate.to_bits(),
            u32::from(self.qas),
            u32::from_le_bytes([a, b, c, d]),
            u32::from_le_bytes([e, f, g, h]),
        ]
    }

    pub(crate) fn decode(w: &[u32; Self::WORDS]) -> Self {
        Self {
            learning_rate: f32::from_bits(w[0]),
            qas: w[1] != 0,
            seed: u64::from(w[2]) | (u64::from(w[3]) << 32),
        }
    }
}
