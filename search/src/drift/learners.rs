//! The ways of learning that are compared, each with what it costs.

use quartermeg_core::compile::CompileError;
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::STATE_BYTES;

use crate::{Cost, Limits, Space, baselines};

/// A way of learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learner {
    /// Nothing learns.
    Nothing,
    /// The classifier.
    Classifier,
    /// The classifier and the most of the last biases that fit.
    Biases,
    /// What the policy of the setup lets learn.
    Sparse,
    /// Everything.
    Full,
}

impl Learner {
    /// All of them, from the one that learns least.
    pub const ALL: [Self; 5] = [
        Self::Nothing,
        Self::Classifier,
        Self::Biases,
        Self::Sparse,
        Self::Full,
    ];
}

/// A learner whose block is planned.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnerPlan {
    /// What learns; none where nothing does.
    pub policy: Option<Policy>,
    /// Bytes of the block that a step needs; 0 where nothing learns.
    pub arena_bytes: u32,
    /// Whether it has them.
    pub fits: bool,
    /// Layers that learn.
    pub n_layers: u32,
}

/// Policies that are planned one after another, until every learner of [`Learner::ALL`] is known.
#[derive(Debug)]
pub struct LineUp {
    /// The classifier alone, that of the setup and the full one, then the biases of the last layer,
    /// of the last two, and so on.
    policies: Vec<Policy>,
    costs: Vec<Cost>,
}

/// Where the policies of biases begin.
const FIRST_BIASES: usize = 3;

impl LineUp {
    /// Nothing is planned yet. `sparse` is the policy of the setup.
    #[must_use]
    pub fn new(network: &Network, sparse: &Policy) -> Self {
        let space = Space::of(network);
        let mut policies = vec![
            space.policy(&space.frozen()),
            sparse.clone(),
            space.policy(&space.full()),
        ];
        let ends = baselines::biases(&space);
        policies.extend(ends.iter().map(|choice| space.policy(choice)));
        Self {
            policies,
            costs: Vec::new(),
        }
    }

    /// Policies that are planned, and all of them.
    #[must_use]
    pub fn planned(&self) -> [usize; 2] {
        [self.costs.len(), self.policies.len()]
    }

    /// Plans one more.
    ///
    /// # Errors
    /// When it cannot be compiled.
    pub fn plan_next(&mut self, network: &Network, rules: Rules) -> Result<(), CompileError> {
        if let Some(policy) = self.policies.get(self.costs.len()) {
            self.costs.push(Cost::of(network, policy, rules)?);
        }
        Ok(())
    }

    /// The learners in the order of [`Learner::ALL`], in a block of so many bytes; none before
    /// everything is planned. Where not even one bias fits, the last one learns all the same.
    #[must_use]
    pub fn learners(&self, budget_bytes: u32) -> Option<Vec<LearnerPlan>> {
        if self.costs.len() < self.policies.len() {
            return None;
        }
        let limits = Limits::of_block(budget_bytes);
        let fits = |at: usize| limits.allow(&self.costs[at]);
        let biases = (FIRST_BIASES..self.policies.len()).rfind(|&at| fits(at));
        // A network without convolutions has no biases but those of the classifier.
        let least = FIRST_BIASES.min(self.policies.len() - 1);
        let learners = Learner::ALL.map(|learner| {
            let at = match learner {
                Learner::Nothing => {
                    return LearnerPlan {
                        policy: None,
                        arena_bytes: 0,
                        fits: true,
                        n_layers: 0,
                    };
                }
                Learner::Classifier => 0,
                Learner::Sparse => 1,
                Learner::Full => 2,
                Learner::Biases => biases.unwrap_or(least),
            };
            let policy = &self.policies[at];
            let learns = policy.layers.iter().filter(|it| it.updates_bias());
            LearnerPlan {
                policy: Some(policy.clone()),
                arena_bytes: self.costs[at].sram_total_bytes - STATE_BYTES,
                fits: fits(at),
                n_layers: u32::try_from(learns.count()).unwrap_or(u32::MAX),
            }
        });
        Some(learners.into())
    }
}
