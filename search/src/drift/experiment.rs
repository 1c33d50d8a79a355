//! Learning before and after a change, measured in both worlds.

use std::sync::Arc;

use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::runtime::Trace;
use quartermeg_core::session::Samples;
use quartermeg_formats::setup::Setup;

use super::{AFTER, BEFORE, Worlds};
use crate::study::{HELD_OUT, LEARN};
use crate::{Run, Study, StudyError, Trial, Work};

/// Stretches between measurements before the change, and after it.
const STRETCHES: [u32; 2] = [4, 7];
/// Bytes of inputs up to which what frozen layers compute of them is kept for all learners; beyond,
/// for one.
const KEPT_BYTES: usize = 8 << 20;

/// An accuracy that is measured: after which step, and in which world ([`BEFORE`], [`AFTER`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Steps that were learned.
    pub step: u32,
    /// The world.
    pub world: usize,
}

/// A world that changes after so many steps, and what is measured in it.
#[derive(Debug)]
pub struct Drift {
    study: Arc<Study>,
    /// Before the change and after it.
    steps: [u32; 2],
    measures: Arc<[Measure]>,
    /// Of one whose weights never change.
    still: Arc<[Measure]>,
    n_held_out: [usize; 2],
    n_samples: usize,
}

impl Drift {
    /// Every learner has the settings of `setup` but its policy. The schedule of its rate spans both
    /// worlds, so that the rate does not jump where they meet.
    ///
    /// # Errors
    /// When the network cannot be trained, or the samples do not fit it.
    pub fn new(
        network: Network,
        setup: Setup,
        worlds: Worlds,
        steps: [u32; 2],
    ) -> Result<Self, StudyError> {
        let n_held_out = [BEFORE, AFTER].map(|world| worlds.held_out[world].len());
        let lens = worlds
            .learn
            .iter()
            .chain(&worlds.held_out)
            .map(Samples::len);
        let n_samples: usize = lens.sum();
        let bytes = n_samples * network.input().shape.len();
        let [learn, learn_after] = worlds.learn;
        let [held_out, held_out_after] = worlds.held_out;
        let samples = vec![learn, held_out, learn_after, held_out_after];
        let study =
            Study::of(network, setup, samples)?.keeping(if bytes <= KEPT_BYTES { 4 } else { 1 });
        Ok(Self {
            study: Arc::new(study),
            steps,
            measures: measures(steps).into(),
            still: [BEFORE, AFTER]
                .map(|world| Measure { step: 0, world })
                .into(),
            n_held_out,
            n_samples,
        })
    }

    /// Samples of both worlds, to learn from and to measure on.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// What is measured of a learner, in this order.
    #[must_use]
    pub fn measures(&self) -> &[Measure] {
        &self.measures
    }

    /// Samples that each world is measured on.
    #[must_use]
    pub fn n_held_out(&self) -> [usize; 2] {
        self.n_held_out
    }

    /// What all learners share.
    #[must_use]
    pub fn study(&self) -> &Study {
        &self.study
    }

    /// Begins with the weights of the network. Without a policy nothing learns: it is measured once
    /// in each world, which is what it would be at any time.
    ///
    /// # Errors
    /// When the policy does not fit the network.
    pub fn begin(&self, policy: Option<&Policy>, seed: u64) -> Result<Course, StudyError> {
        let [before, after] = self.steps;
        let least = || Policy::classifier_only(self.study.network());
        let run = self.study.begin(&Trial {
            policy: policy.cloned().unwrap_or_else(least),
            rate: self.study.setup().learning_rate,
            seed,
            steps: before.saturating_add(after),
        })?;
        Ok(Course {
            run,
            change_after: before,
            measures: Arc::clone(if policy.is_some() {
                &self.measures
            } else {
                &self.still
            }),
            n_held_out: self.n_held_out,
            known: Vec::new(),
            n_measured: 0,
            n_correct: 0,
        })
    }
}

