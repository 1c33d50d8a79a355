//! What a policy costs, as the planner says.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Debug, Formatter};

use quartermeg_core::compile::{CompileError, compile, outline};
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

/// What planning a policy came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planned {
    /// What it costs.
    Costs(Cost),
    /// It needs at least so many bytes, which is more than was asked for.
    Above(u32),
    /// It cannot be compiled.
    Refused,
}

impl Planned {
    /// Plans a policy, as far as it takes to know whether it needs more than `sram_total_bytes`: most
    /// that is too large is known to be so without a place for each tensor.
    #[must_use]
    pub fn within(network: &Network, policy: &Policy, rules: Rules, sram_total_bytes: u32) -> Self {
        let Ok(outline) = outline(network, policy, rules) else {
            return Self::Refused;
        };
        let least = outline.peak_bytes.saturating_add(STATE_BYTES);
        if least > sram_total_bytes {
            return Self::Above(least);
        }
        Cost::of(network, policy, rules).map_or(Self::Refused, Self::Costs)
    }

    /// What it costs; none where it needs more than was asked for, or cannot be compiled.
    #[must_use]
    pub fn cost(self) -> Option<Cost> {
        match self {
            Self::Costs(cost) => Some(cost),
            Self::Above(_) | Self::Refused => None,
        }
    }

    /// Whether it says all that there is to know within a budget.
    fn is_enough(self, sram_total_bytes: u32) -> bool {
        match self {
            Self::Costs(_) | Self::Refused => true,
            Self::Above(least) => least > sram_total_bytes,
        }
    }
}

/// Plans policies within a budget, in the same order.
type Plan<'a> = dyn FnMut(&[Policy], u32) -> Vec<Planned> + 'a;

/// Costs of policies, each planned once.
pub struct Planner<'a> {
    space: Space,
    plan: Box<Plan<'a>>,
    known: HashMap<Choice, Planned>,
}

impl Debug for Planner<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut planner = f.debug_struct("Planner");
        planner
            .field("n_planned", &self.n_planned())
            .finish_non_exhaustive()
    }
}

impl<'a> Planner<'a> {
    /// Nothing is planned yet; `plan` plans policies within a number of bytes, as
    /// [`Planned::within`], and may spread its work.
    #[must_use]
    pub fn new(space: Space, plan: impl FnMut(&[Policy], u32) -> Vec<Planned> + 'a) -> Self {
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

    /// What is known to stay within the limits, in no order.
    pub fn known_within<'b>(&'b self, limits: &'b Limits) -> impl Iterator<Item = &'b Choice> {
        let known = self.known.iter();
        known
            .filter(|(_, planned)| planned.cost().is_some_and(|cost| limits.allow(&cost)))
            .map(|(choice, _)| choice)
    }

    /// Policies that were planned, as far as it took.
    #[must_use]
    pub fn n_planned(&self) -> usize {
        self.known.len()
    }

    /// What a choice costs; none where it cannot be compiled.
    pub fn cost(&mut self, choice: &[usize]) -> Option<Cost> {
        self.plan_some(&[choice.to_vec()], u32::MAX, usize::MAX);
        self.known.get(choice)?.cost()
    }

    /// Whether a choice stays within the limits.
    pub fn fits(&mut self, choice: &[usize], limits: &Limits) -> bool {
        self.cost_within(choice, limits).is_some()
    }

    /// What a choice costs; none where that is more than the limits allow.
    pub fn cost_within(&mut self, choice: &[usize], limits: &Limits) -> Option<Cost> {
        self.plan_some(&[choice.to_vec()], limits.sram_total_bytes, usize::MAX);
        let cost = self.known.get(choice)?.cost();
        cost.filter(|cost| limits.allow(cost))
    }

    /// The least bytes that a choice is known to need; none where it cannot be compiled, or nothing is
    /// known of it.
    pub(crate) fn least_bytes(&self, choice: &[usize]) -> Option<u32> {
        match *self.known.get(choice)? {
            Planned::Costs(cost) => Some(cost.sram_total_bytes),
            Planned::Above(least) => Some(least),
            Planned::Refused => None,
        }
    }

    /// Plans those of some choices that are not known yet, at most so many of them, together;
    /// whether all are known now.
    pub(crate) fn plan_some(
        &mut self,
        choices: &[Choice],
        sram_total_bytes: u32,
        most: usize,
    ) -> bool {
        let mut seen = HashSet::new();
        let mut unknown: Vec<&Choice> = Vec::new();
        for choice in choices {
            let known = self.known.get(choice);
            if known.is_none_or(|it| !it.is_enough(sram_total_bytes)) && seen.insert(choice) {
                unknown.push(choice);
            }
        }
        let is_all = unknown.len() <= most;
        unknown.truncate(most);
        if !unknown.is_empty() {
            let policies = unknown.iter().map(|choice| self.space.policy(choice));
            let planned = (self.plan)(&policies.collect::<Vec<_>>(), sram_total_bytes);
            let unknown = unknown.into_iter().cloned();
            self.known.extend(unknown.zip(planned));
        }
        is_all
    }
}
