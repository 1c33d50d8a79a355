//! What layers contribute, and the policy that gains most within a budget.

use std::collections::HashMap;

use quartermeg_core::compile::outline;
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::quant::Rules;
use quartermeg_search::additive::{self, LeastBytes};
use quartermeg_search::{
    Choice, Contributions, Cost, Limits, Measured, MeasuredError, Planner, Space, Spread,
};

use quartermeg_web::protocol::{ContributionsView, GainView};

/// Solves policies of one network.
#[derive(Debug)]
pub(crate) struct Solver {
    measured: Measured,
    contributions: Contributions,
    space: Space,
    /// Policies that were trained, the most accurate first; none where only cells were.
    trained: Vec<(Choice, f64)>,
    /// Plans that are known, and the rules that they are under.
    known: (Option<Rules>, HashMap<Choice, Option<Cost>>),
    /// What plans need at least under those rules, once that was asked for.
    least: Option<LeastBytes>,
}

/// A policy, and what it is expected to gain over another.
pub(crate) struct Solution {
    pub(crate) policy: Policy,
    pub(crate) gain: Option<f32>,
    /// Whether the gain was measured, rather than summed up.
    pub(crate) is_measured: bool,
}

impl Solver {
    /// Reads a file of contributions of this network.
    ///
    /// # Errors
    /// When it is none, or of another network.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn read(file: &[u8], network: &Network) -> Result<Self, MeasuredError> {
        let space = Space::of(network);
        let measured = Measured::read(file, &space)?;
        let mut trained = Vec::new();
        if !measured.policies.is_empty() {
            trained.extend(measured.trained(&space));
            trained.sort_by(|(one, of_one), (other, of_other)| {
                of_other.total_cmp(of_one).then_with(|| one.cmp(other))
            });
        }
        Ok(Self {
            contributions: measured.contributions(&space),
            measured,
            space,
            trained,
            known: Default::default(),
            least: None,
        })
    }

    /// What the page draws.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn view(&self) -> ContributionsView {
        let Measured {
            steps,
            rate,
            validation_samples,
            ref command,
            ref seeds,
            ..
        } = self.measured;
        let Spread { mean, sd } = Spread::of(&self.contributions.classifier);
        let mut layers = vec![Vec::new(); self.space.layers().len()];
        for cell in &self.contributions.cells {
            let Spread { mean, sd } = cell.spread();
            layers[cell.layer].push(GainView {
                ratio: cell.update.ratio(),
                mean: narrow(mean),
                sd: narrow(sd),
            });
        }
        ContributionsView {
            classifier: [narrow(mean), narrow(sd)],
            layers,
            n_seeds: crate::samples::count(seeds.len()),
            steps,
            rate,
            validation_samples,
            command: command.clone(),
        }
    }

    /// The best policy that is known with a block of at most `budget_bytes`; `before` is the one
    /// that its gain is held against. Where whole policies were trained it is the most accurate of
    /// all that were; else the one whose contributions have the largest sum. None where not even
    /// the classifier alone fits.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn solve(
        &mut self,
        network: &Network,
        rules: Rules,
        budget_bytes: u32,
        before: &Policy,
    ) -> Option<Solution> {
        if self.known.0 != Some(rules) {
            self.known = (Some(rules), HashMap::new());
            self.least = None;
        }
        let known = &mut self.known.1;
        let (space, contributions) = (&self.space, &self.contributions);
        let limits = Limits::of_block(budget_bytes);
        let mut plan = |policy: &Policy| {
            // Most that is too large is known to be so without a place for each tensor.
            let needed = outline(network, policy, rules).ok()?.peak_bytes;
            let choice = space.choice(policy).filter(|_| needed <= budget_bytes)?;
            let cost = known.entry(choice);
            *cost.or_insert_with(|| Cost::of(network, policy, rules).ok())
        };
        let before = space.choice(before);
        let is_measured = !self.trained.is_empty();
        let (choice, gain) = if is_measured {
            let mut trained = self.trained.iter();
            let (choice, accuracy) = trained.find(|(choice, _)| {
                plan(&space.policy(choice)).is_some_and(|cost| limits.allow(&cost))
            })?;
            let mut trained = self.trained.iter();
            let of_before = trained.find(|(choice, _)| Some(choice) == before.as_ref());
            let gain = of_before.map(|(_, of_before)| accuracy - of_before);
            (choice.clone(), gain)
        } else {
            if self.least.is_none() {
                self.least = Some(LeastBytes::of(network, rules, space).ok()?);
            }
            let least = self.least.as_ref()?;
            let plan_all = |policies: &[Policy]| policies.iter().map(&mut plan).collect();
            let mut planner = Planner::new(space.clone(), plan_all);
            additive::search(least, contributions, &mut planner, &limits)?;
            drop(planner);
            let fits = |cost: &Option<Cost>| cost.is_some_and(|cost| limits.allow(&cost));
            let fitting = known.iter().filter(|(_, cost)| fits(cost));
            let (choice, _) = fitting.max_by(|(one, _), (other, _)| {
                let [of_one, of_other] = [one, other].map(|it| contributions.gain(it));
                of_one.total_cmp(&of_other).then_with(|| other.cmp(one))
            })?;
            let of_before = before.map(|before| contributions.gain(&before));
            let gain = of_before.map(|of_before| contributions.gain(choice) - of_before);
            (choice.clone(), gain)
        };
        Some(Solution {
            policy: space.policy(&choice),
            gain: gain.map(narrow),
            is_measured,
        })
    }
}

fn narrow(value: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "shares to be shown")]
    let narrow = value as f32;
    narrow
}
