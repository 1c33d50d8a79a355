//! The released training graph of `TinyEngine` gives the released memory timeline, and damaged
//! graphs are refused with a sentence.
//!
//! The graph itself does not ship. The directory that `QUARTERMEG_REFERENCE_DIR` names must hold
//! it as `tinyengine/49kb-int8-graph.json`; without it, the checks that need it say so and pass.

mod counting;
mod mutations;
mod refusals;
mod released;
mod small;
