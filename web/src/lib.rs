//! The Quartermeg page and its worker.
//!
//! One module, two instances: the page calls [`start_app`], the worker [`start_worker`]. They
//! share nothing and talk in messages ([`protocol`]). This file holds every export.

pub mod app;
pub mod bridge;
pub mod build;
pub mod charts;
pub mod components;
pub mod io;
pub mod protocol;
pub mod state;
pub mod worker;

use wasm_bindgen::prelude::wasm_bindgen;

/// Draws the page. Called once, by `static/boot.js`.
#[wasm_bindgen]
pub fn start_app() {
    app::start();
}

/// Answers requests. Called once, by `static/worker.js`, inside the worker.
#[wasm_bindgen]
pub fn start_worker() {
    worker::driver::start();
}

/// Version of the code and whether it uses SIMD, for reports of faults.
#[wasm_bindgen]
pub fn build_info() -> String {
    format!("{} simd:{}", build::ID, build::SIMD)
}
