//! The network that ships, read from its file.

use quartermeg_core::network::{Clamp, Classifier, Conv, Network, Node, NodeKind, Shape, Value};
use quartermeg_core::quant::QuantParams;
use safetensors::SafeTensors;
use serde_json::Value as Json;

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../static/models/keyboard.safetensors"
);

/// Reads the file without the formats package, which the core does not know.
pub(crate) fn network() -> Network {
    let bytes = std::fs::read(FILE).expect("the model lies in static/models");
    let (_, metadata) = SafeTensors::read_metadata(&bytes).expect("a header");
    let metadata = metadata
        .metadata()
        .as_ref()
        .expect("the file describes its network");
    let description: Json =
        serde_json::from_str(&metadata["quartermeg.network"]).expect("valid JSON");
    let tensors = SafeTensors::deserialize(&bytes).expect("a tensor file");
    let nodes = list(&description["nodes"])
        .iter()
        .map(|node| read_node(node, &tensors))
        .collect();
    let input = &description["input"];
    let shape = Shape {
        h: size(&input["height"]),
        w: size(&input["width"]),
        c: size(&input["channels"]),
    };
    let quant = QuantParams {
        scale: real(&input["scale"]),
        zero_point: code(&input["zero_point"]),
    };
    let classes = list(&description["classes"]).iter().map(text).collect();
    Network::new(
        text(&description["name"]),
        classes,
        Value { shape, quant },
        nodes,
    )
    .expect("the shipped network keeps to the rules")
}

fn read_node(node: &Json, tensors: &SafeTensors<'_>) -> Node {
    let bytes = |field: &str| {
        tensors
            .tensor(node[field].as_str().expect("a name"))
            .expect("the tensor")
            .data()
    };
    let output = || QuantParams {
        scale: real(&node["output_scale"]),
        zero_point: code(&node["output_zero_point"]),
    };
    let clamp = || {
        let [min, max] = [0, 1].map(|at| i8::try_from(code(&node["clamp"][at])).expect("a code"));
        Clamp { min, max }
    };
    let kind = match text(&node["op"]).as_str() {
        "conv" => {
            let shape = tensors
                .tensor(node["weight"].as_str().expect("a name"))
                .expect("weight");
            let [kh, kw] = [shape.shape()[1], shape.shape()[2]];
            NodeKind::Conv(Conv {
                depthwise: node["depthwise"].as_bool().expect("a flag"),
                kernel: [kh, kw],
                stride: [0, 1].map(|at| size(&node["stride"][at])),
                padding: [0, 1, 2, 3].map(|at| size(&node["padding"][at])),
                weight: bytes("weight")
                    .iter()
                    .map(|byte| byte.cast_signed())
                    .collect(),
                bias: words(bytes("bias")).map(u32::cast_signed).collect(),
                weight_scale: words(bytes("weight_scale")).map(f32::from_bits).collect(),
                real_scale: None,
                output: output(),
                clamp: clamp(),
            })
        }
        "add" => NodeKind::Add {
            output: output(),
            clamp: clamp(),
        },
        "average_pool" => NodeKind::AveragePool,
        "classifier" => NodeKind::Classifier(Classifier {
            weight: words(bytes("weight")).map(f32::from_bits).collect(),
            bias: words(bytes("bias")).map(f32::from_bits).collect(),
        }),
        other => panic!("an unknown node: {other}"),
    };
    let inputs = match &node["inputs"] {
        Json::Array(inputs) => inputs.iter().map(size).collect(),
        _ => vec![size(&node["input"])],
    };
    Node {
        name: text(&node["name"]),
        kind,
        inputs,
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().expect("four bytes")))
}

fn list(json: &Json) -> &[Json] {
    json.as_array().expect("a list")
}

fn text(json: &Json) -> String {
    json.as_str().expect("a text").to_string()
}

fn size(json: &Json) -> usize {
    usize::try_from(json.as_u64().expect("a count")).expect("small")
}

fn code(json: &Json) -> i32 {
    i32::try_from(json.as_i64().expect("a code")).expect("small")
}

fn real(json: &Json) -> f32 {
    json.to_string().parse().expect("a number")
}
