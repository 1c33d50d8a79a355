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
