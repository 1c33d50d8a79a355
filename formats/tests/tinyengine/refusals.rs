//! Graphs that are refused.

use quartermeg_formats::explain;
use quartermeg_formats::tinyengine::{Problem, TinyEngineError, read};
use serde_json::{Value as Json, json};

use crate::MOST_BYTES;
use crate::memory::measured;
use crate::small::{small_graph, timeline_of};

/// A change of the small graph, and the sentence that refuses it.
struct Refusal {
    change: fn(&mut Json),
    sentence: &'static str,
}

const REFUSALS: [Refusal; 20] = [
    Refusal {
        change: |graph| *graph = json!({}),
        sentence: "This is JSON, but not a training graph: it must be a list of operators.",
    },
    Refusal {
        change: |graph| *graph = json!([]),
        sentence: "This is JSON, but not a training graph: it must be a list of operators.",
    },
    Refusal {
        change: |graph| *graph = Json::Array(vec![Json::Null; 5000]),
        sentence: "The graph has 5,000 operators, but at most 2,048 are read.",
    },
    Refusal {
        change: |graph| graph[1] = json!(7),
        sentence: "Operator 1: the field \"name\" is missing or is not a text.",
    },
    Refusal {
        change: |graph| graph[3]["type"] = json!("nn.softmax"),
        sentence: "Operator 3 \"nn.log_softmax@3\": its field \"type\" is \"nn.softmax\", a type \
                   of operator that is not known here.",
    },
    Refusal {
        change: |graph| graph[10]["inputs"] = json!([]),
        sentence: "Operator 10 \"where@10\": the field \"inputs\" lists 0 tensors instead of 3.",
    },
    Refusal {
        change: |graph| graph[10]["outputs"] = json!(null),
        sentence: "Operator 10 \"where@10\": the field \"outputs\" is missing or is not a list.",
    },
    Refusal {
        change: |graph| graph[0]["inputs"][2]["name"] = json!(2),
        sentence: "Operator 0 \"nn.mcuconv2d@0\", tensor \"inputs[2]\": the field \"name\" is \
                   missing or is not a text.",
    },
    Refusal {
        change: |graph| graph[0]["inputs"][1]["shape"] = json!([12, 0, 1, 1]),
        sentence: "Operator 0 \"nn.mcuconv2d@0\", tensor \"v0_weight\": the field \"shape\" is \
                   missing or is not at most 8 positive numbers.",
    },
    Refusal {
        change: |graph| graph[0]["inputs"][1]["shape"] = json!([4_294_967_295_u32, 2]),
        sentence: "Operator 0 \"nn.mcuconv2d@0\", tensor \"v0_weight\": the field \"shape\" has \
                   more elements than 4 GiB can hold.",
    },
    Refusal {
        change: |graph| graph[0]["inputs"][1]["dtype"] = json!("int4"),
        sentence: "Operator 0 \"nn.mcuconv2d@0\", tensor \"v0_weight\": the field \"dtype\" is \
                   missing or is not \"bool\", \"int8\", \"int32\" or \"float32\".",
    },
    Refusal {
        change: |graph| graph[0]["inputs"][1]["var_type"] = json!("weight"),
        sentence: "Operator 0 \"nn.mcuconv2d@0\", tensor \"v0_weight\": the field \"var_type\" is \
                   missing or is not \"activation\", \"parameter\" or \"constant\".",
    },
    Refusal {
        change: |graph| graph[0]["attrs"] = json!({"strides": [1], "groups": 1}),
        sentence: "Operator 0 \"nn.mcuconv2d@0\": the field \"strides\" is missing or is not 2 \
                   positive numbers.",
    },
    Refusal {
        change: |graph| graph[0]["attrs"]["groups"] = json!(4),
        sentence: "Operator 0 \"nn.mcuconv2d@0\": the field \"groups\" is missing or is not 1, or \
                   the number of channels.",
    },
    Refusal {
        change: |graph| graph[2]["inputs"][0]["name"] = json!("out_cast@5"),
        sentence: "Operator 2 \"cast@2\", tensor \"out_cast@5\": the field \"name\" is that of no \
                   tensor that an earlier operator computes.",
    },
    Refusal {
        change: |graph| graph[2]["outputs"][0]["name"] = json!("input"),
        sentence: "Operator 2 \"cast@2\", tensor \"input\": the field \"name\" is that of a \
                   tensor which is there already.",
    },
    Refusal {
        change: |graph| graph[2]["inputs"][0]["dtype"] = json!("int32"),
        sentence: "Operator 2 \"cast@2\", tensor \"out_nn.mcutruncate@1\": the field \"dtype\" \
                   differs from where the tensor is first mentioned.",
    },
    Refusal {
        change: |graph| graph[2]["outputs"][0]["shape"] = json!([1, 12, 1000]),
        sentence: "Operator 2 \"cast@2\", tensor \"out_cast@2\": the field \"shape\" has 12,000 \
                   elements, but the operator's other tensors need 12.",
    },
    Refusal {
        change: |graph| {
            for (operator, list, index) in [(0, "outputs", 0), (1, "inputs", 0), (5, "inputs", 0)] {
                graph[operator][list][index]["shape"] = json!([1, 12, 1]);
            }
        },
        sentence: "Operator 0 \"nn.mcuconv2d@0\", tensor \"out_nn.mcuconv2d@0\": the field \
                   \"shape\" is missing or is not 4 numbers.",
    },
    Refusal {
        change: |graph| graph[0]["inputs"][0]["shape"] = json!([1, 16, 1024, 1024]),
        sentence: "Tensor \"input\" needs 16.0 MiB (16,777,216 B), and there is no place for it \
                   below 10.0 MiB (10,485,760 B).",
    },
];

