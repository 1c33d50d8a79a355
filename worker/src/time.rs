//! Slices of time: training, and measuring the accuracy beside it.

use quartermeg_core::network::Network;

use crate::trainer::Trainer;
use quartermeg_web::protocol::{AnalysisPhase, Event, FromWorker, Speed};

/// Time that a slice takes, in milliseconds.
pub const SLICE_MILLIS: f64 = 12.0;
/// Time that the costs of other choices may take of a slice, in milliseconds.
const COSTS_MILLIS: f64 = 4.0;
/// Time between two batches, in milliseconds: 20 a second.
const BATCH_MILLIS: f64 = 50.0;
/// Time between two operations at one a second, in milliseconds.
const OPERATION_MILLIS: f64 = 1_000.0;
/// Time between two steps at ten a second, in milliseconds.
const STEP_MILLIS: f64 = 100.0;
/// Time after a new setup and what its edits would cost, in milliseconds, in which nothing else is
/// planned that nobody asked for: such plans cannot be interrupted, and the next edit may come at
/// once.
pub const SETTLE_MILLIS: f64 = 300.0;
/// Share of the time that measuring the accuracy may take while training runs.
const GAUGE_SHARE: f64 = 0.1;

/// Tells the time.
pub trait Clock {
    /// Milliseconds since some moment.
    fn now(&self) -> f64;
}

/// When the next slice is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// When a request has come.
    Idle,
    /// As soon as requests have been looked for.
    Soon,
    /// After so many milliseconds, or when a request has come.
    After(f64),
}

impl<C: Clock> Trainer<C> {
    /// Trains and measures for one slice, and says when the next one is due.
    pub fn slice(&mut self) -> Next {
        let begin = self.clock.now();
        let plans = self.plan_beside();
        match self.speed {
            Some(Speed::Unlimited) => {
                self.train_until(begin + SLICE_MILLIS);
                let now = self.clock.now();
                self.measure_beside(now - begin);
                Next::Soon
            }
            Some(speed) => {
                self.tick(speed, begin);
                let tick_at = self.run.as_ref().map_or(begin, |run| run.tick_at);
                let tick_after = (tick_at - self.clock.now()).max(0.0);
                match plans {
                    Next::Soon => Next::Soon,
                    Next::After(millis) => Next::After(millis.min(tick_after)),
                    Next::Idle => Next::After(tick_after),
                }
            }
            None => {
                let end = begin + SLICE_MILLIS;
                if self.measure_until(end)
                    || plans == Next::Soon
                    || self.analyze_until(end)
                    || self.search_until(end)
                    || self.drift_until(end)
                {
                    Next::Soon
                } else {
                    plans
                }
            }
        }
    }

    /// Plans one thing more that nobody asked for, the most urgent first; when the next is due.
    /// What takes long and cannot be interrupted waits until nothing is edited any more.
    fn plan_beside(&mut self) -> Next {
        let Some(network) = self.compiled.as_ref().map(|it| it.network.clone()) else {
            return Next::Idle;
        };
        if self.costs.is_some() {
            self.plan_costs(&network);
            return Next::Soon;
        }
        let id = self.newest_request;
        if std::mem::take(&mut self.is_program_new)
            && let Some(compiled) = &self.compiled
        {
            let sha256 = compiled.program_sha256();
            self.tell(id, Event::ProgramChanged { sha256 });
            return Next::Soon;
        }
        let mut overflow = self.overflow.as_mut().filter(|it| !it.is_done());
        let is_planned = self.passes.is_none() && self.planner.is_none();
        if overflow.is_none() && is_planned && !self.is_origin_new {
            return Next::Idle;
        }
        if let Some(view) = overflow.as_mut().and_then(|it| it.begin()) {
            self.tell(id, Event::Overflow(Box::new(view)));
            return Next::Soon;
        }
        let settles_after = self.settled_at - self.clock.now();
        if settles_after > 0.0 {
            return Next::After(settles_after);
        }
        if let Some(overflow) = overflow {
            if let Some(view) = overflow.advance(&network) {
                self.tell(id, Event::Overflow(Box::new(view)));
            }
            return Next::Soon;
        }
        let Some(passes) = &mut self.passes else {
            return self.plan_rules(&network);
        };
        let view = passes.advance(&network);
        if passes.is_done() {
            self.passes = None;
        }
        if let Some(view) = view {
            self.tell(id, Event::PassesPlanned(Box::new(view)));
        }
        Next::Soon
    }

    /// Plans the choices of some layers.
    fn plan_costs(&mut self, network: &Network) {
        let end = self.clock.now() + COSTS_MILLIS;
        while let Some(costs) = &mut self.costs {
            if let Some(view) = costs.advance(network) {
                self.costs = None;
                // Whoever waited for them may go on with what they say.
                self.settled_at = self.clock.now() + SETTLE_MILLIS;
                let id = self.newest_request;
                self.tell(id, Event::Costs(Box::new(view)));
            }
            if self.clock.now() >= end {
                return;
            }
        }
    }

    /// Plans one more choice of the numerics; after the last one, tells where the contributions
    /// come from.
    fn plan_rules(&mut self, network: &Network) -> Next {
        let Some(planner) = &mut self.planner else {
            self.tell_origin();
            return Next::Idle;
        };
        let Some(view) = planner.advance(network) else {
            return Next::Soon;
        };
        self.planner = None;
        let id = self.newest_request;
        self.tell(id, Event::RulesPlanned(Box::new(view)));
        Next::Soon
    }

