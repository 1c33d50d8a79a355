//! The forward network: what a file or a builder hands to the compiler.
//!
//! Values are numbered: value 0 is the input image, value `i + 1` the output of node `i`.
//! Activations are int8 NHWC with one row of a batch; weights are OHWI with one scale per
//! output channel and zero point 0 (numerics: "Quantities and layout").

mod builder;
mod check;
mod head;

use alloc::string::String;
use alloc::vec::Vec;

pub use builder::NetworkBuilder;
pub use check::NetworkError;
pub use head::INT8_LOGIT_SCALE;

use crate::quant::{QuantParams, real_scale};

/// Height, width and channels of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows.
    pub h: usize,
    /// Columns.
    pub w: usize,
    /// Channels, innermost in memory.
    pub c: usize,
}

impl Shape {
    /// Number of elements.
    #[must_use]
    pub fn len(self) -> usize {
        self.h * self.w * self.c
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// A value of the network: its shape and what its codes mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// Height, width, channels.
    pub shape: Shape,
    /// Scale and zero point.
    pub quant: QuantParams,
}

/// Smallest and largest code that a layer may output: its activation function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clamp {
    /// Smallest code.
    pub min: i8,
    /// Largest code.
    pub max: i8,
}

/// An int8 convolution; a dense layer is one whose kernel covers its whole input.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// One filter per channel instead of one per output and input channel.
    pub depthwise: bool,
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride, 1 or 2.
    pub stride: [usize; 2],
    /// Zero padding (after the zero point is subtracted): top, left, bottom, right.
    pub padding: [usize; 4],
    /// int8 codes, OHWI (`[O, kh, kw, I]`; depthwise `[C, kh, kw, 1]`).
    pub weight: Vec<i8>,
    /// int32 bias, one per output channel, in units of `s_x * s_w[c]`.
    pub bias: Vec<i32>,
    /// Weight scale, one per output channel.
    pub weight_scale: Vec<f32>,
    /// `s_x * s_w[c] / s_y` of each output channel, where a file has it to more digits than
    /// follow from the f32 scales.
    pub real_scale: Option<Vec<f64>>,
    /// Scale and zero point of the output.
    pub output: QuantParams,
    /// The activation function.
    pub clamp: Clamp,
}

impl Conv {
    /// `s_x * s_w[c] / s_y` of output channel `channel`, in f64.
    pub(crate) fn real_scale(&self, input: QuantParams, channel: usize) -> f64 {
        match &self.real_scale {
            Some(scales) => scales[channel],
            None => real_scale(input, self.weight_scale[channel], self.output),
        }
    }
}

/// The f32 classifier on dequantized features (numerics: "classifier").
#[derive(Clone, Debug, PartialEq)]
pub struct Classifier {
    /// `[classes, features]`.
    pub weight: Vec<f32>,
    /// `[classes]`.
    pub bias: Vec<f32>,
}

/// What a pool keeps of each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The mean of the codes inside the input; padding does not count.
    Average,
    /// The largest code.
    Max,
}

/// A pool over windows; scale and zero point stay those of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Mean or maximum.
    pub kind: PoolKind,
    /// Window height and width.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride.
    pub stride: [usize; 2],
    /// Padding: top, left, bottom, right.
    pub padding: [usize; 4],
    /// The activation function.
    pub clamp: Clamp,
}

/// What a node computes.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// Convolution, ordinary, pointwise or depthwise.
    Conv(Conv),
    /// Residual add of two values of one shape.
    Add {
        /// Scale and zero point of the sum.
        output: QuantParams,
        /// The activation function.
        clamp: Clamp,
    },
    /// Mean over all pixels; scale and zero point stay those of the input.
    AveragePool,
    /// Mean or maximum over windows.
    Pool(Pool),
    /// The last node; its output are f32 logits.
    Classifier(Classifier),
    /// The last node of a network whose classifier is an int8 layer: the codes of its input,
    /// dequantized, are the logits.
    Logits {
        /// Scale and zero point of the probabilities, where the network's own last operator is
        /// an int8 softmax.
        softmax: Option<QuantParams>,
    },
}

impl NodeKind {
    /// Whether a network ends in this node: it makes the logits.
    #[must_use]
    pub fn is_head(&self) -> bool {
        matches!(self, Self::Classifier(_) | Self::Logits { .. })
    }
}

/// One node and the values it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Name as people see it, for example `block3.expand`.
    pub name: String,
    /// What it computes.
    pub kind: NodeKind,
    /// Values read; an add reads the shortcut first, then the branch.
    pub inputs: Vec<usize>,
}

/// A checked network.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub(crate) name: String,
    pub(crate) classes: Vec<String>,
    pub(crate) values: Vec<Value>,
    pub(crate) nodes: Vec<Node>,
}

impl Network {
    /// Checks `nodes` and works out every shape.
    ///
    /// # Errors
    /// The first rule that a node breaks, with its index.
    pub fn new(
        name: String,
        classes: Vec<String>,
        input: Value,
        nodes: Vec<Node>,
    ) -> Result<Self, NetworkError> {
        let values = check::infer_values(&classes, input, &nodes)?;
        Ok(Self {
            name,
            classes,
            values,
            nodes,
        })
    }

    /// Name of the network.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names of the classes, in the order of the logits.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// All values: the input, then one output per node (the classifier's has `1 x 1 x classes`).
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The nodes in execution order.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The input value.
    #[must_use]
    pub fn input(&self) -> Value {
        self.values[0]
    }

    /// The convolutions in order of their index ("layer N" for a person), with the node index.
    /// The dense layer of an int8 classifier is not counted.
    pub fn convs(&self) -> impl Iterator<Item = (usize, &Node, &Conv)> {
        let classifier = self.int8_classifier();
        self.nodes
            .iter()
            .enumerate()
            .filter_map(move |(node_idx, node)| match &node.kind {
                NodeKind::Conv(conv) if Some(node_idx) != classifier => {
                    Some((node_idx, node, conv))
                }
                _ => None,
            })
    }

    /// The node of the dense layer whose codes are the logits, if the network ends in one.
    #[must_use]
    pub fn int8_classifier(&self) -> Option<usize> {
        let head = self.nodes.last()?;
        let dense = head.inputs.first()?.checked_sub(1)?;
        let is_dense = matches!(head.kind, NodeKind::Logits { .. })
            && matches!(self.nodes.get(dense)?.kind, NodeKind::Conv(_));
        is_dense.then_some(dense)
    }

    /// Multiply-accumulates of one forward pass, classifier included.
    #[must_use]
    pub fn macs_forward(&self) -> u64 {
        self.nodes
            .iter()
            .enumerate()
            .map(|(node_idx, _)| self.node_macs(node_idx))
            .sum()
    }

    /// Multiply-accumulates of one node in the forward pass; adds and pools count none.
    #[must_use]
    pub fn node_macs(&self, node_idx: usize) -> u64 {
        let output = self.values[node_idx + 1].shape;
        let macs = match &self.nodes[node_idx].kind {
            NodeKind::Conv(conv) => output.h * output.w * conv.weight.len(),
            NodeKind::Classifier(classifier) => classifier.weight.len(),
            NodeKind::Add { .. }
            | NodeKind::AveragePool
            | NodeKind::Pool(_)
            | NodeKind::Logits { .. } => 0,
        };
        macs as u64
    }
}
