//! The training compiler: a network and an update policy become a program.
//!
//! Passes, one a file: [`differentiate`](self) writes the operations of a step and leaves out
//! what `prune` says that the policy does not need; `order` moves updates forward; `lifetimes` finds when each tensor is live; `in_place`
//! lets an operation's output take the place of an input that dies there; `stream` finds frozen
//! layers that may run row by row, `block` those whose backward pass may run hidden channel by
//! hidden channel, and `together` chooses among them; `place` gives every tensor its offset, with
//! `exact` where that is hard; `emit` writes the image. [`Passes`] says which of them are at work;
//! [`outline()`] stops before the tensors are placed.

mod block;
mod constants;
mod differentiate;
mod emit;
mod exact;
mod in_place;
mod lifetimes;
mod order;
mod outline;
mod passes;
mod place;
mod prune;
mod stream;
mod together;

use alloc::vec::Vec;

pub use emit::{Attachments, attach};
pub use outline::Outline;
pub use passes::{Passes, Together};
use together::Chains;

use crate::bytes::AlignedBytes;
use crate::network::{Network, NetworkError};
use crate::policy::{Policy, PolicyError};
use crate::program::{
    AddRecord, Block, HeadRecord, LayerRecord, Op, Operands, PoolRecord, Records, Settings, Stream,
    TensorIdx, TensorRecord,
};
use crate::quant::{ClassifierType, Rules};

/// Why a policy cannot be compiled for a network.
#[expect(
    missing_docs,
    reason = "the fields are named by the sentence of their variant"
)]
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum CompileError {
    /// The policy does not fit the network.
    Policy(PolicyError),
    /// A value is read by a pool or a residual add after another node has read it for its
    /// gradient; only chains and residual blocks can be differentiated.
    FanOut { node: usize },
    /// A learning convolution has more output pixels (65,536) than int8 gradients can be summed
    /// over in int32.
    Pixels { node: usize },
    /// The classifier cannot be had in int8.
    Classifier(NetworkError),
}

impl From<NetworkError> for CompileError {
    fn from(error: NetworkError) -> Self {
        Self::Classifier(error)
    }
}

impl From<PolicyError> for CompileError {
    fn from(error: PolicyError) -> Self {
        Self::Policy(error)
    }
}

/// Compiles one training step of `network` under `policy` and `rules` into an image
/// ([`crate::program::Program::parse`] accepts it), with every pass at work.
///
/// # Errors
/// When the policy does not fit the network, or the network's shape cannot be differentiated.
pub fn compile(
    network: &Network,
    policy: &Policy,
    rules: Rules,
    settings: Settings,
) -> Result<AlignedBytes, CompileError> {
    compile_with(network, policy, rules, settings, Passes::ALL)
}

/// As [`compile`], with a choice of passes.
///
/// # Errors
/// As [`compile`].
pub fn compile_with(
    network: &Network,
    policy: &Policy,
    rules: Rules,
    settings: Settings,
    passes: Passes,
) -> Result<AlignedBytes, CompileError> {
    policy.check(network)?;
    let int8_network = int8_network(network, rules)?;
    let network = int8_network.as_ref().unwrap_or(network);
    let (chains, _) = draft(network, policy, rules, passes)?;
    let mut step = write(network, policy, rules, passes, &chains, false)?;
    let plan = place::place(&mut step);
    Ok(emit::emit(network, &step, &plan, settings))
}

/// What a plan needs, as [`compile`] would count it, but without a place for each tensor and
/// without constants: many times as fast.
///
/// # Errors
/// As [`compile`].
pub fn outline(network: &Network, policy: &Policy, rules: Rules) -> Result<Outline, CompileError> {
    policy.check(network)?;
    let int8_network = int8_network(network, rules)?;
    let network = int8_network.as_ref().unwrap_or(network);
    let (_, step) = draft(network, policy, rules, Passes::ALL)?;
    Ok(Outline::of(&step))
}

/// The network with the classifier that the rules want, where that is another.
fn int8_network(network: &Network, rules: Rules) -> Result<Option<Network>, NetworkError> {
    match rules.classifier {
        ClassifierType::I8 => network.with_int8_classifier().map(Some),
        ClassifierType::F32 => Ok(None),
    }
}

/// Which layers run together, and a draft of the step in which they do.
fn draft(
    network: &Network,
    policy: &Policy,
    rules: Rules,
    passes: Passes,
) -> Result<(Chains, Step), CompileError> {
    let written = |chains: &Chains| write(network, policy, rules, passes, chains, true);
    let chains = differentiate::chains(network, policy, rules, passes);
    let apart = written(&Chains::default())?;
    let is_asked =
        passes.streaming == Together::Everywhere || passes.hidden_channels == Together::Everywhere;
    if chains.is_empty() || !(is_asked || chains.hold_peak(&apart)) {
        return Ok((Chains::default(), apart));
    }
    let together = written(&chains)?;
    let wanted = chains.wanted(passes, &apart, &together);
    if wanted == chains {
        return Ok((chains, together));
    }
    let step = written(&wanted)?;
    Ok((wanted, step))
}

/// Writes a step, in which `chains` run together; a draft has no constants.
fn write(
    network: &Network,
    policy: &Policy,
    rules: Rules,
    passes: Passes,
    chains: &Chains,
    is_draft: bool,
) -> Result<Step, CompileError> {
    let mut step = differentiate::differentiate(network, policy, rules, passes, chains, is_draft)?;
    if passes.reorder {
        order::reorder(&mut step);
    }
    lifetimes::assign(&mut step);
    if passes.in_place {
        in_place::choose(&mut step);
    }
    Ok(step)
}

/// One training step before it is placed.
struct Step {
    tensors: Vec<TensorRecord>,
    ops: Vec<Op>,
    layers: Vec<LayerRecord>,
    adds: Vec<AddRecord>,
    pools: Vec<PoolRecord>,
    head: HeadRecord,
    rules: Rules,
    constants: constants::Constants,
    /// Pairs that share storage: the second tensor is born where the first dies.
    aliases: Vec<(TensorIdx, TensorIdx)>,
    input: TensorIdx,
    label: TensorIdx,
    logits: TensorIdx,
}

impl Step {
    fn stream(&self, op: Op) -> Option<Stream> {
        let Op::Stream {
            first,
            n_layers,
            add,
            ..
        } = op
        else {
            return None;
        };
        let layers = &self.layers[first as usize..][..n_layers as usize];
        Stream::new(layers, add.map(|add| self.adds[add as usize]))
    }

    fn block(&self, op: Op) -> Option<Block> {
        let Op::BlockBackward { first, .. } = op else {
            return None;
        };
        let layers = self.layers[first as usize..].first_chunk()?;
        Block::new(*layers)
    }

    fn operands(&self, op: Op) -> Operands {
        op.operands(&Records {
            layer: op.layer().map(|layer| self.layers[layer as usize]),
            add: op.add().map(|add| self.adds[add as usize]),
            stream: self.stream(op),
            block: self.block(op),
            pool: op.pool().map(|pool| self.pools[pool as usize]),
            head: self.head,
            rules: self.rules,
        })
    }
}