    /// Trains as fast as possible.
    fn train_until(&mut self, end: f64) {
        let (Some(compiled), Some(run)) = (&self.compiled, &mut self.run) else {
            return;
        };
        let stop_after = compiled.setup.stop_after;
        let mut now = self.clock.now();
        loop {
            if run.is_at_stop(stop_after) {
                self.stop();
                return;
            }
            if now - run.batch_at >= BATCH_MILLIS {
                // Only what is sent is listened to: gathering norms costs time.
                run.step_recorded();
                now = self.clock.now();
                let batch = run.batch(now);
                run.batch_at = now;
                let id = self.newest_request;
                self.events.push(FromWorker {
                    id,
                    event: Event::Progress(Box::new(batch)),
                });
            } else {
                run.step_quietly();
                now = self.clock.now();
            }
            if now >= end {
                return;
            }
        }
    }

    /// One step or operation at a slow speed, when it is due.
    fn tick(&mut self, speed: Speed, now: f64) {
        let (Some(compiled), Some(run)) = (&self.compiled, &mut self.run) else {
            return;
        };
        if now < run.tick_at {
            return;
        }
        if run.is_at_stop(compiled.setup.stop_after) {
            self.stop();
            return;
        }
        let interval = if speed == Speed::OperationPerSecond {
            run.next_operation();
            OPERATION_MILLIS
        } else {
            run.step_recorded();
            STEP_MILLIS
        };
        run.tick_at = (run.tick_at + interval).max(now);
        let batch = run.batch(now);
        let id = self.newest_request;
        self.tell(id, Event::Progress(Box::new(batch)));
        self.measure_beside(interval);
    }

    /// The step to stop after is reached.
    fn stop(&mut self) {
        self.pause();
        let id = self.newest_request;
        self.tell_position(id);
    }

    /// Measures the accuracy for at most a tenth of the time that training takes.
    fn measure_beside(&mut self, trained_for: f64) {
        if let Some(run) = &mut self.run {
            run.gauge_credit = (run.gauge_credit + GAUGE_SHARE * trained_for).min(SLICE_MILLIS);
        }
        while self.run.as_ref().is_some_and(|run| run.gauge_credit > 0.0) {
            let before = self.clock.now();
            if !self.measure_one() {
                return;
            }
            let took = self.clock.now() - before;
            if let Some(run) = &mut self.run {
                run.gauge_credit -= took;
            }
        }
    }

    /// Measures the accuracy while there is nothing else to do; whether there is more.
    fn measure_until(&mut self, end: f64) -> bool {
        while self.measure_one() {
            if self.clock.now() >= end {
                return true;
            }
        }
        false
    }

    /// Goes on with the contribution analysis; whether there is more.
    fn analyze_until(&mut self, end: f64) -> bool {
        let Some(analysis) = self.analysis.as_mut().filter(|it| it.has_work()) else {
            return false;
        };
        let id = analysis.id;
        match analysis.advance(&self.clock, end) {
            Ok(Some(view)) => {
                let is_done = view.phase == AnalysisPhase::Done;
                self.tell(id, Event::Analysis(Box::new(view)));
                if is_done {
                    self.take_measured();
                }
            }
            Ok(None) => {}
            Err(message) => {
                self.analysis = None;
                self.tell(id, Event::Failed { message });
            }
        }
        true
    }

    /// Goes on with the search for a policy; whether there is more.
    fn search_until(&mut self, end: f64) -> bool {
        let Some(search) = self.search.as_mut().filter(|it| it.has_work()) else {
            return false;
        };
        let id = search.id;
        match search.advance(&self.clock, end) {
            Ok(Some(view)) => self.tell(id, Event::Search(Box::new(view))),
            Ok(None) => {}
            Err(message) => {
                self.search = None;
                self.tell(id, Event::Failed { message });
            }
        }
        true
    }

    /// Goes on with a drift; whether there is more.
    fn drift_until(&mut self, end: f64) -> bool {
        let Some(drift) = self.drift.as_mut().filter(|it| it.has_work()) else {
            return false;
        };
        let id = drift.id;
        match drift.advance(&self.clock, end) {
            Ok(Some(view)) => self.tell(id, Event::Drift(Box::new(view))),
            Ok(None) => {}
            Err(message) => {
                self.drift = None;
                self.tell(id, Event::Failed { message });
            }
        }
        true
    }

    /// Measures one sample; whether there was one.
    fn measure_one(&mut self) -> bool {
        let samples = match &self.compiled {
            Some(compiled) if compiled.is_own() => &self.own.set,
            _ => &self.samples,
        };
        let (Some(samples), Some(run)) = (samples, &mut self.run) else {
            return false;
        };
        if samples.test.is_empty() || !run.gauge.has_work(&run.session) {
            return false;
        }
        if let Some((step, accuracy)) = run.gauge.advance(&run.session, &samples.test) {
            let id = self.newest_request;
            self.tell(
                id,
                Event::Accuracy {
                    step,
                    correct: accuracy.correct,
                    total: accuracy.total,
                },
            );
        }
        true
    }
}
