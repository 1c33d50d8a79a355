//! The operations of a program.

use super::TensorIdx;
use super::layer::NONE;

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
    /// `y = clamp(requantize(conv(x - z_x, W) + b))`, and the clamp's mask where it is needed;
    /// `again` in the backward pass, instead of keeping `y`.
    Conv {
        layer: u32,
        x: TensorIdx,
        y: TensorIdx,
        mask: Option<TensorIdx>,
        scratch: Option<TensorIdx>,
        again: bool,
    },
    /// `n_layers` frozen convolutions from `first` on, and the residual add behind them, row by
    /// row; `y` may take the place of `x` where [`Stream::may_overwrite`](super::Stream) says so.
    Stream {
        first: u32,
        n_layers: u32,
        add: Option<u32>,
        x: TensorIdx,
        y: TensorIdx,
        scratch: TensorIdx,
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
    /// Mean or maximum over windows.
    Pool {
        pool: u32,
        x: TensorIdx,
        y: TensorIdx,
        mask: Option<TensorIdx>,
    },
    /// Keeps the trainable channels of `x` for the weight gradient of `layer`; `again` where `x`
    /// was computed again.
    SaveChannels {
        layer: u32,
        x: TensorIdx,
        saved: TensorIdx,
        again: bool,
    },
    /// f32 logits from dequantized features.
    Classifier { x: TensorIdx, logits: TensorIdx },
    /// f32 logits from the codes of an int8 head.
    Logits { x: TensorIdx, logits: TensorIdx },
    /// Loss, and its gradient with respect to the logits, which takes their place.
    Loss {
        logits: TensorIdx,
        label: TensorIdx,
        gradient: TensorIdx,
    },
    /// Gradient at the codes of an int8 head.
    LogitsBackward { gradient: TensorIdx, out: TensorIdx },
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
    /// Gradient at the input of a pool over windows; a maximum passes it to the first code that
    /// attains it, which `x` tells.
    PoolBackward {
        pool: u32,
        x: Option<TensorIdx>,
        gradient: TensorIdx,
        out: TensorIdx,
        mask: TensorIdx,
    },
    /// `g_acc = mask * g_y * m[c]`, in place; of int8 gradients only the mask is applied, and
    /// `m[c]` when they are used.
    MaskScale {
        layer: u32,
        gradient: TensorIdx,
        out: TensorIdx,
        mask: TensorIdx,
    },
    /// `b -= floor(rate * G_b * qas + u)`.
    BiasUpdate { layer: u32, gradient: TensorIdx },
    /// `G_b`, as a tensor of its own.
    BiasGradient {
        layer: u32,
        gradient: TensorIdx,
        out: TensorIdx,
    },
    /// The update of [`Self::BiasUpdate`] by a gradient `G_b` that is a tensor.
    BiasApply { layer: u32, gradient: TensorIdx },
    /// `G_x = convT(g_acc, W)`; added to what `out` holds where `accumulate`.
    ConvBackwardInput {
        layer: u32,
        gradient: TensorIdx,
        out: TensorIdx,
        accumulate: bool,
        scratch: Option<TensorIdx>,
    },
    /// `W -= floor(rate * G_W * qas + u)`, one tile of the gradient at a time.
    WeightUpdate {
        layer: u32,
        x: TensorIdx,
        gradient: TensorIdx,
        scratch: TensorIdx,
    },
    /// `G_W`, as a tensor of its own: the tiles of [`Self::WeightUpdate`] one behind the other.
    WeightGradient {
        layer: u32,
        x: TensorIdx,
        gradient: TensorIdx,
        out: TensorIdx,
    },
    /// The update of [`Self::WeightUpdate`] by a gradient `G_W` that is a tensor.
    WeightApply { layer: u32, gradient: TensorIdx },
    /// The backward pass of an inverted-residual block hidden channel by hidden channel, of f32
    /// gradients. `first` is its expansion, behind which stand its depthwise convolution and its
    /// projection; `gradient` is the masked and scaled gradient at the output of the projection,
    /// whose own updates are other operations. Gives the gradient at the block's input, and
    /// updates the other two layers. Without `expand_mask` no gradient is needed before the
    /// depthwise convolution. `tile` hidden channels are at work at once.
    BlockBackward {
        first: u32,
        gradient: TensorIdx,
        out: Option<TensorIdx>,
        accumulate: bool,
        expand_mask: Option<TensorIdx>,
        expand_x: Option<TensorIdx>,
        depthwise_mask: TensorIdx,
        depthwise_x: Option<TensorIdx>,
        scratch: TensorIdx,
        tile: u32,
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

impl Op {
    pub(crate) const WORDS: usize = 11;

    /// The part of the step.
    #[must_use]
    pub fn phase(self) -> Phase {
        match self {
            Self::Conv { again: true, .. } | Self::SaveChannels { again: true, .. } => {
                Phase::Backward
            }
            Self::Conv { .. }
            | Self::Stream { .. }
            | Self::Add { .. }
            | Self::AveragePool { .. }
            | Self::Pool { .. }
            | Self::SaveChannels { .. }
            | Self::Classifier { .. }
            | Self::Logits { .. } => Phase::Forward,
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
            | Self::BiasGradient { layer, .. }
            | Self::BiasApply { layer, .. }
            | Self::ConvBackwardInput { layer, .. }
            | Self::WeightUpdate { layer, .. }
            | Self::WeightGradient { layer, .. }
            | Self::WeightApply { layer, .. } => Some(layer),
            _ => None,
        }
    }

    /// The add that the operation is about.
    #[must_use]
    pub fn add(self) -> Option<u32> {
        match self {
            Self::Add { add, .. } | Self::AddBackward { add, .. } => Some(add),
            Self::Stream { add, .. } => add,
            _ => None,
        }
    }

    /// The pool over windows that the operation is about.
    #[must_use]
    pub fn pool(self) -> Option<u32> {
        match self {
            Self::Pool { pool, .. } | Self::PoolBackward { pool, .. } => Some(pool),
            _ => None,
        }
    }

    /// Whether it does nothing but change parameters.
    #[cfg(feature = "compile")]
    pub(crate) fn is_update(self) -> bool {
        matches!(
            self,
            Self::ClassifierUpdate { .. }
                | Self::BiasUpdate { .. }
                | Self::BiasApply { .. }
                | Self::WeightUpdate { .. }
                | Self::WeightApply { .. }
        )
    }

    /// The pair of tensors of which the second may take the place of the first.
    #[must_use]
    pub fn in_place(self) -> Option<(TensorIdx, TensorIdx)> {
        match self {
            Self::Add { a, y, .. } => Some((a, y)),
            Self::Stream { x, y, .. } => Some((x, y)),
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

    #[cfg(feature = "compile")]
    pub(crate) fn encode(self) -> [u32; Self::WORDS] {
        let opt = |tensor: Option<u32>| tensor.unwrap_or(NONE);
        let fields: [u32; 6] = match self {
            Self::BlockBackward {
                first,
                gradient,
                out,
                accumulate,
                expand_mask,
                expand_x,
                depthwise_mask,
                depthwise_x,
                scratch,
                tile,
            } => {
                let accumulate = u32::from(accumulate);
                return [
                    self.kind(),
                    first,
                    gradient,
                    opt(out),
                    accumulate,
                    opt(expand_mask),
                    opt(expand_x),
                    depthwise_mask,
                    opt(depthwise_x),
                    scratch,
                    tile,
                ];
            }
            Self::Conv {
                layer,
                x,
                y,
                mask,
                scratch,
                again,
            } => [layer, x, y, opt(mask), opt(scratch), u32::from(again)],
            Self::Stream {
                first,
                n_layers,
                add,
                x,
                y,
                scratch,
            } => [first, n_layers, opt(add), x, y, scratch],
            Self::Add { add, a, b, y, mask } => [add, a, b, y, opt(mask), NONE],
            Self::AveragePool {
                x,
                y,
                pixels,
                channels,
            } => [x, y, pixels, channels, NONE, NONE],
            Self::SaveChannels {
                layer,
                x,
                saved,
                again,
            } => [layer, x, saved, u32::from(again), NONE, NONE],
            Self::Classifier { x, logits } | Self::Logits { x, logits } => {
                [x, logits, NONE, NONE, NONE, NONE]
            }
            Self::Loss {
                logits,
                label,
                gradient,
            } => [logits, label, gradient, NONE, NONE, NONE],
            Self::ClassifierBackwardInput { gradient, out }
            | Self::LogitsBackward { gradient, out } => [gradient, out, NONE, NONE, NONE, NONE],
            Self::ClassifierUpdate { x, gradient } => [x, gradient, NONE, NONE, NONE, NONE],
            Self::AveragePoolBackward {
                gradient,
                out,
                pixels,
                channels,
            } => [gradient, out, pixels, channels, NONE, NONE],
            Self::MaskScale {
                layer,
                gradient,
                out,
                mask,
            } => [layer, gradient, out, mask, NONE, NONE],
            Self::BiasUpdate { layer, gradient }
            | Self::BiasApply { layer, gradient }
            | Self::WeightApply { layer, gradient } => [layer, gradient, NONE, NONE, NONE, NONE],
            Self::BiasGradient {
                layer,
                gradient,
                out,
            } => [layer, gradient, out, NONE, NONE, NONE],
            Self::WeightGradient {
                layer,
                x,
                gradient,
                out,
            } => [layer, x, gradient, out, NONE, NONE],
            Self::ConvBackwardInput {
                layer,
                gradient,
                out,
                accumulate,
                scratch,
            } => [
                layer,
                gradient,
                out,
                u32::from(accumulate),
                opt(scratch),
                NONE,
            ],
            Self::WeightUpdate {
                layer,
                x,
                gradient,
                scratch,
            } => [layer, x, gradient, scratch, NONE, NONE],
            Self::AddBackward {
                add,
                gradient,
                shortcut,
                branch,
                mask,
            } => [add, gradient, opt(shortcut), opt(branch), mask, NONE],
            Self::Pool { pool, x, y, mask } => [pool, x, y, opt(mask), NONE, NONE],
            Self::PoolBackward {
                pool,
                x,
                gradient,
                out,
                mask,
            } => [pool, opt(x), gradient, out, mask, NONE],
        };
        let [a, b, c, d, e, f] = fields;
        [self.kind(), a, b, c, d, e, f, NONE, NONE, NONE, NONE]
    }

    /// The number of an operation in an image.
    #[cfg(feature = "compile")]
    fn kind(self) -> u32 {
        match self {
            Self::Conv { .. } => 0,
            Self::Add { .. } => 1,
            Self::AveragePool { .. } => 2,
            Self::SaveChannels { .. } => 3,
            Self::Classifier { .. } => 4,
            Self::Loss { .. } => 5,
            Self::ClassifierBackwardInput { .. } => 6,
            Self::ClassifierUpdate { .. } => 7,
            Self::AveragePoolBackward { .. } => 8,
            Self::MaskScale { .. } => 9,
            Self::BiasUpdate { .. } => 10,
            Self::ConvBackwardInput { .. } => 11,
            Self::WeightUpdate { .. } => 12,
            Self::AddBackward { .. } => 13,
            Self::Logits { .. } => 14,
            Self::LogitsBackward { .. } => 15,
            Self::Pool { .. } => 16,
            Self::PoolBackward { .. } => 17,
            Self::Stream { .. } => 18,
            Self::BlockBackward { .. } => 19,
            Self::BiasGradient { .. } => 20,
            Self::BiasApply { .. } => 21,
            Self::WeightGradient { .. } => 22,
            Self::WeightApply { .. } => 23,
        }
    }

    pub(crate) fn decode(words: &[u32; Self::WORDS]) -> Option<Self> {
        let opt = |word: u32| (word != NONE).then_some(word);
        let &[kind, a, b, c, d, e, f, g, h, i, j] = words;
        Some(match kind {
            0 => Self::Conv {
                layer: a,
                x: b,
                y: c,
                mask: opt(d),
                scratch: opt(e),
                again: f != 0,
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
                again: d != 0,
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
                scratch: opt(e),
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
            14 => Self::Logits { x: a, logits: b },
            15 => Self::LogitsBackward {
                gradient: a,
                out: b,
            },
            16 => Self::Pool {
                pool: a,
                x: b,
                y: c,
                mask: opt(d),
            },
            17 => Self::PoolBackward {
                pool: a,
                x: opt(b),
                gradient: c,
                out: d,
                mask: e,
            },
            18 => Self::Stream {
                first: a,
                n_layers: b,
                add: opt(c),
                x: d,
                y: e,
                scratch: f,
            },
            20 => Self::BiasGradient {
                layer: a,
                gradient: b,
                out: c,
            },
            21 => Self::BiasApply {
                layer: a,
                gradient: b,
            },
            22 => Self::WeightGradient {
                layer: a,
                x: b,
                gradient: c,
                out: d,
            },
            23 => Self::WeightApply {
                layer: a,
                gradient: b,
            },
            19 => Self::BlockBackward {
                first: a,
                gradient: b,
                out: opt(c),
                accumulate: d != 0,
                expand_mask: opt(e),
                expand_x: opt(f),
                depthwise_mask: g,
                depthwise_x: opt(h),
                scratch: i,
                tile: j,
            },
            _ => return None,
        })
    }
}
