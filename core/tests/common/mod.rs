//! What the test suites share: random layers, networks and policies, all functions of a seed.
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each suite is its own binary and uses only a part of this module"
)]

#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod keyboard;
pub(crate) mod layer;
pub(crate) mod network;
pub(crate) mod panics;
pub(crate) mod poison;
pub(crate) mod policy;
pub(crate) mod rng;
pub(crate) mod rules;
pub(crate) mod run;
pub(crate) mod speed;
