//! The search for a policy beside everything else: planning, backward elimination, and the training of
//! what was chosen, a slice of time after another.

mod view;

use std::rc::Rc;
use std::sync::Arc;

use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::runtime::STATE_BYTES;
use quartermeg_core::session::Samples;
use quartermeg_formats::config::hex;
use quartermeg_formats::scenario::Scenario;
use quartermeg_formats::setup::Setup;
use quartermeg_formats::{explain, scenario};
use quartermeg_search::additive::LeastBytes;
use quartermeg_search::evolution::Task;
use quartermeg_search::finalists::{self, EliminationStep, Finalist, Trained};
use quartermeg_search::selection::{Candidate, Selection, Told, distinct};
use quartermeg_search::trials_file::{Known, KnownOutcomes};
use quartermeg_search::{
    Contributions, Cost, Limits, Outcome, Part, Planner, Space, Study, Trial, Work, elimination,
};

use crate::analysis::sentence;
use crate::pace::Pace;
use crate::recorder::Recorder;
use crate::solver;
use crate::time::Clock;
use crate::trial::{TrialRun, beginning_macs};
use quartermeg_web::protocol::{GenerationView, SearchOptions, SearchPhase, SearchView, StepView};

/// Most seeds of a search.
const MAX_SEEDS: u32 = 64;
/// Digits of the identity in the key.
const KEY_DIGITS: usize = 16;
/// Learning rates with which policies are trained where the rate is tuned, as factors of the setup's.
const RATES: [f32; 3] = [0.5, 1.0, 2.0];
/// Time between two reports, in milliseconds.
const REPORT_MILLIS: f64 = 250.0;
/// Time between two reports with what is to be kept, in milliseconds.
const KEEP_MILLIS: f64 = 1_000.0;

/// A search, under way or standing.
#[derive(Debug)]
pub(crate) struct Search {
    /// The request that began it.
    pub(crate) id: u32,
    key: String,
    study: Arc<Study>,
    network: Rc<Network>,
    space: Space,
    contributions: Contributions,
    limits: Limits,
    planner: Planner<'static>,
    selection: Selection,
    rates: Vec<f32>,
    seeds: Vec<u64>,
    steps: u32,
    eliminates: bool,
    phase: SearchPhase,
    runs: bool,
    generations: Vec<GenerationView>,
    elimination: Elimination,
    candidates: Vec<Candidate>,
    finalists: Vec<Finalist>,
    /// What the policies of the phase cost and take, as far as it was worked out.
    prepared: Vec<(Cost, Work)>,
    known: KnownOutcomes,
    under_way: Option<(Trial, TrialRun)>,
    /// The policy whose frozen beginning is kept.
    kept: Option<Policy>,
    recorder: Recorder,
    pace: Pace,
    /// Lines that were not told yet.
    trained: String,
    reported_at: f64,
    kept_at: f64,
}

/// Backward elimination as it goes on.
#[derive(Debug, Default)]
struct Elimination {
    /// Layers in the order in which they are frozen.
    order: Vec<usize>,
    /// What is trained: everything, then one layer less each time.
    policies: Vec<Policy>,
    threshold: Option<f64>,
    /// Those steps that are not below the threshold.
    steps: Vec<EliminationStep>,
    views: Vec<StepView>,
}

/// What a search is made of.
pub(crate) struct Subject<'a> {
    pub(crate) network: &'a Rc<Network>,
    pub(crate) setup: &'a Setup,
    pub(crate) contributions: &'a Contributions,
    pub(crate) learn: &'a Samples,
    pub(crate) held_out: &'a Samples,
}

