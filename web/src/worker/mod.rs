//! The worker: it compiles, trains, measures, and reads and writes files.
//!
//! [`trainer::Trainer`] is all of its logic, without a browser and with a clock that is handed
//! in ([`time`] has its slices); `driver` connects it to the browser's messages and timers.

mod batch;
pub mod driver;
mod files;
mod gauge;
mod names;
mod own;
mod plan;
mod recorder;
mod rules;
mod run;
mod samples;
pub mod time;
mod timeline;
pub mod trainer;
