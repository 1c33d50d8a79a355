//! A session steps inside a step in both directions and comes out with the same bits.
#![cfg(all(feature = "compile", not(target_arch = "wasm32")))]

mod common;

use common::network::{Style, random_network};
use common::policy::random_policy;
use common::rng::Rng;
use common::rules::Setup;
use common::run::Sample;
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::network::Network;
use quartermeg_core::program::Settings;
use quartermeg_core::runtime::NoTrace;
use quartermeg_core::session::{Samples, Session};

fn session(seed: u64) -> Session {
    let mut rng = Rng::new(seed);
    let network = random_network(&mut rng, Style::SMALL);
    let policy = random_policy(&mut rng, &network);
    let samples = common::run::random_samples(&mut rng, &network, 5);
    session_of(&network, common::run::image_of(&network, &policy), samples)
}

fn session_of(network: &Network, image: AlignedBytes, samples: Vec<Sample>) -> Session {
    let shape = network.input().shape;
    let (mut codes, mut labels) = (Vec::new(), Vec::new());
    for (input, label) in samples {
        codes.extend(input);
        labels.push(label);
    }
    let samples = Samples::new([shape.h, shape.w, shape.c], codes, labels).expect("one shape");
    Session::new(image, samples).expect("program and samples fit")
}

/// Remainders, masters and momentum are a part of what must come back.
fn session_under_random_rules(seed: u64) -> Session {
    let setup = Setup::random(70_000 + seed, Style::VARIED, 5);
    let image = setup.image();
    session_of(&setup.network, image, setup.samples)
}

#[test]
fn going_back_and_forth_leaves_the_same_weights() {
    for seed in 0..40 {
        let make = |seed| {
            if seed < 8 {
                session(seed)
            } else {
                session_under_random_rules(seed)
            }
        };
        let mut straight = make(seed);
        let mut wandering = make(seed);
        let n_ops = straight.program().n_ops();
        for _ in 0..3 {
            straight.step(&mut NoTrace);
            wandering.seek(n_ops / 2, &mut NoTrace);
            let arena = wandering.runtime().arena().to_vec();
            wandering.next_op(&mut NoTrace);
            assert!(wandering.previous_op(&mut NoTrace));
            assert_eq!(wandering.op_count(), n_ops / 2);
            assert_eq!(
                wandering.runtime().state(),
                &arena[..wandering.runtime().state().len()]
            );
            wandering.seek(1, &mut NoTrace);
            wandering.step(&mut NoTrace);
            // One step back over the end of the step, and forward again.
            assert!(wandering.previous_op(&mut NoTrace));
            assert_eq!(wandering.op_count(), n_ops - 1);
            assert!(wandering.next_op(&mut NoTrace));
            assert_eq!(straight.weights_digest(), wandering.weights_digest());
            assert_eq!(straight.state(), wandering.state());
            assert_eq!(straight.loss(), wandering.loss());
            assert_eq!(straight.step_count(), wandering.step_count());
        }
    }
}

#[test]
fn nothing_can_be_undone_before_the_first_operation() {
    let mut session = session(1);
    assert!(!session.previous_op(&mut NoTrace));
    session.next_op(&mut NoTrace);
    assert!(session.previous_op(&mut NoTrace));
    assert!(!session.previous_op(&mut NoTrace));
}

#[test]
fn changed_settings_wait_for_the_next_step() {
    let faster = |settings: Settings| Settings {
        learning_rate: 8.0,
        ..settings
    };
    let mut plain = session(3);
    plain.step(&mut NoTrace);
    let mut changed = session(3);
    changed.seek(changed.program().meta().loss_op, &mut NoTrace);
    changed.set_settings(faster(changed.settings()));
    changed.step(&mut NoTrace);
    assert_eq!(plain.weights_digest(), changed.weights_digest());
    changed.step(&mut NoTrace);
    plain.step(&mut NoTrace);
    assert_ne!(plain.weights_digest(), changed.weights_digest());
}

#[test]
fn the_state_inside_a_step_is_that_of_its_start() {
    let mut session = session(2);
    session.step(&mut NoTrace);
    let between = session.state();
    session.seek(session.program().n_ops() - 1, &mut NoTrace);
    assert_eq!(session.state(), between);
    assert_ne!(session.runtime().state(), between);
}

#[test]
fn a_sample_added_inside_a_step_waits_for_the_next() {
    let mut plain = session(4);
    let mut added = session(4);
    added.seek(1, &mut NoTrace);
    let sample = added.sample_of_step(0);
    let (codes, label) = added.samples().get(0);
    let codes = codes.to_vec();
    added.add_sample(&codes, label).expect("it fits");
    assert_eq!(added.sample_of_step(0), sample);
    assert!(added.previous_op(&mut NoTrace));
    added.step(&mut NoTrace);
    plain.step(&mut NoTrace);
    assert_eq!(plain.weights_digest(), added.weights_digest());
}
