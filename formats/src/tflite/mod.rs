//! Importer for int8 `.tflite` files: a flatbuffer of operators becomes a [`Network`]
//! (`docs/formats.md`).
//!
//! A tensor of the file is a *view* of a value of the network. Operators that only regroup or
//! reorder codes make another view and no node; operators that compute make a node and a value.

mod edges;
mod error;
mod filters;
mod flatbuffer;
mod importer;
mod merge;
mod pools;
mod quant;
mod relabel;
mod schema;
mod view;
mod window;

pub use error::{OperatorProblem, Place, TensorProblem, TfliteError};
use quartermeg_core::network::Network;

/// The identifier of the format, at byte 4.
const IDENTIFIER: &[u8] = b"TFL3";

/// Whether `bytes` carry the identifier of a `.tflite` file.
#[must_use]
pub fn is_tflite(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(IDENTIFIER)
}

/// Reads an int8 network; its classes are named `0`, `1`, ...
///
/// # Errors
/// What is wrong with the file or not supported, and which operator or tensor.
pub fn read(name: &str, bytes: &[u8]) -> Result<Network, TfliteError> {
    if !is_tflite(bytes) {
        return Err(TfliteError::NotTflite);
    }
    importer::import(name, bytes).map_err(|refusal| *refusal.0)
}
