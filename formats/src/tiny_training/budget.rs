//! How much a file may unpack to.

/// Largest number of bytes that one file may unpack and decode to, all parts together: 64 MiB,
/// far above the largest network known, far below what would hurt.
pub const MAX_DECODED: usize = 64 * 1024 * 1024;

/// What is left of [`MAX_DECODED`].
///
/// Parts of a pickle may be used more than once, so a short file could name the same large array
/// a thousand times; each use is paid for here before its memory is asked for.
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { left: MAX_DECODED }
    }

    /// Takes `bytes` out, or nothing if there is less: then false.
    #[must_use]
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}
