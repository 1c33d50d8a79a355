//! Quantization: affine parameters and the rounding rules of the `device` profile.

mod params;
mod round;

#[cfg(feature = "compile")]
pub(crate) use params::effective_scale;
pub use params::{DEAD_CHANNEL_SCALE, QuantParams};
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use round::ROUND_LIMIT;
pub(crate) use round::clamp_code;
pub use round::{Requantize, half_even, mean_half_even, residual_add};
