//! The operations of a program and the tensors that each reads and writes.

use super::layer::{AddRecord, HeadRecord, LayerRecord};
use super::{DType, TensorIdx};
use crate::runtime::scratch;

const NONE: u32 = u32::MAX;

/// Part of a step that an operation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// From the input to the logits.
    Forward,
    /// Softmax cross-entropy.
    Loss,
    /// Gradients and updates.
    Backward,
}

/// One operation. `layer` and `add` index the program's layer and add tables.
#[expect(
    missing_docs,
    reason = "the fields are named by the sentence of their variant"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `y = clamp(requantize(conv(x - z_x, W) + b))`, and the clamp's mask where it is needed.
    Conv {
        layer: u32,
        x: TensorIdx,
        y: TensorIdx,
        mask: Option<TensorIdx>,
        scratch: Option<TensorIdx>,
    },
    /// Residual add; `y` may take the place of `a`.
    Add {
        add: u32,
        a: TensorIdx,
        b: TensorIdx,
        y: TensorIdx,
        mask: Option<TensorIdx>,
    },
    /// Mean over `pixels` of each of `channels`.
    AveragePool {
        x: TensorIdx,
        y: TensorIdx,
        pixels: u32,
        channels: u32,
    },
    /// Keeps the trainable channels of `x` for the weight gradient of `layer`.
    SaveChannels {
        layer: u32,
        x: TensorIdx,
        saved: TensorIdx,
    },
    /// f32 logits from dequantized features.
    Classifier { x: TensorIdx, logits: TensorIdx },
    /// Loss, and its gradient with respect to the logits, which takes their place.
    Loss {
        logits: TensorIdx,
        label: TensorIdx,
        gradient: TensorIdx,
    },
    /// Gradient at the features.
    ClassifierBackwardInput { gradient: TensorIdx, out: TensorIdx },
    /// Changes the classifier.
    ClassifierUpdate { x: TensorIdx, gradient: TensorIdx },
    /// Spreads the gradient at the mean over `pixels`.
    AveragePoolBackward {
        gradient: TensorIdx,
        out: TensorIdx,
        pixels: u32,
        channels: u32,
    },
    /// `g_acc = mask * g_y * m[c]`, in place.
    MaskScale {
        layer: u32,
        gradient: TensorIdx,
        out: TensorIdx,
        mask: TensorIdx,
    },
    /// `b -= floor(rate * G_b * qas + u)`.
    BiasUpdate { layer: u32, gradient: TensorIdx },
    /// `G_x = convT(g_acc, W)`; added to what `out` holds where `accumulate`.
    ConvBackwardInput {
        layer: u32,
        gradient: TensorIdx,
        out: TensorIdx,
        accumulate: bool,
    },
    /// `W -= floor(rate * G_W * qas + u)`, one tile of the gradient at a time.
    WeightUpdate {
        layer: u32,
        x: TensorIdx,
        gradient: TensorIdx,
        scratch: TensorIdx,
    },
    /// Gradients at the inputs of a residual add; `shortcut` takes the place of the gradient
    /// at the sum, and `branch` does so where the shortcut needs none.
    AddBackward {
        add: u32,
        gradient: TensorIdx,
        shortcut: Option<TensorIdx>,
        branch: Option<TensorIdx>,
        mask: TensorIdx,
    },
}

/// How an operation touches a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads it.
    Read,
    /// Writes all of it.
    Write,
    /// Changes what it holds.
    ReadWrite,
}

/// A tensor as an operation uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Which tensor.
    pub tensor: TensorIdx,
    /// How it is touched.
    pub access: Access,
    /// Element type that the operation expects.
    pub dtype: DType,
    /// Number of elements that the operation expects.
    pub n_elements: usize,
}

/// The operands of one operation.
#[derive(Clone, Copy, Debug)]
pub struct Operands {
    items: [Option<Operand>; Self::MAX],
    len: usize,
}

impl Operands {
    const MAX: usize = 8;

    fn new() -> Self {
        Self {
            items: [None; Self::MAX],
            len: 0,
        }
    }

