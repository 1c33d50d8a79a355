//! Exercises of right arms that learn to be those of a new person's left arm.

use quartermeg_core::compile::compile;
use quartermeg_core::network::Shape;
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::kernels::{Kernels, Native, Portable, Reference};
use quartermeg_core::session::{Evaluator, Session};
use quartermeg_formats::explain;
use quartermeg_formats::sample_file::{self, Parts};
use quartermeg_formats::scenario::{KEYBOARD, WATCH};
use serde_json::Value;

use crate::{SETTINGS, forward, golden, network, read, report};

const GOLDEN: &str = "pretrain/golden-forward-watch.json";

fn samples() -> Parts {
    sample_file::read_parts(&read(WATCH.samples_path)).expect("the data that ship")
}

fn check_forward<K: Kernels>() {
    forward::check::<K>(&network(&WATCH), &samples().learn, &golden(GOLDEN));
}

#[test]
fn every_code_and_logit_equals_the_pretraining_model_reference_kernels() {
    check_forward::<Reference>();
}

#[test]
fn every_code_and_logit_equals_the_pretraining_model_portable_kernels() {
    check_forward::<Portable>();
}

#[test]
fn the_network_reads_the_windows_that_ship() {
    let network = network(&WATCH);
    let shape = Shape { h: 1, w: 64, c: 6 };
    assert_eq!(network.input().shape, shape);
    assert_eq!(
        network.classes(),
        ["PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"]
    );
    let provenance = golden("static/models/PROVENANCE.json");
    assert_eq!(
        provenance["watch"]["multiply_accumulates"],
        network.macs_forward()
    );
    assert!((500_000..=8_000_000).contains(&network.macs_forward()));
    // One row: kernels and strides run along time.
    for (_, node, conv) in network.convs() {
        assert_eq!([conv.kernel[0], conv.stride[0]], [1, 1], "{}", node.name);
    }
    let Parts { learn, test } = samples();
    for samples in [learn, test] {
        for sample in 0..samples.len() {
            let (codes, label) = samples.get(sample);
            assert_eq!(codes.len(), shape.h * shape.w * shape.c);
            assert!((label as usize) < network.classes().len());
        }
    }
}

#[test]
fn the_file_of_windows_says_how_codes_are_made() {
    let bytes = unpacked(&read(WATCH.samples_path));
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).expect("safetensors");
    let described = metadata.metadata().as_ref().expect("metadata")["quartermeg.samples"].clone();
    let described: Value = serde_json::from_str(&described).expect("JSON");
    let channels = described["channels"].as_array().expect("channels");
    assert_eq!(channels.len(), 6);
    for channel in channels {
        assert!(channel["mean"].is_number());
        assert!(channel["deviation"].as_f64() > Some(0.0));
    }
    let names = described["class_names"].as_array().expect("names");
    assert_eq!(names.len(), network(&WATCH).classes().len());
}

#[test]
fn grey_images_are_no_windows() {
    let error = sample_file::read_parts(&read(KEYBOARD.samples_path)).expect_err("other samples");
    let sentence = explain::samples(&error);
    assert!(sentence.contains("learn_x"), "{sentence}");
}

/// The accuracy before learning that the pretraining scripts computed on their own.
#[test]
fn the_left_arm_is_new_to_the_network() {
    let network = network(&WATCH);
    let image = compile(
        &network,
        &Policy::classifier_only(&network),
        Rules::DEVICE,
        SETTINGS,
    )
    .expect("compiles");
    let session = Session::<Native>::new(image.clone(), samples().learn).expect("fits");
    let mut evaluator = Evaluator::<Native>::new(image).expect("fits");
    evaluator.begin(&session.state()).expect("same program");
    let accuracy = evaluator
        .advance(&samples().test, usize::MAX)
        .expect("samples fit")
        .expect("all were measured");
    let recorded = &golden("static/models/PROVENANCE.json")["watch-person"]["before_learning"];
    assert_eq!(recorded["right_answers"], accuracy.correct);
    assert_eq!(recorded["windows"], accuracy.total);
}

/// The story of the page: what fits the quarter of a megabyte and what does not.
#[test]
fn full_update_does_not_fit_and_the_default_does() {
    let network = network(&WATCH);
    let budget = WATCH.default_setup().budget_bytes;
    assert_eq!(budget, 262_144);
    let full = report(
        &network,
        &Policy::uniform(&network, LayerUpdate::Weights { ratio: 1.0 }),
    );
    assert!(full.arena_bytes > budget, "{full:?}");
    // Even without any gradient: what must be kept is already too much.
    assert!(full.analytic_bytes.total > u64::from(budget), "{full:?}");
    let policy = WATCH.default_setup().policy;
    assert_eq!(policy.layers.len(), network.convs().count());
    let default = report(&network, &policy);
    assert!(default.arena_bytes < budget, "{default:?}");
    let classifier = report(&network, &Policy::classifier_only(&network));
    assert!(classifier.arena_bytes < default.arena_bytes);
    for report in [full, default, classifier] {
        // `docs/memory.md` says how close each is.
        let above = report.arena_bytes - report.lower_bound_bytes;
        assert!(above * 250 <= report.lower_bound_bytes, "{report:?}");
    }
}

fn unpacked(file: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .expect("gzip");
    bytes
}
