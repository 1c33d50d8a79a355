//! Named casts.

/// A count or an offset as a word of the image; the compiler refuses what does not fit.
///
/// # Panics
/// When `value` exceeds u32: the network's limits keep every count below.
#[cfg(feature = "compile")]
pub(crate) fn word(value: usize) -> u32 {
    u32::try_from(value).expect("invariant: the network's limits keep every count inside u32")
}

/// A code that is known to lie in i8, from an i32 field of the image.
#[inline(always)]
pub(crate) fn signed(word: u32) -> i32 {
    word.cast_signed()
}
