//! Sentences about a graph of `TinyEngine` that was refused.

use super::{bytes, number};
use crate::tinyengine::{MAX_ARENA_BYTES, MAX_FILE_BYTES, MAX_OPERATORS, Problem, TinyEngineError};

/// A training graph that was refused.
#[must_use]
pub fn tinyengine(error: &TinyEngineError) -> String {
    match error {
        TinyEngineError::TooLong { bytes: found } => format!(
            "The graph has {}, but at most {} are read; choose the JSON file of the graph.",
            bytes(*found as u64),
            bytes(MAX_FILE_BYTES as u64)
        ),
        TinyEngineError::TooManyParts => format!(
            "The file has more objects, lists or elements than a graph of {} operators can have.",
            number(MAX_OPERATORS as u64)
        ),
        TinyEngineError::Json(reason) => {
            format!("The graph cannot be read: {reason}. It must be JSON.")
        }
        TinyEngineError::NotAGraph => {
            "This is JSON, but not a training graph: it must be a list of operators.".into()
        }
        TinyEngineError::TooManyOperators { found } => format!(
            "The graph has {} operators, but at most {} are read.",
            number(*found as u64),
            number(MAX_OPERATORS as u64)
        ),
        TinyEngineError::Operator {
            index,
            name,
            tensor,
            problem,
        } => {
            let mut place = format!("Operator {index}");
            if !name.is_empty() {
                place = format!("{place} \"{}\"", shortened(name));
            }
            if let Some(tensor) = tensor {
                place = format!("{place}, tensor \"{}\"", shortened(tensor));
            }
            format!("{place}: {}.", reason(problem))
        }
        TinyEngineError::NoLoss => {
            "The graph has no operator \"nn.cross_entropy_with_logits\", so there is no loss to \
             learn from; a training graph is needed."
                .into()
        }
        TinyEngineError::DoesNotFit {
            tensor,
            bytes: size,
        } => format!(
            "Tensor \"{}\" needs {}, and there is no place for it below {}.",
            shortened(tensor),
            bytes(u64::from(*size)),
            bytes(u64::from(MAX_ARENA_BYTES))
        ),
    }
}

fn reason(problem: &Problem) -> String {
    match problem {
        Problem::Field { field, expected } => {
            format!("the field \"{field}\" is missing or is not {expected}")
        }
        Problem::UnknownType { found } => format!(
            "its field \"type\" is \"{}\", a type of operator that is not known here",
            shortened(found)
        ),
        Problem::Count {
            field,
            expected,
            found,
        } => format!("the field \"{field}\" lists {found} tensors instead of {expected}"),
        Problem::NotComputed => {
            "the field \"name\" is that of no tensor that an earlier operator computes".into()
        }
        Problem::ComputedTwice => {
            "the field \"name\" is that of a tensor which is there already".into()
        }
        Problem::Differs { field } => {
            format!("the field \"{field}\" differs from where the tensor is first mentioned")
        }
        Problem::TooLarge => "the field \"shape\" has more elements than 4 GiB can hold".into(),
        Problem::Elements { expected, found } => format!(
            "the field \"shape\" has {} elements, but the operator's other tensors need {}",
            number(u64::from(*found)),
            number(u64::from(*expected))
        ),
    }
}

/// A name from outside, cut to a length that a sentence can hold.
fn shortened(name: &str) -> String {
    name.chars().take(60).collect()
}