#[test]
fn refusals_name_operator_tensor_and_field() {
    for Refusal { change, sentence } in REFUSALS {
        let mut graph = small_graph();
        change(&mut graph);
        let error = timeline_of(&graph).expect_err(sentence);
        assert_eq!(explain::tinyengine(&error), sentence);
    }
    let mut no_loss = small_graph();
    no_loss.as_array_mut().expect("a list").truncate(4);
    assert_eq!(timeline_of(&no_loss), Err(TinyEngineError::NoLoss));
    assert!(explain::tinyengine(&TinyEngineError::NoLoss).contains("no loss"));
    let error = read(b"[{").expect_err("half a file");
    assert!(explain::tinyengine(&error).contains("line 1 column 2"));
    let error = read(&vec![b' '; 3 * 1024 * 1024]).expect_err("a long file");
    assert!(explain::tinyengine(&error).starts_with("The graph has 3.0 MiB"));
}

#[test]
fn names_and_nesting_are_bounded() {
    let mut graph = small_graph();
    graph[3]["type"] = json!("x".repeat(100_000));
    let error = timeline_of(&graph).expect_err("an unknown type");
    assert!(explain::tinyengine(&error).len() < 300);
    let deep = "[".repeat(90_000);
    assert!(matches!(
        read(deep.as_bytes()),
        Err(TinyEngineError::Json(_))
    ));
}

/// Files that are as wide in memory as files of their length can be.
#[test]
fn dense_files_stay_small_in_memory() {
    let dense = |part: &str, n: usize| format!("[{}{part}]", format!("{part},").repeat(n));
    for (part, n, is_refused) in [
        ("{\"\":1}", 16_000, false),
        ("{\"\":1}", 17_000, true),
        ("[1]", 48_000, false),
        ("[1]", 50_000, true),
        ("1", 98_000, false),
        ("1", 1_000_000, true),
        ("{\"\":[{\"\":{\"\":[1]}}]}", 5_000, false),
    ] {
        let text = dense(part, n);
        let (result, memory) = measured(|| read(text.as_bytes()));
        assert_eq!(
            result == Err(TinyEngineError::TooManyParts),
            is_refused,
            "{n} of {part}"
        );
        assert!(memory.peak < MOST_BYTES / 2, "{n} of {part}: {memory:?}");
    }
    assert!(explain::tinyengine(&TinyEngineError::TooManyParts).contains("2,048 operators"));
}

#[test]
fn an_unknown_parameter_is_no_activation() {
    let mut graph = small_graph();
    graph[3]["inputs"][0] =
        json!({"name": "p", "var_type": "parameter", "shape": [12], "dtype": "float32"});
    assert_eq!(
        timeline_of(&graph),
        Err(TinyEngineError::Operator {
            index: 3,
            name: "nn.log_softmax@3".into(),
            tensor: Some("p".into()),
            problem: Problem::Field {
                field: "var_type",
                expected: "\"activation\""
            },
        })
    );
}
