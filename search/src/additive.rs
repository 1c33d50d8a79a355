//! The exact solution where bytes add up: the yardstick of every other search.
//!
//! What a layer keeps for the whole step (its trainable parameters, and the activations that its
//! weight gradient needs) adds up over layers, and all of it is live when the loss is computed. A
//! plan therefore needs at least their sum. Within that sum the best policy is a knapsack with one
//! choice a layer, solved exactly; no policy whose real plan fits the budget can gain more.

use std::collections::HashMap;

use quartermeg_core::compile::{CompileError, outline};
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::STATE_BYTES;

use crate::{Choice, Contributions, Limits, Planner, Space};

/// Sizes are multiples of this many bytes.
const ALIGN: u32 = 4;

/// The bytes that every plan needs, and those that each layer adds to them; by default none are
/// known of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeastBytes {
    base: u32,
    /// By layer and update, in the order of the [`Space`].
    layers: Vec<Vec<u32>>,
}

impl LeastBytes {
    /// Reads them off the plans of single cells.
    ///
    /// # Errors
    /// When a policy cannot be compiled.
    pub fn of(network: &Network, rules: Rules, space: &Space) -> Result<Self, CompileError> {
        let at_loss = |policy: &Policy| {
            let outline = outline(network, policy, rules)?;
            Ok::<u32, CompileError>(outline.trainable_bytes + outline.saved_bytes)
        };
        let base = at_loss(&space.policy(&space.frozen()))?;
        // Layers that read one value may share what is kept of it, so only their parameters count.
        let mut n_readers: HashMap<usize, u32> = HashMap::new();
        for (_, node, _) in network.convs() {
            *n_readers.entry(node.inputs[0]).or_default() += 1;
        }
        let shares = network
            .convs()
            .map(|(_, node, _)| n_readers[&node.inputs[0]] > 1);
        let layers = space.layers().iter().zip(shares).enumerate();
        let layers = layers.map(|(layer, (updates, shares))| {
            (0..updates.len())
                .map(|at| {
                    let mut choice = space.frozen();
                    choice[layer] = at;
                    if shares {
                        return Ok(0);
                    }
                    at_loss(&space.policy(&choice)).map(|bytes| bytes - base)
                })
                .collect()
        });
        Ok(Self {
            base: base + STATE_BYTES,
            layers: layers.collect::<Result<_, CompileError>>()?,
        })
    }

    /// The least that a plan of this choice needs.
    #[must_use]
    pub fn bytes(&self, choice: &[usize]) -> u32 {
        let layers = choice.iter().zip(&self.layers);
        self.base + layers.map(|(&at, bytes)| bytes[at]).sum::<u32>()
    }

    /// The choice that gains most with at most `budget_bytes` by this sum; none where the
    /// classifier alone needs more.
    #[must_use]
    pub fn best(&self, contributions: &Contributions, budget_bytes: u32) -> Option<Choice> {
        let room = budget_bytes.checked_sub(self.base)?;
        let unlimited: u32 = self
            .layers
            .iter()
            .filter_map(|bytes| bytes.iter().max())
            .sum();
        let n_units = (room.min(unlimited) / ALIGN) as usize;
        // The most that the layers so far gain within each number of units, and how.
        let mut gains = vec![0.0f64; n_units + 1];
        let mut taken: Vec<Vec<u8>> = Vec::with_capacity(self.layers.len());
        for (layer, bytes) in self.layers.iter().enumerate() {
            let mut next = gains.clone();
            let mut how = vec![0u8; n_units + 1];
            for (at, &bytes) in bytes.iter().enumerate().skip(1) {
                let gain = contributions.gain_of(layer, at);
                let units = (bytes / ALIGN) as usize;
                if gain <= 0.0 || units > n_units {
                    continue;
                }
                for (total, (next, how)) in next.iter_mut().zip(&mut how).enumerate().skip(units) {
                    let gained = gains[total - units] + gain;
                    if gained > *next {
                        #[expect(clippy::cast_possible_truncation, reason = "at most six")]
                        let how_now = at as u8;
                        (*next, *how) = (gained, how_now);
                    }
                }
            }
            gains = next;
            taken.push(how);
        }
        let mut units = n_units;
        let mut choice = vec![0; self.layers.len()];
        for (layer, how) in taken.iter().enumerate().rev() {
            let at = usize::from(how[units]);
            choice[layer] = at;
            units -= (self.layers[layer][at] / ALIGN) as usize;
        }
        Some(choice)
    }
}

/// A search under way: for the additive solution of the largest budget whose real plan still fits, by
/// bisection. It is what the knapsack makes of a budget that leaves room for what it does not count.
#[derive(Debug)]
pub struct Additive {
    limits: Limits,
    low: u32,
    high: u32,
    best: Option<Choice>,
}

impl Additive {
    /// A search that has planned nothing yet.
    #[must_use]
    pub fn new(least: &LeastBytes, limits: Limits) -> Self {
        Self {
            limits,
            low: least.base,
            high: limits.sram_total_bytes,
            best: None,
        }
    }

    /// Plans one policy more; what was found once the search is over.
    pub fn advance(
        &mut self,
        least: &LeastBytes,
        contributions: &Contributions,
        planner: &mut Planner<'_>,
    ) -> Option<Option<Choice>> {
        let is_open = self.low + ALIGN <= self.high;
        let middle = self.low + self.high.saturating_sub(self.low) / 2;
        let choice = is_open.then(|| least.best(contributions, middle));
        let Some(choice) = choice.flatten() else {
            return Some(self.best.take());
        };
        if planner.fits(&choice, &self.limits) {
            let gains_more = self
                .best
                .as_ref()
                .is_none_or(|best| contributions.gain(&choice) > contributions.gain(best));
            if gains_more {
                self.best = Some(choice);
            }
            self.low = middle + ALIGN;
        } else {
            self.high = middle - ALIGN;
        }
        None
    }
}

/// Searches to the end.
#[must_use]
pub fn search(
    least: &LeastBytes,
    contributions: &Contributions,
    planner: &mut Planner<'_>,
    limits: &Limits,
) -> Option<Choice> {
    let mut additive = Additive::new(least, *limits);
    loop {
        if let Some(found) = additive.advance(least, contributions, planner) {
            return found;
        }
    }
}
