//! Imported networks under the rule `tflm`, and run by the model of TensorFlow Lite Micro's
//! arithmetic, against what that interpreter answered (`tests/oracle/tflm.py`).

use std::fs;
use std::path::Path;

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::{Passes, Together, compile_with};
use quartermeg_core::network::{Network, NodeKind};
use quartermeg_core::policy::Policy;
use quartermeg_core::program::{Op, Program, Settings};
use quartermeg_core::quant::{Rules, int8_softmax};
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::runtime::{NoTrace, Runtime};
use quartermeg_formats::config::hex;
use quartermeg_formats::{explain, tflite};
use quartermeg_tests::tflm_model::forward;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

#[path = "../../formats/tests/common/mod.rs"]
mod common;

#[derive(Deserialize)]
struct Vectors {
    networks: Vec<NetworkVectors>,
}

#[derive(Deserialize)]
struct NetworkVectors {
    name: String,
    sha256: String,
    /// The bytes in hexadecimal, of a network that was made for these vectors.
    file: Option<String>,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    logits: Vec<i8>,
    softmax: Option<Vec<i8>>,
}

fn vectors() -> Vec<NetworkVectors> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/tflm.json");
    let vectors: Vectors =
        serde_json::from_slice(&fs::read(path).expect("a file")).expect("vectors");
    vectors.networks
}

/// Input `k`, by the formula that the vectors state.
fn input(k: usize, len: usize) -> Vec<i8> {
    let byte = |code: i32| i8::try_from(code).expect("a code");
    let k = i32::try_from(k).expect("small");
    if k == 0 {
        return (0..i32::try_from(len).expect("small"))
            .map(|i| byte((37 * i + 11) % 256 - 128))
            .collect();
    }
    let mut state = 2_654_435_761_u32.wrapping_mul(k.cast_unsigned());
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let top = i32::from(state.to_be_bytes()[0]);
            byte((top - 128) >> (k % 3))
        })
        .collect()
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    assert!(rest.is_empty());
    let pairs = pairs
        .iter()
        .map(|pair| str::from_utf8(pair).expect("digits"));
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).expect("digits"))
        .collect()
}

fn import(vectors: &NetworkVectors) -> Option<Network> {
    let bytes = match &vectors.file {
        Some(file) => bytes_of(file),
        None => common::network(&vectors.name)?,
    };
    assert_eq!(
        hex(&Sha256::digest(&bytes)),
        vectors.sha256,
        "{}: another file",
        vectors.name
    );
    let network = tflite::read(&vectors.name, &bytes);
    Some(network.unwrap_or_else(|error| panic!("{}: {}", vectors.name, explain::tflite(&error))))
}

#[test]
fn imported_networks_answer_bit_for_bit() {
    for vectors in vectors() {
        let Some(network) = import(&vectors) else {
            continue;
        };
        assert_eq!(vectors.answers.len(), 16, "{}", vectors.name);
        let len = network.input().shape.len();
        for (k, answer) in vectors.answers.iter().enumerate() {
            let found = forward(&network, &input(k, len));
            let at = format!("{}, input {k}", vectors.name);
            assert_eq!(found.values.last(), Some(&answer.logits), "{at}");
            assert_eq!(found.softmax, answer.softmax, "{at}");
        }
    }
}

/// Codes that each node of `network` gives for `codes` in the core, and its probabilities.
fn in_the_core(network: &Network, codes: &[i8]) -> (Vec<Vec<i8>>, Option<Vec<i8>>) {
    let policy = Policy::classifier_only(network);
    // Layer by layer, so that every code exists at some time.
    let layer_by_layer = Passes {
        streaming: Together::Never,
        ..Passes::ALL
    };
    let settings = Settings::constant(0.0, 0);
    let image = compile_with(network, &policy, Rules::TFLM, settings, layer_by_layer);
    let program = Program::parse(image.expect("compiles")).expect("loads");
    let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
    let mut runtime: Runtime<_, _, Native> = Runtime::new(program, arena).expect("fits");
    runtime.load_sample(codes, 0).expect("fits");
    let params = Settings::constant(0.0, 0).step_params(0);
    let mut values = Vec::new();
    for op_idx in 0..runtime.program().meta().loss_op {
        runtime.run_op(op_idx, &params, &mut NoTrace);
        let op = runtime.program().op(op_idx);
        let (Op::Conv { y, .. }
        | Op::Add { y, .. }
        | Op::AveragePool { y, .. }
        | Op::Pool { y, .. }) = op
        else {
            continue;
        };
        let bytes = runtime.tensor_bytes(y).iter();
        values.push(bytes.map(|byte| byte.cast_signed()).collect());
    }
    let Some(NodeKind::Logits {
        softmax: Some(_), ..
    }) = network.nodes().last().map(|node| &node.kind)
    else {
        return (values, None);
    };
    let logits: &Vec<i8> = values.last().expect("a layer");
    let mut probabilities = vec![0; logits.len()];
    let scale = runtime.program().meta().head.x_quant.scale;
    int8_softmax(scale, logits, &mut probabilities);
    (values, Some(probabilities))
}

#[test]
fn the_rule_of_the_core_gives_every_code_of_every_layer() {
    for vectors in vectors() {
        let Some(network) = import(&vectors) else {
            continue;
        };
        let len = network.input().shape.len();
        for (k, answer) in vectors.answers.iter().enumerate() {
            let codes = input(k, len);
            let (values, probabilities) = in_the_core(&network, &codes);
            let at = format!("{}, input {k}", vectors.name);
            assert_eq!(values.last(), Some(&answer.logits), "{at}");
            assert_eq!(probabilities, answer.softmax, "{at}");
            if k == 0 {
                let expected = forward(&network, &codes).values;
                for (node, (found, expected)) in values.iter().zip(&expected[1..]).enumerate() {
                    assert_eq!(found, expected, "{at}, node {node}");
                }
            }
        }
    }
}
