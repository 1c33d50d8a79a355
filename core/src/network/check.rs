//! Everything that can be checked about a network before it is compiled.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Clamp, Classifier, Conv, Node, NodeKind, Pool, Shape, Value};
use crate::program::MAX_REDUCTION;
use crate::quant::{QuantParams, effective_scale};

/// Largest height, width or channel count of a value; keeps every product inside u32.
pub(crate) const MAX_EXTENT: usize = 4096;
/// Largest number of elements of one value or one weight.
pub(crate) const MAX_ELEMENTS: usize = 1 << 26;

/// Largest number of features of a classifier.
const MAX_FEATURES: usize = 65_536;

/// Why a network was refused; `node` is the index of the offending node.
#[expect(
    missing_docs,
    reason = "the fields are named by the sentence of their variant"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkError {
    /// The input is empty or larger than 4096 in one direction.
    InputShape,
    /// There are no classes, or more than 4096.
    ClassCount { classes: usize },
    /// The last node is neither the classifier nor the logits, or another node is.
    ClassifierNotLast { node: usize },
    /// A node reads the wrong number of values.
    InputCount {
        node: usize,
        expected: usize,
        found: usize,
    },
    /// A node reads a value that is not computed before it.
    UnknownValue { node: usize, value: usize },
    /// A scale, or the effective scale that follows from it, is not a positive finite number.
    Scale { node: usize },
    /// A zero point lies outside -128..=127.
    ZeroPoint { node: usize },
    /// The clamp's minimum is above its maximum.
    ClampOrder { node: usize },
    /// Kernel, stride or padding is out of range, or the kernel does not fit its input.
    Geometry { node: usize },
    /// A parameter has the wrong number of elements.
    ParameterLength {
        node: usize,
        expected: usize,
        found: usize,
    },
    /// A weight code is -128; weights are symmetric.
    WeightCode { node: usize, position: usize },
    /// A classifier's weight or bias is not finite.
    NotFinite { node: usize },
    /// The two inputs of an add differ in shape, or are the same value.
    AddShapes { node: usize },
    /// The logits read a value of more than one pixel, or of another number of channels than
    /// there are classes; or no convolution feeds them, so that they cannot be replaced.
    ClassifierInput { node: usize },
    /// A value or a reduction is too large.
    TooLarge { node: usize },
}

pub(super) fn infer_values(
    classes: &[String],
    input: Value,
    nodes: &[Node],
) -> Result<Vec<Value>, NetworkError> {
    let Shape { h, w, c } = input.shape;
    if [h, w, c]
        .iter()
        .any(|&extent| extent == 0 || extent > MAX_EXTENT)
        || input.shape.len() > MAX_ELEMENTS
        || check_quant(0, input.quant).is_err()
    {
        return Err(NetworkError::InputShape);
    }
    if classes.is_empty() || classes.len() > MAX_EXTENT {
        return Err(NetworkError::ClassCount {
            classes: classes.len(),
        });
    }
    match nodes.iter().position(|node| node.kind.is_head()) {
        Some(position) if position + 1 == nodes.len() => {}
        Some(position) => return Err(NetworkError::ClassifierNotLast { node: position }),
        None => return Err(NetworkError::ClassifierNotLast { node: nodes.len() }),
    }
    let mut values = Vec::with_capacity(nodes.len() + 1);
    values.push(input);
    for (node_idx, node) in nodes.iter().enumerate() {
        let value = infer_node(node_idx, node, classes.len(), &values)?;
        if value.shape.len() > MAX_ELEMENTS {
            return Err(NetworkError::TooLarge { node: node_idx });
        }
        values.push(value);
    }
    Ok(values)
}

