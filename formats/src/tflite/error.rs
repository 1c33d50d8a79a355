//! Why a `.tflite` file was refused.

use quartermeg_core::network::NetworkError;

/// Longest name that an error carries, in characters; converters join names without limit.
const MAX_NAME: usize = 60;

/// An operator or a tensor: its index in the file, and its name if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index in the subgraph, from 0.
    pub index: usize,
    /// Name, cut to 60 characters.
    pub name: String,
}

impl Place {
    pub(super) fn new(index: usize, name: &[u8]) -> Self {
        let name = String::from_utf8_lossy(name);
        Self {
            index,
            name: name.chars().take(MAX_NAME).collect(),
        }
    }
}

/// An error on its way out: one word in every result on the way, which keeps the page small.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) Box<TfliteError>);

impl From<TfliteError> for Refusal {
    fn from(error: TfliteError) -> Self {
        Self(Box::new(error))
    }
}

/// Why a `.tflite` file was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TfliteError {
    /// The identifier at byte 4 is missing.
    NotTflite,
    /// An offset or a length leads out of the file.
    Layout {
        /// Where it stands, in bytes from the start of the file.
        at: usize,
    },
    /// There is not exactly one subgraph.
    Subgraphs {
        /// How many there are.
        found: usize,
    },
    /// There is not exactly one input and one output.
    Ends {
        /// How many inputs there are.
        inputs: usize,
        /// How many outputs there are.
        outputs: usize,
    },
    /// An operator cannot become a node.
    Operator {
        /// The operator; its name is that of its kind.
        operator: Place,
        /// Why.
        problem: OperatorProblem,
    },
    /// A tensor cannot be used.
    Tensor {
        /// The tensor.
        tensor: Place,
        /// Why.
        problem: TensorProblem,
    },
    /// What was read breaks a rule of networks.
    Network {
        /// The operator whose node breaks it, if it is one.
        operator: Option<Place>,
        /// The rule.
        error: NetworkError,
    },
}

/// Why an operator cannot become a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorProblem {
    /// There is no node for this kind of operator.
    Unsupported,
    /// It reads or writes another number of tensors.
    Operands,
    /// Its options are missing or belong to another kind of operator.
    Options,
    /// Its kernel is dilated.
    Dilation,
    /// Its fused activation is none of `NONE`, `RELU`, `RELU6` and `RELU_N1_TO_1`.
    Activation,
    /// Kernel, stride or padding is zero or does not fit the input.
    Window,
    /// A depthwise convolution makes several channels of each of several.
    DepthMultiplier,
    /// A convolution reads its channels in groups.
    Groups,
    /// A dense layer whose weights are shuffled, or that reads several rows.
    Dense,
    /// It adds tensors of two shapes.
    Broadcast,
    /// It regroups codes between two layers in a way that no node expresses.
    Reshape,
    /// It moves codes in a way that no node expresses.
    Transpose,
    /// It takes the mean over other axes than height and width.
    Axes,
    /// It pads other axes than height and width, or by a number that cannot be used.
    Padding,
    /// It reads what `PAD` makes and is no convolution.
    Padded,
    /// It may only stand at the edge of a network.
    Edge,
    /// The softmax has another `beta` than 1.
    Beta,
}

/// Why a tensor cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorProblem {
    /// There is no tensor of this index.
    Missing,
    /// Its element type is not the one that is needed here.
    Type {
        /// Number of the element type in the format's schema.
        found: u8,
    },
    /// It is empty, too large, or has another number of extents.
    Shape,
    /// It holds more than one sample.
    Batch,
    /// Its shape is not what its operator makes.
    ShapeMismatch,
    /// A scale is not a positive finite number.
    Scale {
        /// Which one of the tensor's scales.
        channel: usize,
    },
    /// It has another number of scales.
    Scales {
        /// How many it should have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// A zero point is missing, out of range, or not 0 although these are weights.
    ZeroPoint,
    /// Its scale or zero point differs from that of the tensor it is made of.
    Requantized,
    /// Its data have another length.
    Data {
        /// Bytes that its shape calls for.
        expected: usize,
        /// Bytes in the file.
        found: usize,
    },
    /// It keeps its contents from one run to the next.
    Variable,
    /// Nothing computes it before it is read.
    NotComputed,
    /// Two operators make it.
    MadeTwice,
    /// Together, the weights of all operators are more than the file holds.
    Shared,
}
