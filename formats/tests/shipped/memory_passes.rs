//! Why each shipped policy needs what it needs, and what the passes of the compiler save.

use quartermeg_core::compile::{Passes, Together, compile, compile_with};
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::program::{Program, Role};
use quartermeg_core::quant::{GradientType, Optimizer, Rules, UpdateRule};
use quartermeg_formats::peak::{LiveTensor, Peak, peak};
use quartermeg_formats::scenario::{ALL, presets};
use quartermeg_formats::waterfall::{PASSES, PLAIN, waterfall};
use quartermeg_formats::{describe, memory, model, own};

use crate::{SETTINGS, read};

/// Every preset of every scenario, with f32 and with int8 gradients.
fn for_each(mut check: impl FnMut(&str, &Network, &Policy, Rules)) {
    let int8 = Rules {
        gradient: GradientType::I8,
        ..Rules::DEVICE
    };
    for scenario in &ALL {
        let (network, _) = model::read(scenario.id, &read(scenario.network_path)).expect("ships");
        let network = own::with_head(&network, scenario.default_setup().head).expect("a head");
        for preset in presets(scenario, &network) {
            for rules in [Rules::DEVICE, int8] {
                let at = format!("{} {} {:?}", scenario.id, preset.id, rules.gradient);
                check(&at, &network, &preset.policy, rules);
            }
        }
    }
}

fn sum(tensors: &[LiveTensor]) -> u32 {
    tensors.iter().map(|tensor| tensor.bytes).sum()
}

#[test]
fn what_is_live_at_the_peak_adds_up_to_the_lower_bound() {
    let mut n_shared = 0;
    for_each(|at, network, policy, rules| {
        let everywhere = Passes {
            streaming: Together::Everywhere,
            ..Passes::ALL
        };
        for passes in [Passes::NONE, Passes::ALL, everywhere] {
            let image = compile_with(network, policy, rules, SETTINGS, passes).expect("compiles");
            let program = Program::parse(image).expect("valid");
            let Peak {
                op, bytes, tensors, ..
            } = peak(&program);
            assert_eq!(bytes, program.meta().lower_bound_bytes, "{at}");
            assert_eq!(bytes, memory::live_bytes(&program)[op as usize], "{at}");
            assert_eq!(bytes, sum(&tensors), "{at}: {tensors:#?}");
            assert!(tensors.is_sorted_by(|a, b| a.bytes >= b.bytes), "{at}");
            n_shared += usize::from(tensors.iter().any(|it| it.name.contains("in the place of")));
        }
    });
    assert!(n_shared > 0, "no peak has tensors that share storage");
}

#[test]
fn parameters_are_one_line_a_role() {
    let rules = Rules {
        update: UpdateRule::Int16,
        optimizer: Optimizer::Momentum,
        ..Rules::DEVICE
    };
    let (network, _) = model::read("keyboard", &read(ALL[0].network_path)).expect("ships");
    let policy = ALL[0].default_setup().policy;
    let image = compile(&network, &policy, rules, SETTINGS).expect("compiles");
    let program = Program::parse(image).expect("valid");
    let found = peak(&program);
    for role in Role::ALL.into_iter().filter(|role| role.is_persistent()) {
        let of_role = |name| move |tensor: &&LiveTensor| tensor.role == name;
        let lines: Vec<_> = found
            .tensors
            .iter()
            .filter(of_role(describe::role(role)))
            .collect();
        let [line] = lines.as_slice() else {
            panic!("{role:?}: {lines:?}")
        };
        let records = (0..program.n_tensors()).map(|tensor| program.tensor(tensor));
        let sizes: Vec<u32> = records
            .filter(|record| record.role == role)
            .map(|record| record.size_bytes.next_multiple_of(4))
            .collect();
        assert_eq!(line.bytes, sizes.iter().sum::<u32>());
        assert_eq!(line.name, format!("{} tensors", sizes.len()));
    }
}

#[test]
fn the_waterfall_ends_with_what_is_compiled_and_never_rises() {
    let mut fell = [false; PASSES.len()];
    for_each(|at, network, policy, rules| {
        let steps = waterfall(network, policy, rules).expect("compiles");
        let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
        assert_eq!(names, [&[PLAIN], &PASSES[..]].concat());
        let image = compile(network, policy, rules, SETTINGS).expect("compiles");
        let whole = memory::report(network, policy, &Program::parse(image).expect("valid"));
        assert_eq!(steps[PASSES.len()].arena_bytes, whole.arena_bytes, "{at}");
        assert_eq!(
            steps[PASSES.len()].lower_bound_bytes,
            whole.lower_bound_bytes,
            "{at}"
        );
        for (fell, pair) in fell.iter_mut().zip(steps.windows(2)) {
            let [before, after] = [pair[0], pair[1]].map(|step| step.lower_bound_bytes);
            assert!(after <= before, "{at}: {steps:?}");
            *fell |= after < before;
        }
        for step in steps {
            let peaks = [step.forward_peak_bytes, step.backward_peak_bytes];
            assert_eq!(
                Some(step.lower_bound_bytes),
                peaks.into_iter().max(),
                "{at}"
            );
            // What the document says of placement.
            let slack = step.arena_bytes - step.lower_bound_bytes;
            assert!(slack * 20 <= step.lower_bound_bytes, "{at}: {step:?}");
        }
    });
    assert_eq!(fell, [true; PASSES.len()], "a pass saves nothing anywhere");
}

#[test]
fn each_tensor_of_the_peak_names_what_it_is_there_for() {
    let mut said = [false; 5];
    for_each(|at, network, policy, rules| {
        let image = compile(network, policy, rules, SETTINGS).expect("compiles");
        let program = Program::parse(image).expect("valid");
        for tensor in peak(&program).tensors {
            assert!(!tensor.because.is_empty(), "{at}: {tensor:?}");
            for &layer in &tensor.layers {
                // Only what the policy lets learn is a cause.
                let update = policy.layers[layer as usize];
                assert!(update.updates_bias(), "{at}: {tensor:?}");
                let name = program.name(program.layer(layer).name);
                let is_named = tensor.because.contains(name);
                assert!(
                    is_named || tensor.because.contains("most of all"),
                    "{at}: {tensor:?}"
                );
            }
            for (said, words) in said.iter_mut().zip([
                "needed for the forward pass",
                "the classifier always learns",
                "weights learn in",
                "channels)",
                "the gradient flows to there",
            ]) {
                *said |= tensor.because.contains(words);
            }
        }
    });
    assert_eq!(said, [true; 5]);
}
