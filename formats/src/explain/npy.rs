//! Sentences about arrays of numpy that were refused.

use super::{bytes, number};
use crate::npy::NpyError;

/// An array of numpy that was refused.
#[must_use]
pub fn npy(error: &NpyError) -> String {
    match error {
        NpyError::Foreign => "It is not an array of numpy (.npy); write it with numpy.save.".into(),
        NpyError::Version { found } => {
            format!("It is of version {found}, but versions 1 and 2 are read; save it again.")
        }
        NpyError::Header => "Its header is damaged; save it again.".into(),
        NpyError::Type { found } => format!(
            "Its elements are of type {found}; samples are int8, uint8 or float32, labels whole \
             numbers."
        ),
        NpyError::Columns => {
            "It is stored column by column; save numpy.ascontiguousarray of it.".into()
        }
        NpyError::Length { expected, found } => {
            let expected = expected.map_or_else(
                || "more than there can be".to_owned(),
                |expected| bytes(expected as u64),
            );
            format!(
                "Its shape calls for {expected}, but it holds {}; save it again.",
                bytes(*found as u64)
            )
        }
        NpyError::Shape {
            found,
            expected: [h, w, c],
        } => format!(
            "Its shape is {found:?}, but the network reads [n, {h}, {w}, {c}]: n samples of \
             height, width and channels."
        ),
        NpyError::Value { position } => format!(
            "Element {} is not a finite number, or a negative label.",
            number(*position as u64)
        ),
        NpyError::Labels { expected, found } => format!(
            "Its shape is {found:?}, but labels are one number for each of the {} samples.",
            number(*expected as u64)
        ),
    }
}
