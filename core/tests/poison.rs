//! A step reads nothing that it may not rely on and writes nothing outside of its tensors.
//!
//! Before every operation each byte of the block that belongs to no live tensor is overwritten,
//! and guard bytes stand around the block.
#![cfg(all(feature = "compile", not(target_arch = "wasm32")))]

mod common;

use common::network::{Style, random_network};
use common::poison::{GUARD_BYTES, Guarded, POISON, train_poisoned};
use common::policy::random_policy;
use common::rng::Rng;
use common::rules::Setup;
use common::run::{self, Sample};
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::network::Network;
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::program::Program;
use quartermeg_core::runtime::Runtime;
use quartermeg_core::runtime::kernels::Native;

fn train_clean(program: Program<AlignedBytes>, samples: &[Sample]) -> [u8; 32] {
    let mut runtime: Runtime<_, _, Native> = run::runtime_of(program);
    run::train(&mut runtime, samples);
    runtime.weights_digest()
}

fn assert_poison_changes_nothing(network: &Network, policy: &Policy, samples: &[Sample]) {
    let program = run::program_of(network, policy);
    let clean = train_clean(program.clone(), samples);
    let poisoned = train_poisoned(program, samples, |_, _| {});
    assert_eq!(poisoned, clean, "{policy:?}");
}

#[test]
fn random_rules_never_read_what_is_dead() {
    for seed in 0..400 {
        let setup = Setup::random(40_000 + seed, Style::VARIED, 3);
        let clean = train_clean(setup.program(), &setup.samples);
        let poisoned = train_poisoned(setup.program(), &setup.samples, |_, _| {});
        assert_eq!(poisoned, clean, "seed {seed}: {:?}", setup.rules);
    }
}

#[test]
fn random_networks_never_read_what_is_dead() {
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let network = random_network(&mut rng, Style::SMALL);
        let policy = random_policy(&mut rng, &network);
        let samples = run::random_samples(&mut rng, &network, 3);
        assert_poison_changes_nothing(&network, &policy, &samples);
    }
}

#[test]
fn the_shipped_network_never_reads_what_is_dead() {
    let network = common::keyboard::network();
    let n_layers = network.convs().count();
    let mut rng = Rng::new(0);
    let samples = run::random_samples(&mut rng, &network, 2);
    // The last layers with their bias, and of some of them a part of the weights.
    let sparse = |ratio| {
        let layers = (0..n_layers)
            .map(|layer| match n_layers - layer {
                13.. => LayerUpdate::Frozen,
                behind if behind % 3 == 0 => LayerUpdate::Weights { ratio },
                _ => LayerUpdate::Bias,
            })
            .collect();
        Policy::new(layers)
    };
    for policy in [
        Policy::classifier_only(&network),
        Policy::uniform(&network, LayerUpdate::Bias),
        sparse(0.125),
        sparse(0.5),
        Policy::uniform(&network, LayerUpdate::Weights { ratio: 1.0 }),
        random_policy(&mut rng, &network),
    ] {
        assert_poison_changes_nothing(&network, &policy, &samples);
    }
}

/// The tests above could pass because poison never matters; this one shows that it does.
#[test]
fn poison_in_a_live_tensor_changes_the_weights() {
    let mut rng = Rng::new(7);
    let network = random_network(&mut rng, Style::SMALL);
    let policy = Policy::uniform(&network, LayerUpdate::Weights { ratio: 1.0 });
    let samples = run::random_samples(&mut rng, &network, 1);
    let program = run::program_of(&network, &policy);
    let clean = train_clean(program.clone(), &samples);
    let logits = program.tensor(program.meta().logits_tensor);
    let loss_op = program.meta().loss_op;
    let spoilt = train_poisoned(program, &samples, |op_idx, arena| {
        if op_idx == loss_op {
            arena[usize::try_from(logits.offset).expect("small") + 2] ^= 0xff;
        }
    });
    assert_ne!(spoilt, clean);
}

#[test]
fn a_write_outside_the_block_breaks_a_guard() {
    for at in [GUARD_BYTES - 1, GUARD_BYTES + 100] {
        let mut arena = Guarded::new(100);
        assert!(arena.guards_are_whole());
        arena.buffer.as_mut()[at] = POISON;
        assert!(!arena.guards_are_whole(), "byte {at}");
    }
}
