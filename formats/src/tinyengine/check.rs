//! What the passes rely on: that an operator's tensors fit each other.

use super::error::{Problem, TinyEngineError};
use super::graph::{Node, Value, ValueId};
use super::op::Op;
use super::reader::Place;

/// Checks axes, groups and numbers of elements, and tells depthwise convolutions from others.
///
/// # Errors
/// Names the tensor and the field that do not fit.
pub(super) fn check(
    values: &[Value],
    place: Place<'_>,
    node: &mut Node,
) -> Result<(), TinyEngineError> {
    let at = |id: ValueId| Place {
        tensor: Some(&values[id].name),
        ..place
    };
    let elements = |slot: usize| node.inputs.get(slot).map_or(0, |&id| values[id].n_elements);
    let result = &values[node.result];
    if node.op.is_convolution() || node.op == Op::Add {
        for id in [node.inputs[0], node.result] {
            if values[id].shape.len() != 4 {
                return Err(at(id).field("shape", "4 numbers"));
            }
        }
    }
    let is_depthwise = node.groups > 1
        && node.groups == values[node.inputs[0]].channels()
        && node.groups == result.channels();
    match node.op {
        Op::Convolution if is_depthwise => node.op = Op::DepthwiseConvolution,
        Op::Convolution if node.groups != 1 => {
            return Err(place.field("groups", "1, or the number of channels"));
        }
        Op::GroupConvolution if node.groups == 1 => {
            return Err(place.field("groups", "more than 1"));
        }
        _ => {}
    }
    let first = elements(0);
    let (expected, n_inputs) = match node.op {
        Op::Truncate
        | Op::Reshape
        | Op::Cast
        | Op::LogSoftmax
        | Op::Exp
        | Op::Negative
        | Op::Transpose
        | Op::GreaterEqual
        | Op::LessEqual
        | Op::Divide => (first, 1),
        Op::Add | Op::Subtract => (first, 2),
        Op::Where => (first, 3),
        Op::Multiply => (first.max(elements(1)), 0),
        Op::Sum | Op::Mean | Op::StridedSlice => (result.n_elements.min(first), 0),
        _ => (result.n_elements, 0),
    };
    let inputs = node.inputs.iter().take(n_inputs);
    for &id in inputs.chain([&node.result]) {
        let found = values[id].n_elements;
        if found != expected {
            return Err(at(id).error(Problem::Elements { expected, found }));
        }
    }
    Ok(())
}
