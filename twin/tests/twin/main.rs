//! The device twin: what it refuses, and the emulated board against this machine and wasm.

mod c_program;
mod device;
mod exports;
mod forge;
mod library;
mod refusals;
