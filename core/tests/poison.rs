//! A step reads nothing that it may not rely on and writes nothing outside of its tensors.
//!
//! Before every operation each byte of the block that belongs to no live tensor is overwritten,
//! and guard bytes stand around the block.
#![cfg(all(feature = "compile", not(target_arch = "wasm32")))]

mod common;

use common::network::{Style, random_network};
use common::policy::random_policy;
use common::rng::Rng;
use common::run::{self, Sample};
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::network::Network;
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::program::{Access, Program};
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::runtime::{NoTrace, Runtime};

const POISON: u8 = 0xa5;
const GUARD: u8 = 0x3c;
/// A multiple of four, so that the block behind it stays aligned.
const GUARD_BYTES: usize = 64;

/// A block inside a larger buffer.
struct Guarded {
    buffer: AlignedBytes,
    arena_bytes: usize,
}

impl Guarded {
    fn new(arena_bytes: usize) -> Self {
        let mut buffer = AlignedBytes::zeroed(arena_bytes + 2 * GUARD_BYTES);
        buffer.as_mut().fill(GUARD);
        buffer.as_mut()[GUARD_BYTES..GUARD_BYTES + arena_bytes].fill(POISON);
        Self {
            buffer,
            arena_bytes,
        }
    }

    fn guards_are_whole(&self) -> bool {
        let (before, rest) = self.buffer.as_ref().split_at(GUARD_BYTES);
        let after = &rest[self.arena_bytes..];
        before.iter().chain(after).all(|&byte| byte == GUARD)
    }
}

impl AsRef<[u8]> for Guarded {
    fn as_ref(&self) -> &[u8] {
        &self.buffer.as_ref()[GUARD_BYTES..GUARD_BYTES + self.arena_bytes]
    }
}

impl AsMut<[u8]> for Guarded {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.buffer.as_mut()[GUARD_BYTES..GUARD_BYTES + self.arena_bytes]
    }
}

/// For every byte of the block, whether operation `op_idx` may rely on what it holds.
///
/// A tensor counts from behind the operation that first writes it, so what that operation itself
/// finds there is poison too; persistent tensors, the input and the label count from the start.
fn live_bytes<B: AsRef<[u8]>>(program: &Program<B>, op_idx: u32) -> Vec<bool> {
    let meta = program.meta();
    let mut live = vec![false; usize::try_from(meta.arena_bytes).expect("small")];
    let written_now: Vec<u32> = program
        .operands(program.op(op_idx))
        .iter()
        .filter(|operand| operand.access == Access::Write)
        .map(|operand| operand.tensor)
        .collect();
    for tensor in 0..program.n_tensors() {
        let record = program.tensor(tensor);
        let is_fresh = record.first_use == op_idx && written_now.contains(&tensor);
        if record.is_live_at(op_idx) && !is_fresh {
            let bytes = [record.offset, record.end()].map(|at| usize::try_from(at).expect("small"));
            live[bytes[0]..bytes[1]].fill(true);
        }
    }
    live
}

/// Trains with every dead byte poisoned before every operation; `also` may spoil more.
fn train_poisoned(
    program: Program<AlignedBytes>,
    samples: &[Sample],
    mut also: impl FnMut(u32, u32, &mut [u8]),
) -> [u8; 32] {
    let arena = Guarded::new(usize::try_from(program.meta().arena_bytes).expect("small"));
    let n_ops = program.n_ops();
    let live: Vec<_> = (0..n_ops)
        .map(|op_idx| live_bytes(&program, op_idx))
        .collect();
    let mut runtime: Runtime<_, _, Native> = Runtime::new(program, Holder(arena)).expect("fits");
    for (step, (codes, label)) in (0..).zip(samples) {
        runtime.load_sample(codes, *label).expect("the sample fits");
        for (op_idx, live) in (0..n_ops).zip(&live) {
            for (byte, &live) in runtime.arena_mut().iter_mut().zip(live) {
                if !live {
                    *byte = POISON;
                }
            }
            also(step, op_idx, runtime.arena_mut());
            runtime.run_op(op_idx, &run::params_at(step), &mut NoTrace);
        }
    }
    runtime.weights_digest()
}

/// Checks the guards when the runtime lets go of its block.
struct Holder(Guarded);

impl Drop for Holder {
    fn drop(&mut self) {
        // A second panic would abort and hide the first.
        if !std::thread::panicking() {
            assert!(
                self.0.guards_are_whole(),
                "a byte outside the block was written"
            );
        }
    }
}

impl AsRef<[u8]> for Holder {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl AsMut<[u8]> for Holder {
    fn as_mut(&mut self) -> &mut [u8] {
        self.0.as_mut()
    }
}

fn train_clean(program: Program<AlignedBytes>, samples: &[Sample]) -> [u8; 32] {
    let mut runtime: Runtime<_, _, Native> = run::runtime_of(program);
    run::train(&mut runtime, samples);
    runtime.weights_digest()
}

fn assert_poison_changes_nothing(network: &Network, policy: &Policy, samples: &[Sample]) {
    let program = run::program_of(network, policy);
    let clean = train_clean(program.clone(), samples);
    let poisoned = train_poisoned(program, samples, |_, _, _| {});
    assert_eq!(poisoned, clean, "{policy:?}");
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
    let sparse = |ratio| Policy {
        layers: (0..n_layers)
            .map(|layer| match n_layers - layer {
                13.. => LayerUpdate::Frozen,
                behind if behind % 3 == 0 => LayerUpdate::Weights { ratio },
                _ => LayerUpdate::Bias,
            })
            .collect(),
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
    let spoilt = train_poisoned(program, &samples, |_, op_idx, arena| {
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
