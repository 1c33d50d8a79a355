//! Whole steps of the keyboard network against an independent model (`oracle/device_step.py`),
//! to the bit: sample order, loss, and the digest of all weights.

#![expect(clippy::unwrap_used, reason = "a test ends at the first failure")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::kernels::{Kernels, Portable, Reference};
use quartermeg_core::runtime::{NoTrace, Runtime, sample_at};
use quartermeg_core::session::Samples;
use quartermeg_formats::{network_file, sample_file};
use quartermeg_tests::policy_record::{Update, policy};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

#[derive(Deserialize)]
struct Vectors {
    model_sha256: String,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    name: String,
    policy: Vec<Update>,
    learning_rate: f32,
    qas: bool,
    seed: String,
    start_digest: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(rename = "step")]
    number: u32,
    sample: u32,
    label: u32,
    loss_bits: String,
    digest: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file that may have been compressed.
fn read_file(path: &str) -> Vec<u8> {
    let path = root().join(path);
    let compressed = path.with_added_extension("gz");
    fs::read(&path)
        .or_else(|_absent| fs::read(compressed))
        .unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn check_run<K: Kernels>(run: &Run, network: &Network, samples: &Samples) {
    let seed = u64::from_str_radix(&run.seed, 16).unwrap();
    let settings = Settings {
        qas: run.qas,
        ..Settings::constant(run.learning_rate, seed)
    };
    let image = compile(network, &policy(&run.policy), Rules::DEVICE, settings).unwrap();
    let program = Program::parse(image).unwrap();
    let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
    let mut runtime = Runtime::<_, _, K>::new(program, arena).unwrap();
    assert_eq!(
        hex(&runtime.weights_digest()),
        run.start_digest,
        "{}: start",
        run.name
    );
    for expected in &run.steps {
        let at = format!("{} ({}), step {}", run.name, K::NAME, expected.number);
        let n_samples = u32::try_from(samples.len()).unwrap();
        let sample = sample_at(seed, expected.number, n_samples);
        assert_eq!(sample, expected.sample, "{at}: sample");
        let (codes, label) = samples.get(sample as usize);
        assert_eq!(label, expected.label, "{at}: label");
        runtime.load_sample(codes, label).unwrap();
        let params = settings.step_params(expected.number);
        let loss = runtime.step(&params, &mut NoTrace);
        assert_eq!(
            format!("{:08x}", loss.to_bits()),
            expected.loss_bits,
            "{at}: loss {loss}"
        );
        assert_eq!(
            hex(&runtime.weights_digest()),
            expected.digest,
            "{at}: weights"
        );
    }
}

fn check_all<K: Kernels>() {
    let model = read_file("static/models/keyboard.safetensors");
    let vectors: Vectors =
        serde_json::from_slice(&read_file("tests/vectors/keyboard_steps.json")).unwrap();
    assert_eq!(
        hex(&Sha256::digest(&model)),
        vectors.model_sha256,
        "made for another network"
    );
    let network = network_file::read(&model).unwrap();
    let digits =
        sample_file::read_digits(&read_file("static/data/keyboard-digits.safetensors")).unwrap();
    assert!(vectors.runs.len() >= 10);
    for run in &vectors.runs {
        assert!(!run.steps.is_empty(), "{}", run.name);
        check_run::<K>(run, &network, &digits.learn);
    }
}

#[test]
fn reference_kernels_equal_the_independent_model() {
    check_all::<Reference>();
}

#[test]
fn portable_kernels_equal_the_independent_model() {
    check_all::<Portable>();
}
