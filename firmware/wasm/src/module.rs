//! One export, which is given addresses in the module's memory, and one import, which takes text.

#![expect(unsafe_code, reason = "the border between two languages")]

use core::fmt::{self, Write as _};
use core::mem::MaybeUninit;
use core::panic::PanicInfo;
use core::slice;

#[link(wasm_import_module = "twin")]
unsafe extern "C" {
    /// Takes a piece of UTF-8 text.
    safe fn write(text: *const u8, len: usize);
}

struct Output;

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write(text.as_ptr(), text.len());
        Ok(())
    }
}

/// Runs a blob in a block of memory; 0 when it ran, 2 when it was refused.
///
/// # Safety
/// Both address ranges lie in this module's memory, outside of what it uses itself, and apart.
#[unsafe(no_mangle)]
unsafe extern "C" fn run(
    blob: *const u8,
    blob_len: usize,
    block: *mut u8,
    block_len: usize,
) -> u32 {
    // SAFETY: as the caller promises.
    let blob = unsafe { slice::from_raw_parts(blob, blob_len) };
    // SAFETY: as the caller promises.
    let block = unsafe { slice::from_raw_parts_mut(block, block_len) };
    match quartermeg_firmware::run(blob, block, &mut MaybeUninit::uninit(), &mut Output) {
        Ok(()) => 0,
        Err(refusal) => {
            // Writing text cannot fail here.
            let _ = writeln!(Output, "refused {refusal}");
            2
        }
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let _ = writeln!(Output, "panicked {info}");
    core::arch::wasm32::unreachable()
}
