//! Sentences about samples in CSV that were refused.

use super::number;
use crate::csv_samples::{CsvError, MAX_SAMPLES};

/// A file of samples in CSV that was refused.
#[must_use]
pub fn csv_samples(error: &CsvError) -> String {
    match error {
        CsvError::Text => "It is not UTF-8 text; save it as CSV again.".into(),
        CsvError::Empty => "It has no row of values.".into(),
        CsvError::TooMany => format!(
            "It has more than {} rows; split it.",
            number(MAX_SAMPLES as u64)
        ),
        CsvError::Columns {
            line,
            expected,
            found,
        } => format!(
            "Line {line} has {} values, but the network reads {}; the class may follow as one more.",
            number(*found as u64),
            number(*expected as u64)
        ),
        CsvError::Number {
            line,
            column,
            found,
        } => format!(
            "Line {line}, column {column}, holds \"{found}\", which is no number that can be used; \
             after \"# int8 codes\" values are whole numbers from -128 to 127."
        ),
        CsvError::NoClass { line } => format!("Line {line} names no class."),
    }
}
