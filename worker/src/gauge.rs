//! Measures the accuracy beside training, a few samples at a time.
//!
//! All test samples are measured, with the weights as they were when the measurement began; then
//! the next measurement begins, if training went on since.

use quartermeg_core::session::{Accuracy, Evaluator, Samples, Session};

/// The accuracy of the weights as they were when the measurement began.
#[derive(Debug)]
pub(crate) struct Gauge {
    evaluator: Evaluator,
    /// Steps behind the weights that are being measured.
    under_way: Option<u32>,
    /// Steps behind the weights that were measured last.
    finished: Option<u32>,
}

impl Gauge {
    pub(crate) fn new(evaluator: Evaluator) -> Self {
        Self {
            evaluator,
            under_way: None,
            finished: None,
        }
    }

    /// Other weights have come from outside: what was measured says nothing about them.
    pub(crate) fn forget(&mut self) {
        (self.under_way, self.finished) = (None, None);
    }

    /// Training begins: the weights that it begins with are measured, unless they have been.
    pub(crate) fn before_training(&mut self, session: &Session) {
        if self.under_way.is_none() && self.is_due(session) {
            self.begin(session);
        }
    }

    /// Whether weights of another step were measured last.
    fn is_due(&self, session: &Session) -> bool {
        self.finished != Some(session.step_count())
    }

    fn begin(&mut self, session: &Session) -> u32 {
        self.evaluator
            .begin(&session.state())
            .expect("invariant: session and evaluator run the same program");
        let step = session.step_count();
        self.under_way = Some(step);
        step
    }

    /// Whether there is something to measure.
    pub(crate) fn has_work(&self, session: &Session) -> bool {
        self.under_way.is_some() || self.is_due(session)
    }

    /// Measures one more sample; steps and accuracy once the measurement is finished.
    pub(crate) fn advance(
        &mut self,
        session: &Session,
        samples: &Samples,
    ) -> Option<(u32, Accuracy)> {
        let step = match self.under_way {
            Some(step) => step,
            None => self.begin(session),
        };
        let accuracy = self
            .evaluator
            .advance(samples, 1)
            .expect("invariant: samples were checked against the program")?;
        (self.under_way, self.finished) = (None, Some(step));
        Some((step, accuracy))
    }
}
