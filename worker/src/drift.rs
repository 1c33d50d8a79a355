//! A world that changes under the learners: one run after another, a slice of time each, while
//! training stands still.

use std::rc::Rc;

use quartermeg_core::network::Network;
use quartermeg_core::session::Samples;
use quartermeg_formats::explain;
use quartermeg_formats::motion::Channel;
use quartermeg_formats::setup::{MAX_STEPS, Setup};
use quartermeg_search::drift::{
    self, AFTER, Change, Course, Drift, DriftError, LearnerPlan, LineUp, Measure,
};

use crate::analysis::{MAX_SEEDS, REPORT_MILLIS, TRY_MILLIS, TRY_STEPS, sentence, spread};
use crate::motion::Motion;
use crate::pace::Pace;
use crate::recorder::Recorder;
use crate::samples::count;
use crate::time::Clock;
use crate::trainer::{Trainer, no_plan, no_samples};
use quartermeg_web::protocol::{
    AnalysisPhase, ChangeKind, DriftChange, DriftPreview, DriftRequest, DriftView, Event,
    LearnerCurves, LearnerView, MeasuredShare,
};

/// Images that are shown of each world.
const SHOWN: usize = 6;

/// What a scenario has for a drift: network, setup, samples to learn from and held-out ones, and
/// the channels of motion.
type Stage<'a> = (&'a Rc<Network>, &'a Setup, [&'a Samples; 2], &'a [Channel]);

/// All runs of a drift, under way or standing.
#[derive(Debug)]
pub(crate) struct DriftRuns {
    /// The request that prepared it.
    pub(crate) id: u32,
    network: Rc<Network>,
    drift: Drift,
    line_up: LineUp,
    /// What is compared; nothing before it is planned.
    learners: Vec<LearnerPlan>,
    /// All runs in their order: index of the learner, and seed.
    runs: Vec<(usize, u64)>,
    phase: AnalysisPhase,
    /// Multiply-accumulates of a run of each learner: of every one, and of the first one more.
    macs: Vec<[u64; 2]>,
    /// What came of the runs that are done: samples that were recognized.
    known: Vec<Vec<u32>>,
    /// The run after these, and the time that it has taken, in milliseconds.
    under_way: Option<(Course, f64)>,
    /// Where updates are told, which nobody reads, as in an analysis.
    recorder: Recorder,
    pace: Pace,
    reported_at: f64,
    is_news: bool,
}

impl DriftRuns {
    #[cfg_attr(page, optimize(size))]
    fn new(
        id: u32,
        (network, setup, samples, channels): Stage<'_>,
        change: DriftChange,
        steps: [u32; 2],
        n_seeds: u32,
    ) -> Result<Self, String> {
        let worlds = change_of(change)?
            .worlds(samples, network.input(), channels)
            .map_err(refusal)?;
        let steps = steps.map(|steps| steps.clamp(1, MAX_STEPS / 2));
        let drift = Drift::new(Network::clone(network), setup.clone(), worlds, steps)
            .map_err(|error| sentence(&error))?;
        let line_up = LineUp::new(network, &setup.policy);
        let runs = drift::runs(setup.seed, n_seeds.clamp(1, MAX_SEEDS));
        Ok(Self {
            id,
            network: Rc::clone(network),
            drift,
            line_up,
            learners: Vec::new(),
            runs,
            phase: AnalysisPhase::Counting,
            macs: Vec::new(),
            known: Vec::new(),
            under_way: None,
            recorder: Recorder::default(),
            pace: Pace::default(),
            reported_at: f64::NEG_INFINITY,
            is_news: false,
        })
    }

    fn set_running(&mut self, runs: bool) {
        if matches!(self.phase, AnalysisPhase::Standing | AnalysisPhase::Running) {
            self.phase = if runs {
                AnalysisPhase::Running
            } else {
                AnalysisPhase::Standing
            };
        }
    }

    /// Whether a slice of time would be of use.
    pub(crate) fn has_work(&self) -> bool {
        matches!(self.phase, AnalysisPhase::Counting | AnalysisPhase::Running)
    }