fn infer_node(
    node_idx: usize,
    node: &Node,
    n_classes: usize,
    values: &[Value],
) -> Result<Value, NetworkError> {
    let expected = if matches!(node.kind, NodeKind::Add { .. }) {
        2
    } else {
        1
    };
    if node.inputs.len() != expected {
        return Err(NetworkError::InputCount {
            node: node_idx,
            expected,
            found: node.inputs.len(),
        });
    }
    if let Some(&value) = node.inputs.iter().find(|&&value| value >= values.len()) {
        return Err(NetworkError::UnknownValue {
            node: node_idx,
            value,
        });
    }
    let input = values[node.inputs[0]];
    match &node.kind {
        NodeKind::Conv(conv) => infer_conv(node_idx, conv, input),
        NodeKind::Add { output, clamp } => {
            check_quant(node_idx, *output)?;
            check_clamp(node_idx, *clamp)?;
            if node.inputs[0] == node.inputs[1] || input.shape != values[node.inputs[1]].shape {
                return Err(NetworkError::AddShapes { node: node_idx });
            }
            Ok(Value {
                shape: input.shape,
                quant: *output,
            })
        }
        NodeKind::AveragePool => {
            if input.shape.h * input.shape.w > MAX_REDUCTION {
                return Err(NetworkError::TooLarge { node: node_idx });
            }
            Ok(Value {
                shape: Shape {
                    h: 1,
                    w: 1,
                    c: input.shape.c,
                },
                quant: input.quant,
            })
        }
        NodeKind::Pool(pool) => infer_pool(node_idx, *pool, input),
        NodeKind::Logits { softmax } => {
            if input.shape.h * input.shape.w != 1 || input.shape.c != n_classes {
                return Err(NetworkError::ClassifierInput { node: node_idx });
            }
            if let Some(quant) = softmax {
                check_quant(node_idx, *quant)?;
            }
            Ok(input)
        }
        NodeKind::Classifier(classifier) => {
            check_classifier(node_idx, classifier, n_classes, input)?;
            Ok(Value {
                shape: Shape {
                    h: 1,
                    w: 1,
                    c: n_classes,
                },
                quant: input.quant,
            })
        }
    }
}

/// Height and width that a sliding window leaves of `input`.
fn slide(
    input: Shape,
    [kh, kw]: [usize; 2],
    stride: [usize; 2],
    [top, left, bottom, right]: [usize; 4],
) -> Option<[usize; 2]> {
    let fits = [kh, kw]
        .iter()
        .all(|extent| (1..=MAX_EXTENT).contains(extent))
        && stride.iter().all(|stride| (1..=2).contains(stride))
        && top < kh
        && bottom < kh
        && left < kw
        && right < kw;
    if !fits {
        return None;
    }
    let left_over = [
        (input.h + top + bottom).checked_sub(kh)?,
        (input.w + left + right).checked_sub(kw)?,
    ];
    Some([left_over[0] / stride[0] + 1, left_over[1] / stride[1] + 1])
}

fn infer_pool(node_idx: usize, pool: Pool, input: Value) -> Result<Value, NetworkError> {
    let [h, w] = slide(input.shape, pool.kernel, pool.stride, pool.padding)
        .ok_or(NetworkError::Geometry { node: node_idx })?;
    if pool.kernel[0] * pool.kernel[1] > MAX_REDUCTION {
        return Err(NetworkError::TooLarge { node: node_idx });
    }
    check_clamp(node_idx, pool.clamp)?;
    Ok(Value {
        shape: Shape {
            h,
            w,
            c: input.shape.c,
        },
        quant: input.quant,
    })
}

