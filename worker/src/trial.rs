//! A trial that is run a slice of time after another.

use quartermeg_search::{Outcome, Run, Work};

use crate::recorder::Recorder;
use crate::time::Clock;

/// A trial under way.
#[derive(Debug)]
pub(crate) struct TrialRun {
    run: Run,
    /// Samples that were learned from or measured on.
    n_samples: u64,
    /// Time that it has taken, in milliseconds.
    pub(crate) millis: f64,
}

impl TrialRun {
    pub(crate) fn new(run: Run) -> Self {
        Self {
            run,
            n_samples: 0,
            millis: 0.0,
        }
    }

    /// Runs on until the time or the trial ends; the outcome if that is the trial. Updates are told
    /// to `recorder`, which nobody reads: a step that tells nobody would be compiled anew.
    pub(crate) fn advance(
        &mut self,
        recorder: &mut Recorder,
        clock: &impl Clock,
        end: f64,
    ) -> Option<Outcome> {
        let begun = clock.now();
        let (outcome, now) = loop {
            recorder.clear();
            let outcome = self.run.advance(recorder);
            self.n_samples += 1;
            let now = clock.now();
            if outcome.is_some() || now >= end {
                break (outcome, now);
            }
        };
        self.millis += now - begun;
        outcome
    }

    /// Multiply-accumulates behind the frozen beginning so far, about.
    pub(crate) fn macs_done(&self, work: &Work) -> u64 {
        let n_samples = (work.n_steps + work.n_measured).max(1);
        let all = work.behind_beginning();
        (all / n_samples * self.n_samples).min(all)
    }
}

/// Multiply-accumulates of computing the frozen beginning of each sample once.
pub(crate) fn beginning_macs(work: &Work, n_learn: usize) -> u64 {
    (work.n_steps.min(n_learn as u64) + work.n_measured) * work.beginning
}