    fn push(&mut self, tensor: TensorIdx, access: Access, dtype: DType, n_elements: usize) {
        self.items[self.len] = Some(Operand {
            tensor,
            access,
            dtype,
            n_elements,
        });
        self.len += 1;
    }

    fn push_if(
        &mut self,
        tensor: Option<TensorIdx>,
        access: Access,
        dtype: DType,
        n_elements: usize,
    ) {
        if let Some(tensor) = tensor {
            self.push(tensor, access, dtype, n_elements);
        }
    }

    /// The operands.
    pub fn iter(&self) -> impl Iterator<Item = Operand> + '_ {
        self.items.iter().flatten().copied()
    }
}

impl Op {
    pub(crate) const WORDS: usize = 6;

    /// The part of the step.
    #[must_use]
    pub fn phase(self) -> Phase {
        match self {
            Self::Conv { .. }
            | Self::Add { .. }
            | Self::AveragePool { .. }
            | Self::SaveChannels { .. }
            | Self::Classifier { .. } => Phase::Forward,
            Self::Loss { .. } => Phase::Loss,
            _ => Phase::Backward,
        }
    }

    /// The layer that the operation is about.
    #[must_use]
    pub fn layer(self) -> Option<u32> {
        match self {
            Self::Conv { layer, .. }
            | Self::SaveChannels { layer, .. }
            | Self::MaskScale { layer, .. }
            | Self::BiasUpdate { layer, .. }
            | Self::ConvBackwardInput { layer, .. }
            | Self::WeightUpdate { layer, .. } => Some(layer),
            _ => None,
        }
    }

    /// The add that the operation is about.
    #[must_use]
    pub fn add(self) -> Option<u32> {
        match self {
            Self::Add { add, .. } | Self::AddBackward { add, .. } => Some(add),
            _ => None,
        }
    }

    /// The pair of tensors of which the second may take the place of the first.
    #[must_use]
    pub fn in_place(self) -> Option<(TensorIdx, TensorIdx)> {
        match self {
            Self::Add { a, y, .. } => Some((a, y)),
            Self::Loss {
                logits, gradient, ..
            } => Some((logits, gradient)),
            Self::MaskScale { gradient, out, .. } => Some((gradient, out)),
            Self::AddBackward {
                gradient,
                shortcut,
                branch,
                ..
            } => shortcut.or(branch).map(|out| (gradient, out)),
            _ => None,
        }
    }

