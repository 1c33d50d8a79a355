//! The file of contributions: what it says survives, and what is none is refused with a sentence.

mod common;

use common::{network, shipped};
use proptest::prelude::*;
use quartermeg_formats::config::hex;
use quartermeg_formats::link::policy_text;
use quartermeg_formats::sample_file;
use quartermeg_formats::scenario::{KEYBOARD, SampleKind, WATCH};
use quartermeg_search::{
    Contributions, Measured, MeasuredError, Outcome, Part, Recipe, Space, Study,
};

fn measured(space: &Space, seeds: &[u64]) -> (Measured, Vec<Outcome>) {
    let mut dice = fastrand::Rng::with_seed(3);
    let trials = Contributions::trials(space, 0.01, seeds, 10);
    let outcome = |_| Outcome {
        correct: (0..41).map(|_| dice.bool()).collect(),
    };
    let outcomes: Vec<Outcome> = trials.iter().map(outcome).collect();
    let recipe = Recipe {
        study: "00ff".to_owned(),
        command: "quartermeg analyze".to_owned(),
        steps: 10,
        rate: 0.01,
        seeds: seeds.to_vec(),
    };
    (Measured::of(space, recipe, &outcomes), outcomes)
}

#[test]
fn gains_are_differences_of_the_validation_accuracies() {
    let space = Space::of(&network(&WATCH));
    let (measured, outcomes) = measured(&space, &[4, 5]);
    let contributions = measured.contributions(&space);
    let accuracy = |at: usize| outcomes[at].accuracy(Part::Validation);
    assert_eq!(contributions.classifier, [accuracy(0), accuracy(1)]);
    let first = &contributions.cells[0];
    assert_eq!(
        first.gains,
        [accuracy(2) - accuracy(0), accuracy(3) - accuracy(1)]
    );
    assert_eq!(measured.validation_samples, 21);
    let read = Measured::read(measured.file().as_bytes(), &space).expect("its own file");
    assert_eq!(read, measured);
    assert!(Measured::is_one(measured.file().as_bytes()));
}

#[test]
fn what_is_of_another_network_or_damaged_is_refused() {
    let space = Space::of(&network(&WATCH));
    let (measured, _) = measured(&space, &[4]);
    let text = measured.file();
    let refused = |text: &str| Measured::read(text.as_bytes(), &space).expect_err("no such file");
    let other = Space::of(&network(&KEYBOARD));
    assert_eq!(
        Measured::read(text.as_bytes(), &other),
        Err(MeasuredError::OtherNetwork)
    );
    let of_version_2 = text.replace("\"version\":1", "\"version\":2");
    assert_eq!(refused(&of_version_2), MeasuredError::Version(2));
    let too_few = text.replace("\"validation_samples\":21", "\"validation_samples\":3");
    assert_eq!(refused(&too_few), MeasuredError::Counts);
    let two_seeds = text.replace("\"seeds\":[4]", "\"seeds\":[4,5]");
    assert_eq!(refused(&two_seeds), MeasuredError::Counts);
    let no_cell = text.replacen("\"update\":\"bias\"", "\"update\":\"none\"", 1);
    assert_eq!(refused(&no_cell), MeasuredError::OtherNetwork);
    let (half, _) = text.split_at(text.len() / 2);
    for text in [half, "", "{}", "[]"] {
        assert!(matches!(refused(text), MeasuredError::Unreadable(_)));
        assert!(refused(text).to_string().contains("quartermeg analyze"));
    }
}

#[test]
fn whole_policies_go_with_the_cells() {
    let space = Space::of(&network(&WATCH));
    let (mut measured, outcomes) = measured(&space, &[4, 5]);
    let full = policy_text(&space.policy(&space.full()));
    let cell = "1".to_owned() + &"-".repeat(space.layers().len() - 1);
    let two: Vec<&Outcome> = outcomes.iter().take(2).collect();
    measured.add_policies(
        &space,
        [
            (&*full, two.clone()),
            // Of too few seeds, a cell, and of another network.
            ("11", two.clone()),
            (&*cell, two.clone()),
            (&*full.replacen('1', "b", 1), two[..1].to_vec()),
        ],
    );
    assert_eq!(measured.policies.len(), 1);
    let trained: Vec<_> = measured.trained(&space).collect();
    assert_eq!(trained.len(), 1 + space.cells().count() + 1);
    let accuracy = |at: usize| outcomes[at].accuracy(Part::Validation);
    let (choice, mean) = trained.last().expect("the whole one");
    assert_eq!(*choice, space.full());
    assert!((mean - 0.5 * (accuracy(0) + accuracy(1))).abs() < 1e-12);
    let text = measured.file();
    assert_eq!(
        Measured::read(text.as_bytes(), &space).expect("its own file"),
        measured
    );
    let refused = |text: &str| Measured::read(text.as_bytes(), &space).expect_err("no such file");
    let shorter = text.replace(&full, "11");
    assert_eq!(refused(&shorter), MeasuredError::OtherNetwork);
    let last = text.rfind("\"correct\":[").expect("counts");
    let (before, _) = text.split_at(last);
    let too_many = format!("{before}\"correct\":[22,3]}}]}}");
    assert_eq!(refused(&too_many), MeasuredError::Counts);
    let none = format!("{before}\"correct\":[]}}]}}");
    assert_eq!(refused(&none), MeasuredError::Counts);
}

#[test]
fn the_files_that_ship_are_of_the_networks_that_ship() {
    for (scenario, path) in [
        (&KEYBOARD, "static/data/keyboard-contributions.json"),
        (&WATCH, "static/data/watch-contributions.json"),
    ] {
        let space = Space::of(&network(scenario));
        let measured = Measured::read(&shipped(path), &space).expect("contributions");
        let samples = shipped(scenario.samples_path);
        let [learn, test] = if scenario.samples == SampleKind::Motion {
            let parts = sample_file::read_parts(&samples).expect("samples");
            [parts.learn, parts.test]
        } else {
            let digits = sample_file::read_digits(&samples).expect("samples");
            [digits.learn, digits.test]
        };
        let study = Study::new(network(scenario), scenario.default_setup(), learn, test);
        let study = study.expect("they fit together");
        assert_eq!(
            measured.study,
            hex(&study.identity()),
            "measure {path} anew"
        );
        assert!(measured.seeds.len() >= 3, "{path}");
        // The policy that a newcomer meets is among those that a budget line compares.
        let default = policy_text(&scenario.default_setup().policy);
        let mut policies = measured.policies.iter();
        assert!(policies.any(|it| it.policy == default), "{path}");
        assert!(
            measured
                .command
                .starts_with("quartermeg analyze --scenario"),
            "{path}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let space = Space::of(&network(&WATCH));
        let _read_or_refused = Measured::read(&bytes, &space);
    }

    #[test]
    fn a_file_with_changed_bytes_is_read_or_refused(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let space = Space::of(&network(&WATCH));
        let (measured, _) = measured(&space, &[4]);
        let mut bytes = measured.file().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = Measured::read(&bytes, &space) {
            let _no_panic = read.contributions(&space);
        }
    }
}
