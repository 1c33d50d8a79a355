//! A detector of people that learns classes of a person's own.

use quartermeg_core::network::{Network, Shape};
use quartermeg_core::policy::LayerUpdate;
use quartermeg_formats::input_range::InputRange;
use quartermeg_formats::model::{self, ModelKind};
use quartermeg_formats::own;
use quartermeg_formats::scenario::{PERSON, presets};
use quartermeg_formats::setup::{CLASSES_RANGE, Head};

use crate::{read, report};

fn network() -> Network {
    let (network, kind) = model::read(PERSON.id, &read(PERSON.network_path)).expect("it ships");
    assert_eq!(kind, ModelKind::Tflite);
    network
}

#[test]
fn the_network_reads_grey_images() {
    let network = network();
    let input = network.input();
    assert_eq!(input.shape, Shape { h: 96, w: 96, c: 1 });
    // So that a code is the value minus 128, as the measurements have it.
    let codes = InputRange::of(input.quant).codes(input.quant);
    assert_eq!([codes[0], codes[200], codes[255]], [-128, 72, 127]);
    assert_eq!(network.convs().count(), 27);
    assert_eq!(network.macs_forward(), 7_157_888);
}

#[test]
fn the_licence_lies_beside_it() {
    let licence = String::from_utf8(read("static/models/person.LICENSE.txt")).expect("text");
    for part in ["Apache License", "MIT License", "The TensorFlow Authors"] {
        assert!(licence.contains(part), "{part}");
    }
}

#[test]
fn the_default_fits_with_any_number_of_classes_and_full_update_does_not() {
    let setup = PERSON.default_setup();
    assert_eq!(setup.policy.layers.len(), 27);
    assert!(
        setup
            .policy
            .layers
            .iter()
            .any(|it| matches!(it, LayerUpdate::Weights { .. }))
    );
    for n_classes in CLASSES_RANGE {
        let head = Some(Head { n_classes, seed: 0 });
        let network = own::with_head(&network(), head).expect("it has features");
        let bytes = report(&network, &setup.policy).arena_bytes;
        assert!(bytes <= setup.budget_bytes, "{n_classes} classes: {bytes}");
    }
    let network = own::with_head(&network(), setup.head).expect("it has features");
    let offered = presets(&PERSON, &network);
    assert_eq!(offered[0].policy, setup.policy);
    let full = offered.last().expect("presets");
    assert!(report(&network, &full.policy).arena_bytes > setup.budget_bytes);
}
