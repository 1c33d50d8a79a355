//! Keeps what the updates of the newest step had to tell.

use quartermeg_core::runtime::{Trace, UpdateTrace};

/// Updates of one step, in their order. The list keeps its memory from step to step.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    updates: Vec<UpdateTrace>,
}

impl Recorder {
    pub(super) fn clear(&mut self) {
        self.updates.clear();
    }

    pub(super) fn updates(&self) -> &[UpdateTrace] {
        &self.updates
    }
}

impl Trace for Recorder {
    fn wants_squares(&self) -> bool {
        true
    }

    fn update(&mut self, update: UpdateTrace) {
        self.updates.push(update);
    }
}
