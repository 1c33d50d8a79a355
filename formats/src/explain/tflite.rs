//! Sentences about `.tflite` files.

use super::{bytes, network_rule};
use crate::tflite::{OperatorProblem, Place, TensorProblem, TfliteError};

/// Names of the element types, in the order of the format's schema.
const ELEMENTS: [&str; 10] = [
    "float32",
    "float16",
    "int32",
    "uint8",
    "int64",
    "string",
    "bool",
    "int16",
    "complex64",
    "int8",
];

/// A `.tflite` file that was refused.
#[must_use]
pub fn tflite(error: &TfliteError) -> String {
    match error {
        TfliteError::NotTflite => {
            "This is not a .tflite file: the identifier TFL3 is missing at byte 4.".into()
        }
        TfliteError::Layout { at } => format!(
            "The .tflite file is damaged: what stands at byte {at} leads out of the file; get it \
             again."
        ),
        TfliteError::Subgraphs { found } => format!(
            "The .tflite file has {found} subgraphs, but only one can be read; export the network \
             without control flow and without state."
        ),
        TfliteError::Ends { inputs, outputs } => format!(
            "The network has {inputs} inputs and {outputs} outputs, but must have one of each; \
             export the part that ends in the class scores."
        ),
        TfliteError::Operator { operator, problem } => format!(
            "Operator {} {}.",
            place(operator),
            operator_problem(*problem)
        ),
        TfliteError::Tensor { tensor, problem } => {
            format!("Tensor {} {}.", place(tensor), tensor_problem(*problem))
        }
        TfliteError::Network { operator, error } => {
            let subject = match operator {
                Some(operator) => format!("Operator {}", place(operator)),
                None => "The network".into(),
            };
            format!("{subject} {}.", network_rule(error))
        }
    }
}

fn place(place: &Place) -> String {
    if place.name.is_empty() {
        place.index.to_string()
    } else {
        format!("{} ({})", place.index, place.name)
    }
}

fn operator_problem(problem: OperatorProblem) -> &'static str {
    match problem {
        OperatorProblem::Unsupported => {
            "is of a kind that cannot be read; build the network from the operators in \
             docs/formats.md"
        }
        OperatorProblem::Operands => "reads or makes another number of tensors than its kind does",
        OperatorProblem::Options => "lacks the options of its kind",
        OperatorProblem::Dilation => "is dilated; use dilation 1",
        OperatorProblem::Activation => {
            "has a fused activation that is not RELU, RELU6 or RELU_N1_TO_1"
        }
        OperatorProblem::Window => "has a kernel, stride or padding that does not fit its input",
        OperatorProblem::DepthMultiplier => {
            "makes several outputs of each of several channels; use depth multiplier 1"
        }
        OperatorProblem::Groups => "reads its channels in groups; use one group",
        OperatorProblem::Dense => {
            "is a dense layer with shuffled weights, or one that does not read its whole input at \
             once"
        }
        OperatorProblem::Broadcast => "adds tensors of two shapes; make the shapes equal",
        OperatorProblem::Reshape => {
            "regroups codes between layers; only a dense layer may follow such a reshape"
        }
        OperatorProblem::Transpose => "moves codes about; keep the order height, width, channels",
        OperatorProblem::Axes => "may only take the mean over height and width",
        OperatorProblem::Padding => "may only pad height and width, by 0 to 4,095",
        OperatorProblem::Padded => "reads what PAD made; only a convolution may",
        OperatorProblem::Edge => {
            "uses real numbers or probabilities; QUANTIZE may only stand at the start of a \
             network, SOFTMAX and DEQUANTIZE at its end"
        }
        OperatorProblem::Beta => "has a beta other than 1",
    }
}

fn tensor_problem(problem: TensorProblem) -> String {
    let text = match problem {
        TensorProblem::Type { found } => {
            let found = ELEMENTS
                .get(usize::from(found))
                .unwrap_or(&"of a newer type");
            return format!(
                "is {found}, which cannot be used there; convert the network with full integer \
                 quantization (int8 activations and weights, int32 biases)"
            );
        }
        TensorProblem::Scale { channel } => {
            return format!(
                "has a scale at position {channel} that is not a positive number; quantize the \
                 network again"
            );
        }
        TensorProblem::Scales { expected, found } => {
            return format!("has {found} scales instead of {expected}; quantize the network again");
        }
        TensorProblem::Data { expected, found } => {
            return format!(
                "should hold {} of constant data, but holds {}",
                bytes(expected as u64),
                bytes(found as u64)
            );
        }
        TensorProblem::Missing => "is referred to but does not exist",
        TensorProblem::Shape => "is empty, too large, or has too few or too many extents",
        TensorProblem::Batch => "holds more than one sample; export with batch size 1",
        TensorProblem::ShapeMismatch => "has another shape than its operator makes",
        TensorProblem::ZeroPoint => {
            "has a zero point outside -128..127, or one that is not 0 although these are weights"
        }
        TensorProblem::Requantized => {
            "has another scale or zero point than what it is made of, which its operator cannot \
             change here"
        }
        TensorProblem::Variable => "keeps state between runs; export a network without state",
        TensorProblem::NotComputed => "is read, but nothing computes it before",
        TensorProblem::MadeTwice => "is made by two operators",
        TensorProblem::Shared => "shares its weights with more operators than can be unfolded",
    };
    text.into()
}
