//! Training in a block between guard bytes, with every byte poisoned that an operation may not
//! rely on. Tests of other packages include this file, so it needs nothing beside it.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::program::{Access, Program};
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::runtime::{NoTrace, Runtime};

pub(crate) const POISON: u8 = 0xa5;
const GUARD: u8 = 0x3c;
/// A multiple of four, so that the block behind it stays aligned.
pub(crate) const GUARD_BYTES: usize = 64;

/// A block inside a larger buffer.
pub(crate) struct Guarded {
    pub(crate) buffer: AlignedBytes,
    arena_bytes: usize,
}

impl Guarded {
    pub(crate) fn new(arena_bytes: usize) -> Self {
        let mut buffer = AlignedBytes::zeroed(arena_bytes + 2 * GUARD_BYTES);
        buffer.as_mut().fill(GUARD);
        buffer.as_mut()[GUARD_BYTES..GUARD_BYTES + arena_bytes].fill(POISON);
        Self {
            buffer,
            arena_bytes,
        }
    }

    pub(crate) fn guards_are_whole(&self) -> bool {
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

/// Trains one step a sample, with the settings that came with the program, while every dead byte
/// is poisoned before every operation; `also` may spoil more. Returns the digest of the weights.
pub(crate) fn train_poisoned(
    program: Program<AlignedBytes>,
    samples: &[(Vec<i8>, u32)],
    mut also: impl FnMut(u32, &mut [u8]),
) -> [u8; 32] {
    let arena = Guarded::new(usize::try_from(program.meta().arena_bytes).expect("small"));
    let settings = program.settings();
    let n_ops = program.n_ops();
    let live: Vec<_> = (0..n_ops)
        .map(|op_idx| live_bytes(&program, op_idx))
        .collect();
    let mut runtime: Runtime<_, _, Native> = Runtime::new(program, Holder(arena)).expect("fits");
    for (step, (codes, label)) in (0..).zip(samples) {
        runtime.load_sample(codes, *label).expect("the sample fits");
        let params = settings.step_params(step);
        for (op_idx, live) in (0..n_ops).zip(&live) {
            for (byte, &live) in runtime.arena_mut().iter_mut().zip(live) {
                if !live {
                    *byte = POISON;
                }
            }
            also(op_idx, runtime.arena_mut());
            runtime.run_op(op_idx, &params, &mut NoTrace);
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
