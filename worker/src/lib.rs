//! The worker of the page, and the one wasm module that holds both.
//!
//! One module, two instances: the page calls [`start_app`], the worker [`start_worker`]. They
//! share nothing and talk in messages ([`quartermeg_web::protocol`]). This file holds every
//! export.
//!
//! The worker compiles, trains, measures, and reads and writes files. [`trainer::Trainer`] is all
//! of its logic, without a browser and with a clock that is handed in ([`time`] has its slices);
//! `driver` connects it to the browser's messages and timers.
// What does not run in every step is compiled for size, though this package is compiled for speed
// (`docs/decisions/0008-a-page-of-600-kb.md`).
#![cfg_attr(page, feature(optimize_attribute))]

mod analysis;
mod batch;
mod costs;
mod drift;
mod driver;
mod files;
mod gauge;
mod motion;
mod names;
mod origin;
mod overflow;
mod own;
mod pace;
mod passes;
mod plan;
mod recorder;
mod rules;
mod run;
mod samples;
mod search;
mod solver;
pub mod time;
mod timeline;
pub mod trainer;
mod trial;

use quartermeg_web::build;
use wasm_bindgen::prelude::wasm_bindgen;

/// Draws the page. Called once, by `static/boot.js`.
#[wasm_bindgen]
pub fn start_app() {
    quartermeg_web::app::start();
}

/// Answers requests. Called once, by `static/worker.js`, inside the worker.
#[wasm_bindgen]
pub fn start_worker() {
    driver::start();
}

/// Version of the code and whether it uses SIMD, for reports of faults.
#[wasm_bindgen]
pub fn build_info() -> String {
    format!("{} simd:{}", build::ID, build::SIMD)
}
