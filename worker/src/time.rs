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
        let plans_on = self.plan_beside();
        match self.speed {
            Some(Speed::Unlimited) => {
                self.train_until(begin + SLICE_MILLIS);
                let now = self.clock.now();
                self.measure_beside(now - begin);
                Next::Soon
            }
            Some(speed) => {
                self.tick(speed, begin);
                if plans_on {
                    return Next::Soon;
                }
                let tick_at = self.run.as_ref().map_or(begin, |run| run.tick_at);
                Next::After((tick_at - self.clock.now()).max(0.0))
            }
            None => {
                let end = begin + SLICE_MILLIS;
                if self.measure_until(end)
                    || plans_on
                    || self.analyze_until(end)
                    || self.search_until(end)
                    || self.drift_until(end)
                {
                    Next::Soon
                } else {
                    Next::Idle
                }
            }
        }
    }

    /// Plans one thing more that nobody asked for, the most urgent first; whether there are others.
    fn plan_beside(&mut self) -> bool {
        let Some(network) = self.compiled.as_ref().map(|it| it.network.clone()) else {
            return false;
        };
        let id = self.newest_request;
        if self.costs.is_some() {
            self.plan_costs(&network);
            return true;
        }
        if let Some(overflow) = self.overflow.as_mut().filter(|it| !it.is_done()) {
            if let Some(view) = overflow.advance(&network) {
                self.tell(id, Event::Overflow(Box::new(view)));
            }
            return true;
        }
        let Some(passes) = &mut self.passes else {
            return self.plan_rules();
        };
        let view = passes.advance(&network);
        if passes.is_done() {
            self.passes = None;
        }
        if let Some(view) = view {
            self.tell(id, Event::PassesPlanned(Box::new(view)));
        }
        true
    }

    /// Plans the choices of some layers.
    fn plan_costs(&mut self, network: &Network) {
        let end = self.clock.now() + COSTS_MILLIS;
        while let Some(costs) = &mut self.costs {
            if let Some(view) = costs.advance(network) {
                self.costs = None;
                let id = self.newest_request;
                self.tell(id, Event::Costs(Box::new(view)));
            }
            if self.clock.now() >= end {
                return;
            }
        }
    }

    /// Plans one more choice of the numerics; whether there are others.
    fn plan_rules(&mut self) -> bool {
        let (Some(compiled), Some(planner)) = (&self.compiled, &mut self.planner) else {
            return false;
        };
        let Some(view) = planner.advance(&compiled.network) else {
            return true;
        };
        self.planner = None;
        let id = self.newest_request;
        self.tell(id, Event::RulesPlanned(Box::new(view)));
        false
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
