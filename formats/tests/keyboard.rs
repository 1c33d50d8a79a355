//! The files that ship, against figures that the pretraining scripts computed on their own.

use std::fs;
use std::path::Path;

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::program::{Op, Program, Settings};
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::kernels::{Kernels, Portable, Reference};
use quartermeg_core::runtime::{NoTrace, Runtime};
use quartermeg_formats::config::hex;
use quartermeg_formats::scenario::KEYBOARD;
use quartermeg_formats::{image, memory, network_file, sample_file};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const SETTINGS: Settings = Settings::constant(0.01, 1);

fn read(path: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read(root.join(path)).expect("a file of the repository")
}

fn golden(path: &str) -> Value {
    serde_json::from_slice(&read(path)).expect("JSON")
}

fn network() -> Network {
    network_file::read(&read(KEYBOARD.network_path)).expect("the network that ships")
}

fn digits() -> sample_file::Digits {
    sample_file::read_digits(&read(KEYBOARD.samples_path)).expect("the data that ship")
}

fn sha256(codes: &[i8]) -> String {
    let bytes: Vec<u8> = codes.iter().map(|code| code.cast_unsigned()).collect();
    hex(&Sha256::digest(bytes))
}

#[test]
fn the_enlargement_equals_that_of_pretraining() {
    let golden = golden("pretrain/golden-resample.json");
    let formula = golden["images"]
        .as_array()
        .expect("images")
        .iter()
        .find(|image| image["source"] == "(31*y + 17*x + y*x) mod 256")
        .expect("the image that needs no file");
    let pixels: Vec<u8> = (0..28u32)
        .flat_map(|y| (0..28u32).map(move |x| (31 * y + 17 * x + y * x) % 256))
        .map(|value| u8::try_from(value).expect("below 256"))
        .collect();
    assert_eq!(sha256(&image::enlarge(&pixels)), formula["codes_sha256"]);
}

#[test]
fn what_ships_is_what_its_provenance_describes() {
    let provenance = golden("static/models/PROVENANCE.json");
    let files = provenance["files"].as_object().expect("files");
    for path in [KEYBOARD.network_path, KEYBOARD.samples_path] {
        let bytes = read(path);
        let entry = &files[path.strip_prefix("static/").expect("a shipped file")];
        assert_eq!(entry["bytes"], bytes.len());
        assert_eq!(entry["sha256"], hex(&Sha256::digest(&bytes)), "{path}");
    }
}

fn check_forward<K: Kernels>() {
    let network = network();
    let image = compile(
        &network,
        &Policy::classifier_only(&network),
        Rules::DEVICE,
        SETTINGS,
    )
    .expect("compiles");
    let program = Program::parse(image).expect("valid");
    let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
    let mut runtime: Runtime<_, _, K> = Runtime::new(program, arena).expect("fits");
    let digits = digits();
    let golden = golden("pretrain/golden-forward.json");
    let params = Settings::constant(0.0, 0).step_params(0);
    for (sample, expected) in golden["images"]
        .as_array()
        .expect("images")
        .iter()
        .enumerate()
    {
        let (codes, label) = digits.learn.get(sample);
        assert_eq!(expected["label"], label);
        assert_eq!(expected["input_sha256"], sha256(codes));
        runtime.load_sample(codes, label).expect("fits");
        let mut nodes = expected["nodes"].as_array().expect("nodes").iter();
        for op_idx in 0..runtime.program().meta().loss_op {
            runtime.run_op(op_idx, &params, &mut NoTrace);
            let (Op::Conv { y, .. } | Op::Add { y, .. } | Op::AveragePool { y, .. }) =
                runtime.program().op(op_idx)
            else {
                continue;
            };
            let node = nodes.next().expect("a node for each operation");
            let digest = hex(&Sha256::digest(runtime.tensor_bytes(y)));
            assert_eq!(node["sha256"], digest, "{} of image {sample}", node["name"]);
        }
        assert!(nodes.next().is_none(), "every node was compared");
        let logits: Vec<String> = runtime
            .logits()
            .iter()
            .map(|logit| format!("{:08x}", logit.to_bits()))
            .collect();
        assert_eq!(
            expected["logits_bits"],
            Value::from(logits),
            "image {sample}"
        );
    }
}

#[test]
fn every_code_and_logit_equals_the_pretraining_model_reference_kernels() {
    check_forward::<Reference>();
}

#[test]
fn every_code_and_logit_equals_the_pretraining_model_portable_kernels() {
    check_forward::<Portable>();
}

/// The story of the page: what fits the quarter of a megabyte and what does not.
#[test]
fn full_update_does_not_fit_and_the_default_uses_most_of_the_device() {
    let network = network();
    let budget = KEYBOARD.default_setup().budget_bytes;
    assert_eq!(budget, 262_144);
    let report = |policy: &Policy| {
        let image = compile(&network, policy, Rules::DEVICE, SETTINGS).expect("compiles");
        memory::report(&network, policy, &Program::parse(image).expect("valid"))
    };
    let full = report(&Policy::uniform(
        &network,
        LayerUpdate::Weights { ratio: 1.0 },
    ));
    assert!(full.arena_bytes > budget);
    // Even without any gradient: what must be kept is already too much.
    assert!(full.analytic_bytes.total > u64::from(budget), "{full:?}");
    let default = report(&KEYBOARD.default_setup().policy);
    let share = f64::from(default.arena_bytes) / f64::from(budget);
    assert!((0.60..=0.95).contains(&share), "{share}");
    let classifier = report(&Policy::classifier_only(&network));
    assert!(classifier.arena_bytes * 4 < budget, "{classifier:?}");
    for report in [full, default, classifier] {
        assert_eq!(report.arena_bytes, report.lower_bound_bytes);
    }
    assert!(
        network
            .convs()
            .filter(|(_, node, _)| node.name.ends_with("depthwise"))
            .count()
            >= 8
    );
    assert!((800_000..=3_000_000).contains(&network.macs_forward()));
}
