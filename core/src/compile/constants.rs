//! The constants of a program: what stays in flash.

use alloc::vec::Vec;

use crate::num::word;

/// Grows the constants section; every entry starts at a multiple of four.
#[derive(Default)]
pub(super) struct Constants {
    pub(super) bytes: Vec<u8>,
}

impl Constants {
    pub(super) fn push<T: bytemuck::NoUninit>(&mut self, values: &[T]) -> u32 {
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(bytemuck::cast_slice(values));
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        word(offset)
    }
}
