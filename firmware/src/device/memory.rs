//! What the linker's map says about memory (`build.rs`).

#![expect(unsafe_code, reason = "memory is made of addresses here")]

use core::ptr;
use core::slice;

/// What cortex-m-rt's feature `paint-stack` covers the stack with.
const STACK_PAINT: u32 = cortex_m_rt::STACK_PAINT_VALUE;

unsafe extern "C" {
    safe static _blob_start: u8;
    safe static _flash_end: u8;
    safe static _block_start: u8;
    safe static _block_end: u8;
    safe static _stack_start: u32;
    safe static _stack_end: u32;
}

/// Flash behind the image.
pub(super) fn blob() -> &'static [u8] {
    let start = &raw const _blob_start;
    let len = (&raw const _flash_end).addr() - start.addr();
    // SAFETY: the map puts both into flash, the start behind the image; nothing writes there.
    unsafe { slice::from_raw_parts(start, len) }
}

/// All RAM behind the statics. To be called once.
pub(super) fn take_block() -> &'static mut [u8] {
    let start = &raw const _block_start;
    let len = (&raw const _block_end).addr() - start.addr();
    // SAFETY: behind the statics nothing else lies in RAM, and `main`, which runs once, is the only
    // caller. Every byte is a valid `u8`, whatever it holds after a reset.
    unsafe { slice::from_raw_parts_mut(start.cast_mut(), len) }
}

/// Bytes of the stack from its start down to the deepest that was written.
pub(super) fn stack_high_water() -> usize {
    let start = &raw const _stack_start;
    let mut lowest = &raw const _stack_end;
    // SAFETY: both are the ends of the stack, multiples of four, and all between them is RAM. The
    // reads are volatile because the stack is written all the time.
    while lowest < start && unsafe { ptr::read_volatile(lowest) } == STACK_PAINT {
        lowest = lowest.wrapping_add(1);
    }
    start.addr() - lowest.addr()
}
