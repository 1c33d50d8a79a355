//! Stepping inside a step, forwards and backwards.
//!
//! Going back restores the persistent part as it was when the step started and runs the step
//! again up to the operation before: the same bits, because rounding noise is a pure function.

use alloc::vec::Vec;

use super::Session;
use crate::runtime::kernels::Kernels;
use crate::runtime::{StepParams, Trace};

/// The persistent part at the start of a step, and the sample that the step learns from.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    state: Vec<u8>,
    step: u32,
    sample: usize,
    loss: Option<f32>,
    /// Settings in force when the step began; they hold until it ends.
    params: StepParams,
}

impl Snapshot {
    pub(super) fn state(&self) -> &[u8] {
        &self.state
    }

    /// The sample of the step with that number, if it is the one that began here.
    pub(super) fn sample_of(&self, step: u32) -> Option<usize> {
        (self.step == step).then_some(self.sample)
    }
}

impl<K: Kernels> Session<K> {
    /// Runs the next operation; whether it finished the step.
    pub fn next_op(&mut self, trace: &mut impl Trace) -> bool {
        if self.op == 0 {
            self.begin_step();
        }
        let params = self
            .snapshot
            .as_ref()
            .map_or_else(|| self.params(), |snapshot| snapshot.params);
        if let Some(loss) = self.runtime.run_op(self.op, &params, trace) {
            self.loss = Some(loss);
        }
        self.op += 1;
        if self.op < self.program().n_ops() {
            return false;
        }
        self.op = 0;
        self.step += 1;
        true
    }

    /// Undoes the newest operation, back to the start of the step before this one; whether
    /// there was something to undo. `trace` hears the step once more, up to there.
    pub fn previous_op(&mut self, trace: &mut impl Trace) -> bool {
        let Some(snapshot) = self.snapshot.clone() else {
            return false;
        };
        let target = match (self.op, self.step.checked_sub(1)) {
            (0, Some(before)) if before == snapshot.step => self.program().n_ops() - 1,
            (0, _) => return false,
            (op, _) => op - 1,
        };
        self.rewind(&snapshot);
        while self.op < target {
            self.next_op(trace);
        }
        true
    }

    /// Goes to the moment after `n_ops` operations of the step under way (or, between steps, of
    /// the next one).
    pub fn seek(&mut self, n_ops: u32, trace: &mut impl Trace) {
        let n_ops = n_ops.min(self.program().n_ops() - 1);
        if n_ops < self.op {
            self.abandon_step();
        }
        while self.op < n_ops {
            self.next_op(trace);
        }
    }

    /// Back to the start of the step under way, as if it had not begun.
    pub fn abandon_step(&mut self) {
        if self.op > 0
            && let Some(snapshot) = self.snapshot.clone()
        {
            self.rewind(&snapshot);
        }
    }

    fn begin_step(&mut self) {
        let sample = self.sample_of_step(self.step);
        let params = match &self.snapshot {
            // A step that is run again has the settings that it had.
            Some(snapshot) if snapshot.step == self.step => snapshot.params,
            _ => self.params(),
        };
        let mut snapshot = self.snapshot.take().unwrap_or(Snapshot {
            state: Vec::new(),
            step: 0,
            sample: 0,
            loss: None,
            params,
        });
        snapshot.state.clear();
        snapshot.state.extend_from_slice(self.runtime.state());
        (snapshot.step, snapshot.sample, snapshot.loss) = (self.step, sample, self.loss);
        snapshot.params = params;
        self.snapshot = Some(snapshot);
        let (codes, label) = self.samples.get(sample);
        self.runtime
            .load_sample(codes, label)
            .expect("invariant: samples were checked against the program");
    }

    fn rewind(&mut self, snapshot: &Snapshot) {
        self.runtime
            .set_state(&snapshot.state)
            .expect("invariant: a snapshot has the length of the persistent part");
        (self.step, self.op, self.loss) = (snapshot.step, 0, snapshot.loss);
        self.snapshot = Some(snapshot.clone());
    }
}
