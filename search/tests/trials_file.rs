//! The file of outcomes: what is written is read, and nothing else does harm.

use proptest::prelude::*;
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_search::trials_file::{Known, KnownOutcomes};
use quartermeg_search::{Outcome, Trial};

fn trials() -> impl Strategy<Value = (Trial, Known)> {
    let update = prop_oneof![
        Just(LayerUpdate::Frozen),
        Just(LayerUpdate::Bias),
        (0..=16u8).prop_map(|ratio| LayerUpdate::Weights {
            ratio: f32::from(ratio) / 16.0
        }),
    ];
    let trial = (
        prop::collection::vec(update, 1..6),
        1e-6f32..1.0,
        any::<u64>(),
        any::<u32>(),
    )
        .prop_map(|(layers, rate, seed, steps)| Trial {
            policy: Policy::new(layers),
            rate,
            seed,
            steps,
        });
    let known = (prop::collection::vec(any::<bool>(), 8), any::<u64>()).prop_map(
        |(correct, milliseconds)| Known {
            outcome: Outcome { correct },
            milliseconds,
        },
    );
    (trial, known)
}

proptest! {
    #[test]
    fn outcomes_come_back(all in prop::collection::vec(trials(), 1..8)) {
        let mut written = KnownOutcomes::default();
        let text: String = all
            .iter()
            .map(|(trial, outcome)| written.add(trial, outcome.clone()))
            .collect();
        let mut read = KnownOutcomes::default();
        prop_assert_eq!(read.read(&text, 8), 0);
        prop_assert_eq!(read.len(), written.len());
        for (trial, _) in &all {
            prop_assert_eq!(read.get(trial), written.get(trial));
        }
    }

    #[test]
    fn a_line_that_is_cut_off_is_left_out(
        (trial, outcome) in trials(),
        (other, of_other) in trials(),
        cut in 1..40usize,
    ) {
        prop_assume!(trial != other);
        let mut written = KnownOutcomes::default();
        let whole = written.add(&trial, outcome.clone());
        let mut cut_off = written.add(&other, of_other);
        cut_off.truncate(cut_off.len() - 1 - cut);
        let mut read = KnownOutcomes::default();
        prop_assert_eq!(read.read(&format!("{whole}{cut_off}"), 8), 1);
        prop_assert_eq!(read.get(&trial), Some(&outcome));
        prop_assert_eq!(read.get(&other), None);
    }

    #[test]
    fn anything_is_read_without_harm(text in ".{0,200}") {
        KnownOutcomes::default().read(&text, 8);
    }
}

#[test]
fn outcomes_of_other_samples_are_left_out() {
    let trial = Trial {
        policy: Policy::new(vec![LayerUpdate::Bias]),
        rate: 0.01,
        seed: 1,
        steps: 2,
    };
    let known = Known {
        outcome: Outcome {
            correct: vec![true; 9],
        },
        milliseconds: 500,
    };
    let text = KnownOutcomes::default().add(&trial, known);
    let mut read = KnownOutcomes::default();
    assert_eq!(read.read(&text, 8), 1);
    assert!(read.is_empty());
}
