//! The run that is under way, and how it becomes one that is kept.

use quartermeg_core::device::cost;
use quartermeg_formats::runs::{Costs, Phase, Run, board};
use quartermeg_formats::setup::{RateSchedule, Setup};

use super::{AppState, Command, Shared};
use crate::charts::loss;
use crate::protocol::{PlanView, UpdateView};
use crate::state::AccuracyPoint;

/// Steps of a run that is kept unasked.
const MIN_STEPS: u32 = 10;
/// About how many points of a curve are kept.
const CURVE_POINTS: usize = 100;
/// What a policy is called that has no name.
const OWN_POLICY: &str = "Own policy";

/// What is known of a run since its first step.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    phases: Vec<Phase>,
    plan: Shared<PlanView>,
}

impl AppState {
    /// Notes with what the live run trains, from its first step on.
    pub(in crate::state) fn follow_live(&mut self) {
        if self.step <= self.runs.began_at || self.planning || self.runs.live.is_some() {
            return;
        }
        if let Some(plan) = self.plan.clone() {
            let phases = vec![Phase {
                from_step: self.runs.began_at,
                setup: self.setup_text(),
            }];
            self.runs.live = Some(Shared::new(Live { phases, plan }));
        }
    }

    /// Notes that a setting was changed for the steps to come. Where it may run changes no step.
    pub(in crate::state) fn tune_live(&mut self, old: &Setup) {
        let Some(live) = &self.runs.live else {
            return;
        };
        let (new, setup, from_step) = (self.setup(), self.setup_text(), self.step);
        let mut moved = Setup {
            device: new.device.clone(),
            budget_bytes: new.budget_bytes,
            ..old.clone()
        };
        if new.schedule == RateSchedule::Constant {
            moved.stop_after = new.stop_after;
        }
        let is_new_phase = moved != *new;
        let mut live = (**live).clone();
        let from_step = if is_new_phase {
            live.phases.retain(|phase| phase.from_step < from_step);
            from_step
        } else {
            live.phases.pop().map_or(from_step, |phase| phase.from_step)
        };
        if live.phases.last().is_none_or(|phase| phase.setup != setup) {
            live.phases.push(Phase { from_step, setup });
        }
        self.runs.live = Some(Shared::new(live));
    }

    /// Keeps the live run, which is about to be forgotten, unless it was short.
    pub(in crate::state) fn end_live(&mut self) {
        if self.is_long() {
            self.keep(false);
        }
    }

    /// Whether the live run has enough steps to be kept unasked.
    pub(in crate::state) fn is_long(&self) -> bool {
        self.can_keep() && self.step >= self.runs.began_at.saturating_add(MIN_STEPS)
    }

    /// Forgets the live run.
    pub(in crate::state) fn forget_live(&mut self) {
        (self.runs.live, self.runs.began_at) = (None, 0);
    }

    /// Whether the live run has a step.
    #[must_use]
    pub fn can_keep(&self) -> bool {
        self.runs.live.is_some()
    }

    /// As which run the live one is kept as it stands.
    #[must_use]
    pub fn kept_live(&self) -> Option<u32> {
        let phases = &self.runs.live.as_ref()?.phases;
        let mut known = self.runs.kept.iter().rev();
        let found = known.find(|run| run.steps == self.step && run.phases == *phases);
        found.map(|run| run.id)
    }

    /// Keeps the live run as it is now, and returns its number.
    pub(super) fn keep_now(&mut self) -> Option<u32> {
        self.keep(true)
    }

    /// Keeps the live run. One that is the same takes it up: at the same step in any case, and
    /// where it went further, unless the live one shall be kept exactly as it is now. It takes the
    /// place of one that went less far, unless that is compared, for what is compared stands still.
    fn keep(&mut self, exactly: bool) -> Option<u32> {
        let live = self.runs.live.clone()?;
        let mut run = self.live_run();
        let mut earlier = None;
        for known in self.runs.kept.iter().filter(|known| known.is_same(&run)) {
            if known.steps == run.steps || (!exactly && known.steps > run.steps) {
                return Some(known.id);
            }
            if known.steps < run.steps && !self.runs.is_compared(known.id) {
                earlier = Some(known.clone());
            }
        }
        let id = if let Some(earlier) = earlier {
            run.name.clone_from(&earlier.name);
            run.note.clone_from(&earlier.note);
            earlier.id
        } else {
            self.runs.free_id()
        };
        run.id = id;
        self.runs.put(run);
        self.remember_plan(id, Some(live.plan.clone()));
        self.outbox.push(Command::StampRun(id));
        Some(id)
    }

