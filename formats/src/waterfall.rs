//! What each pass of the compiler that can be left out saves.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::{CompileError, Passes, Together, compile_with};
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::program::{Program, ProgramError, Settings};
use quartermeg_core::quant::Rules;
use serde::Serialize;

use crate::memory::{self, MemoryReport};

/// What a step is with none of the passes that can be left out.
pub const PLAIN: &str = "layer by layer";

/// The passes that can be left out, in the order of the waterfall.
pub const PASSES: [&str; 3] = ["in place", "row by row", "hidden channel by hidden channel"];

/// All of [`PASSES`] are left out: the bit of each is set.
pub const ALL_LEFT_OUT: u8 = 0b111;

/// The passes at work where those of [`PASSES`] are left out whose bit is set.
#[must_use]
pub fn passes_without(left_out: u8) -> Passes {
    let together = |pass: u32| {
        if left_out & (1 << pass) == 0 {
            Together::WhereNeeded
        } else {
            Together::Never
        }
    };
    Passes {
        in_place: left_out & 1 == 0,
        streaming: together(1),
        hidden_channels: together(2),
    }
}

/// Compiles a step without the passes of [`PASSES`] whose bit is set in `left_out`.
///
/// # Errors
/// When the policy cannot be compiled.
pub fn compile_without(
    network: &Network,
    policy: &Policy,
    rules: Rules,
    settings: Settings,
    left_out: u8,
) -> Result<Program<AlignedBytes>, WaterfallError> {
    let image = compile_with(network, policy, rules, settings, passes_without(left_out))
        .map_err(WaterfallError::Compile)?;
    Program::parse(image).map_err(WaterfallError::Program)
}

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
    let step = |(name, left_out)| {
        let settings = Settings::constant(0.0, 0);
        let program = compile_without(network, policy, rules, settings, left_out)?;
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
    // Each step has one pass more than the one before.
    let left_out = (0..=PASSES.len()).map(|at_work| ALL_LEFT_OUT & (ALL_LEFT_OUT << at_work));
    let names = [PLAIN].into_iter().chain(PASSES);
    names.zip(left_out).map(step).collect()
}
