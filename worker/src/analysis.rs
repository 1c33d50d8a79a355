//! Contribution analysis beside everything else: one run after another, a slice of time each.
//!
//! Every cell is run with the first seed, then with the others, so that all of them are known
//! roughly before any is known well.

use std::fmt::Write as _;
use std::sync::Arc;

use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::session::Samples;
use quartermeg_formats::config::hex;
use quartermeg_formats::explain;
use quartermeg_formats::setup::{MAX_STEPS, Setup};
use quartermeg_search::{
    Measured, Part, Recipe, Run, Space, Spread, Study, StudyError, Trial, Work,
};

use crate::pace::Pace;
use crate::recorder::Recorder;
use crate::samples::count;
use crate::time::Clock;
use crate::trial::{TrialRun, beginning_macs};
use quartermeg_web::protocol::{AnalysisPhase, AnalysisView, ContributionsView, GainView};

/// Most seeds of an analysis.
pub(crate) const MAX_SEEDS: u32 = 64;
/// Digits of the identity in the key.
const KEY_DIGITS: usize = 16;
/// Time that measuring the speed takes, in milliseconds.
pub(crate) const TRY_MILLIS: f64 = 250.0;
/// Steps that measuring the speed takes at most.
pub(crate) const TRY_STEPS: u32 = 60;
/// Time between two reports, in milliseconds.
pub(crate) const REPORT_MILLIS: f64 = 250.0;
/// Time between two reports with what is to be kept, in milliseconds.
const KEEP_MILLIS: f64 = 1_000.0;

/// An analysis, under way or standing.
#[derive(Debug)]
pub(crate) struct Analysis {
    /// The request that prepared it.
    pub(crate) id: u32,
    study: Arc<Study>,
    space: Space,
    /// The classifier alone, then each cell.
    policies: Vec<Policy>,
    /// All runs in their order: index of the policy, and seed.
    runs: Vec<(usize, u64)>,
    recipe: Recipe,
    key: String,
    phase: AnalysisPhase,
    /// What each policy takes, as far as it was worked out.
    work: Vec<Work>,
    known: Vec<Count>,
    under_way: Option<UnderWay>,
    /// Where updates are told, which nobody reads: a step that tells nobody would be compiled
    /// anew.
    recorder: Recorder,
    pace: Pace,
    reported_at: f64,
    kept_at: f64,
    /// Whether something is known that was not told yet: to be shown, and to be kept.
    is_news: [bool; 2],
}

/// Validation samples that a policy recognized.
#[derive(Clone, Copy, Debug)]
struct Count {
    policy: usize,
    seed: u64,
    correct: u32,
}

/// A run under way.
#[derive(Debug)]
struct UnderWay {
    policy: usize,
    seed: u64,
    trial: TrialRun,
    /// Multiply-accumulates of the beginnings that it computes.
    beginning_macs: u64,
}