fn infer_conv(node_idx: usize, conv: &Conv, input: Value) -> Result<Value, NetworkError> {
    let geometry = NetworkError::Geometry { node: node_idx };
    let [kh, kw] = conv.kernel;
    let [h, w] = slide(input.shape, conv.kernel, conv.stride, conv.padding).ok_or(geometry)?;
    let out_channels = conv.bias.len();
    if out_channels == 0 || out_channels > MAX_EXTENT {
        return Err(geometry);
    }
    let per_output = if conv.depthwise {
        if out_channels != input.shape.c {
            return Err(NetworkError::ParameterLength {
                node: node_idx,
                expected: input.shape.c,
                found: out_channels,
            });
        }
        kh * kw
    } else {
        kh * kw * input.shape.c
    };
    if per_output > MAX_REDUCTION || per_output * out_channels > MAX_ELEMENTS {
        return Err(NetworkError::TooLarge { node: node_idx });
    }
    for (expected, found) in [
        (per_output * out_channels, conv.weight.len()),
        (out_channels, conv.weight_scale.len()),
    ] {
        if expected != found {
            return Err(NetworkError::ParameterLength {
                node: node_idx,
                expected,
                found,
            });
        }
    }
    if let Some(position) = conv.weight.iter().position(|&code| code == i8::MIN) {
        return Err(NetworkError::WeightCode {
            node: node_idx,
            position,
        });
    }
    if conv.weight_scale.iter().any(|&scale| !is_scale(scale)) {
        return Err(NetworkError::Scale { node: node_idx });
    }
    check_quant(node_idx, conv.output)?;
    check_clamp(node_idx, conv.clamp)?;
    if let Some(scales) = &conv.real_scale
        && scales.len() != out_channels
    {
        return Err(NetworkError::ParameterLength {
            node: node_idx,
            expected: out_channels,
            found: scales.len(),
        });
    }
    let usable = |scale: f64| scale >= 0.0 && effective_scale(scale).is_finite();
    if !(0..out_channels).all(|channel| usable(conv.real_scale(input.quant, channel))) {
        return Err(NetworkError::Scale { node: node_idx });
    }
    Ok(Value {
        shape: Shape {
            h,
            w,
            c: out_channels,
        },
        quant: conv.output,
    })
}

fn check_classifier(
    node_idx: usize,
    classifier: &Classifier,
    n_classes: usize,
    input: Value,
) -> Result<(), NetworkError> {
    let n_features = input.shape.len();
    if n_features > MAX_FEATURES {
        return Err(NetworkError::TooLarge { node: node_idx });
    }
    for (expected, found) in [
        (n_classes * n_features, classifier.weight.len()),
        (n_classes, classifier.bias.len()),
    ] {
        if expected != found {
            return Err(NetworkError::ParameterLength {
                node: node_idx,
                expected,
                found,
            });
        }
    }
    if classifier
        .weight
        .iter()
        .chain(&classifier.bias)
        .any(|value| !value.is_finite())
    {
        return Err(NetworkError::NotFinite { node: node_idx });
    }
    Ok(())
}

fn check_quant(node_idx: usize, quant: QuantParams) -> Result<(), NetworkError> {
    if !is_scale(quant.scale) {
        return Err(NetworkError::Scale { node: node_idx });
    }
    if !(-128..=127).contains(&quant.zero_point) {
        return Err(NetworkError::ZeroPoint { node: node_idx });
    }
    Ok(())
}

fn check_clamp(node_idx: usize, clamp: Clamp) -> Result<(), NetworkError> {
    if clamp.min > clamp.max {
        return Err(NetworkError::ClampOrder { node: node_idx });
    }
    Ok(())
}

fn is_scale(scale: f32) -> bool {
    scale.is_normal() && scale > 0.0
}

impl NetworkError {
    /// Index of the node that breaks the rule, if it is one node.
    #[must_use]
    pub fn node(self) -> Option<usize> {
        match self {
            Self::InputShape | Self::ClassCount { .. } => None,
            Self::ClassifierNotLast { node }
            | Self::InputCount { node, .. }
            | Self::UnknownValue { node, .. }
            | Self::Scale { node }
            | Self::ZeroPoint { node }
            | Self::ClampOrder { node }
            | Self::Geometry { node }
            | Self::ParameterLength { node, .. }
            | Self::WeightCode { node, .. }
            | Self::NotFinite { node }
            | Self::AddShapes { node }
            | Self::ClassifierInput { node }
            | Self::TooLarge { node } => Some(node),
        }
    }
}
