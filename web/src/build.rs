//! Which code this is.

/// Version of the code; page and worker come from one file, so theirs are equal unless a cache
/// has mixed two releases.
pub const ID: &str = env!("CARGO_PKG_VERSION");

/// Whether the kernels use SIMD.
pub const SIMD: bool = cfg!(target_feature = "simd128");
