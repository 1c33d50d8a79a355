//! A trial is the same training as everywhere, whatever is kept of frozen beginnings.

mod common;

use std::sync::Arc;

use common::{network, shipped};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use quartermeg_core::compile::compile;
use quartermeg_core::runtime::NoTrace;
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::session::{Evaluator, Samples, Session};
use quartermeg_formats::sample_file;
use quartermeg_formats::scenario::KEYBOARD;
use quartermeg_formats::setup::Setup;
use quartermeg_search::{Choice, Part, Space, Study, StudyError, Trial};

const N_LEARN: usize = 7;
const N_HELD_OUT: usize = 6;

/// Samples of Keyboard: some to learn from, and some to measure on.
fn keyboard_samples(n_learn: usize, n_test: usize) -> [Samples; 2] {
    let digits = sample_file::read_digits(&shipped(KEYBOARD.samples_path)).expect("samples");
    [
        spread_out(&digits.learn, n_learn),
        spread_out(&digits.test, n_test),
    ]
}

/// Some samples of all, at equal distances.
fn spread_out(samples: &Samples, n: usize) -> Samples {
    let mut codes = Vec::new();
    let mut labels = Vec::new();
    for sample in (0..n).map(|at| at * samples.len() / n) {
        let (code, label) = samples.get(sample);
        codes.extend_from_slice(code);
        labels.push(label);
    }
    Samples::new(samples.shape(), codes, labels).expect("they fit together")
}

fn study() -> Arc<Study> {
    let [learn, held_out] = keyboard_samples(N_LEARN, N_HELD_OUT);
    let study = Study::new(
        network(&KEYBOARD),
        KEYBOARD.default_setup(),
        learn,
        held_out,
    );
    Arc::new(study.expect("they fit together"))
}

/// Digest and right answers of a session, which keeps nothing, and has every pass of the compiler.
fn plainly(study: &Study, trial: &Trial) -> ([u8; 32], Vec<bool>) {
    let setup = Setup {
        learning_rate: trial.rate,
        seed: trial.seed,
        stop_after: trial.steps,
        ..study.setup().clone()
    };
    let image = compile(
        study.network(),
        &trial.policy,
        setup.rules,
        setup.settings(),
    )
    .expect("it compiles");
    let [learn, held_out] = keyboard_samples(N_LEARN, N_HELD_OUT);
    let mut session: Session<Native> = Session::new(image.clone(), learn).expect("it fits");
    for _ in 0..trial.steps {
        session.step(&mut NoTrace);
    }
    let mut evaluator: Evaluator<Native> = Evaluator::new(image).expect("it fits");
    evaluator.begin(&session.state()).expect("its own state");
    let correct = (0..held_out.len()).map(|sample| {
        let (codes, label) = held_out.get(sample);
        evaluator.classify(codes).expect("it fits") == label as usize
    });
    let correct = correct.collect();
    (session.weights_digest(), correct)
}

/// Policies as a search meets them: most layers are frozen.
fn choices(space: &Space) -> impl Strategy<Value = Choice> + use<> {
    let layers: Vec<usize> = space.layers().iter().map(Vec::len).collect();
    let first = 0..layers.len();
    first.prop_flat_map(move |first| {
        let layers: Vec<_> = layers
            .iter()
            .enumerate()
            .map(|(layer, &n)| {
                let most = if layer < first { 0 } else { n - 1 };
                prop_oneof![3 => Just(0usize), 2 => 0..=most]
            })
            .collect();
        layers
    })
}

