//! The released graph gives what the released generator printed.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use quartermeg_core::program::Role;
use quartermeg_formats::tinyengine::{Passes, Phase, PlaceOrder, ReleasedType, read, read_with};
use serde_json::{Value as Json, json};

fn vector() -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/tinyengine-49kb.json");
    serde_json::from_slice(&fs::read(path).expect("a file of the repository")).expect("JSON")
}

/// The released graph, if it is at hand.
pub(crate) fn released_graph(check: &str) -> Option<Vec<u8>> {
    let Some(directory) = std::env::var_os("QUARTERMEG_REFERENCE_DIR") else {
        // Straight to the terminal: what a passing test prints is not shown.
        let _ = writeln!(
            std::io::stderr(),
            "NOT RUN: {check}: QUARTERMEG_REFERENCE_DIR is not set"
        );
        return None;
    };
    let path = Path::new(&directory).join("tinyengine/49kb-int8-graph.json");
    Some(fs::read(path).expect("the graph lies in QUARTERMEG_REFERENCE_DIR"))
}

fn numbers(json: &Json) -> Vec<u32> {
    let list = json.as_array().expect("a list").iter();
    list.map(|number| u32::try_from(number.as_u64().expect("a number")).expect("32 bits"))
        .collect()
}

#[test]
fn operations_are_those_of_the_released_schedule() {
    let Some(graph) = released_graph("operations of the released schedule") else {
        return;
    };
    let (timeline, vector) = (read(&graph).expect("the graph that ships"), vector());
    let kinds: Vec<&str> = timeline.ops.iter().map(|op| op.kind).collect();
    assert_eq!(kinds.len(), 192);
    assert_eq!(json!(kinds), vector["ops"]);
    let begins = |phase| timeline.ops.iter().position(|op| op.phase == phase);
    assert_eq!(begins(Phase::Forward), Some(0));
    assert_eq!(json!(begins(Phase::Loss)), vector["loss_begins"]);
    assert_eq!(json!(begins(Phase::Backward)), vector["backward_begins"]);
    // Every released update is there: 21 biases, 4 weights.
    let updated = |kind: &str| {
        let ops = timeline.ops.iter().filter(|op| op.kind == kind);
        ops.map(|op| op.parameter.clone().expect("a parameter"))
            .collect::<Vec<_>>()
    };
    assert_eq!(updated("BIAS_UPDATE").len(), 21);
    assert_eq!(updated("BIAS_UPDATE")[20], "v8_conv_1_bias");
    assert_eq!(
        updated("GROUP_CONV"),
        [
            "v15_weight",
            "v11_conv_0_weight",
            "v10_conv_0_weight",
            "v9_conv_0_weight"
        ]
    );
    assert_eq!(
        timeline.ops[4].parameter.as_deref(),
        Some("v2_conv_1_weight")
    );
}

#[test]
fn tensors_and_addresses_are_those_of_the_released_schedule() {
    let Some(graph) = released_graph("tensors and addresses of the released schedule") else {
        return;
    };
    let (timeline, vector) = (read(&graph).expect("the graph that ships"), vector());
    let mut found: Vec<Json> = timeline
        .tensors
        .iter()
        .map(|it| {
            let kind = match it.released_type {
                ReleasedType::Inference => "F",
                ReleasedType::TrainingActivation => "T",
            };
            let end = it.last_op + 1;
            json!([
                it.first_op,
                end,
                it.size_bytes,
                it.offset,
                kind,
                it.quarter_after_op
            ])
        })
        .collect();
    let mut expected = vector["rectangles"].as_array().expect("a list").clone();
    assert_eq!(found.len(), 135);
    found.sort_by_key(Json::to_string);
    expected.sort_by_key(Json::to_string);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
}

