//! The words of the field, each explained once.

/// A word that explains itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    UpdatePolicy,
    ChannelRatio,
    SavedActivation,
    Arena,
    Lifetime,
    Peak,
    Qas,
    Scale,
    ZeroPoint,
    Requantize,
}

impl Entry {
    /// The word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::UpdatePolicy => "update policy",
            Self::ChannelRatio => "channel ratio",
            Self::SavedActivation => "saved activation",
            Self::Arena => "arena",
            Self::Lifetime => "lifetime",
            Self::Peak => "peak",
            Self::Qas => "QAS",
            Self::Scale => "scale",
            Self::ZeroPoint => "zero point",
            Self::Requantize => "requantize",
        }
    }

    /// What it means.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::UpdatePolicy => {
                "Which parameters a training step changes: for each layer nothing, the bias, or \
                 the bias and a share of the weights. The paper calls it a sparse update scheme."
            }
            Self::ChannelRatio => {
                "The share of a layer's input channels whose weights learn. At 1/4, a quarter of \
                 the channels is updated, and only they have to be kept for the gradient."
            }
            Self::SavedActivation => {
                "An output of the forward pass that has to stay in memory until the backward pass \
                 has formed the weight gradient from it. This is what makes training expensive."
            }
            Self::Arena => {
                "The one block of memory that a training step writes to. Every tensor has a fixed \
                 place in it, chosen before the first step."
            }
            Self::Lifetime => {
                "The operations from the first to the last that need a tensor. Tensors whose \
                 lifetimes do not meet may take the same bytes."
            }
            Self::Peak => {
                "The moment of a step at which most bytes are live. It decides how large the \
                 arena has to be."
            }
            Self::Qas => {
                "Quantization-aware scaling. Integer weights are larger than the real ones by \
                 1/scale, and their gradients smaller by scale; QAS divides each gradient by the \
                 square of the scale, which restores the proportion of the float network."
            }
            Self::Scale => {
                "The real number that one step of an integer stands for: \
                 real = scale × (integer − zero point)."
            }
            Self::ZeroPoint => "The integer that stands for the real number 0.",
            Self::Requantize => {
                "To bring the 32-bit sum of a layer back to 8 bits: multiply by a fixed-point \
                 number, round, add the zero point, clamp."
            }
        }
    }
}
