//! Facts of the whole program, and what makes its logits.

use super::TensorIdx;
#[cfg(feature = "compile")]
use super::layer::NONE;
use super::layer::optional;
use crate::num::signed;
use crate::quant::{QuantParams, Rules};

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
    /// What makes the logits.
    pub head: HeadRecord,
    /// The rules of the arithmetic.
    pub rules: Rules,
    /// Multiply-accumulates of the forward pass.
    pub macs_forward: u64,
    /// Multiply-accumulates of a whole step, as executed.
    pub macs_step: u64,
}

impl Meta {
    pub(crate) const WORDS: usize = 36;
    /// Which word holds the rules.
    pub(super) const RULES_WORD: usize = 26;

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
        let velocity = |at: usize| {
            let tensor = self
                .head
                .classifier
                .and_then(|head| head.velocity_tensors[at]);
            tensor.unwrap_or(NONE)
        };
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
            self.head.classifier.map_or(NONE, |head| head.start_weight),
            self.head.classifier.map_or(NONE, |head| head.start_bias),
            self.head.classifier.map_or(NONE, |head| head.weight_tensor),
            self.head.classifier.map_or(NONE, |head| head.bias_tensor),
            forward_low,
            forward_high,
            step_low,
            step_high,
            velocity(0),
            velocity(1),
            self.rules.encode(),
        ];
        words[..fields.len()].copy_from_slice(&fields);
        words
    }

    /// `None` where the rules are unknown.
    pub(crate) fn decode(w: &[u32; Self::WORDS]) -> Option<Self> {
        let quant = |at: usize| QuantParams {
            scale: f32::from_bits(w[at]),
            zero_point: signed(w[at + 1]),
        };
        let whole = |at: usize| u64::from(w[at]) | (u64::from(w[at + 1]) << 32);
        let classifier = optional(w[18]).map(|weight_tensor| ClassifierRecord {
            start_weight: w[16],
            start_bias: w[17],
            weight_tensor,
            bias_tensor: w[19],
            velocity_tensors: [optional(w[24]), optional(w[25])],
        });
        Some(Self {
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
                classifier,
            },
            rules: Rules::decode(w[Self::RULES_WORD])?,
            macs_forward: whole(20),
            macs_step: whole(22),
        })
    }
}

/// What makes the logits: an f32 classifier, or, without parameters of its own, the dequantized
/// codes of an int8 layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadRecord {
    /// Number of features (of an int8 head: of classes).
    pub n_features: u32,
    /// Number of classes.
    pub n_classes: u32,
    /// Quantization of the features.
    pub x_quant: QuantParams,
    /// The f32 classifier, if there is one.
    pub classifier: Option<ClassifierRecord>,
}

/// Where the parameters of the f32 classifier lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassifierRecord {
    /// Offset in the constants of the start weights (f32, `[classes, features]`).
    pub start_weight: u32,
    /// Offset in the constants of the start biases (f32, `[classes]`).
    pub start_bias: u32,
    /// The tensor of the weights.
    pub weight_tensor: TensorIdx,
    /// The tensor of the biases.
    pub bias_tensor: TensorIdx,
    /// The momentum buffers of weights and biases, if the optimizer keeps them.
    pub velocity_tensors: [Option<TensorIdx>; 2],
}

impl HeadRecord {
    /// Weights of the classifier; 0 without one.
    #[must_use]
    pub fn weight_len(&self) -> usize {
        if self.classifier.is_some() {
            self.n_features as usize * self.n_classes as usize
        } else {
            0
        }
    }
}
