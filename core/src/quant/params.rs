//! Affine quantization parameters of a tensor.

/// Output channels whose weight scale lies below this are dead: QAS would multiply their
/// gradient by more than 1e12, so they are never updated.
pub const DEAD_CHANNEL_SCALE: f32 = 1e-6;

/// Per-tensor affine parameters: `real = scale * (code - zero_point)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantParams {
    /// Real value of one code step; finite and above zero.
    pub scale: f32,
    /// Code of the real value zero, in `-128..=127`.
    pub zero_point: i32,
}

/// `s_x * s_w / s_y` in f64.
#[cfg(feature = "compile")]
pub(crate) fn real_scale(x: QuantParams, weight_scale: f32, y: QuantParams) -> f64 {
    f64::from(x.scale) * f64::from(weight_scale) / f64::from(y.scale)
}

/// A real scale as the program stores it; infinite where it does not fit.
#[cfg(feature = "compile")]
pub(crate) fn effective_scale(real: f64) -> f32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the rule: rounded once to f32"
    )]
    let scale = real as f32;
    scale
}