/// What is measured: before the change in the world as it is, from the change on in both.
fn measures(steps: [u32; 2]) -> Vec<Measure> {
    let mut measures: Vec<Measure> = Vec::new();
    let mut first = 0;
    for (phase, worlds) in [(0, &[BEFORE][..]), (1, &[BEFORE, AFTER][..])] {
        for stretch in 0..=STRETCHES[phase] {
            let learned =
                u64::from(steps[phase]) * u64::from(stretch) / u64::from(STRETCHES[phase]);
            let step = first + u32::try_from(learned).unwrap_or(u32::MAX);
            for &world in worlds {
                let measure = Measure { step, world };
                if !measures.contains(&measure) {
                    measures.push(measure);
                }
            }
        }
        first += steps[phase];
    }
    measures
}

/// A learner under way.
#[derive(Debug)]
pub struct Course {
    run: Run,
    /// The step after which the world changes.
    change_after: u32,
    measures: Arc<[Measure]>,
    n_held_out: [usize; 2],
    /// Samples that were recognized, one number a measure.
    known: Vec<u32>,
    /// Samples that the next measure has seen, and those of them that were recognized.
    n_measured: usize,
    n_correct: u32,
}

impl Course {
    /// Learns from one more sample or measures one more, and says whether that was the last. Whoever
    /// trains elsewhere too hands in what listens there, as for [`Run::advance`].
    pub fn advance(&mut self, trace: &mut impl Trace) -> bool {
        let Some(&Measure { step, world }) = self.measures.get(self.known.len()) else {
            return true;
        };
        if self.run.step() < step {
            let now = usize::from(self.run.step() >= self.change_after);
            self.run.learn(set(LEARN, now), trace);
            return false;
        }
        let recognizes = self
            .run
            .recognizes(set(HELD_OUT, world), self.n_measured, trace);
        self.n_correct += u32::from(recognizes);
        self.n_measured += 1;
        if self.n_measured == self.n_held_out[world] {
            self.known.push(self.n_correct);
            (self.n_measured, self.n_correct) = (0, 0);
        }
        self.known.len() == self.measures.len()
    }

    /// Samples that were recognized so far, in the order of what is measured.
    #[must_use]
    pub fn known(&self) -> &[u32] {
        &self.known
    }

    /// SHA-256 of all weights as they are.
    #[must_use]
    pub fn weights_digest(&self) -> [u8; 32] {
        self.run.weights_digest()
    }

    /// Multiply-accumulates of what it has done so far.
    #[must_use]
    pub fn done(&self) -> Work {
        let measures = self.measures.iter().take(self.known.len());
        let measured: usize = measures.map(|it| self.n_held_out[it.world]).sum();
        Work {
            n_steps: self.run.step().into(),
            n_measured: (measured + self.n_measured) as u64,
            ..self.run.work()
        }
    }

    /// Multiply-accumulates of its parts.
    #[must_use]
    pub fn work(&self) -> Work {
        let measures = self.measures.iter();
        Work {
            n_steps: self.measures.last().map_or(0, |it| it.step).into(),
            n_measured: measures.map(|it| self.n_held_out[it.world] as u64).sum(),
            ..self.run.work()
        }
    }
}

/// Samples of a world, as the study counts them.
fn set(of: usize, world: usize) -> usize {
    of + 2 * world
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(steps: [u32; 2]) -> Vec<(u32, usize)> {
        let measures = measures(steps);
        measures.iter().map(|it| (it.step, it.world)).collect()
    }

    #[test]
    fn both_worlds_are_measured_from_the_change_on() {
        let measures = listed([8, 7]);
        let [before, both] = [&measures[..4], &measures[4..]];
        assert_eq!(before, [(0, 0), (2, 0), (4, 0), (6, 0)]);
        let expected = (8..=15).flat_map(|step| [(step, 0), (step, 1)]);
        assert_eq!(both, expected.collect::<Vec<_>>());
    }

    #[test]
    fn nothing_is_measured_twice() {
        assert_eq!(
            listed([1, 2]),
            [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1)]
        );
    }
}
