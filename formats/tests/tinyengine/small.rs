//! A small graph.

use quartermeg_core::program::Role;
use quartermeg_formats::tinyengine::{Timeline, TinyEngineError, read};
use serde_json::{Value as Json, json};

/// A small graph: one convolution with a clamp, its mask, the loss, and a bias that learns.
pub(crate) fn small_graph() -> Json {
    let tensor = |name: &str, kind: &str, shape: &[u32], dtype: &str| json!({"name": name, "var_type": kind, "shape": shape, "dtype": dtype, "meta": null});
    let operator = |name: &str, inputs: Json, shape: &[u32], dtype: &str, info: Json| {
        let kind = name.split('@').next().expect("a type");
        let output = json!({
            "name": format!("out_{name}"), "var_type": "activation", "shape": shape,
            "dtype": dtype, "meta": info,
        });
        json!({"name": name, "type": kind, "attrs": {}, "inputs": inputs, "outputs": [output]})
    };
    let (a, p) = ("activation", "parameter");
    let none = json!({"children": 1});
    let logits: &[u32] = &[1, 12, 1, 1];
    let mut convolution = operator(
        "nn.mcuconv2d@0",
        json!([
            tensor("input", p, &[1, 16, 1, 1], "int8"),
            tensor("v0_weight", p, &[12, 16, 1, 1], "int8"),
            tensor("v0_bias", p, &[12], "int32"),
            tensor("v0_zero_x", p, &[1], "int8"),
            tensor("v0_zero_y", p, &[1], "int8"),
            tensor("v0_scale", p, &[12], "float32"),
        ]),
        logits,
        "int32",
        none.clone(),
    );
    convolution["attrs"] = json!({"strides": [1, 1], "groups": 1});
    let conv = tensor("out_nn.mcuconv2d@0", a, logits, "int32");
    let limit = |name: &str| tensor(name, "constant", &[1], "float32");
    let cast = tensor("out_cast@5", a, logits, "float32");
    json!([
        convolution,
        operator(
            "nn.mcutruncate@1",
            json!([conv]),
            logits,
            "int8",
            none.clone()
        ),
        operator(
            "cast@2",
            json!([tensor("out_nn.mcutruncate@1", a, logits, "int8")]),
            logits,
            "float32",
            none.clone()
        ),
        operator(
            "nn.log_softmax@3",
            json!([tensor("out_cast@2", a, logits, "float32")]),
            logits,
            "float32",
            none.clone()
        ),
        operator(
            "nn.cross_entropy_with_logits@4",
            json!([
                tensor("out_nn.log_softmax@3", a, logits, "float32"),
                tensor("label", p, logits, "float32")
            ]),
            &[1],
            "float32",
            json!({"children": 0, "output_info": "fwd@output"})
        ),
        operator("cast@5", json!([conv]), logits, "float32", none.clone()),
        operator(
            "greater_equal@6",
            json!([cast, limit("low")]),
            logits,
            "bool",
            none.clone()
        ),
        operator(
            "less_equal@7",
            json!([cast, limit("high")]),
            logits,
            "bool",
            none.clone()
        ),
        operator(
            "multiply@8",
            json!([
                tensor("out_greater_equal@6", a, logits, "bool"),
                tensor("out_less_equal@7", a, logits, "bool")
            ]),
            logits,
            "bool",
            none.clone()
        ),
        operator("zeros@9", json!([]), logits, "float32", none.clone()),
        operator(
            "where@10",
            json!([
                tensor("out_multiply@8", a, logits, "bool"),
                tensor("out_nn.log_softmax@3", a, logits, "float32"),
                tensor("out_zeros@9", a, logits, "float32")
            ]),
            logits,
            "float32",
            none
        ),
        operator(
            "sum@11",
            json!([tensor("out_where@10", a, logits, "float32")]),
            &[12],
            "float32",
            json!({"children": 0, "output_info": "v0_bias"})
        ),
    ])
}

/// Its timeline.
pub(crate) fn timeline_of(graph: &Json) -> Result<Timeline, TinyEngineError> {
    read(graph.to_string().as_bytes())
}

#[test]
fn a_small_graph_is_scheduled() {
    let timeline = timeline_of(&small_graph()).expect("a graph");
    let kinds: Vec<&str> = timeline.ops.iter().map(|op| op.kind).collect();
    assert_eq!(
        kinds,
        [
            "CONV_2D",
            "CAST",
            "LOG_SOFTMAX",
            "NLL_LOSS",
            "WHERE",
            "BIAS_UPDATE"
        ]
    );
    let tensors: Vec<_> = timeline
        .tensors
        .iter()
        .map(|it| {
            (
                it.name.as_str(),
                it.role,
                it.size_bytes,
                it.first_op,
                it.last_op,
            )
        })
        .collect();
    assert_eq!(
        tensors,
        [
            ("input", Role::Input, 16, 0, 0),
            ("out_nn.mcuconv2d@0", Role::Activation, 12, 0, 1),
            ("out_multiply@8", Role::Mask, 4, 0, 4),
            ("out_cast@2", Role::Activation, 48, 1, 2),
            // Read twice, so the clamp does not overwrite it.
            ("out_nn.log_softmax@3", Role::Activation, 48, 2, 4),
            ("label", Role::Label, 48, 3, 3),
            (
                "out_nn.cross_entropy_with_logits@4",
                Role::Activation,
                4,
                3,
                3
            ),
            ("out_where@10", Role::Gradient, 48, 4, 5),
        ]
    );
    assert_eq!(timeline.live_bytes, [32, 64, 100, 104, 100, 48]);
    assert_eq!(timeline.ops[4].reads, [2, 4]);
    assert_eq!(timeline.ops[4].writes, [7]);
    assert_eq!(timeline.ops[5].parameter.as_deref(), Some("v0_bias"));
}

/// The network's input stays the input when another operator reads it too.
#[test]
fn the_input_can_be_read_twice() {
    let mut graph = small_graph();
    let mut second = graph[0].clone();
    second["name"] = json!("again");
    second["outputs"][0]["name"] = json!("out_again");
    graph.as_array_mut().expect("a list").insert(1, second);
    let timeline = timeline_of(&graph).expect("a graph");
    assert_eq!(
        (timeline.tensors[0].role, timeline.tensors[0].last_op),
        (Role::Input, 1)
    );
}
