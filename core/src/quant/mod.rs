//! Quantization: affine parameters, roundings, and the rules in which implementations differ.

mod fixed;
mod params;
mod requantize;
mod residual;
mod round;
mod rules;
#[cfg(feature = "compile")]
mod softmax;

pub use fixed::FixedScale;
pub(crate) use fixed::high_mul;
pub use params::{DEAD_CHANNEL_SCALE, QuantParams};
#[cfg(feature = "compile")]
pub(crate) use params::{effective_scale, real_scale};
pub use requantize::{Bias, Requantize};
pub(crate) use requantize::{FIXED_LIMIT, clamp_code};
#[cfg(feature = "compile")]
pub(crate) use residual::ADD_LEFT_SHIFT;
pub use residual::Residual;
#[cfg(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "wasm32", target_feature = "simd128")
))]
pub(crate) use round::ROUND_LIMIT;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use round::ROUND_MAGIC;
pub(crate) use round::truncate;
pub use round::{half_even, mean, nearest};
pub use rules::{
    ChannelChoice, ClassifierType, DeadChannels, ElementwiseRule, GradientInput, GradientType,
    LogitScale, MasterCodes, N_RULES, Optimizer, RequantizeRule, Rules, ShortcutGradient,
    UpdateRule,
};
#[cfg(feature = "compile")]
pub use softmax::int8_softmax;
