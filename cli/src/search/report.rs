//! What a search says: as JSON, and as text for people.

use std::fmt::Write as _;

use quartermeg_formats::explain;
use quartermeg_search::evolution::Generation;
use quartermeg_search::finalists;
use quartermeg_search::{Cost, Difference, Limits, Spread};
use serde::Serialize;

use super::analyze::{AnalysisReport, points};

/// What happens on the way.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum Event<'a> {
    /// The evolutionary search made a generation of policies within a share of the budget.
    Generation {
        budget_bytes: u32,
        #[serde(flatten)]
        generation: Generation,
    },
    /// Backward elimination trained once more.
    Elimination(&'a StepReport),
}

/// One step of backward elimination.
#[derive(Debug, Serialize)]
pub(super) struct StepReport {
    /// The layer that is frozen since the step before.
    pub(super) frozen_layer: Option<usize>,
    pub(super) policy: String,
    /// Learning rate, the best on the validation samples.
    pub(super) rate: f32,
    /// On the validation samples.
    pub(super) accuracy: Spread,
    #[serde(flatten)]
    pub(super) cost: Cost,
}

/// Backward elimination.
#[derive(Debug, Serialize)]
pub(super) struct EliminationReport {
    pub(super) threshold: f64,
    /// Whether the last step fell below it.
    pub(super) stopped: bool,
    pub(super) steps: Vec<StepReport>,
}

/// A policy with what it costs and what came of it.
#[derive(Debug, Serialize)]
pub(super) struct PointReport {
    /// The methods or presets that it comes from.
    pub(super) origin: String,
    /// Whether the search found it, or is compared with it.
    pub(super) found: bool,
    pub(super) policy: String,
    /// Whether it stays within the limits.
    pub(super) fits: bool,
    #[serde(flatten)]
    pub(super) cost: Cost,
    /// Sum of the gains of its cells; none where a ratio is not one of those analysed.
    pub(super) gain: Option<f64>,
    /// Learning rate, the best on the validation samples.
    pub(super) rate: f32,
    /// On the test samples.
    pub(super) accuracy: Spread,
    pub(super) validation_accuracy: Spread,
    /// Whether no other policy has a larger accuracy with no more bytes.
    pub(super) on_front: bool,
}

/// What the best found policy has over another that fits the same share of the budget.
#[derive(Debug, Serialize)]
pub(super) struct DifferenceReport {
    pub(super) budget_bytes: u32,
    pub(super) ours: String,
    pub(super) theirs: String,
    #[serde(flatten)]
    pub(super) difference: Difference,
}

/// Seconds that each part took: its runs on one thread, whenever they were made, and the planning
/// of this search by the clock.
#[derive(Debug, Serialize)]
pub(super) struct Seconds {
    pub(super) analysis: f64,
    pub(super) planning: f64,
    pub(super) elimination: f64,
    pub(super) training: f64,
}

/// The result of a search.
#[derive(Debug, Serialize)]
pub(super) struct SearchReport {
    pub(super) limits: Limits,
    pub(super) analysis: AnalysisReport,
    /// Policies that were planned.
    pub(super) planned: usize,
    /// Largest sum of gains that was found, and that no policy within the limits can exceed.
    pub(super) best_gain: Option<f64>,
    pub(super) bound_gain: Option<f64>,
    pub(super) gap: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) elimination: Option<EliminationReport>,
    pub(super) test_samples: usize,
    pub(super) points: Vec<PointReport>,
    pub(super) differences: Vec<DifferenceReport>,
    /// Policies trained in this run, and those whose outcome was known.
    pub(super) runs: usize,
    pub(super) runs_known: usize,
    pub(super) seconds: Seconds,
}

/// Marks the policies that no other beats in accuracy with no more bytes.
pub(super) fn mark_front(points: &mut [PointReport]) {
    let places: Vec<(u32, f64)> = points
        .iter()
        .map(|point| (point.cost.sram_total_bytes, point.accuracy.mean))
        .collect();
    for (point, on_front) in points.iter_mut().zip(finalists::front(&places)) {
        point.on_front = on_front;
    }
}

impl SearchReport {
    pub(super) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = format!(
            "Accuracy in % on {} test samples, mean and standard deviation over {} seeds; * is on \
             the front of accuracy and bytes.\n\n{:<34} {:>14}  {:<24} {:>9}  policy\n",
            self.test_samples,
            self.analysis.n_seeds(),
            "policy from",
            "accuracy",
            "memory",
            "rate"
        );
        for point in &self.points {
            let accuracy = format!(
                "{:.1} ± {:.1}",
                100.0 * point.accuracy.mean,
                100.0 * point.accuracy.sd
            );
            writeln!(
                text,
                "{}{:<33} {accuracy:>14}  {:<24} {:>9}  {}{}",
                if point.on_front { '*' } else { ' ' },
                point.origin,
                explain::bytes(u64::from(point.cost.sram_total_bytes)),
                point.rate,
                point.policy,
                if point.fits {
                    ""
                } else {
                    "  (over the budget)"
                }
            )?;
        }
        if let Some((best, bound)) = self.best_gain.zip(self.bound_gain) {
            writeln!(
                text,
                "\nSum of gains: {} found, {} the bound that no policy within the budget exceeds; \
                 {} policies planned.",
                points(best),
                points(bound),
                explain::number(self.planned as u64)
            )?;
        }
        if let Some(elimination) = &self.elimination {
            writeln!(
                text,
                "Backward elimination: {} layers frozen, {} the threshold of {:.1} %.",
                elimination.steps.len() - 1,
                if elimination.stopped {
                    "then below"
                } else {
                    "never below"
                },
                100.0 * elimination.threshold
            )?;
        }
        let mut budget = None;
        for difference in &self.differences {
            if budget != Some(difference.budget_bytes) {
                budget = Some(difference.budget_bytes);
                let bytes = explain::bytes(u64::from(difference.budget_bytes));
                writeln!(text, "\nWithin {bytes}, in points of test accuracy:")?;
            }
            let [low, high] = difference.difference.interval;
            writeln!(
                text,
                "  {} against {}: {} ({} to {})",
                difference.ours,
                difference.theirs,
                points(difference.difference.mean),
                points(low),
                points(high)
            )?;
        }
        Ok(text)
    }
}
