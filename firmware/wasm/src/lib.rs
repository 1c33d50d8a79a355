//! The driver as a plain wasm module; `run.mjs` runs it in Node.js. On other targets it is empty.

#![cfg_attr(target_arch = "wasm32", no_std)]

#[cfg(target_arch = "wasm32")]
mod module;
