//! Writes the linker's map of the chosen board's memory. `QUARTERMEG_BOARD` names the board as in
//! `core/src/device`; without it, it is the first one.

use std::path::PathBuf;
use std::{env, fs};

use quartermeg_core::device::{self, Core, DEVICES};

/// Where the emulated machine has its flash.
const FLASH_START: u32 = 0;
/// Where it has its RAM.
const RAM_START: u32 = 0x2000_0000;
/// What it has of each. A board without a limit gets all of it.
const MACHINE_BYTES: u32 = 4 * 1024 * 1024;
/// The stack. What it takes is measured; `docs/firmware.md` states how much is left.
const STACK_BYTES: u32 = 12 * 1024;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=QUARTERMEG_BOARD");
    let id = env::var("QUARTERMEG_BOARD").unwrap_or_else(|_unset| DEVICES[0].id.to_owned());
    let Some(board) = device::by_id(&id) else {
        let known: Vec<&str> = DEVICES.iter().map(|device| device.id).collect();
        panic!(
            "There is no board \"{id}\"; there are: {}.",
            known.join(", ")
        );
    };
    assert!(
        matches!(board.core, Core::CortexM7 | Core::Unknown),
        "Board \"{id}\" has a {}; this firmware is for a Cortex-M7.",
        board.core.name()
    );
    let ram_bytes = board.sram_bytes.min(MACHINE_BYTES);
    let flash_bytes = board.flash_bytes.min(MACHINE_BYTES);
    println!("cargo::rustc-env=QUARTERMEG_BOARD={id}");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    // The stack lies lowest, so that one that grows too far leaves the RAM instead of meeting data.
    let map = format!(
        "MEMORY
{{
  FLASH : ORIGIN = {FLASH_START}, LENGTH = {flash_bytes}
  STACK : ORIGIN = {RAM_START}, LENGTH = {STACK_BYTES}
  RAM : ORIGIN = {RAM_START} + {STACK_BYTES}, LENGTH = {ram_bytes} - {STACK_BYTES}
}}
_flash_end = ORIGIN(FLASH) + LENGTH(FLASH);
_stack_end = ORIGIN(STACK);
_stack_start = ORIGIN(STACK) + LENGTH(STACK);
_block_start = __euninit;
_block_end = ORIGIN(RAM) + LENGTH(RAM);
_blob_start = __veneer_limit;
"
    );
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the folder"));
    fs::write(folder.join("memory.x"), map).expect("cargo's folder can be written");
    println!("cargo::rustc-link-search={}", folder.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
}