#[test]
fn bytes_and_peaks_are_those_of_the_released_schedule() {
    let Some(graph) = released_graph("bytes and peaks of the released schedule") else {
        return;
    };
    let (timeline, vector) = (read(&graph).expect("the graph that ships"), vector());
    assert_eq!(timeline.live_bytes, numbers(&vector["live_bytes"]));
    assert_eq!(timeline.live_bytes.len(), 192);
    assert_eq!(json!(timeline.arena_bytes), vector["arena_bytes"]);
    assert_eq!(
        json!({"op": timeline.forward_peak_op, "bytes": timeline.forward_peak_bytes}),
        vector["forward_peak"]
    );
    assert_eq!(
        json!({"op": timeline.backward_peak_op, "bytes": timeline.backward_peak_bytes}),
        vector["backward_peak"]
    );
    let saved: Vec<u32> = timeline.saved().map(|tensor| tensor.size_bytes).collect();
    assert_eq!(
        json!({"tensors": saved.len(), "bytes": saved.iter().sum::<u32>()}),
        vector["saved"]
    );
    // The label and the scalars of 4 divisions and one product take room that nothing is kept in.
    let count = |role| timeline.tensors.iter().filter(|it| it.role == role).count();
    assert_eq!(
        [
            Role::Input,
            Role::Label,
            Role::Scratch,
            Role::Mask,
            Role::SavedActivation
        ]
        .map(count),
        [1, 1, 5, 25, 4]
    );
}

/// The released placement is not sound: two pairs lie on top of each other.
#[test]
fn released_overlaps_are_reported() {
    let Some(graph) = released_graph("overlaps of the released placement") else {
        return;
    };
    let timeline = read(&graph).expect("the graph that ships");
    let overlaps: Vec<[(u32, u32, u32); 2]> = timeline
        .overlaps()
        .into_iter()
        .map(|pair| {
            pair.map(|index| {
                let tensor = &timeline.tensors[index as usize];
                (tensor.first_op, tensor.last_op, tensor.offset)
            })
        })
        .collect();
    let [input, output] = timeline.overlaps()[0];
    let convolution = &timeline.ops[40];
    assert_eq!(convolution.kind, "CONV_2D");
    assert!(convolution.reads.contains(&input) && convolution.writes.contains(&output));
    assert_eq!(
        overlaps,
        [
            [(38, 40, 30_560), (40, 41, 30_560)],
            [(53, 53, 35_116), (53, 53, 35_116)]
        ]
    );
}

/// Switches one more pass on.
type Switch = fn(&mut Passes);

#[test]
fn every_pass_has_the_released_effect() {
    let Some(graph) = released_graph("effect of every pass") else {
        return;
    };
    let all = Passes::RELEASED;
    let none = Passes::UNFUSED;
    let mut configurations = vec![
        (
            "none, byte masks, depthwise apart",
            Passes {
                bit_masks: false,
                depthwise_in_place: false,
                ..none
            },
        ),
        ("none", none),
    ];
    let mut passes = none;
    let switches: [(&str, Switch); 7] = [
        ("fuse tile", |it| it.fuse_tile = true),
        ("fuse cast", |it| it.fuse_cast = true),
        ("fuse where zeros", |it| it.fuse_where_zeros = true),
        ("where in place", |it| it.where_in_place = true),
        ("multiply in place", |it| it.multiply_in_place = true),
        ("sgd in place", |it| it.sgd_in_place = true),
        ("reorder", |it| it.reorder = true),
    ];
    for (name, switch) in switches {
        switch(&mut passes);
        configurations.push((name, passes));
    }
    assert_eq!(passes, all);
    let (mut largest, mut bytes, mut apart) = (all, all, all);
    largest.order = PlaceOrder::LargestFirst;
    bytes.bit_masks = false;
    apart.depthwise_in_place = false;
    configurations.extend([
        ("all, largest first", largest),
        ("all, byte masks", bytes),
        ("all, depthwise apart", apart),
    ]);
    let vector = vector();
    assert_eq!(
        vector["passes"].as_object().expect("an object").len(),
        configurations.len()
    );
    for (name, passes) in configurations {
        let timeline = read_with(&graph, &passes).expect("the graph that ships");
        let found = json!([
            timeline.ops.len(),
            timeline.tensors.len(),
            timeline.arena_bytes,
            timeline.backward_peak_bytes
        ]);
        assert_eq!(found, vector["passes"][name], "{name}");
    }
}
