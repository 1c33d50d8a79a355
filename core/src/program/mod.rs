//! The compiled program: operations, tensors and constants, used in place.
//!
//! A program is one little-endian byte image without pointers (layout: [`image`]). It is checked
//! once, when it is parsed; after that the runtime runs it without a failing path.

mod block;
mod check;
mod geometry;
pub mod image;
mod layer;
mod meta;
mod op;
mod operands;
mod pool;
mod settings;
mod stream;
mod tensor;
mod view;

pub use block::{Block, BlockMacs};
#[cfg(feature = "compile")]
pub(crate) use check::MAX_REDUCTION;
pub use check::ProgramError;
pub use geometry::Geometry;
pub use layer::{AddRecord, LayerRecord};
pub use meta::{ClassifierRecord, HeadRecord, Meta};
pub use op::{Op, Phase};
pub use operands::{Access, Operand, Operands, Records};
pub use pool::PoolRecord;
pub use settings::{Schedule, Settings};
pub use stream::{MAX_STREAM_LAYERS, Stream};
pub use tensor::{DType, Role, TensorRecord};
pub use view::Program;
#[cfg(feature = "compile")]
pub(crate) use view::identity;

/// Index of a tensor in the program.
pub type TensorIdx = u32;
