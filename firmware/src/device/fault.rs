//! What happens when memory outside of the board is touched.

#![expect(
    unsafe_code,
    reason = "the handler must not use the stack that it was called for"
)]

use core::arch::naked_asm;

use super::console::{self, Console};

/// Exit code of a fault.
const FAULT: i32 = 3;

/// Begins the stack anew before anything is pushed: a stack without room may be the reason.
///
/// # Safety
/// Only the hardware calls this.
#[unsafe(naked)]
#[unsafe(export_name = "HardFault")]
unsafe extern "C" fn hard_fault() -> ! {
    naked_asm!(
        "ldr r0, =_stack_start",
        "mov sp, r0",
        "bl {report}",
        report = sym report
    )
}

extern "C" fn report() -> ! {
    Console::open().say(format_args!(
        "fault The program touched memory that the board does not have, or the stack is full."
    ));
    console::exit(FAULT)
}
