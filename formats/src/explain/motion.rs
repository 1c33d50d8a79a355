//! Sentences about recordings that were refused.

use super::number;
use crate::motion::{Description, RecordingError};

/// A recording in CSV that was refused; the description says what it should hold.
#[must_use]
pub fn recording(error: &RecordingError, description: &Description) -> String {
    match error {
        RecordingError::Text => "It is not UTF-8 text; save it as CSV again.".into(),
        RecordingError::Columns {
            line,
            expected,
            found,
        } => {
            let names: Vec<&str> = description
                .channels
                .iter()
                .map(|channel| channel.name.as_str())
                .collect();
            format!(
                "Line {line} has {found} {}, but a row has {expected}: {}.",
                if *found == 1 { "column" } else { "columns" },
                names.join(", ")
            )
        }
        RecordingError::Number {
            line,
            column,
            found,
        } => format!("Line {line}, column {column}, holds \"{found}\", which is no number."),
        RecordingError::TooShort { found, needed } => format!(
            "It has {} {} of numbers, but {needed} are needed: {} s at {} Hz.",
            number(*found as u64),
            if *found == 1 { "row" } else { "rows" },
            description.seconds(*needed),
            description.rate_hz
        ),
        RecordingError::TooLong { most } => {
            format!("It has more than {} rows; split it.", number(*most as u64))
        }
    }
}
