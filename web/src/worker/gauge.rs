//! Measures the accuracy beside training, a few samples at a time.
//!
//! While training runs, a part of the test samples is measured again and again, so that the
//! accuracy can be watched; when training stands still, all of them are.

use quartermeg_core::session::{Accuracy, Evaluator, Samples, Session};

/// Samples that are measured while training runs.
const QUICK_SAMPLES: usize = 200;

/// Test samples, and the part of them that is measured while training runs.
#[derive(Debug)]
pub(super) struct TestSamples {
    all: Samples,
    part: Samples,
}

impl TestSamples {
    pub(super) fn new(all: Samples) -> Self {
        let stride = all.len().div_ceil(QUICK_SAMPLES).max(1);
        let (mut codes, mut labels) = (Vec::new(), Vec::new());
        for sample in (0..all.len()).step_by(stride) {
            let (image, label) = all.get(sample);
            codes.extend_from_slice(image);
            labels.push(label);
        }
        let part = Samples::new(all.shape(), codes, labels).unwrap_or_else(|_| all.clone());
        Self { all, part }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    fn choose(&self, extent: Extent) -> &Samples {
        match extent {
            Extent::Part => &self.part,
            Extent::All => &self.all,
        }
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Extent {
    /// A part of the test samples.
    Part,
    /// All test samples.
    All,
}

/// A measurement of the weights after so many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Measurement {
    step: u32,
    extent: Extent,
}

/// The accuracy of the weights as they were when the measurement began.
#[derive(Debug)]
pub(super) struct Gauge {
    evaluator: Evaluator,
    under_way: Option<Measurement>,
    finished: Option<Measurement>,
}

impl Gauge {
    pub(super) fn new(evaluator: Evaluator) -> Self {
        Self {
            evaluator,
            under_way: None,
            finished: None,
        }
    }

    /// Other weights have come from outside: what was measured says nothing about them.
    pub(super) fn forget(&mut self) {
        (self.under_way, self.finished) = (None, None);
    }

    /// Training begins: what was measured in peace goes on as a part, from the weights that
    /// training begins with.
    pub(super) fn hurry(&mut self, session: &Session) {
        if self.is_due(session, Extent::Part) {
            self.begin(session, Extent::Part);
        } else {
            self.under_way = None;
        }
    }

    /// Whether weights of another step, or fewer samples, were measured last.
    fn is_due(&self, session: &Session, extent: Extent) -> bool {
        self.finished.is_none_or(|finished| {
            finished.step != session.step_count() || finished.extent < extent
        })
    }

    fn begin(&mut self, session: &Session, extent: Extent) -> Measurement {
        self.evaluator
            .begin(&session.state())
            .expect("invariant: session and evaluator run the same program");
        let measurement = Measurement {
            step: session.step_count(),
            extent,
        };
        self.under_way = Some(measurement);
        measurement
    }

    /// Whether there is something to measure.
    pub(super) fn has_work(&self, session: &Session, extent: Extent) -> bool {
        self.under_way.is_some() || self.is_due(session, extent)
    }

    /// Measures one more sample; steps and accuracy once the measurement is finished.
    pub(super) fn advance(
        &mut self,
        session: &Session,
        samples: &TestSamples,
        extent: Extent,
    ) -> Option<(u32, Accuracy)> {
        let measurement = match self.under_way {
            Some(measurement) => measurement,
            None => self.begin(session, extent),
        };
        let accuracy = self
            .evaluator
            .advance(samples.choose(measurement.extent), 1)
            .expect("invariant: samples were checked against the program")?;
        (self.under_way, self.finished) = (None, Some(measurement));
        Some((measurement.step, accuracy))
    }
}