impl Analysis {
    /// An analysis that has measured nothing yet.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn new(
        id: u32,
        network: &Network,
        setup: &Setup,
        [learn, held_out]: [&Samples; 2],
        [n_seeds, steps]: [u32; 2],
    ) -> Result<Self, String> {
        let (n_seeds, steps) = (n_seeds.clamp(1, MAX_SEEDS), steps.clamp(1, MAX_STEPS));
        let study = Study::new(
            network.clone(),
            setup.clone(),
            learn.clone(),
            held_out.clone(),
        )
        .map_err(|error| sentence(&error))?;
        // One run after another needs one beginning, and its predecessor while it begins.
        let study = Arc::new(study.keeping(1).measuring(Part::Validation));
        let space = Space::of(network);
        let rate = setup.learning_rate;
        let mut policies = vec![space.policy(&space.frozen())];
        for (layer, at) in space.cells() {
            let mut choice = space.frozen();
            choice[layer] = at;
            policies.push(space.policy(&choice));
        }
        let seeds: Vec<u64> = (0..u64::from(n_seeds))
            .map(|at| setup.seed.wrapping_add(at))
            .collect();
        let (first, others) = seeds.split_at(1);
        let mut runs = Vec::new();
        for seeds in [first, others] {
            for policy in 0..policies.len() {
                for &seed in seeds {
                    runs.push((policy, seed));
                }
            }
        }
        let identity = hex(&study.identity());
        let digits = identity.get(..KEY_DIGITS).unwrap_or_default();
        Ok(Self {
            id,
            key: format!("{digits}-{steps}-{:08x}", rate.to_bits()),
            study,
            space,
            policies,
            runs,
            recipe: Recipe {
                study: identity,
                command: String::new(),
                steps,
                rate,
                seeds,
            },
            phase: AnalysisPhase::Counting,
            work: Vec::new(),
            known: Vec::new(),
            under_way: None,
            recorder: Recorder::default(),
            pace: Pace::default(),
            reported_at: f64::NEG_INFINITY,
            kept_at: f64::NEG_INFINITY,
            is_news: [false; 2],
        })
    }

    /// The scenario that it is of.
    pub(crate) fn scenario(&self) -> &str {
        &self.study.setup().scenario
    }

    /// Takes over what was measured before, and says whether that is all there is to measure; lines
    /// that cannot be read are left out.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn recall(&mut self, key: &str, counts: &str) -> bool {
        if key != self.key {
            return false;
        }
        for line in counts.lines() {
            let Some(count) = Count::parse(line) else {
                continue;
            };
            let is_possible = count.policy < self.policies.len()
                && count.correct as usize <= self.study.n_validation();
            if is_possible && self.correct(count.policy, count.seed).is_none() {
                self.known.push(count);
            }
        }
        self.under_way = None;
        self.is_news[0] = true;
        self.follow_known();
        self.phase == AnalysisPhase::Done
    }

    /// Goes on from now on, or stands still.
    pub(crate) fn set_running(&mut self, runs: bool) {
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
    ) -> Result<Option<AnalysisView>, String> {
        let phase = self.phase;
        match phase {
            AnalysisPhase::Counting => self.count(clock)?,
            AnalysisPhase::Running => self.run_until(clock, end)?,
            AnalysisPhase::Standing | AnalysisPhase::Done => {}
        }
        let now = clock.now();
        let is_due = self.phase != phase || now - self.reported_at >= REPORT_MILLIS;
        Ok(is_due.then(|| self.report(now)))
    }

    /// How it stands.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn report(&mut self, now: f64) -> AnalysisView {
        self.reported_at = now;
        let [shows, keeps] = self.is_news;
        let keeps =
            keeps && (self.phase != AnalysisPhase::Running || now - self.kept_at >= KEEP_MILLIS);
        if keeps {
            self.kept_at = now;
        }
        self.is_news = [false, self.is_news[1] && !keeps];
        let all = self.runs.len();
        let left = self.unknown().count();
        let is_counted = self.phase != AnalysisPhase::Counting;
        AnalysisView {
            key: self.key.clone(),
            phase: self.phase,
            counted: [count(self.work.len()), count(self.policies.len())],
            runs: [count(all - left), count(all)],
            seconds_left: if is_counted { self.seconds_left() } else { 0 },
            macs: if is_counted { self.macs() } else { [0, 0] },
            counts: keeps.then(|| self.counts()),
            contributions: shows.then(|| Box::new(self.contributions())),
        }
    }

    /// What is known of each policy, seed by seed, to be kept.
    #[cfg_attr(page, optimize(size))]
    fn counts(&self) -> String {
        let mut text = String::new();
        for Count {
            policy,
            seed,
            correct,
        } in &self.known
        {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "{policy} {seed} {correct}");
        }
        text
    }

    /// What is known, as a file holds it; none before everything is.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn measured(&self) -> Option<Measured> {
        let seeds = || self.recipe.seeds.iter();
        let counts = (0..self.policies.len()).map(|policy| {
            let counts = seeds().map(|&seed| self.correct(policy, seed));
            counts.collect::<Option<Vec<u32>>>()
        });
        let counts = counts.collect::<Option<Vec<_>>>()?;
        let recipe = self.recipe.clone();
        let n_validation = count(self.study.n_validation());
        let counts = counts.into_iter();
        Some(Measured::of_counts(
            &self.space,
            recipe,
            n_validation,
            counts,
        ))
    }

    /// What is known of the cells, each with those seeds that it was run with.
    #[cfg_attr(page, optimize(size))]
    fn contributions(&self) -> ContributionsView {
        let n = f64::from(count(self.study.n_validation()));
        let accuracies = |policy: usize, alone: bool| -> Vec<f64> {
            let seeds = self.recipe.seeds.iter();
            let known = seeds.filter_map(|&seed| {
                let correct = f64::from(self.correct(policy, seed)?);
                let less = if alone { 0 } else { self.correct(0, seed)? };
                Some((correct - f64::from(less)) / n)
            });
            known.collect()
        };
        let mut layers = vec![Vec::new(); self.space.layers().len()];
        for ((layer, at), policy) in self.space.cells().zip(1..) {
            let gains = accuracies(policy, false);
            if !gains.is_empty() {
                let [mean, sd] = spread(&gains);
                layers[layer].push(GainView {
                    ratio: self.space.layers()[layer][at].ratio(),
                    mean,
                    sd,
                });
            }
        }
        ContributionsView {
            classifier: spread(&accuracies(0, true)),
            layers,
            n_seeds: count(self.recipe.seeds.len()),
            steps: self.recipe.steps,
            rate: self.recipe.rate,
            validation_samples: count(self.study.n_validation()),
            command: String::new(),
        }
    }

    // -- Order ---------------------------------------------------------------------------------

    fn unknown(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let runs = self.runs.iter().copied();
        runs.filter(|&(policy, seed)| self.correct(policy, seed).is_none())
    }

    fn correct(&self, policy: usize, seed: u64) -> Option<u32> {
        let mut known = self.known.iter();
        let count = known.find(|it| it.policy == policy && it.seed == seed)?;
        Some(count.correct)
    }

    fn trial(&self, policy: usize, seed: u64) -> Trial {
        Trial {
            policy: self.policies[policy].clone(),
            rate: self.recipe.rate,
            seed,
            steps: self.recipe.steps,
        }
    }

    fn begin(&self, policy: usize, seed: u64) -> Result<Run, String> {
        let trial = self.trial(policy, seed);
        self.study.begin(&trial).map_err(|error| sentence(&error))
    }

    // -- Work ----------------------------------------------------------------------------------

    /// Works out what one more policy takes; after the last of them, how fast runs are.
    #[cfg_attr(page, optimize(size))]
    fn count(&mut self, clock: &impl Clock) -> Result<(), String> {
        let seed = self.recipe.seeds[0];
        if self.work.len() < self.policies.len() {
            let work = self.begin(self.work.len(), seed)?.work();
            self.work.push(work);
            return Ok(());
        }
        let works = self.work.iter().enumerate();
        let longest = works.max_by_key(|(_, work)| work.behind_beginning());
        let (policy, work) = longest.map_or((0, Work::default()), |(at, work)| (at, *work));
        let mut run = self.begin(policy, seed)?;
        let begun = clock.now();
        for _ in 0..TRY_STEPS.min(self.recipe.steps) {
            self.recorder.clear();
            // It is not kept: a run whose time is measured whole says more.
            let _not_finished = run.advance(&mut self.recorder);
            self.pace.macs += work.step;
            self.pace.millis = clock.now() - begun;
            if self.pace.millis >= TRY_MILLIS {
                break;
            }
        }
        self.phase = AnalysisPhase::Standing;
        self.follow_known();
        Ok(())
    }

    /// Runs on, until the time or a run ends.
    fn run_until(&mut self, clock: &impl Clock, end: f64) -> Result<(), String> {
        if self.under_way.is_none() {
            self.under_way = self.next_run()?;
        }
        let Some(under_way) = &mut self.under_way else {
            self.follow_known();
            return Ok(());
        };
        let outcome = under_way.trial.advance(&mut self.recorder, clock, end);
        if let Some(outcome) = outcome {
            self.finish(outcome.recognized());
        }
        Ok(())
    }

    #[cfg_attr(page, optimize(size))]
    fn next_run(&self) -> Result<Option<UnderWay>, String> {
        let Some((policy, seed)) = self.unknown().next() else {
            return Ok(None);
        };
        let before = self.under_way_before(policy);
        let work = self.work[policy];
        Ok(Some(UnderWay {
            policy,
            seed,
            trial: TrialRun::new(self.begin(policy, seed)?),
            beginning_macs: if before == Some(work.beginning) {
                0
            } else {
                beginning_macs(&work, self.study.n_learn())
            },
        }))
    }

    /// Beginning of the run before one of this policy, which is still kept.
    fn under_way_before(&self, policy: usize) -> Option<u64> {
        let newest = self.known.last()?;
        (newest.policy.abs_diff(policy) <= 1).then(|| self.work[newest.policy].beginning)
    }

    #[cfg_attr(page, optimize(size))]
    fn finish(&mut self, correct: u32) {
        let Some(done) = self.under_way.take() else {
            return;
        };
        self.pace.macs += self.work[done.policy].behind_beginning() + done.beginning_macs;
        self.pace.millis += done.trial.millis;
        self.known.push(Count {
            policy: done.policy,
            seed: done.seed,
            correct,
        });
        self.is_news = [true; 2];
        self.follow_known();
    }

    /// The phase that goes with what is known.
    fn follow_known(&mut self) {
        if self.phase != AnalysisPhase::Counting && self.unknown().next().is_none() {
            self.phase = AnalysisPhase::Done;
        }
    }

    // -- How much it is ------------------------------------------------------------------------

    /// Multiply-accumulates of some runs in their order, each with its index.
    #[cfg_attr(page, optimize(size))]
    fn macs_of(&self, runs: &[(usize, u64)]) -> [u64; 2] {
        let mut sums = [0, 0];
        let mut kept = None;
        for &(policy, _) in runs {
            let work = &self.work[policy];
            sums[0] += work.whole();
            sums[1] += work.behind_beginning();
            if kept != Some(work.beginning) {
                sums[1] += beginning_macs(work, self.study.n_learn());
                kept = Some(work.beginning);
            }
        }
        sums
    }

    /// Of all runs: if nothing were kept of frozen layers, and as it is.
    fn macs(&self) -> [u64; 2] {
        self.macs_of(&self.runs)
    }

    #[cfg_attr(page, optimize(size))]
    fn seconds_left(&self) -> u32 {
        let unknown: Vec<_> = self.unknown().collect();
        let [_, left] = self.macs_of(&unknown);
        let done = self
            .under_way
            .as_ref()
            .map_or(0, |it| it.trial.macs_done(&self.work[it.policy]));
        self.pace.seconds(left.saturating_sub(done))
    }
}

impl Count {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        Some(Self {
            policy: words.next()?.parse().ok()?,
            seed: words.next()?.parse().ok()?,
            correct: words.next()?.parse().ok()?,
        })
    }
}

/// Mean and standard deviation.
pub(crate) fn spread(values: &[f64]) -> [f32; 2] {
    let Spread { mean, sd } = Spread::of(values);
    #[expect(clippy::cast_possible_truncation, reason = "shown with one decimal")]
    let spread = [mean as f32, sd as f32];
    spread
}

/// Why something cannot be trained, and what to do.
pub(crate) fn sentence(error: &StudyError) -> String {
    match error {
        StudyError::Compile(error) => explain::compile(error),
        StudyError::Session(error) => explain::session(error),
        StudyError::NothingHeldOut => "There is nothing to measure the accuracy on: hold out at \
                                       least two samples."
            .to_owned(),
    }
}
