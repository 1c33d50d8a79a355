//! The SIMD kernels must be worth their code. Only a built-for-speed run says anything:
//! `cargo test --release --target wasm32-unknown-unknown --test speed`.
#![cfg(all(
    feature = "compile",
    target_arch = "wasm32",
    target_feature = "simd128",
    not(debug_assertions)
))]

mod common;

use common::speed::{Pass, compare, ratio_of, table};
use quartermeg_core::runtime::kernels::{Kernels, Simd128};
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// How many times faster than plain loops the forward pass must be.
const LEAST_RATIO: f64 = 3.0;

/// Milliseconds of the browser's steady clock.
fn now() -> f64 {
    let performance = js_sys::Reflect::get(&js_sys::global(), &"performance".into())
        .expect("every browser and worker has one");
    let method: js_sys::Function = js_sys::Reflect::get(&performance, &"now".into())
        .expect("part of the standard")
        .into();
    method
        .call0(&performance)
        .expect("never fails")
        .as_f64()
        .expect("a number")
}

#[wasm_bindgen_test]
fn simd_is_several_times_faster_than_plain_loops() {
    let timings = compare::<Simd128>(now);
    console_log!("{}", table(<Simd128 as Kernels>::NAME, &timings));
    for depthwise in [false, true] {
        let ratio = ratio_of(&timings, depthwise, Pass::Forward);
        assert!(
            ratio >= LEAST_RATIO,
            "depthwise {depthwise}: {ratio:.2} times"
        );
    }
}
