//! What came of a drift: as JSON, and as text for people.

use std::fmt::Write as _;

use quartermeg_formats::{explain, link};
use quartermeg_search::Spread;
use quartermeg_search::drift::{AFTER, BEFORE, Drift, Learner, LearnerPlan, Point};
use serde::Serialize;

use super::change::ChangeReport;

/// The result of a drift.
#[derive(Debug, Serialize)]
pub(super) struct DriftReport {
    pub(super) change: ChangeReport,
    /// Steps before the change, and after it.
    pub(super) steps: [u32; 2],
    pub(super) rate: f32,
    pub(super) seeds: Vec<u64>,
    /// Samples to learn from before the change, and after it.
    pub(super) learn_samples: [usize; 2],
    /// Samples that each world is measured on.
    pub(super) held_out_samples: [usize; 2],
    /// Bytes that the block may have.
    pub(super) budget_bytes: u32,
    /// From the one that learns least.
    pub(super) learners: Vec<LearnerReport>,
    /// Seconds that all runs took, each on one thread.
    pub(super) seconds: f64,
}

/// What came of one way of learning.
#[derive(Debug, Serialize)]
pub(super) struct LearnerReport {
    learner: &'static str,
    /// As the page calls it.
    name: String,
    /// What learns; none where nothing does.
    policy: Option<String>,
    /// Layers that learn.
    layers: u32,
    /// Bytes of the block; 0 where nothing learns.
    arena_bytes: u32,
    fits: bool,
    /// In the world before, when it changes.
    before_change: Spread,
    /// In the world after, when it changes.
    at_change: Spread,
    /// In the world after, at the end.
    after: Spread,
    /// In the world before, at the end.
    old_world_after: Spread,
    /// What the world after gains from the change to the end.
    recovery: Spread,
    /// What the world before gains in the same steps; less than 0 is forgotten.
    forgetting: Spread,
    /// On samples of the class that came alone, at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_class: Option<Spread>,
    curves: Curves,
}

/// All that was measured.
#[derive(Debug, Serialize)]
struct Curves {
    /// In the world before the change.
    before: Vec<PointReport>,
    /// In the one after it.
    after: Vec<PointReport>,
}

#[derive(Debug, Serialize)]
struct PointReport {
    step: u32,
    #[serde(flatten)]
    accuracy: Spread,
    /// One a seed; one alone where nothing learns.
    accuracies: Vec<f64>,
}

impl PointReport {
    fn of(point: &Point) -> Self {
        Self {
            step: point.measure.step,
            accuracy: Spread::of(&point.accuracies),
            accuracies: point.accuracies.clone(),
        }
    }
}

impl LearnerReport {
    /// Of the samples that each run of a learner recognized. Where a class came, the world after the
    /// change has the samples of the one before and those of the class.
    pub(super) fn of(
        learner: Learner,
        plan: &LearnerPlan,
        drift: &Drift,
        [change_after, end]: [u32; 2],
        runs: &[&[u32]],
        has_new_class: bool,
    ) -> Self {
        let points = drift.curves(plan, runs);
        let at = |step: u32, world: usize| -> &[f64] {
            let is_it = |it: &&Point| it.measure.step == step && it.measure.world == world;
            points.iter().find(is_it).map_or(&[], |it| &it.accuracies)
        };
        let gain = |world: usize| {
            let pairs = at(change_after, world).iter().zip(at(end, world));
            let gains: Vec<f64> = pairs.map(|(from, to)| to - from).collect();
            Spread::of(&gains)
        };
        let curve = |world: usize| {
            let of_world = points.iter().filter(|it| it.measure.world == world);
            of_world.map(PointReport::of).collect()
        };
        let new_class = || {
            #[expect(clippy::cast_precision_loss, reason = "samples are few")]
            let [old, all] = drift.n_held_out().map(|samples| samples as f64);
            let pairs = at(end, BEFORE).iter().zip(at(end, AFTER));
            let of_class = pairs.map(|(in_old, in_all)| (in_all * all - in_old * old).round());
            let shares: Vec<f64> = of_class.map(|it| it / (all - old)).collect();
            Spread::of(&shares)
        };
        Self {
            learner: id(learner),
            name: name(learner, plan.n_layers),
            policy: plan.policy.as_ref().map(link::policy_text),
            layers: plan.n_layers,
            arena_bytes: plan.arena_bytes,
            fits: plan.fits,
            before_change: Spread::of(at(change_after, BEFORE)),
            at_change: Spread::of(at(change_after, AFTER)),
            after: Spread::of(at(end, AFTER)),
            old_world_after: Spread::of(at(end, BEFORE)),
            recovery: gain(AFTER),
            forgetting: gain(BEFORE),
            new_class: has_new_class.then(new_class),
            curves: Curves {
                before: curve(BEFORE),
                after: curve(AFTER),
            },
        }
    }
}

