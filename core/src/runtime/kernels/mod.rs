//! Compute kernels. [`Reference`] is the specification: plain loops. [`Blocked`] computes the
//! same bits in tiles of vector lanes; its lanes are those of the host ([`Portable`]) or 128-bit
//! WebAssembly SIMD (`Simd128`).

mod blocked;
pub(super) mod geometry;
mod lanes;
mod reference;

use crate::program::{AddRecord, LayerRecord};
use crate::quant::{ElementwiseRule, Requantize};

pub use blocked::Blocked;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub use lanes::Wasm;
pub use lanes::{Arrays, Host};
pub use reference::Reference;

/// Tiled kernels on what every machine of the target has: SSE2 on x86-64, arrays elsewhere.
pub type Portable = Blocked<Host>;
/// Tiled kernels on 128-bit WebAssembly SIMD.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub type Simd128 = Blocked<Wasm>;

/// The fastest kernels of the target.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub type Native = Simd128;
/// The fastest kernels of the target.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub type Native = Portable;

/// The two sources of a layer's weight (see [`LayerRecord`]).
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// `[O, taps, n_frozen]`; depthwise `[taps, n_frozen]`.
    pub frozen: &'a [i8],
    /// `[O, taps, n_trainable]`; depthwise `[taps, n_trainable]`.
    pub trainable: Codes<'a>,
    /// Original index of each channel, frozen ones first; `None` where that is the order.
    pub channels: Option<&'a [u16]>,
}

/// Weight codes: int8, or int16 where they are rounded from f32 masters.
#[derive(Clone, Copy, Debug)]
pub enum Codes<'a> {
    /// int8.
    Narrow(&'a [i8]),
    /// int16.
    Wide(&'a [i16]),
}

impl Codes<'_> {
    /// One code.
    #[inline(always)]
    fn at(&self, index: usize) -> i32 {
        match self {
            Self::Narrow(codes) => i32::from(codes[index]),
            Self::Wide(codes) => i32::from(codes[index]),
        }
    }
}

/// The gradient at the output of a layer as codes; its own scale is left out.
#[derive(Clone, Copy, Debug)]
pub struct CodeGradient<'a> {
    /// NHWC.
    pub codes: &'a [i8],
    /// What the codes of each output channel are multiplied by.
    pub scales: &'a [f32],
}

/// What the sum of an input gradient does with what its place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accumulate {
    /// Takes its place.
    No,
    /// Is added to it when it is complete.
    After,
    /// Goes on from it: these are the next output channels of one sum.
    Within,
}

impl Accumulate {
    /// What the sum starts with where `held` is there.
    #[inline(always)]
    fn start(self, held: f32) -> f32 {
        if self == Self::Within { held } else { 0.0 }
    }

    /// What is stored where `held` is there.
    #[inline(always)]
    fn end(self, held: f32, sum: f32) -> f32 {
        if self == Self::After { held + sum } else { sum }
    }
}

/// Every loop of a step that is worth a second implementation.
///
/// Activations and gradients are NHWC of the layer's shapes. An empty mask is not written.
pub trait Kernels {
    /// Name in reports.
    const NAME: &'static str;

    /// Ordinary or pointwise convolution with requantization.
    /// `scratch` has room for the tiles of [`super::scratch::conv_tiles`].
    fn conv_forward(
        layer: &LayerRecord,
        weights: Weights<'_>,
        requantize: &Requantize<'_>,
        x: &[i8],
        y: &mut [i8],
        mask: &mut [u8],
        scratch: &mut [i16],
    );

    /// Depthwise convolution with requantization; `weights` is `[taps, C]`.
    fn depthwise_forward(
        layer: &LayerRecord,
        weights: Codes<'_>,
        requantize: &Requantize<'_>,
        x: &[i8],
        y: &mut [i8],
        mask: &mut [u8],
    );

    /// `y = add(y, b)`.
    fn add_forward(add: &AddRecord, rule: ElementwiseRule, y: &mut [i8], b: &[i8], mask: &mut [u8]);

    /// Gradient at the input of an ordinary convolution. Each element sums over the output
    /// channel, then ky, kx, ascending.
    fn conv_backward_input(
        layer: &LayerRecord,
        weights: Weights<'_>,
        gradient: &[f32],
        out: &mut [f32],
        accumulate: Accumulate,
    );

    /// Gradient at the input of a depthwise convolution; sums over ky, kx, and is stored, or added
    /// to what `out` holds where `accumulate`.
    fn depthwise_backward_input(
        layer: &LayerRecord,
        weights: Weights<'_>,
        gradient: &[f32],
        out: &mut [f32],
        accumulate: bool,
    );

    /// Gradient at the input of any convolution where the gradient at its output is stored as
    /// codes: as above, of `code * scale`. `sink` takes pixel, channel and sum of each element,
    /// once; `row` is scratch for one input pixel.
    fn backward_input_of_codes(
        layer: &LayerRecord,
        weights: Weights<'_>,
        gradient: CodeGradient<'_>,
        row: &mut [f32],
        sink: &mut impl FnMut(usize, usize, f32),
    );

    /// Gradient of the trainable weights of output channels `first_output..`, one row of
    /// `[taps, n_trainable]` each; `rows` holds a whole number of rows, at most
    /// [`super::scratch::ROW_TILE`]. Sums over y, then x. `x` holds the trainable channels.
    fn conv_weight_gradient(
        layer: &LayerRecord,
        x: &[i8],
        gradient: &[f32],
        first_output: usize,
        rows: &mut [f32],
    );

    /// Gradient of the depthwise weights of trainable channels `first..first + n`, as
    /// `[taps, n]`; `n` is at most [`super::scratch::CHANNEL_TILE`] and `rows.len() / taps`.
    /// `channels` is the original index of each trainable channel. A pixel of `x` has
    /// `n_trainable` codes, one of `gradient` as many values as the layer has outputs.
    fn depthwise_weight_gradient(
        layer: &LayerRecord,
        channels: Option<&[u16]>,
        x: &[i8],
        gradient: &[f32],
        first: usize,
        rows: &mut [f32],
    );
}

/// Sets bit `index` of `mask`, whose bytes were zeroed before.
#[inline(always)]
pub(crate) fn set_bit(mask: &mut [u8], index: usize, inside: bool) {
    mask[index / 8] |= u8::from(inside) << (index % 8);
}
