//! Nanoseconds a call of the native kernels and of the reference, at the shapes of the Keyboard
//! network: `cargo bench -p quartermeg-core --features compile`.

#[cfg(not(target_arch = "wasm32"))]
#[path = "../tests/common/mod.rs"]
mod common;

#[cfg(not(target_arch = "wasm32"))]
#[expect(clippy::print_stdout, reason = "the table is the result")]
fn main() {
    use std::time::Instant;

    use quartermeg_core::runtime::kernels::{Kernels, Native};

    // `cargo test` runs benches too, without this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let start = Instant::now();
    let timings = common::speed::compare::<Native>(|| start.elapsed().as_secs_f64() * 1e3);
    println!(
        "{}",
        common::speed::table(<Native as Kernels>::NAME, &timings)
    );
}

/// In the browser the test `speed` prints the same table.
#[cfg(target_arch = "wasm32")]
fn main() {}
