//! Printed digits that learn to be handwritten ones.

use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::runtime::kernels::{Kernels, Portable, Reference};
use quartermeg_formats::scenario::KEYBOARD;
use quartermeg_formats::{image, sample_file};

use crate::{forward, golden, network, read, report, sha256};

fn check_forward<K: Kernels>() {
    let digits =
        sample_file::read_digits(&read(KEYBOARD.samples_path)).expect("the data that ship");
    let golden = golden("pretrain/golden-forward.json");
    forward::check::<K>(&network(&KEYBOARD), &digits.learn, &golden);
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
fn every_code_and_logit_equals_the_pretraining_model_reference_kernels() {
    check_forward::<Reference>();
}

#[test]
fn every_code_and_logit_equals_the_pretraining_model_portable_kernels() {
    check_forward::<Portable>();
}

/// The story of the page: what fits the quarter of a megabyte and what does not.
#[test]
fn full_update_does_not_fit_and_the_default_uses_half_of_the_device() {
    let network = network(&KEYBOARD);
    let budget = KEYBOARD.default_setup().budget_bytes;
    assert_eq!(budget, 262_144);
    let full = report(
        &network,
        &Policy::uniform(&network, LayerUpdate::Weights { ratio: 1.0 }),
    );
    assert!(full.arena_bytes > budget);
    // Even without any gradient: what must be kept is already too much.
    assert!(full.analytic_bytes.total > u64::from(budget), "{full:?}");
    let default = report(&network, &KEYBOARD.default_setup().policy);
    let share = f64::from(default.arena_bytes) / f64::from(budget);
    assert!((0.50..=0.95).contains(&share), "{share}");
    let classifier = report(&network, &Policy::classifier_only(&network));
    assert!(classifier.arena_bytes * 4 < budget, "{classifier:?}");
    for report in [full, default, classifier] {
        // `docs/memory.md` says how close each is.
        let above = report.arena_bytes - report.lower_bound_bytes;
        assert!(above * 250 <= report.lower_bound_bytes, "{report:?}");
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
