//! Networks of `mit-han-lab/tiny-training`: a zip, as `PyTorch` writes it, around one pickle of
//! dictionaries and numpy arrays (`docs/formats.md`).
//!
//! A pickle is a program for a small stack machine, and an ordinary reader of pickles would call
//! whatever function the file names. This one has no functions to call: it knows seven names,
//! which make numpy arrays, element types, numbers and dictionaries, and it refuses every other
//! one. Nothing is allocated by a length that is not covered by bytes of the file, and what is
//! unpacked and decoded is at most [`MAX_DECODED`] bytes in all.

mod archive;
mod array;
mod assemble;
mod budget;
mod conv;
mod error;
mod fields;
mod pickle;
mod place;

pub use array::{ArrayShape, ElementType};
pub use budget::MAX_DECODED;
pub use error::{ArchiveError, Excerpt, FieldError, PickleError, TinyTrainingError};
pub use pickle::Kind;
pub use place::{Layer, Place};

use quartermeg_core::network::Network;

use budget::Budget;

/// Whether `bytes` start like a zip, which is all that can be said before it is read.
#[must_use]
pub fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Reads a network and calls it `name`.
///
/// It keeps its own int8 classifier, whose classes are called by their numbers;
/// [`Network::with_new_classifier`] puts another one in its place.
///
/// # Errors
/// What is wrong, and at which byte of the pickle or in which field of which layer.
pub fn read(name: &str, bytes: &[u8]) -> Result<Network, TinyTrainingError> {
    let mut budget = Budget::new();
    let pickle = archive::pickle_of(bytes, &mut budget)?;
    let pickle = pickle::read(&pickle, &mut budget)?;
    assemble::network(name, &pickle, &mut budget)
}
