//! The records of a file: values, and the operators that compute them.

use super::op::Op;

/// Index of a value.
pub(super) type ValueId = usize;

/// Element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// True or false, one byte unless packed to bits.
    Bool,
    /// int8.
    I8,
    /// int32.
    I32,
    /// f32.
    F32,
}

impl ElementType {
    /// Every type with its name in the file.
    pub(super) const NAMED: [(&'static str, Self); 4] = [
        ("bool", Self::Bool),
        ("int8", Self::I8),
        ("int32", Self::I32),
        ("float32", Self::F32),
    ];

    /// Name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I8 => "int8",
            Self::I32 => "int32",
            Self::F32 => "float32",
        }
    }

    /// Bytes of an element.
    pub(super) fn bytes(self) -> u32 {
        match self {
            Self::Bool | Self::I8 => 1,
            Self::I32 | Self::F32 => 4,
        }
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The network's input.
    Input,
    /// A parameter or the label.
    Parameter,
    /// A number in the file.
    Constant,
    /// An operator.
    Operator,
}

/// A tensor of the file.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// Its name, of which there is one.
    pub name: String,
    /// Where it comes from.
    pub source: Source,
    /// Element type.
    pub element: ElementType,
    /// Extents, none of them zero.
    pub shape: Vec<u32>,
    /// Product of the extents; times 4 it still fits 32 bits.
    pub n_elements: u32,
    /// What it is the gradient of, for an output of the graph.
    pub output_info: Option<String>,
}

impl Value {
    /// Size in bytes, without alignment.
    pub(super) fn bytes(&self) -> u32 {
        self.n_elements * self.element.bytes()
    }

    /// The extent of the axis of channels.
    pub(super) fn channels(&self) -> u32 {
        self.shape.get(1).copied().unwrap_or(1)
    }
}

/// An operator.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Its name in the file.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// What it reads.
    pub inputs: Vec<ValueId>,
    /// What it computes.
    pub result: ValueId,
    /// Vertical and horizontal stride of a convolution, else 1.
    pub strides: [u32; 2],
    /// Groups of a convolution, else 1.
    pub groups: u32,
}

/// The whole file.
#[derive(Debug)]
pub(super) struct Graph {
    /// Tensors in the order of their first mention.
    pub values: Vec<Value>,
    /// Operators in execution order.
    pub nodes: Vec<Node>,
}
