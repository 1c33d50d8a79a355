//! What a policy costs, as the planner says.

use std::collections::HashMap;

use quartermeg_core::compile::{CompileError, compile};
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::STATE_BYTES;
use quartermeg_formats::memory;
use serde::Serialize;

use crate::{Choice, Space};

/// What a training step needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Every byte that is written at run time, but the stack.
    pub sram_total_bytes: u32,
    /// Program and constants.
    pub flash_bytes: u32,
    /// Multiply-accumulates of a step.
    pub macs_step: u64,
}

impl Cost {
    /// Plans a policy with every pass of the compiler.
    ///
    /// # Errors
    /// When the policy cannot be compiled.
    pub fn of(network: &Network, policy: &Policy, rules: Rules) -> Result<Self, CompileError> {
        let image = compile(network, policy, rules, Settings::constant(0.0, 0))?;
        let program = Program::parse(image).expect("invariant: the compiler writes programs");
        let report = memory::report(network, policy, &program);
        Ok(Self {
            sram_total_bytes: report.sram_total_bytes,
            flash_bytes: report.flash_bytes,
            macs_step: report.macs_step,
        })
    }
}

/// What a policy may cost at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Bytes that may be written.
    pub sram_total_bytes: u32,
    /// Bytes of program and constants.
    pub flash_bytes: Option<u32>,
    /// Multiply-accumulates of a step.
    pub macs_step: Option<u64>,
}

impl Limits {
    /// Whatever leaves the one block at most `arena_bytes`.
    #[must_use]
    pub fn of_block(arena_bytes: u32) -> Self {
        Self {
            sram_total_bytes: arena_bytes.saturating_add(STATE_BYTES),
            flash_bytes: None,
            macs_step: None,
        }
    }

    /// Whether a policy of that cost is allowed.
    #[must_use]
    pub fn allow(&self, cost: &Cost) -> bool {
        cost.sram_total_bytes <= self.sram_total_bytes
            && self
                .flash_bytes
                .is_none_or(|limit| cost.flash_bytes <= limit)
            && self.macs_step.is_none_or(|limit| cost.macs_step <= limit)
    }
}

/// Plans policies: their costs in the same order, none where one cannot be compiled.
type Plan<'a> = dyn FnMut(&[Policy]) -> Vec<Option<Cost>> + 'a;

/// Costs of policies, each planned once.
pub struct Planner<'a> {
    space: Space,
    plan: Box<Plan<'a>>,
    known: HashMap<Choice, Option<Cost>>,
}

impl<'a> Planner<'a> {
    /// Nothing is planned yet; `plan` may spread its work.
    #[must_use]
    pub fn new(space: Space, plan: impl FnMut(&[Policy]) -> Vec<Option<Cost>> + 'a) -> Self {
        Self {
            space,
            plan: Box::new(plan),
            known: HashMap::new(),
        }
    }

    /// The policies that can be chosen.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Policies that were planned.
    #[must_use]
    pub fn n_planned(&self) -> usize {
        self.known.len()
    }

    /// What a choice costs; none where it cannot be compiled.
    pub fn cost(&mut self, choice: &[usize]) -> Option<Cost> {
        self.plan_all(&[choice.to_vec()]);
        self.known.get(choice).copied().flatten()
    }

    /// Whether a choice stays within the limits.
    pub fn fits(&mut self, choice: &[usize], limits: &Limits) -> bool {
        self.cost(choice).is_some_and(|cost| limits.allow(&cost))
    }

    /// Plans those of some choices that are not known yet, together.
    pub fn plan_all(&mut self, choices: &[Choice]) {
        let mut unknown: Vec<Choice> = Vec::new();
        for choice in choices {
            if !self.known.contains_key(choice) && !unknown.contains(choice) {
                unknown.push(choice.clone());
            }
        }
        if unknown.is_empty() {
            return;
        }
        let policies = unknown.iter().map(|choice| self.space.policy(choice));
        let costs = (self.plan)(&policies.collect::<Vec<_>>());
        self.known.extend(unknown.into_iter().zip(costs));
    }
}
