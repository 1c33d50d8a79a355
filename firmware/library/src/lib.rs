//! Quartermeg for firmware in C: a static library over the run side of the core.
//!
//! [`interface`] is what C sees; `quartermeg.h` is made from it and from [`error`]. It is the only
//! file with `unsafe`. Nothing here allocates, and the library needs nothing of libc but `memcpy`,
//! `memmove`, `memset` and `memcmp`, which it brings along where the firmware has none.

// On a host the tests call the same functions, and the standard library has the panic handler.
#![cfg_attr(target_os = "none", no_std)]

pub mod error;
pub mod interface;
mod trainer;

/// A panic is a bug: no input leads to one. Nothing can be said and nobody be asked, so the
/// processor stays here until a watchdog or a person resets it.
#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
