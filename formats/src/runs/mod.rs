//! Runs that a person keeps to compare: what was trained, what came out, what it costs.
//!
//! [`store`] is how a browser keeps them, [`table`] how they are taken away.

pub mod store;
pub mod table;

use quartermeg_core::device::{self, DEVICES, Device};

use crate::link;
use crate::setup::{RateSchedule, Setup};

/// What was trained since a step 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Number that it is known by.
    pub id: u32,
    /// Name that a person gave it; empty where none did.
    pub name: String,
    /// What a person wrote about it.
    pub note: String,
    /// Local time at which it was kept, as `2026-11-30T09:41:05+01:00`; empty where nobody told.
    pub kept_at: String,
    /// Version of Quartermeg that trained it.
    pub version: String,
    /// What the update policy is called.
    pub policy_name: String,
    /// Its setups, the first from the step on that it began with. A later one is a setting that
    /// was changed while it trained.
    pub phases: Vec<Phase>,
    /// Steps behind the weights.
    pub steps: u32,
    /// Samples to learn from, and samples to measure on.
    pub n_samples: [u32; 2],
    /// Smoothed loss after the last step.
    pub loss: Option<f32>,
    /// Smoothed losses, with the step of each.
    pub losses: Vec<(u32, f32)>,
    /// Measured accuracies: step, right answers, questions.
    pub accuracies: Vec<(u32, u32, u32)>,
    /// Mean of ln(|W| / |G|) over the tensors of weights, and over those of biases: as a float
    /// network, int8 as it comes, int8 after QAS.
    pub log_ratios: [[Option<f32>; 3]; 2],
    /// What it needs; none where it was not planned.
    pub costs: Option<Costs>,
    /// SHA-256 of the weights, as hexadecimal digits; empty where it was not worked out.
    pub weights_digest: String,
    /// SHA-256 of network, policy and plan, as hexadecimal digits.
    pub identity: String,
}

/// A setup, and the step from which on it held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phase {
    /// Steps before it.
    pub from_step: u32,
    /// Link text of the setup.
    pub setup: String,
}

/// What a run needs on its board.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Costs {
    /// Size of the one block: the peak of its memory.
    pub arena_bytes: u32,
    /// Of these, bytes that keep their contents.
    pub persistent_bytes: u32,
    /// Program and constants.
    pub flash_bytes: u32,
    /// Multiply-accumulates of a step.
    pub macs_step: u64,
    /// Estimated milliseconds of a step; none where nothing is known about the board's processor.
    pub step_millis: Option<f32>,
}

impl Run {
    /// The setup of its last steps.
    #[must_use]
    pub fn setup(&self) -> Setup {
        let text = self.phases.last().map_or("", |phase| &phase.setup);
        link::parse(text).0.setup
    }

    /// The name that a person gave it, or else what it was trained with.
    #[must_use]
    pub fn title(&self) -> String {
        if self.name.is_empty() {
            self.own_title()
        } else {
            self.name.clone()
        }
    }

    /// What it was trained with.
    #[must_use]
    pub fn own_title(&self) -> String {
        format!("{}, seed {}", self.policy_name, self.setup().seed)
    }

    /// The newest accuracy, as a share.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        let &(_, correct, total) = self.accuracies.last()?;
        (total > 0).then(|| f64::from(correct) / f64::from(total))
    }

    /// Whether this is `other`, perhaps at another step: the same setups at the same steps, and
    /// nothing that was measured at one step differs.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let alike = |(a, b): (&Phase, &Phase)| {
            a.from_step == b.from_step && (a.setup == b.setup || trains(a) == trains(b))
        };
        let contradicts = |a: &(u32, u32, u32)| {
            let mut measured = other.accuracies.iter();
            measured.any(|b| a.0 == b.0 && a != b)
        };
        let differ_at_the_end = self.steps == other.steps
            && self.weights_digest != other.weights_digest
            && !self.weights_digest.is_empty()
            && !other.weights_digest.is_empty();
        self.phases.len() == other.phases.len()
            && self.phases.iter().zip(&other.phases).all(alike)
            && self.n_samples == other.n_samples
            && !differ_at_the_end
            && !self.accuracies.iter().any(contradicts)
    }
}

/// The setup of a phase without the step to stop after, where that changes no weight.
fn trains(phase: &Phase) -> Setup {
    let mut setup = link::parse(&phase.setup).0.setup;
    if setup.schedule == RateSchedule::Constant {
        setup.stop_after = 0;
    }
    setup
}

/// The board of a setup.
#[must_use]
pub fn board(setup: &Setup) -> Device {
    device::by_id(&setup.device).unwrap_or(DEVICES[0])
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A run with something in each field.
    pub(crate) fn example(seed: u64) -> Run {
        Run {
            id: 3,
            name: "Mine, \"the\" best".to_owned(),
            note: "=1+1, and\na second line".to_owned(),
            kept_at: "2026-11-30T09:41:05+01:00".to_owned(),
            version: "1.0".to_owned(),
            policy_name: "Sparse".to_owned(),
            phases: vec![Phase {
                from_step: 0,
                setup: format!("v=1&scenario=watch&seed={seed}"),
            }],
            steps: 60,
            n_samples: [100, 20],
            loss: Some(1.25),
            losses: vec![(30, 2.5), (60, 1.25)],
            accuracies: vec![(0, 3, 20), (50, 15, 20)],
            log_ratios: [[Some(7.5), None, Some(f32::INFINITY)], [None; 3]],
            costs: Some(Costs {
                arena_bytes: 1_536,
                persistent_bytes: 512,
                flash_bytes: 70_000,
                macs_step: 5_000_000_000,
                step_millis: Some(12.5),
            }),
            weights_digest: "ab".repeat(32),
            identity: "cd".repeat(32),
        }
    }

    #[test]
    fn a_run_goes_by_the_name_that_it_was_given() {
        let mut run = example(7);
        assert_eq!(run.title(), "Mine, \"the\" best");
        run.name.clear();
        assert_eq!(run.title(), "Sparse, seed 7");
        assert_eq!(run.accuracy(), Some(0.75));
    }

    #[test]
    fn the_same_run_may_have_gone_further_and_stop_elsewhere() {
        let run = example(7);
        let mut further = run.clone();
        further.phases[0].setup += "&stop=900";
        further.steps = 900;
        further.weights_digest = "ef".repeat(32);
        further.accuracies.push((900, 19, 20));
        assert!(run.is_same(&further) && further.is_same(&run));

        let changes: [fn(&mut Run); 6] = [
            |run| run.phases[0].setup += "&lr=0.5",
            |run| run.phases[0].from_step = 10,
            |run| run.phases.push(run.phases[0].clone()),
            |run| run.n_samples[0] += 1,
            |run| run.accuracies[1].1 += 1,
            |run| run.weights_digest = "00".repeat(32),
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut other = run.clone();
            change(&mut other);
            assert!(!run.is_same(&other) && !other.is_same(&run), "{index}");
        }
    }

    #[test]
    fn a_stop_that_shapes_the_rate_makes_another_run() {
        let mut run = example(7);
        run.phases[0].setup += "&schedule=cosine";
        let mut other = run.clone();
        other.phases[0].setup += "&stop=900";
        assert!(!run.is_same(&other));
    }
}
