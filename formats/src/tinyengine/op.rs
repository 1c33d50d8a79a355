//! Types of operators: those of the file, and two that the generator adds.

/// What an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// int8 convolution over all channels.
    Convolution,
    /// int8 convolution of each channel alone.
    DepthwiseConvolution,
    /// int8 sum of two activations.
    Add,
    /// Clamp of the operator before it.
    Truncate,
    /// Mean over all pixels.
    Mean,
    /// Another shape of the same elements.
    Reshape,
    /// Another element type.
    Cast,
    /// Logarithm of the softmax.
    LogSoftmax,
    /// The loss.
    Loss,
    /// A tensor of zeros.
    Zeros,
    /// A tensor of ones.
    Ones,
    /// Comparison, 1 where not below.
    GreaterEqual,
    /// Comparison, 1 where not above.
    LessEqual,
    /// Product.
    Multiply,
    /// Quotient.
    Divide,
    /// Difference.
    Subtract,
    /// Opposite.
    Negative,
    /// Exponential function.
    Exp,
    /// Sum over axes.
    Sum,
    /// Choice between two tensors by a mask.
    Where,
    /// Repetition.
    Tile,
    /// Exchange of axes.
    Transpose,
    /// Gradient of weights, a convolution in groups.
    GroupConvolution,
    /// Gradient of an input, a transposed convolution.
    TransposeConvolution,
    /// First channels of a tensor.
    StridedSlice,
    /// Added by the generator: changes a bias by its gradient.
    BiasUpdate,
    /// Added by the generator: puts the axes of a weight gradient in order.
    PermuteGroups,
}

/// How operators of a type look in the file.
pub(super) struct Signature {
    /// Name of the type.
    pub type_name: &'static str,
    /// What it does.
    pub op: Op,
    /// Number of inputs.
    pub n_inputs: usize,
    /// So many inputs, the first ones, must be computed by operators.
    pub n_activations: usize,
}

const fn signature(
    type_name: &'static str,
    op: Op,
    n_inputs: usize,
    n_activations: usize,
) -> Signature {
    Signature {
        type_name,
        op,
        n_inputs,
        n_activations,
    }
}

/// Every type of the file. A convolution becomes depthwise by its number of groups.
const SIGNATURES: [Signature; 24] = [
    signature("nn.mcuconv2d", Op::Convolution, 6, 1),
    signature("nn.mcuadd", Op::Add, 8, 2),
    signature("nn.mcutruncate", Op::Truncate, 1, 1),
    signature("mcumean", Op::Mean, 1, 1),
    signature("reshape", Op::Reshape, 1, 0),
    signature("cast", Op::Cast, 1, 0),
    signature("nn.log_softmax", Op::LogSoftmax, 1, 1),
    signature("nn.cross_entropy_with_logits", Op::Loss, 2, 1),
    signature("zeros", Op::Zeros, 0, 0),
    signature("ones", Op::Ones, 0, 0),
    signature("greater_equal", Op::GreaterEqual, 2, 1),
    signature("less_equal", Op::LessEqual, 2, 1),
    signature("multiply", Op::Multiply, 2, 1),
    signature("divide", Op::Divide, 2, 1),
    signature("subtract", Op::Subtract, 2, 2),
    signature("negative", Op::Negative, 1, 1),
    signature("exp", Op::Exp, 1, 1),
    signature("sum", Op::Sum, 1, 1),
    signature("where", Op::Where, 3, 3),
    signature("tile", Op::Tile, 1, 1),
    signature("transpose", Op::Transpose, 1, 1),
    signature("nn.conv2d", Op::GroupConvolution, 2, 2),
    signature("nn.conv2d_transpose", Op::TransposeConvolution, 2, 1),
    signature("strided_slice", Op::StridedSlice, 1, 1),
];

impl Signature {
    /// Finds a type by its name in the file.
    pub(super) fn of(type_name: &str) -> Option<&'static Self> {
        SIGNATURES.iter().find(|it| it.type_name == type_name)
    }
}

impl Op {
    /// Name in the generator's listings.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Convolution => "CONV_2D",
            Self::DepthwiseConvolution => "DEPTHWISE_CONV_2D",
            Self::Add => "ADD",
            Self::Truncate => "TRUNCATE",
            Self::Mean => "AVERAGE_POOL_2D",
            Self::Reshape => "RESHAPE",
            Self::Cast => "CAST",
            Self::LogSoftmax => "LOG_SOFTMAX",
            Self::Loss => "NLL_LOSS",
            Self::Zeros => "ZEROS",
            Self::Ones => "ONES",
            Self::GreaterEqual => "GREATER",
            Self::LessEqual => "LESS",
            Self::Multiply => "MUL",
            Self::Divide => "DIV",
            Self::Subtract => "SUBTRACT",
            Self::Negative => "NEGATIVE",
            Self::Exp => "EXP",
            Self::Sum => "SUM",
            Self::Where => "WHERE",
            Self::Tile => "TILE",
            Self::Transpose => "TRANSPOSE",
            Self::GroupConvolution => "GROUP_CONV",
            Self::TransposeConvolution => "TRANSPOSE_CONV_2D",
            Self::StridedSlice => "STRIDED_SLICE",
            Self::BiasUpdate => "BIAS_UPDATE",
            Self::PermuteGroups => "PERMUTE_GROUPCONV_OUT",
        }
    }

    /// Whether it is a convolution of any kind, whose tensors have the axes batch, channel, row,
    /// column, and whose attributes count.
    pub(super) fn is_convolution(self) -> bool {
        matches!(
            self,
            Self::Convolution
                | Self::DepthwiseConvolution
                | Self::GroupConvolution
                | Self::TransposeConvolution
        )
    }
}