#[test]
fn trials_train_as_sessions_do() {
    let study = study();
    let space = Space::of(study.network());
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = (choices(&space), 0..3u64, 0..12u32);
    for _ in 0..24 {
        let (choice, seed, steps) = strategy.new_tree(&mut runner).expect("a value").current();
        let trial = Trial {
            policy: space.policy(&choice),
            rate: 0.01,
            seed,
            steps,
        };
        let mut run = study.begin(&trial).expect("it compiles");
        let outcome = loop {
            if let Some(outcome) = run.advance(&mut NoTrace) {
                break outcome;
            }
        };
        let (digest, correct) = plainly(&study, &trial);
        assert_eq!(run.weights_digest(), digest, "{trial:?}");
        assert_eq!(outcome.correct, correct, "{trial:?}");
        // What was kept serves the next trial as well.
        assert_eq!(study.run(&trial), Ok(outcome), "{trial:?}");
    }
}

#[test]
fn one_part_can_be_measured_alone() {
    let [learn, held_out] = keyboard_samples(N_LEARN, N_HELD_OUT);
    let setup = KEYBOARD.default_setup();
    let alone = Study::new(network(&KEYBOARD), setup, learn, held_out).expect("they fit together");
    let alone = Arc::new(alone.keeping(1).measuring(Part::Validation));
    let both = study();
    assert_eq!(alone.identity(), both.identity());
    let space = Space::of(both.network());
    let mut recognized = 0;
    for choice in [space.frozen(), space.full()] {
        let trial = Trial {
            policy: space.policy(&choice),
            rate: 0.01,
            seed: 3,
            steps: 4,
        };
        let [alone, both] = [&alone, &both].map(|it| it.run(&trial).expect("it runs"));
        assert!(alone.of(Part::Validation).eq(both.of(Part::Validation)));
        assert!(alone.of(Part::Test).all(|is_recognized| !is_recognized));
        recognized += both.of(Part::Test).filter(|it| *it).count();
    }
    assert!(recognized > 0, "the parts could not be told apart");
    let whole = |study: &Arc<Study>| {
        let trial = Trial {
            policy: space.policy(&space.full()),
            rate: 0.01,
            seed: 3,
            steps: 4,
        };
        study.begin(&trial).expect("it compiles").work().n_measured
    };
    assert_eq!([whole(&alone), whole(&both)], [3, 6]);
}

#[test]
fn frozen_beginnings_save_operations() {
    let study = study();
    let space = Space::of(study.network());
    let macs = |choice: &Choice| {
        let trial = Trial {
            policy: space.policy(choice),
            rate: 0.01,
            seed: 1,
            steps: 10,
        };
        study.begin(&trial).expect("it compiles").macs()
    };
    let [whole, run] = macs(&space.full());
    assert_eq!(whole, run, "nothing is frozen");
    let [whole, run] = macs(&space.frozen());
    assert!(100 * run < whole, "{run} of {whole}");
}

#[test]
fn identities_tell_what_decides_an_outcome() {
    let [learn, held_out] = keyboard_samples(N_LEARN, N_HELD_OUT);
    let with = |setup: Setup, learn, held_out| {
        let study = Study::new(network(&KEYBOARD), setup, learn, held_out);
        study.expect("they fit together").identity()
    };
    let setup = KEYBOARD.default_setup();
    let identity = study().identity();
    // What a trial says is no part of it.
    let other_trial = Setup {
        seed: 99,
        learning_rate: 1.0,
        ..setup.clone()
    };
    assert_eq!(with(other_trial, learn.clone(), held_out.clone()), identity);
    let without_qas = Setup {
        qas: false,
        ..setup.clone()
    };
    assert_ne!(with(without_qas, learn.clone(), held_out.clone()), identity);
    assert_ne!(with(setup.clone(), held_out.clone(), held_out), identity);
    let [fewer, held_out] = keyboard_samples(N_LEARN - 1, N_HELD_OUT);
    assert_ne!(with(setup, fewer, held_out), identity);
}

#[test]
fn something_must_be_held_out() {
    let [learn, held_out] = keyboard_samples(N_LEARN, 1);
    let study = Study::new(
        network(&KEYBOARD),
        KEYBOARD.default_setup(),
        learn,
        held_out,
    );
    assert_eq!(study.err(), Some(StudyError::NothingHeldOut));
}
