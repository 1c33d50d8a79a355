//! What each pass of the compiler that can be left out saves.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::{CompileError, Passes, Together, compile_with};
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::program::{Program, ProgramError, Settings};
use quartermeg_core::quant::Rules;
use serde::Serialize;

use crate::memory;

/// What a step is with none of the passes that can be left out.
pub const PLAIN: &str = "no pass";

/// The passes that can be left out, in the order of the waterfall.
pub const PASSES: [&str; 6] = [
    "prune",
    "reorder",
    "fuse",
    "in place",
    "row by row",
    "hidden channel by hidden channel",
];

/// All of [`PASSES`] are left out: the bit of each is set.
pub const ALL_LEFT_OUT: u8 = 0b11_1111;

/// The passes at work where those of [`PASSES`] are left out whose bit is set.
#[must_use]
pub fn passes_without(left_out: u8) -> Passes {
    let is_at_work = |pass: u32| left_out & (1 << pass) == 0;
    let together = |pass: u32| {
        if is_at_work(pass) {
            Together::WhereNeeded
        } else {
            Together::Never
        }
    };
    Passes {
        prune: is_at_work(0),
        reorder: is_at_work(1),
        fuse: is_at_work(2),
        in_place: is_at_work(3),
        streaming: together(4),
        hidden_channels: together(5),
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

/// Compiles a step with ever more passes: [`PLAIN`] with none that can be left out, then each of
/// [`PASSES`] with all before it, the last of which is what is compiled otherwise. Where frozen
/// layers have a shape through which no gradient can pass, there is no step without pruning.
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
        let program = match compile_without(network, policy, rules, settings, left_out) {
            Err(WaterfallError::Compile(CompileError::FanOut { .. })) if left_out & 1 != 0 => {
                return None;
            }
            program => program,
        };
        let report = |program| {
            let report = memory::report(network, policy, &program);
            PassReport {
                name,
                arena_bytes: report.arena_bytes,
                lower_bound_bytes: report.lower_bound_bytes,
                forward_peak_bytes: report.forward_peak_bytes,
                backward_peak_bytes: report.backward_peak_bytes,
            }
        };
        Some(program.map(report))
    };
    // Each step has one pass more than the one before.
    let left_out = (0..=PASSES.len()).map(|at_work| ALL_LEFT_OUT & (ALL_LEFT_OUT << at_work));
    let names = [PLAIN].into_iter().chain(PASSES);
    names.zip(left_out).filter_map(step).collect()
}