    /// Every tensor that the operation touches, with the type and length it relies on.
    /// `layer` and `add` are the records that the operation names.
    #[must_use]
    pub fn operands(
        self,
        layer: Option<&LayerRecord>,
        add: Option<&AddRecord>,
        head: &HeadRecord,
    ) -> Operands {
        use Access::{Read, ReadWrite, Write};
        let mut operands = Operands::new();
        let features = head.n_features as usize;
        let classes = head.n_classes as usize;
        match (self, layer, add) {
            (
                Self::Conv {
                    x,
                    y,
                    mask,
                    scratch,
                    ..
                },
                Some(layer),
                _,
            ) => {
                operands.push(x, Read, DType::I8, layer.in_len());
                operands.push(y, Write, DType::I8, layer.out_len());
                operands.push_if(mask, Write, DType::Bit, layer.out_len());
                let bytes = scratch::conv_forward(layer);
                operands.push_if(scratch, Write, DType::I8, bytes);
                push_weight(&mut operands, layer, Read);
                operands.push_if(layer.bias_tensor, Read, DType::I32, layer.out_channels());
            }
            (Self::Add { a, b, y, mask, .. }, _, Some(add)) => {
                let len = add.len as usize;
                operands.push(a, Read, DType::I8, len);
                operands.push(b, Read, DType::I8, len);
                operands.push(y, Write, DType::I8, len);
                operands.push_if(mask, Write, DType::Bit, len);
            }
            (
                Self::AveragePool {
                    x,
                    y,
                    pixels,
                    channels,
                },
                ..,
            ) => {
                let channels = channels as usize;
                operands.push(x, Read, DType::I8, channels * pixels as usize);
                operands.push(y, Write, DType::I8, channels);
            }
            (Self::SaveChannels { x, saved, .. }, Some(layer), _) => {
                operands.push(x, Read, DType::I8, layer.in_len());
                operands.push(saved, Write, DType::I8, saved_len(layer));
            }
            (Self::Classifier { x, logits }, ..) => {
                operands.push(x, Read, DType::I8, features);
                operands.push(logits, Write, DType::F32, classes);
                push_head(&mut operands, head, Read);
            }
            (
                Self::Loss {
                    logits,
                    label,
                    gradient,
                },
                ..,
            ) => {
                operands.push(logits, Read, DType::F32, classes);
                operands.push(label, Read, DType::I32, 1);
                operands.push(gradient, Write, DType::F32, classes);
            }
            (Self::ClassifierBackwardInput { gradient, out }, ..) => {
                operands.push(gradient, Read, DType::F32, classes);
                operands.push(out, Write, DType::F32, features);
                operands.push(head.weight_tensor, Read, DType::F32, classes * features);
            }
            (Self::ClassifierUpdate { x, gradient }, ..) => {
                operands.push(x, Read, DType::I8, features);
                operands.push(gradient, Read, DType::F32, classes);
                push_head(&mut operands, head, ReadWrite);
            }
            (
                Self::AveragePoolBackward {
                    gradient,
                    out,
                    pixels,
                    channels,
                },
                ..,
            ) => {
                let channels = channels as usize;
                operands.push(gradient, Read, DType::F32, channels);
                operands.push(out, Write, DType::F32, channels * pixels as usize);
            }
            (
                Self::MaskScale {
                    gradient,
                    out,
                    mask,
                    ..
                },
                Some(layer),
                _,
            ) => {
                operands.push(gradient, Read, DType::F32, layer.out_len());
                operands.push(out, Write, DType::F32, layer.out_len());
                operands.push(mask, Read, DType::Bit, layer.out_len());
            }
            (Self::BiasUpdate { gradient, .. }, Some(layer), _) => {
                operands.push(gradient, Read, DType::F32, layer.out_len());
                operands.push_if(
                    layer.bias_tensor,
                    ReadWrite,
                    DType::I32,
                    layer.out_channels(),
                );
            }
            (
                Self::ConvBackwardInput {
                    gradient,
                    out,
                    accumulate,
                    ..
                },
                Some(layer),
                _,
            ) => {
                operands.push(gradient, Read, DType::F32, layer.out_len());
                let access = if accumulate { ReadWrite } else { Write };
                operands.push(out, access, DType::F32, layer.in_len());
                push_weight(&mut operands, layer, Read);
            }
            (
                Self::WeightUpdate {
                    x,
                    gradient,
                    scratch,
                    ..
                },
                Some(layer),
                _,
            ) => {
                operands.push(x, Read, DType::I8, saved_len(layer));
                operands.push(gradient, Read, DType::F32, layer.out_len());
                operands.push(scratch, Write, DType::F32, scratch::weight_update(layer));
                push_weight(&mut operands, layer, ReadWrite);
            }
            (
                Self::AddBackward {
                    gradient,
                    shortcut,
                    branch,
                    mask,
                    ..
                },
                _,
                Some(add),
            ) => {
                let len = add.len as usize;
                operands.push(gradient, Read, DType::F32, len);
                operands.push_if(shortcut, Write, DType::F32, len);
                operands.push_if(branch, Write, DType::F32, len);
                operands.push(mask, Read, DType::Bit, len);
            }
            // An operation without its record has no operands; the loader refuses it.
            _ => {}
        }
        operands
    }

