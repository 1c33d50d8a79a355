//! A session and what is known of it.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::session::{Evaluator, Samples, Session};
use quartermeg_formats::config::{Trained, hex};
use quartermeg_formats::explain;

use crate::batch::{LossBatch, Rate};
use crate::gauge::Gauge;
use crate::names;
use crate::recorder::Recorder;
use quartermeg_web::protocol::Batch;

/// A session and what is known of it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) session: Session,
    /// Settings from the next step on.
    pub(crate) settings: Settings,
    recorder: Recorder,
    /// Step that the recorder has listened to.
    recorded: u32,
    losses: LossBatch,
    pub(crate) rate: Rate,
    pub(crate) gauge: Gauge,
    /// Time that the gauge may still take.
    pub(crate) gauge_credit: f64,
    /// Moment of the newest batch.
    pub(crate) batch_at: f64,
    /// Moment at which the slow speeds go on.
    pub(crate) tick_at: f64,
    /// Digest of the weights after so many whole steps.
    digest: Option<(u32, String)>,
}

impl Run {
    /// Starts a session of a program. `trained` are weights that it starts with.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn start(
        program: &Program<AlignedBytes>,
        settings: Settings,
        trained: Option<&Trained>,
        samples: &Samples,
    ) -> Result<Self, String> {
        let mut session = Session::of(program.clone(), samples.clone())
            .map_err(|error| explain::session(&error))?;
        session.set_settings(settings);
        if let Some(trained) = trained {
            session
                .resume(&trained.state, trained.steps)
                .map_err(|error| explain::input(&error))?;
        }
        let evaluator = Evaluator::of(program.clone()).map_err(|error| explain::session(&error))?;
        Ok(Self {
            session,
            settings,
            recorder: Recorder::default(),
            recorded: 0,
            losses: LossBatch::default(),
            rate: Rate::default(),
            gauge: Gauge::new(evaluator),
            gauge_credit: 0.0,
            batch_at: 0.0,
            tick_at: 0.0,
            digest: None,
        })
    }

    /// It takes the place of a run under way at this moment.
    pub(crate) fn begin_at(&mut self, now: f64) {
        self.rate.begin(now, self.session.step_count());
        (self.batch_at, self.tick_at) = (now, now);
    }

    /// Whether the step to stop after is reached.
    pub(crate) fn is_at_stop(&self, stop_after: u32) -> bool {
        self.session.op_count() == 0 && self.session.step_count() >= stop_after
    }

    /// Settings that changed inside a step wait for the next one.
    fn take_settings(&mut self) {
        if self.session.op_count() == 0 {
            self.session.set_settings(self.settings);
        }
    }

    /// Finishes the step under way, or runs a whole one, and does without norms.
    pub(crate) fn step_quietly(&mut self) {
        self.recorder.is_brief = true;
        self.finish_step();
        self.recorder.is_brief = false;
    }

    /// Finishes the step under way, or runs a whole one, and listens to all of its updates.
    pub(crate) fn step_recorded(&mut self) {
        self.recorded = self.finish_step();
    }

    fn finish_step(&mut self) -> u32 {
        self.take_settings();
        if self.session.op_count() == 0 {
            self.recorder.clear();
        }
        let record = self.session.step(&mut self.recorder);
        self.recorder.finish(record.step, record.loss);
        self.losses.push(record.step, record.loss);
        record.step
    }

    /// Runs one operation.
    pub(crate) fn next_operation(&mut self) {
        self.take_settings();
        if self.session.op_count() == 0 {
            self.remember_digest();
            self.recorder.clear();
        }
        let finished = self.session.next_op(&mut self.recorder);
        self.recorded = self.session.step_count();
        if finished {
            let step = self.session.step_count();
            let loss = self.session.loss().unwrap_or_default();
            self.recorder.finish(step, loss);
            self.losses.push(step, loss);
        }
    }

    /// Undoes one operation.
    pub(crate) fn previous_operation(&mut self) {
        if self.session.previous_op(&mut Recorder::default()) {
            // What was heard may have been undone; the step is heard again up to here.
            self.seek(self.session.op_count());
        }
    }

    /// Goes to the moment after so many operations of this step.
    pub(crate) fn seek(&mut self, n_ops: u32) {
        self.take_settings();
        self.session.abandon_step();
        self.recorder.clear();
        self.session.seek(n_ops, &mut self.recorder);
        self.recorded = self.session.step_count();
    }

    /// Forgets what was heard and measured, after a reset.
    pub(crate) fn forget(&mut self) {
        self.recorder.forget();
        self.losses.clear();
        self.gauge.forget();
        self.digest = None;
    }

    /// Digest of the weights between steps: of a step under way, those it started with.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn digest(&mut self) -> String {
        let step = self.session.step_count();
        if let Some((known, digest)) = &self.digest
            && *known == step
        {
            return digest.clone();
        }
        let op = self.session.op_count();
        self.session.abandon_step();
        let digest = hex(&self.session.weights_digest());
        // Heard by another: a session that nothing hears would be compiled anew.
        self.session.seek(op, &mut Recorder::default());
        self.digest = Some((step, digest.clone()));
        digest
    }

    /// Works the digest out while that is cheap, between steps.
    pub(crate) fn remember_digest(&mut self) {
        if self.session.op_count() == 0 {
            self.digest();
        }
    }

    /// The weights as a file holds them.
    pub(crate) fn trained(&mut self) -> Trained {
        Trained {
            steps: self.session.step_count(),
            state: self.session.state(),
            weights_digest: self.digest(),
        }
    }

    /// What has happened since the last batch.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn batch(&mut self, now: f64) -> Batch {
        let step = self.session.step_count();
        let op = self.session.op_count();
        let newest = self
            .session
            .loss()
            .filter(|_| op == 0)
            .map(|loss| (step, loss));
        let updates = if self.recorded == step {
            let program = self.session.program();
            self.recorder
                .updates()
                .iter()
                .map(|update| names::update_view(program, update))
                .collect()
        } else {
            Vec::new()
        };
        Batch {
            step,
            op,
            losses: self.losses.take(newest),
            steps_per_second: self.rate.measure(now, step),
            updates,
            effect: self.recorder.effect(),
        }
    }
}
