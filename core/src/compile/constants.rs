//! The constants of a program: what stays in flash.

use alloc::vec::Vec;

use crate::num::word;

/// Grows the constants section; every entry starts at a multiple of four.
pub(super) struct Constants {
    pub(super) bytes: Vec<u8>,
    /// Whether nothing is written, because the step is never emitted.
    is_draft: bool,
}

impl Constants {
    pub(super) fn new(is_draft: bool) -> Self {
        Self {
            bytes: Vec::new(),
            is_draft,
        }
    }

    /// Whether only shapes matter.
    pub(super) fn is_draft(&self) -> bool {
        self.is_draft
    }

    pub(super) fn push<T: bytemuck::NoUninit>(&mut self, values: &[T]) -> u32 {
        self.push_with(|| values)
    }

    /// As [`Self::push`], of values that are worked out only where they are written.
    pub(super) fn push_with<T: bytemuck::NoUninit, V: AsRef<[T]>>(
        &mut self,
        values: impl FnOnce() -> V,
    ) -> u32 {
        let offset = self.bytes.len();
        if !self.is_draft {
            let values = values();
            self.bytes
                .extend_from_slice(bytemuck::cast_slice(values.as_ref()));
            self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        }
        word(offset)
    }
}
