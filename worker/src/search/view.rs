//! How a search stands, as the page shows it.

use quartermeg_core::policy::Policy;
use quartermeg_core::runtime::STATE_BYTES;
use quartermeg_formats::link::policy_text;
use quartermeg_search::finalists::{Comparison, comparisons, front};
use quartermeg_search::{Cost, Part, Spread};

use super::{KEEP_MILLIS, Search};
use crate::samples::count;
use quartermeg_web::protocol::{
    DifferenceView, PointView, SearchPhase, SearchView, StepView, TrainedView,
};

impl Search {
    /// How it stands.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn report(&mut self, now: f64) -> SearchView {
        self.reported_at = now;
        let keeps = !self.trained.is_empty() && (!self.runs || now - self.kept_at >= KEEP_MILLIS);
        if keeps {
            self.kept_at = now;
        }
        let n_left = count(self.trials_left().count());
        let n_each = count(self.rates.len() * self.seeds.len());
        SearchView {
            key: self.key.clone(),
            phase: self.phase,
            runs: self.runs,
            budget_bytes: arena(self.limits.sram_total_bytes),
            planned: count(self.planner.n_planned()),
            done: {
                let all = count(self.policies().count()) * n_each;
                let are_prepared = self.prepared.len() == self.policies().count();
                [if are_prepared { all - n_left } else { 0 }, all]
            },
            seconds_left: self.seconds_left(),
            generations: self.generations.clone(),
            best_gain: self.selection.best_gain().map(narrow),
            bound_gain: self.selection.bound_gain().map(narrow),
            threshold: self.elimination.threshold.map(narrow),
            steps: self.elimination.views.clone(),
            points: self.points(),
            differences: self.differences(),
            test_samples: count(self.study.n_held_out() / 2),
            trained: keeps.then(|| std::mem::take(&mut self.trained)),
        }
    }

    #[cfg_attr(page, optimize(size))]
    fn points(&self) -> Vec<PointView> {
        let are_costs_known = self.phase > SearchPhase::Eliminating;
        let places: Vec<(u32, f64)> = self
            .finalists
            .iter()
            .map(|it| {
                let accuracy = it.trained.accuracy(Part::Test).mean;
                (it.cost.sram_total_bytes, accuracy)
            })
            .collect();
        let on_front = front(&places);
        let candidates = self.candidates.iter().enumerate();
        let points = candidates.map(|(at, candidate)| {
            let cost = self.prepared.get(at).filter(|_| are_costs_known);
            let cost = cost.map(|(cost, _)| cost);
            let policy = &candidate.policy;
            let choice = self.space.choice(policy);
            PointView {
                origin: candidate.origin.clone(),
                is_found: candidate.is_found,
                policy: policy_text(policy),
                fits: cost.is_none_or(|cost| self.limits.allow(cost)),
                arena_bytes: cost.map_or(0, |cost| arena(cost.sram_total_bytes)),
                macs_step: cost.map_or(0, |cost| cost.macs_step),
                gain: choice.map(|choice| narrow(self.contributions.gain(&choice))),
                trained: self.finalists.get(at).map(|it| TrainedView {
                    rate: it.trained.rate,
                    accuracy: spread(it.trained.accuracy(Part::Test)),
                    on_front: on_front[at],
                }),
            }
        });
        points.collect()
    }

    #[cfg_attr(page, optimize(size))]
    fn differences(&self) -> Vec<DifferenceView> {
        if self.phase != SearchPhase::Done {
            return Vec::new();
        }
        let comparisons = comparisons(&self.finalists, &self.limits).into_iter();
        let views = comparisons.map(
            |Comparison {
                 sram_total_bytes,
                 ours,
                 theirs,
                 difference,
             }| DifferenceView {
                share: self.limits.sram_total_bytes / sram_total_bytes.max(1),
                ours: ours.candidate.origin.clone(),
                theirs: theirs.candidate.origin.clone(),
                mean: narrow(difference.mean),
                interval: difference.interval.map(narrow),
            },
        );
        views.collect()
    }
}

/// A step of backward elimination.
pub(super) fn step(
    frozen_layer: Option<usize>,
    policy: &Policy,
    cost: &Cost,
    accuracy: Spread,
) -> StepView {
    StepView {
        frozen_layer: frozen_layer.map(count),
        policy: policy_text(policy),
        arena_bytes: arena(cost.sram_total_bytes),
        accuracy: spread(accuracy),
    }
}

fn spread(spread: Spread) -> [f32; 2] {
    [spread.mean, spread.sd].map(narrow)
}

/// Bytes of the one block, which is what the page shows of a plan.
fn arena(sram_total_bytes: u32) -> u32 {
    sram_total_bytes.saturating_sub(STATE_BYTES)
}

pub(super) fn narrow(value: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "shares to be shown")]
    let narrow = value as f32;
    narrow
}
