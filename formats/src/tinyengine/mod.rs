//! Reads a training graph of `TinyEngine` and works out the memory timeline of its released
//! schedule: fused operations, lifetimes, addresses, bytes live at each operation.
//!
//! The graph is the JSON file that the released compiler hands to the code generator: one list of
//! operators in execution order. What the generator then does to it is done here again, step by
//! step: `reader` reads and checks, `fuse` merges and drops operators, `steps` makes the sequence,
//! `reorder` moves weight gradients, `lifetimes` finds what lives when, and `place` gives addresses.

mod check;
mod error;
mod fuse;
mod graph;
mod lifetimes;
mod op;
mod passes;
mod place;
mod reader;
mod reorder;
mod steps;
mod timeline;

pub use error::{Problem, TinyEngineError};
pub use graph::ElementType;
pub use passes::{Passes, PlaceOrder};
pub use place::MAX_ARENA_BYTES;
pub use reader::{MAX_FILE_BYTES, MAX_OPERATORS};
pub use timeline::{Phase, ReleasedType, Timeline, TimelineOp, TimelineTensor};

/// Reads a graph and schedules it as released: all passes, longest lifetime placed first.
///
/// # Errors
/// Names the operator, the tensor and the field that cannot be used.
pub fn read(bytes: &[u8]) -> Result<Timeline, TinyEngineError> {
    read_with(bytes, &Passes::RELEASED)
}

/// Reads a graph and schedules it with some of the passes.
///
/// # Errors
/// Names the operator, the tensor and the field that cannot be used.
pub fn read_with(bytes: &[u8], passes: &Passes) -> Result<Timeline, TinyEngineError> {
    let fused = fuse::fuse(reader::read(bytes)?, passes);
    let mut schedule = steps::schedule(fused, passes);
    if passes.reorder {
        reorder::weight_gradients_last(&mut schedule);
    }
    if passes.depthwise_in_place {
        steps::depthwise_in_place(&mut schedule);
    }
    let mut lifetimes = lifetimes::find(&schedule, passes)?;
    place::first_fit(&schedule, &mut lifetimes, passes.order)?;
    timeline::timeline(&schedule, lifetimes)
}