fn name(learner: Learner, n_layers: u32) -> String {
    match learner {
        Learner::Nothing => "No learning".to_owned(),
        Learner::Classifier => "Classifier only".to_owned(),
        Learner::Biases if n_layers == 1 => "Biases of the last layer".to_owned(),
        Learner::Biases => format!("Biases of the last {n_layers} layers"),
        Learner::Sparse => "Sparse update".to_owned(),
        Learner::Full => "Full update".to_owned(),
    }
}

/// In JSON.
fn id(learner: Learner) -> &'static str {
    match learner {
        Learner::Nothing => "nothing",
        Learner::Classifier => "classifier",
        Learner::Biases => "biases",
        Learner::Sparse => "sparse",
        Learner::Full => "full",
    }
}

impl DriftReport {
    pub(super) fn text(&self) -> Result<String, std::fmt::Error> {
        let number = |count: usize| explain::number(count as u64);
        let [before, after] = self.steps.map(|steps| explain::number(steps.into()));
        let [old, new] = self.held_out_samples.map(number);
        let mut text = format!(
            "{}: {before} steps before the change, {after} after it.\n\
             Accuracy in % on {old} samples of the world before and {new} of the one after it, \
             which nothing learns\nfrom, mean and standard deviation over {}; recovery and \
             forgetting in points, minus is forgotten.\n\n\
             {:<28} {:>12} {:>12} {:>12} {:>13} {:>12} {:>13}  {:<24} fits\n",
            self.change.name,
            match self.seeds.len() {
                1 => "1 seed".to_owned(),
                n => format!("{n} seeds"),
            },
            "learner",
            "before",
            "at change",
            "after",
            "recovery",
            "old, at end",
            "forgetting",
            "block"
        );
        for learner in &self.learners {
            let bytes = match learner.arena_bytes {
                0 => "none to learn".to_owned(),
                bytes => explain::bytes(bytes.into()),
            };
            writeln!(
                text,
                "{:<28} {:>12} {:>12} {:>12} {:>13} {:>12} {:>13}  {bytes:<24} {}",
                learner.name,
                percent(learner.before_change),
                percent(learner.at_change),
                percent(learner.after),
                points(learner.recovery),
                percent(learner.old_world_after),
                points(learner.forgetting),
                if learner.fits { "yes" } else { "no" }
            )?;
        }
        let budget = explain::bytes(self.budget_bytes.into());
        let too_large = self.learners.iter().filter(|it| !it.fits);
        let names: Vec<&str> = too_large.map(|it| it.name.as_str()).collect();
        if !names.is_empty() {
            writeln!(
                text,
                "\nA block of {budget} does not hold: {}. It is run all the same, to show what is \
                 lost.",
                names.join(", ")
            )?;
        }
        let of_new = self.learners.iter().filter_map(|learner| {
            let share = percent(learner.new_class?);
            Some(format!("{} {share}", learner.name))
        });
        let of_new: Vec<String> = of_new.collect();
        if !of_new.is_empty() {
            let of_new = of_new.join(", ");
            writeln!(text, "\nRecognized of the new class alone, in %: {of_new}.")?;
        }
        Ok(text)
    }
}

/// An accuracy with its deviation, where seeds differ.
fn percent(Spread { mean, sd }: Spread) -> String {
    format!("{:.1}{}", 100.0 * mean, deviation(sd))
}

/// A difference in points, likewise.
fn points(Spread { mean, sd }: Spread) -> String {
    format!("{:+.1}{}", 100.0 * mean, deviation(sd))
}

fn deviation(sd: f64) -> String {
    if sd > 0.0 {
        format!(" ± {:.1}", 100.0 * sd)
    } else {
        String::new()
    }
}
