//! The shared int8 training core of Quartermeg.
//!
//! A network and an update policy are compiled, ahead of time, into a training program; the
//! program runs anywhere in one borrowed block of memory.
//! Everything that thinks stands behind the feature `compile` and may allocate; everything that
//! runs ([`program`], [`runtime`]) is `no_std` and never allocates.
//!
//! The arithmetic is that of `docs/numerics.md`.
// What does not run in every step is compiled for size where it is compiled with kernels.
#![cfg_attr(page, feature(optimize_attribute))]
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "compile")]
extern crate alloc;

#[cfg(feature = "compile")]
pub mod bytes;
pub mod checksum;
#[cfg(feature = "compile")]
pub mod compile;
pub mod device;
#[cfg(feature = "compile")]
pub mod network;
mod num;
#[cfg(feature = "compile")]
pub mod policy;
pub mod program;
pub mod quant;
pub mod runtime;
#[cfg(feature = "compile")]
pub mod session;
