//! Runs compiled programs on random samples.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::{Passes, Together, compile, compile_with};
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::kernels::Kernels;
use quartermeg_core::runtime::{NoTrace, Runtime, StepParams};

use super::rng::Rng;

pub(crate) const SETTINGS: Settings = Settings::constant(0.5, 11);

/// One sample: the codes of the input, and the class.
pub(crate) type Sample = (Vec<i8>, u32);

pub(crate) fn image_of(network: &Network, policy: &Policy) -> AlignedBytes {
    image_under(network, policy, Rules::DEVICE)
}

pub(crate) fn image_under(network: &Network, policy: &Policy, rules: Rules) -> AlignedBytes {
    compile(network, policy, rules, SETTINGS)
        .expect("chains and residual blocks can be differentiated")
}

pub(crate) fn program_of(network: &Network, policy: &Policy) -> Program<AlignedBytes> {
    program_under(network, policy, Rules::DEVICE)
}

/// As [`program_of`], with every gradient as a tensor of its own.
pub(crate) fn program_apart(network: &Network, policy: &Policy) -> Program<AlignedBytes> {
    let passes = Passes {
        hidden_channels: Together::Never,
        ..Passes::ALL
    };
    let image = compile_with(network, policy, Rules::DEVICE, SETTINGS, passes)
        .expect("chains and residual blocks can be differentiated");
    Program::parse(image).expect("what is compiled can be loaded")
}

pub(crate) fn program_under(
    network: &Network,
    policy: &Policy,
    rules: Rules,
) -> Program<AlignedBytes> {
    Program::parse(image_under(network, policy, rules)).expect("what is compiled can be loaded")
}

pub(crate) fn random_samples(rng: &mut Rng, network: &Network, n_samples: usize) -> Vec<Sample> {
    (0..n_samples)
        .map(|_| {
            let codes = rng.codes(network.input().shape.len());
            (
                codes,
                u32::try_from(rng.below(network.classes().len())).expect("small"),
            )
        })
        .collect()
}

pub(crate) fn params_at(step: u32) -> StepParams {
    SETTINGS.step_params(step)
}

/// A runtime in a fresh block of exactly the size that the program asks for.
pub(crate) fn runtime_of<P: AsRef<[u8]>, K: Kernels>(
    program: Program<P>,
) -> Runtime<P, AlignedBytes, K> {
    let arena_bytes = usize::try_from(program.meta().arena_bytes).expect("small");
    Runtime::new(program, AlignedBytes::zeroed(arena_bytes)).expect("the block is large enough")
}

/// One step a sample, with the settings that came with the program.
pub(crate) fn train<P: AsRef<[u8]>, A: AsRef<[u8]> + AsMut<[u8]>, K: Kernels>(
    runtime: &mut Runtime<P, A, K>,
    samples: &[Sample],
) {
    for (step, (codes, label)) in (0..).zip(samples) {
        runtime.load_sample(codes, *label).expect("the sample fits");
        let params = runtime.program().settings().step_params(step);
        runtime.step(&params, &mut NoTrace);
    }
}