    #[cfg(feature = "compile")]
    pub(crate) fn encode(self) -> [u32; Self::WORDS] {
        let opt = |tensor: Option<u32>| tensor.unwrap_or(NONE);
        match self {
            Self::Conv {
                layer,
                x,
                y,
                mask,
                scratch,
            } => [0, layer, x, y, opt(mask), opt(scratch)],
            Self::Add { add, a, b, y, mask } => [1, add, a, b, y, opt(mask)],
            Self::AveragePool {
                x,
                y,
                pixels,
                channels,
            } => [2, x, y, pixels, channels, NONE],
            Self::SaveChannels { layer, x, saved } => [3, layer, x, saved, NONE, NONE],
            Self::Classifier { x, logits } => [4, x, logits, NONE, NONE, NONE],
            Self::Loss {
                logits,
                label,
                gradient,
            } => [5, logits, label, gradient, NONE, NONE],
            Self::ClassifierBackwardInput { gradient, out } => [6, gradient, out, NONE, NONE, NONE],
            Self::ClassifierUpdate { x, gradient } => [7, x, gradient, NONE, NONE, NONE],
            Self::AveragePoolBackward {
                gradient,
                out,
                pixels,
                channels,
            } => [8, gradient, out, pixels, channels, NONE],
            Self::MaskScale {
                layer,
                gradient,
                out,
                mask,
            } => [9, layer, gradient, out, mask, NONE],
            Self::BiasUpdate { layer, gradient } => [10, layer, gradient, NONE, NONE, NONE],
            Self::ConvBackwardInput {
                layer,
                gradient,
                out,
                accumulate,
            } => [11, layer, gradient, out, u32::from(accumulate), NONE],
            Self::WeightUpdate {
                layer,
                x,
                gradient,
                scratch,
            } => [12, layer, x, gradient, scratch, NONE],
            Self::AddBackward {
                add,
                gradient,
                shortcut,
                branch,
                mask,
            } => [13, add, gradient, opt(shortcut), opt(branch), mask],
        }
    }

    pub(crate) fn decode(words: &[u32; Self::WORDS]) -> Option<Self> {
        let opt = |word: u32| (word != NONE).then_some(word);
        let &[kind, a, b, c, d, e] = words;
        Some(match kind {
            0 => Self::Conv {
                layer: a,
                x: b,
                y: c,
                mask: opt(d),
                scratch: opt(e),
            },
            1 => Self::Add {
                add: a,
                a: b,
                b: c,
                y: d,
                mask: opt(e),
            },
            2 => Self::AveragePool {
                x: a,
                y: b,
                pixels: c,
                channels: d,
            },
            3 => Self::SaveChannels {
                layer: a,
                x: b,
                saved: c,
            },
            4 => Self::Classifier { x: a, logits: b },
            5 => Self::Loss {
                logits: a,
                label: b,
                gradient: c,
            },
            6 => Self::ClassifierBackwardInput {
                gradient: a,
                out: b,
            },
            7 => Self::ClassifierUpdate { x: a, gradient: b },
            8 => Self::AveragePoolBackward {
                gradient: a,
                out: b,
                pixels: c,
                channels: d,
            },
            9 => Self::MaskScale {
                layer: a,
                gradient: b,
                out: c,
                mask: d,
            },
            10 => Self::BiasUpdate {
                layer: a,
                gradient: b,
            },
            11 => Self::ConvBackwardInput {
                layer: a,
                gradient: b,
                out: c,
                accumulate: d != 0,
            },
            12 => Self::WeightUpdate {
                layer: a,
                x: b,
                gradient: c,
                scratch: d,
            },
            13 => Self::AddBackward {
                add: a,
                gradient: b,
                shortcut: opt(c),
                branch: opt(d),
                mask: e,
            },
            _ => return None,
        })
    }
}

/// Elements of the saved activation: the trainable channels of every input pixel.
fn saved_len(layer: &LayerRecord) -> usize {
    layer.input[0] as usize * layer.input[1] as usize * layer.n_trainable as usize
}

fn push_weight(operands: &mut Operands, layer: &LayerRecord, access: Access) {
    let n_elements = layer.weight_len(layer.n_trainable as usize);
    operands.push_if(layer.weight_tensor, access, DType::I8, n_elements);
}

fn push_head(operands: &mut Operands, head: &HeadRecord, access: Access) {
    let classes = head.n_classes as usize;
    operands.push(
        head.weight_tensor,
        access,
        DType::F32,
        classes * head.n_features as usize,
    );
    operands.push(head.bias_tensor, access, DType::F32, classes);
}
