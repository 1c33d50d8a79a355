//! Every policy that ships: its program reads only what is live, writes only inside the block, and
//! its peak is what the planner said.

use std::fs;
use std::path::Path;

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::program::{Access, Program};
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::runtime::{NoTrace, Runtime};
use quartermeg_core::session::Samples;
use quartermeg_formats::scenario::{KEYBOARD, presets};
use quartermeg_formats::{network_file, sample_file};

const POISON: u8 = 0xa5;
const GUARD: u8 = 0x3c;
const GUARD_BYTES: usize = 64;
const N_STEPS: u32 = 3;

fn read(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path))
        .expect("a file of the repository")
}

/// Overwrites every byte that operation `op_idx` may not rely on.
fn poison<P: AsRef<[u8]>>(program: &Program<P>, op_idx: u32, arena: &mut [u8]) {
    let mut live = vec![false; arena.len()];
    let operands = program.operands(program.op(op_idx));
    for tensor in 0..program.n_tensors() {
        let record = program.tensor(tensor);
        let is_fresh = record.first_use == op_idx
            && operands
                .iter()
                .any(|operand| operand.tensor == tensor && operand.access == Access::Write);
        if record.is_live_at(op_idx) && !is_fresh {
            live[record.offset as usize..record.end() as usize].fill(true);
        }
    }
    for (byte, live) in arena.iter_mut().zip(live) {
        if !live {
            *byte = POISON;
        }
    }
}

/// Trains in a block between guards and returns the digest of the weights.
fn digest(image: AlignedBytes, samples: &Samples, poisoned: bool) -> [u8; 32] {
    let program = Program::parse(image).expect("what is compiled can be loaded");
    let settings = program.settings();
    let arena_bytes = program.meta().arena_bytes as usize;
    let mut buffer = AlignedBytes::zeroed(arena_bytes + 2 * GUARD_BYTES);
    buffer.as_mut().fill(GUARD);
    let block = &mut buffer.as_mut()[GUARD_BYTES..GUARD_BYTES + arena_bytes];
    let mut runtime: Runtime<_, _, Native> = Runtime::new(program, block).expect("fits");
    for step in 0..N_STEPS {
        let (codes, label) = samples.get(step as usize);
        runtime.load_sample(codes, label).expect("fits");
        let params = settings.step_params(step);
        for op_idx in 0..runtime.program().n_ops() {
            if poisoned {
                let program = runtime.program().clone();
                poison(&program, op_idx, runtime.arena_mut());
            }
            runtime.run_op(op_idx, &params, &mut NoTrace);
        }
    }
    let digest = runtime.weights_digest();
    let (before, rest) = buffer.as_ref().split_at(GUARD_BYTES);
    let guards = before.iter().chain(&rest[arena_bytes..]);
    assert!(
        guards.copied().all(|byte| byte == GUARD),
        "guards are whole"
    );
    digest
}

#[test]
fn dead_bytes_are_never_read_and_foreign_bytes_never_written() {
    let network: Network = network_file::read(&read(KEYBOARD.network_path)).expect("a network");
    let samples = sample_file::read_digits(&read(KEYBOARD.samples_path))
        .expect("digits")
        .learn;
    for preset in presets(&KEYBOARD, &network) {
        let settings = KEYBOARD.default_setup().settings();
        let image = compile(&network, &preset.policy, Rules::DEVICE, settings).expect("compiles");
        let plain = digest(image.clone(), &samples, false);
        assert_eq!(plain, digest(image, &samples, true), "{}", preset.name);
    }
}
