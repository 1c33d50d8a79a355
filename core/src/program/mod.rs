//! The compiled program: operations, tensors and constants, used in place.
//!
//! A program is one little-endian byte image without pointers (layout: [`image`]). It is checked
//! once, when it is parsed; after that the runtime runs it without a failing path.

mod check;
pub mod image;
mod layer;
mod op;
mod tensor;
mod view;

#[cfg(feature = "compile")]
pub(crate) use check::MAX_REDUCTION;
pub use check::ProgramError;
pub use layer::{AddRecord, HeadRecord, LayerRecord, Meta, Settings};
pub use op::{Access, Op, Operand, Operands, Phase};
pub use tensor::{DType, Role, TensorRecord};
pub use view::Program;
#[cfg(feature = "compile")]
pub(crate) use view::identity;

/// Index of a tensor in the program.
pub type TensorIdx = u32;
