//! Makes the machine the board: the emulated one has more memory than any board, so its protection
//! unit denies everything but the board's flash, which cannot be written, and the board's RAM, which
//! cannot be executed. A stray access, or a stack that grows out of the RAM, is a fault.

#![expect(unsafe_code, reason = "the unit is a set of registers")]

use core::arch::asm;
use core::ptr;

/// Registers of the unit (`ARMv7-M` Architecture Reference Manual, B3.5).
const CONTROL: *mut u32 = ptr::without_provenance_mut(0xe000_ed94);
const NUMBER: *mut u32 = ptr::without_provenance_mut(0xe000_ed98);
const BASE: *mut u32 = ptr::without_provenance_mut(0xe000_ed9c);
const ATTRIBUTES: *mut u32 = ptr::without_provenance_mut(0xe000_eda0);

/// Reading by anyone.
const READ_ONLY: u32 = 0b110 << 24;
/// Reading and writing by anyone, no execution.
const READ_WRITE: u32 = 0b011 << 24 | 1 << 28;
/// Normal memory, write-back, as flash and SRAM are.
const NORMAL: u32 = 0b011 << 16;

unsafe extern "C" {
    safe static _flash_end: u8;
    safe static _stack_end: u8;
    safe static _block_end: u8;
}

/// Allows flash and RAM of the board and nothing else.
pub(super) fn enable() {
    let ram = (&raw const _stack_end).addr();
    let regions = [
        (0, (&raw const _flash_end).addr(), READ_ONLY),
        (ram, (&raw const _block_end).addr() - ram, READ_WRITE),
    ];
    for (number, (base, len, access)) in (0..).zip(regions) {
        // SAFETY: the unit is still off, so nothing changes yet.
        unsafe {
            NUMBER.write_volatile(number);
            BASE.write_volatile(word(base));
            ATTRIBUTES.write_volatile(access | NORMAL | extent(len) | 1);
        }
    }
    // SAFETY: code, statics and stack lie in the two regions.
    unsafe {
        CONTROL.write_volatile(1);
        asm!("dsb", "isb", options(nostack, preserves_flags));
    }
}

/// Size and switched-off eighths of the smallest region that begins with `len` bytes.
fn extent(len: usize) -> u32 {
    let size = len.next_power_of_two();
    let eighths = len / (size / 8);
    assert!(
        eighths * (size / 8) == len,
        "a board's memory is whole eighths of a power of two"
    );
    let off = 0xff & (0xff << eighths);
    off << 8 | (size.trailing_zeros() - 1) << 1
}

fn word(address: usize) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "addresses have 32 bits here"
    )]
    let word = address as u32;
    word
}
