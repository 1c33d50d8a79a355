//! The released training graph of `TinyEngine` gives the released memory timeline, and damaged
//! graphs are refused with a sentence.
//!
//! The graph itself does not ship. The directory that `QUARTERMEG_REFERENCE_DIR` names must hold
//! it as `tinyengine/49kb-int8-graph.json`; without it, the checks that need it say so and pass.

#[path = "../common/memory.rs"]
mod memory;

mod mutations;
mod refusals;
mod released;
mod small;

/// Most that a reader may hold.
const MOST_BYTES: usize = 64 * 1024 * 1024;