    /// Works until `end`, but at most until a run ends, and says how it stands when that is due.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn advance(
        &mut self,
        clock: &impl Clock,
        end: f64,
    ) -> Result<Option<DriftView>, String> {
        let phase = self.phase;
        match phase {
            AnalysisPhase::Counting => self.plan(clock)?,
            AnalysisPhase::Running => self.run_until(clock, end)?,
            AnalysisPhase::Standing | AnalysisPhase::Done => {}
        }
        let now = clock.now();
        let is_due = self.phase != phase || now - self.reported_at >= REPORT_MILLIS;
        Ok(is_due.then(|| self.report(now)))
    }

    /// How it stands.
    #[cfg_attr(page, optimize(size))]
    fn report(&mut self, now: f64) -> DriftView {
        self.reported_at = now;
        let is_news = std::mem::take(&mut self.is_news);
        let learners = self.learners.iter().map(|it| LearnerView {
            arena_bytes: it.arena_bytes,
            fits: it.fits,
            n_layers: it.n_layers,
        });
        DriftView {
            phase: self.phase,
            counted: self.line_up.planned().map(count),
            runs: [count(self.known.len()), count(self.runs.len())],
            seconds_left: self.seconds_left(),
            n_held_out: self.drift.n_held_out().map(count),
            learners: learners.collect(),
            curves: is_news.then(|| self.curves()),
        }
    }

    // -- What is known -------------------------------------------------------------------------

    #[cfg_attr(page, optimize(size))]
    fn curves(&self) -> Vec<LearnerCurves> {
        let mut all = Vec::new();
        for learner in 0..self.learners.len() {
            let mut runs: Vec<&[u32]> = Vec::new();
            for (counts, run) in self.known.iter().zip(&self.runs) {
                if run.0 == learner {
                    runs.push(counts);
                }
            }
            let n_runs = count(runs.len());
            if let Some((course, _)) = &self.under_way
                && n_runs == 0
                && self.runs[self.known.len()].0 == learner
            {
                runs.push(course.known());
            }
            let mut curves = LearnerCurves {
                n_runs,
                ..LearnerCurves::default()
            };
            for point in self.drift.curves(&self.learners[learner], &runs) {
                let [mean, sd] = spread(&point.accuracies);
                let Measure { step, world } = point.measure;
                let world = if world == AFTER {
                    &mut curves.after
                } else {
                    &mut curves.before
                };
                world.push(MeasuredShare { step, mean, sd });
            }
            all.push(curves);
        }
        all
    }

    // -- Work ----------------------------------------------------------------------------------

    /// Plans one more policy; after the last of them, how long runs take and how fast they are.
    #[cfg_attr(page, optimize(size))]
    fn plan(&mut self, clock: &impl Clock) -> Result<(), String> {
        let setup = self.drift.study().setup();
        let Some(learners) = self.line_up.learners(setup.budget_bytes) else {
            let rules = setup.rules;
            return self
                .line_up
                .plan_next(&self.network, rules)
                .map_err(|error| explain::compile(&error));
        };
        self.learners = learners;
        let seed = self.runs[0].1;
        let n_samples = self.drift.n_samples() as u64;
        for learner in 0..self.learners.len() {
            let mut course = begin(&self.drift, &self.learners, (learner, seed))?;
            let work = course.work();
            let first = work.beginning * n_samples.min(work.n_steps + work.n_measured);
            self.macs.push([work.behind_beginning(), first]);
            if self.learners.len() - learner > 1 {
                continue;
            }
            // The last of them learns most.
            let begun = clock.now();
            for _ in 0..TRY_STEPS {
                self.recorder.clear();
                let is_done = course.advance(&mut self.recorder);
                let done = course.done();
                self.pace.macs = done.whole();
                self.pace.millis = clock.now() - begun;
                if is_done || self.pace.millis >= TRY_MILLIS {
                    break;
                }
            }
        }
        self.phase = AnalysisPhase::Standing;
        Ok(())
    }

    /// Runs on, until the time or a run ends.
    fn run_until(&mut self, clock: &impl Clock, end: f64) -> Result<(), String> {
        let begun = clock.now();
        let Some(&run) = self.runs.get(self.known.len()) else {
            self.phase = AnalysisPhase::Done;
            return Ok(());
        };
        let (course, millis) = match &mut self.under_way {
            Some(under_way) => under_way,
            none => none.insert((begin(&self.drift, &self.learners, run)?, 0.0)),
        };
        let n_known = course.known().len();
        let (is_done, now) = loop {
            self.recorder.clear();
            let is_done = course.advance(&mut self.recorder);
            let now = clock.now();
            if is_done || now >= end {
                break (is_done, now);
            }
        };
        *millis += now - begun;
        self.is_news |= course.known().len() > n_known;
        if is_done {
            self.finish(run.0);
        }
        Ok(())
    }

    #[cfg_attr(page, optimize(size))]
    fn finish(&mut self, learner: usize) {
        let Some((course, millis)) = self.under_way.take() else {
            return;
        };
        self.pace.macs += self.macs_of(learner);
        self.pace.millis += millis;
        self.known.push(course.known().to_vec());
        if self.known.len() == self.runs.len() {
            self.phase = AnalysisPhase::Done;
        }
    }

    // -- How much it is ------------------------------------------------------------------------

    /// Of the next run of a learner.
    fn macs_of(&self, learner: usize) -> u64 {
        let done = self.runs.iter().take(self.known.len());
        let is_first = done.into_iter().all(|run| run.0 != learner);
        let [each, first] = self.macs[learner];
        each + if is_first { first } else { 0 }
    }

    #[cfg_attr(page, optimize(size))]
    fn seconds_left(&self) -> u32 {
        if self.macs.is_empty() {
            return 0;
        }
        let left = self.runs.iter().skip(self.known.len());
        let left: u64 = left.map(|run| self.macs[run.0][0]).sum();
        let firsts = (0..self.macs.len()).map(|it| self.macs_of(it) - self.macs[it][0]);
        let done = self.under_way.as_ref();
        let done = done.map_or(0, |(course, _)| course.done().behind_beginning());
        self.pace
            .seconds((left + firsts.sum::<u64>()).saturating_sub(done))
    }
}

