//! Quartermeg's own network file: safetensors with the topology as JSON in its metadata
//! (`docs/formats.md`).

use quartermeg_core::network::{
    Clamp, Classifier, Conv, Network, NetworkError, Node, NodeKind, Shape, Value,
};
use quartermeg_core::quant::QuantParams;
use safetensors::SafeTensors;
use serde::Deserialize;

use crate::tensors::{self, TensorFileError};

/// Key of the topology in the file's metadata.
const METADATA_KEY: &str = "quartermeg.network";
/// Version of the topology that this code reads.
const VERSION: u32 = 1;

/// Why a network file was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkFileError {
    /// The container or one of its tensors.
    Tensors(TensorFileError),
    /// It is a safetensors file, but carries no topology.
    NotANetwork,
    /// The topology is not what this version reads; the reader's reason.
    Topology(String),
    /// The topology is of another version.
    Version {
        /// The file's version.
        found: u32,
    },
    /// A node breaks a rule.
    Network {
        /// Name of the node.
        node: String,
        /// The rule.
        error: NetworkError,
    },
}

impl From<TensorFileError> for NetworkFileError {
    fn from(error: TensorFileError) -> Self {
        Self::Tensors(error)
    }
}

#[derive(Deserialize)]
struct Topology {
    version: u32,
    name: String,
    classes: Vec<String>,
    input: Input,
    nodes: Vec<FileNode>,
}

#[derive(Deserialize)]
struct Input {
    height: usize,
    width: usize,
    channels: usize,
    scale: f32,
    zero_point: i32,
}

/// A node, with the fields that its operation has. An enumeration with a tag would take the page
/// ten times the code to read.
#[derive(Deserialize)]
struct FileNode {
    op: String,
    name: String,
    input: Option<usize>,
    inputs: Option<[usize; 2]>,
    weight: Option<String>,
    bias: Option<String>,
    weight_scale: Option<String>,
    depthwise: Option<bool>,
    stride: Option<[usize; 2]>,
    padding: Option<[usize; 4]>,
    output_scale: Option<f32>,
    output_zero_point: Option<i32>,
    clamp: Option<[i8; 2]>,
}

/// Reads a network.
///
/// # Errors
/// What is wrong with the file, and which node or tensor.
pub fn read(file: &[u8]) -> Result<Network, NetworkFileError> {
    let bytes = tensors::unpacked(file)?;
    let tensors = tensors::open(&bytes)?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes)
        .map_err(|error| TensorFileError::Container(error.to_string()))?;
    let topology = metadata
        .metadata()
        .as_ref()
        .and_then(|metadata| metadata.get(METADATA_KEY))
        .ok_or(NetworkFileError::NotANetwork)?;
    let topology: Topology = serde_json::from_slice(topology.as_bytes())
        .map_err(|error| NetworkFileError::Topology(error.to_string()))?;
    if topology.version != VERSION {
        return Err(NetworkFileError::Version {
            found: topology.version,
        });
    }
    let input = Value {
        shape: Shape {
            h: topology.input.height,
            w: topology.input.width,
            c: topology.input.channels,
        },
        quant: QuantParams {
            scale: topology.input.scale,
            zero_point: topology.input.zero_point,
        },
    };
    let nodes = topology
        .nodes
        .into_iter()
        .map(|node| read_node(&tensors, node))
        .collect::<Result<Vec<_>, _>>()?;
    let names: Vec<String> = nodes.iter().map(|node| node.name.clone()).collect();
    Network::new(topology.name, topology.classes, input, nodes).map_err(|error| {
        let node = error
            .node()
            .and_then(|node| names.get(node).cloned())
            .unwrap_or_default();
        NetworkFileError::Network { node, error }
    })
}

fn read_node(file: &SafeTensors<'_>, node: FileNode) -> Result<Node, NetworkFileError> {
    let FileNode {
        op,
        name,
        input,
        inputs,
        weight,
        bias,
        weight_scale,
        depthwise,
        stride,
        padding,
        output_scale,
        output_zero_point,
        clamp,
    } = node;
    let missing = |field: &str| {
        NetworkFileError::Topology(format!("node `{name}` ({op}) has no field `{field}`"))
    };
    let input = || input.ok_or_else(|| missing("input"));
    let weight = || weight.ok_or_else(|| missing("weight"));
    let bias = || bias.ok_or_else(|| missing("bias"));
    let output = || {
        Ok::<_, NetworkFileError>(QuantParams {
            scale: output_scale.ok_or_else(|| missing("output_scale"))?,
            zero_point: output_zero_point.ok_or_else(|| missing("output_zero_point"))?,
        })
    };
    let clamp = || {
        let [min, max] = clamp.ok_or_else(|| missing("clamp"))?;
        Ok::<_, NetworkFileError>(Clamp { min, max })
    };
    let (kind, inputs) = match op.as_str() {
        "conv" => {
            let weight = weight()?;
            let (codes, shape) = tensors::i8s(file, &weight)?;
            let &[_, kh, kw, _] = shape.as_slice() else {
                return Err(TensorFileError::Shape {
                    name: weight,
                    expected: "four dimensions (output, kh, kw, input)".to_owned(),
                    found: shape,
                }
                .into());
            };
            let scales = weight_scale.ok_or_else(|| missing("weight_scale"))?;
            let conv = Conv {
                depthwise: depthwise.ok_or_else(|| missing("depthwise"))?,
                kernel: [kh, kw],
                stride: stride.ok_or_else(|| missing("stride"))?,
                padding: padding.ok_or_else(|| missing("padding"))?,
                weight: codes,
                bias: tensors::i32s(file, &bias()?)?.0,
                weight_scale: tensors::f32s(file, &scales)?.0,
                real_scale: None,
                output: output()?,
                clamp: clamp()?,
            };
            (NodeKind::Conv(conv), vec![input()?])
        }
        "add" => {
            let kind = NodeKind::Add {
                output: output()?,
                clamp: clamp()?,
            };
            let inputs = inputs.ok_or_else(|| missing("inputs"))?;
            (kind, inputs.to_vec())
        }
        "average_pool" => (NodeKind::AveragePool, vec![input()?]),
        "classifier" => {
            let classifier = Classifier {
                weight: tensors::f32s(file, &weight()?)?.0,
                bias: tensors::f32s(file, &bias()?)?.0,
            };
            (NodeKind::Classifier(classifier), vec![input()?])
        }
        _ => {
            return Err(NetworkFileError::Topology(format!(
                "node `{name}` is of the unknown operation `{op}`"
            )));
        }
    };
    Ok(Node { name, kind, inputs })
}