    /// Adds to a run that is kept what was measured since, at the same step.
    pub(in crate::state) fn refresh_kept(&mut self) {
        let known = self.kept_live().and_then(|id| self.runs.get(id)).cloned();
        if let Some(known) = known {
            let run = self.live_run();
            if run.accuracies.len() > known.accuracies.len() {
                self.change_run(known.id, |known| {
                    known.accuracies = run.accuracies;
                    known.weights_digest = run.weights_digest;
                });
            }
        }
    }

    /// What the live run trains, or would train; none while that is on its way.
    pub(super) fn live_plan(&self) -> Option<&Shared<PlanView>> {
        let current = self.plan.as_ref().filter(|_| !self.planning);
        self.runs.live.as_ref().map(|live| &live.plan).or(current)
    }

    /// The live run as it is now, without a number.
    #[must_use]
    pub fn live_run(&self) -> Run {
        let samples = self.samples.unwrap_or_default();
        let phases = match &self.runs.live {
            Some(live) => live.phases.clone(),
            None => vec![Phase {
                from_step: 0,
                setup: self.setup_text(),
            }],
        };
        let losses = self.losses.points();
        #[expect(clippy::cast_possible_truncation, reason = "losses are shown as f32")]
        let narrow = |(step, _, loss): (u32, f32, f64)| (step, loss as f32);
        let curve = loss::samples(losses, CURVE_POINTS).into_iter();
        let losses: Vec<(u32, f32)> = curve.map(narrow).collect();
        let mut run = Run {
            version: crate::build::ID.to_owned(),
            policy_name: OWN_POLICY.to_owned(),
            phases,
            steps: self.step,
            n_samples: [samples.n_learn, samples.n_test],
            loss: losses.last().map(|point| point.1),
            losses,
            accuracies: thinned(&self.accuracies),
            log_ratios: [false, true].map(|bias| mean_ratios(&self.updates, bias)),
            ..Run::default()
        };
        if self.op == 0 {
            // Inside a step, the weights are those of no step.
            run.weights_digest = self.weights_digest.to_string();
        }
        if let Some(plan) = self.live_plan() {
            if let Some(preset) = plan.presets.iter().find(|it| it.policy == plan.policy) {
                run.policy_name.clone_from(&preset.name);
            }
            run.identity.clone_from(&plan.identity);
            let step = cost::estimate_cycles(plan.cycles_step, &board(&run.setup()));
            run.costs = Some(Costs {
                arena_bytes: plan.arena_bytes,
                persistent_bytes: plan.persistent_bytes,
                flash_bytes: plan.flash_bytes,
                macs_step: plan.macs_step,
                step_millis: step.map(|it| it.milliseconds),
            });
        }
        run
    }
}

/// About as many accuracies as a curve needs, the newest among them.
fn thinned(points: &[AccuracyPoint]) -> Vec<(u32, u32, u32)> {
    let stride = points.len().div_ceil(CURVE_POINTS).max(1);
    let newest_first = points.iter().rev().step_by(stride);
    let mut thin: Vec<_> = newest_first
        .map(|it| (it.step, it.correct, it.total))
        .collect();
    thin.reverse();
    thin
}

/// Mean of each kind of ratio over the tensors that have it.
fn mean_ratios(updates: &[UpdateView], bias: bool) -> [Option<f32>; 3] {
    let mut means = [None; 3];
    for (kind, mean) in means.iter_mut().enumerate() {
        let of_kind = updates.iter().filter(|it| it.bias == bias);
        let known = of_kind.filter_map(|it| it.log_ratios[kind]);
        let (mut sum, mut n) = (0.0, 0.0);
        for ratio in known.filter(|ratio| ratio.is_finite()) {
            sum += ratio;
            n += 1.0;
        }
        *mean = (n > 0.0).then_some(sum / n);
    }
    means
}
