//! Every policy that ships, under every profile: its program reads only what is live and writes
//! only inside the block.

#[path = "../../core/tests/common/poison.rs"]
mod poison;

use std::fs;
use std::path::Path;

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::program::Program;
use quartermeg_core::quant::{GradientType, Optimizer, Rules, UpdateRule};
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::runtime::{NoTrace, Runtime};
use quartermeg_formats::scenario::{ALL, SampleKind, Scenario, presets};
use quartermeg_formats::{model, own, sample_file};

/// Profiles, and the rules that none of them has.
const RULES: [Rules; 5] = [
    Rules::DEVICE,
    Rules::SIMULATOR,
    Rules::TINYENGINE,
    Rules::TFLM,
    Rules {
        gradient: GradientType::I8,
        update: UpdateRule::Int16,
        optimizer: Optimizer::Momentum,
        ..Rules::DEVICE
    },
];

fn read(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path))
        .expect("a file of the repository")
}

/// Trains as it is meant to be and returns the digest of the weights.
fn train_clean(program: Program<AlignedBytes>, samples: &[(Vec<i8>, u32)]) -> [u8; 32] {
    let settings = program.settings();
    let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
    let mut runtime: Runtime<_, _, Native> = Runtime::new(program, arena).expect("fits");
    for (step, (codes, label)) in (0..).zip(samples) {
        runtime.load_sample(codes, *label).expect("fits");
        runtime.step(&settings.step_params(step), &mut NoTrace);
    }
    runtime.weights_digest()
}

/// The first two samples to learn from, or, where they are a person's own, two ramps.
fn samples(scenario: &Scenario, network: &Network) -> Vec<(Vec<i8>, u32)> {
    let file = || read(scenario.samples_path);
    let learn = match scenario.samples {
        SampleKind::Drawing => sample_file::read_digits(&file()).expect("digits").learn,
        SampleKind::Motion => sample_file::read_parts(&file()).expect("windows").learn,
        SampleKind::Own => {
            let len = network.input().shape.len();
            let ramp = |slope: usize| {
                (0..len)
                    .map(|at| ((slope * at) % 256).to_le_bytes()[0].cast_signed())
                    .collect()
            };
            return vec![(ramp(1), 0), (ramp(3), 1)];
        }
    };
    (0..2)
        .map(|sample| learn.get(sample))
        .map(|(codes, label)| (codes.to_vec(), label))
        .collect()
}

#[test]
fn dead_bytes_are_never_read_and_foreign_bytes_never_written() {
    for scenario in &ALL {
        let setup = scenario.default_setup();
        let (network, _) =
            model::read(scenario.id, &read(scenario.network_path)).expect("a network");
        let network = own::with_head(&network, setup.head).expect("a new classifier");
        let samples = samples(scenario, &network);
        let settings = setup.settings();
        for preset in presets(scenario, &network) {
            for rules in RULES {
                let image = compile(&network, &preset.policy, rules, settings).expect("compiles");
                let program = Program::parse(image).expect("what is compiled can be loaded");
                let clean = train_clean(program.clone(), &samples);
                let poisoned = poison::train_poisoned(program, &samples, |_, _| {});
                assert_eq!(
                    poisoned, clean,
                    "{}: {}, {rules:?}",
                    scenario.id, preset.name
                );
            }
        }
    }
}
