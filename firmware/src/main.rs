//! The firmware: trains the program that lies in flash behind this image, and reports by
//! semihosting what came out, and how much memory that took.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod device;

#[cfg(not(target_os = "none"))]
fn main() -> Result<(), &'static str> {
    Err("This is the firmware of a microcontroller; `cargo xtask firmware FILE.qmeg` runs it.")
}