impl Search {
    /// A search that has done nothing yet.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn new(
        id: u32,
        subject: &Subject<'_>,
        options: SearchOptions,
    ) -> Result<Self, String> {
        let &Subject {
            network,
            setup,
            contributions,
            learn,
            held_out,
        } = subject;
        let study = Study::new(
            (**network).clone(),
            setup.clone(),
            learn.clone(),
            held_out.clone(),
        )
        .map_err(|error| sentence(&error))?;
        let space = Space::of(network);
        let limits = Limits {
            flash_bytes: options.flash_bytes,
            macs_step: options.macs_step,
            ..Limits::of_block(setup.budget_bytes)
        };
        let mut planner = solver::planner(network.clone(), setup.rules, space.clone());
        if !planner.fits(&space.frozen(), &limits) {
            let least = planner.cost(&space.frozen());
            return Err(too_little(least, &limits));
        }
        let least = LeastBytes::of(network, setup.rules, &space)
            .map_err(|error| explain::compile(&error))?;
        let task = Task {
            contributions: contributions.clone(),
            least,
            limits,
            n_plans: options.n_plans.max(1) as usize,
        };
        let presets = scenario::presets(scenario_of(setup), network).into_iter();
        let presets = presets.map(|it| (it.id.to_owned(), it.policy)).collect();
        let n_seeds = u64::from(options.n_seeds.clamp(1, MAX_SEEDS));
        let seeds: Vec<u64> = (0..n_seeds).map(|at| setup.seed.wrapping_add(at)).collect();
        let rate = setup.learning_rate;
        let identity = hex(&study.identity());
        let digits = identity.get(..KEY_DIGITS).unwrap_or_default();
        let policies = elimination::steps(contributions, &space).into_iter();
        Ok(Self {
            id,
            key: format!("{digits}-{}", setup.stop_after),
            selection: Selection::new(task, &planner, setup.seed, presets),
            elimination: Elimination {
                order: elimination::order(contributions, &space),
                policies: policies.map(|choice| space.policy(&choice)).collect(),
                threshold: options.threshold.map(f64::from),
                ..Elimination::default()
            },
            // One run after another needs one beginning, and its predecessor while it begins.
            study: Arc::new(study.keeping(1)),
            network: network.clone(),
            space,
            contributions: contributions.clone(),
            limits,
            planner,
            rates: if options.tunes_rate {
                RATES.iter().map(|it| it * rate).collect()
            } else {
                vec![rate]
            },
            seeds,
            steps: setup.stop_after,
            eliminates: options.eliminates,
            phase: SearchPhase::Planning,
            runs: true,
            generations: Vec::new(),
            candidates: Vec::new(),
            finalists: Vec::new(),
            prepared: Vec::new(),
            known: KnownOutcomes::default(),
            under_way: None,
            kept: None,
            recorder: Recorder::default(),
            pace: Pace::default(),
            trained: String::new(),
            reported_at: f64::NEG_INFINITY,
            kept_at: f64::NEG_INFINITY,
        })
    }

    /// Takes over what was trained before; lines that cannot be read are left out.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn recall(&mut self, key: &str, trained: &str) {
        if key == self.key {
            let _n_unread = self.known.read(trained, self.study.n_held_out());
        }
    }

    /// Goes on from now on, or stands still.
    pub(crate) fn set_running(&mut self, runs: bool) {
        self.runs = runs && self.phase != SearchPhase::Done;
    }

    /// Whether a slice of time would be of use.
    pub(crate) fn has_work(&self) -> bool {
        self.runs
    }

    /// Works until `end`, but at most until there is something to tell, and says how it stands when
    /// that is due.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn advance(
        &mut self,
        clock: &impl Clock,
        end: f64,
    ) -> Result<Option<SearchView>, String> {
        let phase = self.phase;
        match phase {
            SearchPhase::Planning => self.plan_until(clock, end),
            SearchPhase::Eliminating => self.eliminate_until(clock, end)?,
            SearchPhase::Training => self.train_until(clock, end)?,
            SearchPhase::Done => self.runs = false,
        }
        let now = clock.now();
        let is_due = self.phase != phase || now - self.reported_at >= REPORT_MILLIS;
        Ok(is_due.then(|| self.report(now)))
    }

    // -- Planning ------------------------------------------------------------------------------

    #[cfg_attr(page, optimize(size))]
    fn plan_until(&mut self, clock: &impl Clock, end: f64) {
        loop {
            match self.selection.advance(&mut self.planner, 1) {
                Told::Nothing => {}
                Told::Generation {
                    sram_total_bytes,
                    generation,
                } => {
                    self.generations.push(GenerationView {
                        share: self.limits.sram_total_bytes / sram_total_bytes.max(1),
                        best_gain: view::narrow(generation.best_gain),
                        mean_gain: view::narrow(generation.mean_gain),
                    });
                    return;
                }
                Told::Over => {
                    self.candidates = distinct(self.selection.candidates().to_vec());
                    self.phase = if self.eliminates {
                        SearchPhase::Eliminating
                    } else {
                        SearchPhase::Training
                    };
                    return;
                }
            }
            if clock.now() >= end {
                return;
            }
        }
    }

    // -- Backward elimination ------------------------------------------------------------------

    #[cfg_attr(page, optimize(size))]
    fn eliminate_until(&mut self, clock: &impl Clock, end: f64) -> Result<(), String> {
        if let Some(policy) = self.elimination.policies.get(self.prepared.len()) {
            let policy = policy.clone();
            return self.prepare(&policy);
        }
        let at = self.elimination.views.len();
        let seeds = self.seeds.clone();
        let Some(threshold) = self.elimination.threshold else {
            let alone = self.space.policy(&self.space.frozen());
            if let Some(trained) = self.train(&alone, &seeds, clock, end)? {
                self.elimination.threshold = Some(trained.accuracy(Part::Validation).mean);
            }
            return Ok(());
        };
        let next = self.elimination.policies.get(at).cloned();
        let Some((policy, &(cost, _))) = next.zip(self.prepared.get(at)) else {
            self.finish_elimination();
            return Ok(());
        };
        let Some(trained) = self.train(&policy, &seeds, clock, end)? else {
            return Ok(());
        };
        let accuracy = trained.accuracy(Part::Validation);
        let elimination = &mut self.elimination;
        let frozen = at.checked_sub(1).map(|at| elimination.order[at]);
        elimination
            .views
            .push(view::step(frozen, &policy, &cost, accuracy));
        if accuracy.mean < threshold {
            self.finish_elimination();
            return Ok(());
        }
        elimination.steps.push(EliminationStep {
            policy,
            accuracy: accuracy.mean,
            cost,
        });
        Ok(())
    }

    fn finish_elimination(&mut self) {
        let found = finalists::of_elimination(&self.elimination.steps, &self.limits);
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.extend(found);
        self.candidates = distinct(candidates);
        self.prepared.clear();
        self.phase = SearchPhase::Training;
    }

    // -- Finalists -----------------------------------------------------------------------------

    #[cfg_attr(page, optimize(size))]
    fn train_until(&mut self, clock: &impl Clock, end: f64) -> Result<(), String> {
        if let Some(candidate) = self.candidates.get(self.prepared.len()) {
            let policy = candidate.policy.clone();
            return self.prepare(&policy);
        }
        let at = self.finalists.len();
        let next = self.candidates.get(at).cloned();
        let Some((candidate, &(cost, _))) = next.zip(self.prepared.get(at)) else {
            (self.phase, self.runs) = (SearchPhase::Done, false);
            return Ok(());
        };
        let seeds = finalists::other_seeds(&self.seeds);
        if let Some(trained) = self.train(&candidate.policy, &seeds, clock, end)? {
            self.finalists.push(Finalist {
                candidate,
                trained,
                cost,
            });
        }
        Ok(())
    }

    // -- Training ------------------------------------------------------------------------------

    /// Works out what a policy of the phase costs and takes.
    #[cfg_attr(page, optimize(size))]
    fn prepare(&mut self, policy: &Policy) -> Result<(), String> {
        let choice = self.space.choice(policy);
        let cost = match choice {
            Some(choice) => self.planner.cost(&choice),
            None => Cost::of(&self.network, policy, self.study.setup().rules).ok(),
        };
        let cost = cost.ok_or_else(|| "A policy cannot be compiled.".to_owned())?;
        let trials = finalists::trials(policy, &self.rates[..1], &self.seeds[..1], self.steps);
        let run = trials.first().map(|trial| self.study.begin(trial));
        let run = run.transpose().map_err(|error| sentence(&error))?;
        let work = run.map_or(Work::default(), |run| run.work());
        self.prepared.push((cost, work));
        Ok(())
    }

    /// Trains a policy with each rate and seed that is not known yet, until the time or a run ends;
    /// what it came to once all are known.
    #[cfg_attr(page, optimize(size))]
    fn train(
        &mut self,
        policy: &Policy,
        seeds: &[u64],
        clock: &impl Clock,
        end: f64,
    ) -> Result<Option<Trained>, String> {
        let trials = finalists::trials(policy, &self.rates, seeds, self.steps);
        let unknown = trials.iter().find(|trial| self.known.get(trial).is_none());
        let Some(trial) = unknown else {
            let outcomes = trials.iter().filter_map(|trial| self.known.get(trial));
            let outcomes: Vec<Outcome> = outcomes.map(|known| known.outcome.clone()).collect();
            return Ok(Trained::best_of(&self.rates, &outcomes));
        };
        if self.under_way.as_ref().is_none_or(|(it, _)| it != trial) {
            let run = self.study.begin(trial).map_err(|error| sentence(&error))?;
            self.under_way = Some((trial.clone(), TrialRun::new(run)));
        }
        let Some((_, run)) = &mut self.under_way else {
            return Ok(None);
        };
        if let Some(outcome) = run.advance(&mut self.recorder, clock, end) {
            self.finish(outcome);
        }
        Ok(None)
    }

    #[cfg_attr(page, optimize(size))]
    fn finish(&mut self, outcome: Outcome) {
        let Some((trial, run)) = self.under_way.take() else {
            return;
        };
        if let Some(work) = self.work_of(&trial.policy) {
            self.pace.macs += self.macs_of(&work, &trial.policy);
            self.pace.millis += run.millis;
        }
        self.kept = Some(trial.policy.clone());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time that is not negative"
        )]
        let milliseconds = run.millis as u64;
        let known = Known {
            outcome,
            milliseconds,
        };
        self.trained.push_str(&self.known.add(&trial, known));
    }

    /// What a policy of the phase takes.
    fn work_of(&self, policy: &Policy) -> Option<Work> {
        let (_, work) = self
            .prepared
            .get(self.policies().position(|it| it == policy)?)?;
        Some(*work)
    }

    /// The policies of the phase, in their order.
    fn policies(&self) -> impl Iterator<Item = &Policy> {
        let (eliminated, candidates) = match self.phase {
            SearchPhase::Planning => Default::default(),
            SearchPhase::Eliminating => (&self.elimination.policies[..], &[][..]),
            SearchPhase::Training | SearchPhase::Done => (&[][..], &self.candidates[..]),
        };
        eliminated
            .iter()
            .chain(candidates.iter().map(|it| &it.policy))
    }

    /// Multiply-accumulates of one run of a policy, after one of the policy whose beginning is kept.
    fn macs_of(&self, work: &Work, policy: &Policy) -> u64 {
        let beginning = if self.kept.as_ref() == Some(policy) {
            0
        } else {
            beginning_macs(work, self.study.n_learn())
        };
        work.behind_beginning() + beginning
    }

    /// The trials of the phase from now on, as many as there are at most.
    fn trials_left(&self) -> impl Iterator<Item = (Trial, Work)> + '_ {
        let (done, seeds) = if self.phase == SearchPhase::Eliminating {
            (self.elimination.views.len(), self.seeds.clone())
        } else {
            let seeds = finalists::other_seeds(&self.seeds);
            (self.finalists.len(), seeds)
        };
        let prepared = self.policies().zip(&self.prepared).skip(done);
        prepared
            .flat_map(move |(policy, (_, work))| {
                let trials = finalists::trials(policy, &self.rates, &seeds, self.steps);
                trials.into_iter().map(move |trial| (trial, *work))
            })
            .filter(|(trial, _)| self.known.get(trial).is_none())
    }

    /// Time that the phase takes, at most; none before a run is done, and while it plans.
    #[cfg_attr(page, optimize(size))]
    fn seconds_left(&self) -> Option<u32> {
        if self.pace.macs == 0 || self.phase == SearchPhase::Planning {
            return None;
        }
        let mut macs: u64 = 0;
        let mut before: Option<Policy> = None;
        for (trial, work) in self.trials_left() {
            macs += work.behind_beginning();
            if before.as_ref() != Some(&trial.policy) {
                macs += beginning_macs(&work, self.study.n_learn());
                before = Some(trial.policy);
            }
        }
        let under_way = self.under_way.as_ref().and_then(|(trial, run)| {
            let work = self.work_of(&trial.policy)?;
            Some(run.macs_done(&work))
        });
        Some(
            self.pace
                .seconds(macs.saturating_sub(under_way.unwrap_or(0))),
        )
    }
}

fn scenario_of(setup: &Setup) -> &'static Scenario {
    scenario::by_id(&setup.scenario).unwrap_or(&scenario::OWN)
}

/// Why nothing can be searched.
#[cfg_attr(page, optimize(size))]
fn too_little(least: Option<Cost>, limits: &Limits) -> String {
    let Some(least) = least else {
        return "The network cannot be trained.".to_owned();
    };
    let (what, needed) = if least.sram_total_bytes > limits.sram_total_bytes {
        let arena_bytes = least.sram_total_bytes.saturating_sub(STATE_BYTES);
        let needed = explain::bytes(u64::from(arena_bytes));
        ("the budget", format!("{needed} of memory"))
    } else if limits.flash_bytes.is_some_and(|it| least.flash_bytes > it) {
        let needed = explain::bytes(u64::from(least.flash_bytes));
        ("the limit of flash", format!("{needed} of flash"))
    } else {
        let needed = explain::number(least.macs_step);
        (
            "the limit of multiply-accumulates",
            format!("{needed} multiply-accumulates a step"),
        )
    };
    format!(
        "Nothing fits: training the classifier alone needs {needed}. Raise {what}, or take a smaller \
         network."
    )
}
