//! What layers contribute, and the policy that gains most within a budget.

use std::rc::Rc;

use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::quant::Rules;
use quartermeg_search::additive::{self, LeastBytes};
use quartermeg_search::{
    Choice, Contributions, Limits, Measured, MeasuredError, Planned, Planner, Space, Spread,
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
    /// What is known of plans; none before the first was asked for.
    planning: Option<Planning>,
}

/// What is known of plans under some rules.
#[derive(Debug)]
struct Planning {
    rules: Rules,
    planner: Planner<'static>,
    /// What plans need at least, once that was asked for.
    least: Option<LeastBytes>,
}

/// Plans policies of a network.
pub(crate) fn planner(network: Rc<Network>, rules: Rules, space: Space) -> Planner<'static> {
    Planner::new(space, move |policies: &[Policy], sram_total_bytes| {
        let planned = policies
            .iter()
            .map(|policy| Planned::within(&network, policy, rules, sram_total_bytes));
        planned.collect()
    })
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
            planning: None,
        })
    }

    /// What layers contribute.
    pub(crate) fn contributions(&self) -> &Contributions {
        &self.contributions
    }

    /// The study that it was measured in.
    pub(crate) fn study(&self) -> &str {
        &self.measured.study
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
        network: &Rc<Network>,
        rules: Rules,
        budget_bytes: u32,
        before: &Policy,
    ) -> Option<Solution> {
        let (space, contributions) = (&self.space, &self.contributions);
        let planning = match &mut self.planning {
            Some(planning) if planning.rules == rules => planning,
            planning => planning.insert(Planning {
                rules,
                planner: planner(network.clone(), rules, space.clone()),
                least: None,
            }),
        };
        let planner = &mut planning.planner;
        let limits = Limits::of_block(budget_bytes);
        let before = space.choice(before);
        let is_measured = !self.trained.is_empty();
        let (choice, gain) = if is_measured {
            let mut trained = self.trained.iter();
            let (choice, accuracy) = trained.find(|(choice, _)| planner.fits(choice, &limits))?;
            let mut trained = self.trained.iter();
            let of_before = trained.find(|(choice, _)| Some(choice) == before.as_ref());
            let gain = of_before.map(|(_, of_before)| accuracy - of_before);
            (choice.clone(), gain)
        } else {
            if planning.least.is_none() {
                planning.least = Some(LeastBytes::of(network, rules, space).ok()?);
            }
            let least = planning.least.as_ref()?;
            additive::search(least, contributions, planner, &limits)?;
            let choice = planner.known_within(&limits).max_by(|one, other| {
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