/// Begins a run.
#[cfg_attr(page, optimize(size))]
fn begin(
    drift: &Drift,
    learners: &[LearnerPlan],
    (learner, seed): (usize, u64),
) -> Result<Course, String> {
    let policy = learners[learner].policy.as_ref();
    let course = drift.begin(policy, seed);
    course.map_err(|error| sentence(&error))
}

impl<C: Clock> Trainer<C> {
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn drift(&mut self, id: u32, request: DriftRequest) -> Result<(), String> {
        match request {
            DriftRequest::Preview(change) => {
                let preview = preview(self.stage()?, change)?;
                self.tell(id, Event::DriftPreview(Box::new(preview)));
                return Ok(());
            }
            DriftRequest::Prepare {
                change,
                steps,
                n_seeds,
            } => {
                self.drift = None;
                self.drift = Some(DriftRuns::new(id, self.stage()?, change, steps, n_seeds)?);
            }
            DriftRequest::Cancel => self.drift = None,
            DriftRequest::Run | DriftRequest::Pause => {
                if let Some(drift) = &mut self.drift {
                    drift.set_running(request == DriftRequest::Run);
                }
            }
        }
        let now = self.clock.now();
        if let Some(drift) = &mut self.drift {
            let (id, view) = (drift.id, drift.report(now));
            self.tell(id, Event::Drift(Box::new(view)));
        }
        Ok(())
    }

    /// What there is to change.
    fn stage(&self) -> Result<Stage<'_>, String> {
        let compiled = self.compiled.as_ref().ok_or_else(no_plan)?;
        let samples = self.study_samples().ok_or_else(no_samples)?;
        let motion = self.motion.as_ref().filter(|_| self.shows_motion());
        Ok((
            &compiled.network,
            &compiled.setup,
            samples,
            motion.map_or(&[], Motion::channels),
        ))
    }
}

/// Some samples before and after a change.
#[cfg_attr(page, optimize(size))]
fn preview(
    (network, _, [learn, _], channels): Stage<'_>,
    change: DriftChange,
) -> Result<DriftPreview, String> {
    let input = network.input();
    let wanted = change_of(change)?;
    let mut preview = DriftPreview {
        input: [input.shape.h, input.shape.w, input.shape.c].map(count),
        ..DriftPreview::default()
    };
    let DriftPreview { before, after, .. } = &mut preview;
    for at in 0..learn.len() {
        let (codes, label) = learn.get(at);
        let changed = wanted.of(codes, input, channels).map_err(refusal)?;
        let is_new_class = matches!(wanted, Change::NewClass { .. });
        let comes = wanted == Change::NewClass { class: label };
        if !comes && before.len() < SHOWN {
            before.push((label, codes.to_vec()));
        }
        if (comes || !is_new_class) && after.len() < SHOWN {
            after.push((label, changed));
        }
        if before.len() == SHOWN && after.len() == SHOWN {
            break;
        }
    }
    Ok(preview)
}

/// A change that the page named.
fn change_of(DriftChange { kind, amount }: DriftChange) -> Result<Change, String> {
    let whole = || {
        u32::try_from(amount).map_err(|_negative| {
            format!("The strength of this change is {amount}; give a number from 0 on.")
        })
    };
    Ok(match kind {
        ChangeKind::Slant => Change::Slant { degrees: amount },
        ChangeKind::Rotation => Change::Rotation { degrees: amount },
        ChangeKind::Light => Change::Light { percent: whole()? },
        ChangeKind::OtherArm => Change::OtherArm,
        ChangeKind::TurnedSensor => Change::TurnedSensor { degrees: amount },
        ChangeKind::NewClass => Change::NewClass { class: whole()? },
    })
}

fn refusal(error: DriftError) -> String {
    error.sentence().to_owned()
}
