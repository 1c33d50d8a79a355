//! What each pass of the compiler that can be left out saves.

use quartermeg_core::compile::{CompileError, Passes, Together, compile_with};
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::program::{Program, ProgramError, Settings};
use quartermeg_core::quant::Rules;
use serde::Serialize;

use crate::memory::{self, MemoryReport};

/// The steps of the waterfall: each has one pass more than the one before.
const STEPS: [(&str, Passes); 4] = [
    ("layer by layer", Passes::NONE),
    (
        "in place",
        Passes {
            in_place: true,
            ..Passes::NONE
        },
    ),
    (
        "row by row",
        Passes {
            hidden_channels: Together::Never,
            ..Passes::ALL
        },
    ),
    ("hidden channel by hidden channel", Passes::ALL),
];

/// What a step needs with a pass and all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PassReport {
    /// Name of the pass.
    pub name: &'static str,
    /// The one block.
    pub arena_bytes: u32,
    /// Largest live sum over the operations.
    pub lower_bound_bytes: u32,
    /// Largest live sum over the operations of the forward pass.
    pub forward_peak_bytes: u32,
    /// Largest live sum over the loss and the backward pass.
    pub backward_peak_bytes: u32,
}

/// Why there is no waterfall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WaterfallError {
    /// The policy cannot be compiled.
    Compile(CompileError),
    /// The program that came out is not valid.
    Program(ProgramError),
}

/// Compiles a step with ever more passes: `layer by layer` with none that can be left out,
/// `in place`, `row by row`, and `hidden channel by hidden channel`, which is what is compiled
/// otherwise.
///
/// # Errors
/// When the policy cannot be compiled.
pub fn waterfall(
    network: &Network,
    policy: &Policy,
    rules: Rules,
) -> Result<Vec<PassReport>, WaterfallError> {
    let step = |(name, passes)| {
        let image = compile_with(network, policy, rules, Settings::constant(0.0, 0), passes)
            .map_err(WaterfallError::Compile)?;
        let program = Program::parse(image).map_err(WaterfallError::Program)?;
        let MemoryReport {
            arena_bytes,
            lower_bound_bytes,
            forward_peak_bytes,
            backward_peak_bytes,
            ..
        } = memory::report(network, policy, &program);
        Ok(PassReport {
            name,
            arena_bytes,
            lower_bound_bytes,
            forward_peak_bytes,
            backward_peak_bytes,
        })
    };
    STEPS.into_iter().map(step).collect()
}
