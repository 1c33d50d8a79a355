//! Networks of `tiny-training`: the real ones come in whole, everything else is refused with a
//! sentence, and no damage leads to a panic or to much memory.

#[path = "../common/memory.rs"]
mod memory;

mod allowed;
mod builder;
mod latencies;
mod mutations;
mod photographs;
mod pickles;
mod reference;
mod refused;
mod small;
