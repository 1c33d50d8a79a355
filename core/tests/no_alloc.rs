//! A step allocates nothing, once its program and its block exist.
#![cfg(all(feature = "compile", not(target_arch = "wasm32")))]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::network::{Style, random_network};
use common::policy::random_policy;
use common::rng::Rng;
use common::rules::Setup;
use common::run;
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::program::Program;
use quartermeg_core::runtime::kernels::{Kernels, Portable, Reference};
use quartermeg_core::runtime::{NoTrace, Runtime};

/// The system's allocator, which counts what this thread asks of it.
struct Counting;

thread_local! {
    static REQUESTS: Cell<u32> = const { Cell::new(0) };
}

fn count() {
    // While a thread ends, its counter may be gone already.
    let _ = REQUESTS.try_with(|requests| requests.set(requests.get() + 1));
}

#[expect(unsafe_code, reason = "the only way to see what is allocated")]
// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Requests to the allocator while `run` runs.
fn requests(run: impl FnOnce()) -> u32 {
    let before = REQUESTS.get();
    run();
    REQUESTS.get() - before
}

fn runtime_never_allocates<K: Kernels>(
    program: Program<AlignedBytes>,
    (codes, label): &run::Sample,
    what: &str,
) {
    let n_ops = program.n_ops();
    let params = program.settings().step_params(0);
    let mut runtime: Runtime<_, _, K> = run::runtime_of(program);
    let n_requests = requests(|| {
        runtime.load_sample(codes, *label).expect("the sample fits");
        runtime.step(&params, &mut NoTrace);
        for op_idx in 0..n_ops {
            runtime.run_op(op_idx, &params, &mut NoTrace);
        }
        runtime.forward();
        std::hint::black_box(runtime.logits());
        std::hint::black_box(runtime.weights_digest());
        runtime.reset();
    });
    assert_eq!(n_requests, 0, "{what}, {}", K::NAME);
}

fn no_kernel_set_allocates(program: &Program<AlignedBytes>, sample: &run::Sample, what: &str) {
    runtime_never_allocates::<Portable>(program.clone(), sample, what);
    runtime_never_allocates::<Reference>(program.clone(), sample, what);
}

#[test]
fn a_step_allocates_nothing() {
    for seed in 0..30 {
        let mut rng = Rng::new(seed);
        let network = random_network(&mut rng, Style::SMALL);
        let policy = random_policy(&mut rng, &network);
        let sample = run::random_samples(&mut rng, &network, 1).remove(0);
        let program = run::program_of(&network, &policy);
        no_kernel_set_allocates(&program, &sample, &format!("seed {seed}"));
    }
}

#[test]
fn a_step_under_random_rules_allocates_nothing() {
    for seed in 0..80 {
        let setup = Setup::random(30_000 + seed, Style::VARIED, 1);
        let what = format!("seed {seed}, {:?}", setup.rules);
        no_kernel_set_allocates(&setup.program(), &setup.samples[0], &what);
    }
}

/// The test above would pass with a counter that never counts.
#[test]
fn the_counter_counts() {
    let count = requests(|| drop(std::hint::black_box(vec![1_u8; 10])));
    assert_eq!(count, 1);
    let grown = requests(|| {
        let mut values = Vec::with_capacity(1);
        values.push(1);
        values.reserve_exact(100);
        std::hint::black_box(&values);
    });
    assert_eq!(grown, 2);
}
