//! Vector lanes: the few operations that tiled kernels are written in.

mod arrays;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

pub use arrays::Arrays;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub use wasm::Wasm;

/// How a layer turns four accumulators into codes under the device's rule.
#[derive(Clone, Copy, Debug)]
pub struct Requantize4 {
    /// Bias of each lane.
    pub bias: [i32; 4],
    /// Effective scale of each lane.
    pub scale: [f32; 4],
    /// Zero point of the output.
    pub zero_point: i32,
    /// Smallest and largest code.
    pub clamp: [i32; 2],
}

/// Eight int16, four int32 or four f32 values at a time.
pub trait Lanes: Copy {
    /// Name of the kernels built on these lanes.
    const NAME: &'static str;
    /// Eight int16.
    type I16: Copy;
    /// Four int32.
    type I32: Copy;
    /// Four f32.
    type F32: Copy;

    /// Widens eight codes.
    fn widen(codes: [i8; 8]) -> Self::I16;
    /// Eight int16 from memory.
    fn load_i16(values: [i16; 8]) -> Self::I16;
    /// Eight equal int16.
    fn splat_i16(value: i16) -> Self::I16;
    /// `a - b`, wrapping.
    fn sub_i16(a: Self::I16, b: Self::I16) -> Self::I16;
    /// Lane `i` is `a[2i] b[2i] + a[2i+1] b[2i+1]`.
    fn dot(a: Self::I16, b: Self::I16) -> Self::I32;
    /// Products of the lower and of the upper four.
    fn products(a: Self::I16, b: Self::I16) -> [Self::I32; 2];
    /// Four zeros.
    fn zero_i32() -> Self::I32;
    /// `a + b`, wrapping.
    fn add_i32(a: Self::I32, b: Self::I32) -> Self::I32;
    /// Four int32 to memory.
    fn store_i32(values: Self::I32) -> [i32; 4];
    /// Lane `i` is the sum of all lanes of `parts[i]`.
    fn sums(parts: [Self::I32; 4]) -> Self::I32;
    /// The lower and the upper four as f32.
    fn to_f32(values: Self::I16) -> [Self::F32; 2];
    /// Four f32 from memory.
    fn load(values: [f32; 4]) -> Self::F32;
    /// Four f32 to memory.
    fn store(values: Self::F32) -> [f32; 4];
    /// Four equal f32.
    fn splat(value: f32) -> Self::F32;
    /// `a + b`.
    fn add(a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b`.
    fn mul(a: Self::F32, b: Self::F32) -> Self::F32;
    /// Four codes, and a bit for each that lay inside the clamp.
    fn requantize(accumulators: Self::I32, rule: &Requantize4) -> ([i8; 4], u8);
}
