//! A reader of pickles that builds data only: the stack machine without the functions.
//!
//! It follows Python's documentation of the instructions. What data of numpy does not need is
//! refused, above all classes of one's own and references to other files.

mod call;
mod cursor;
mod machine;
mod opcode;
mod value;

pub use value::Kind;
pub(super) use value::{Buffer, Pickle, Value};

use super::budget::Budget;
use super::error::TinyTrainingError;

/// Reads a pickle up to its end mark; what follows is ignored, as Python does.
pub(super) fn read<'a>(
    bytes: &'a [u8],
    budget: &mut Budget,
) -> Result<Pickle<'a>, TinyTrainingError> {
    machine::Machine::new(bytes, budget).run()
}
