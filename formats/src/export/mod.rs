//! What leaves Quartermeg besides the configuration and the program: C and Rust sources, the
//! options of `tiny-training`, weights, reports and the memory map (`docs/formats.md`).
//!
//! Every export carries a [`Stamp`]; two exports of the same program are the same bytes.

mod arrays;
pub mod c;
mod error;
pub mod files;
pub mod identify;
pub mod map;
pub mod png;
pub mod report;
pub mod rust;
mod stamp;
pub mod svg;
pub mod weights;
pub mod yaml;

pub use error::{ExportError, WeightsError, YamlError};
pub use stamp::{FORMAT_VERSION, Stamp};
