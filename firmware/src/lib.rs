//! The driver: loads a program and samples from one blob, trains, and says in text what came out.
//!
//! The firmware, the command `cargo xtask firmware` and a wasm module are its three front ends. Each
//! gives it a blob, a block of memory, a place for the runtime and somewhere to write, so that
//! whatever differs between their texts is a difference between the machines.

#![no_std]
#![forbid(unsafe_code)]

pub mod blob;
pub mod paint;
mod refusal;

use core::fmt::{self, Write};
use core::mem::MaybeUninit;

use quartermeg_core::checksum::crc32;
use quartermeg_core::program::Program;
use quartermeg_core::runtime::kernels::{Kernels as _, Native};
use quartermeg_core::runtime::{NoTrace, Runtime};

pub use blob::Blob;
pub use refusal::{Bytes, Refusal};

/// A program in flash with the block that it trains in. Its size on a device of 32 bits is
/// [`quartermeg_core::runtime::STATE_BYTES`].
pub type Trainer<'a> = Runtime<&'a [u8], &'a mut [u8]>;

/// Trains as long as the blob asks for and writes a line for every result: a word, a blank, a value.
///
/// `block` is all memory that the program may have; it starts at a multiple of four, and as many
/// bytes of it as the program's `arena_bytes` become the arena. `place` will hold the runtime.
///
/// | line | value |
/// |---|---|
/// | `kernels` | name of the kernels of this target |
/// | `program_bytes`, `arena_bytes` | of the program |
/// | `loss` | number of the step, counted from 0, and the bits of its loss, an f32 |
/// | `weights_digest` | SHA-256 of all weights |
/// | `arena_checksum` | CRC-32 of the arena |
/// | `arena_high_water_bytes` | bytes of the arena up to the last that was written |
/// | `beyond_arena_bytes` | bytes of the block behind the arena up to the last that was written |
///
/// # Errors
/// Why the blob, its program or its samples are refused.
pub fn run<'a>(
    blob: &'a [u8],
    block: &'a mut [u8],
    place: &mut MaybeUninit<Trainer<'a>>,
    out: &mut impl Write,
) -> Result<(), Refusal> {
    paint::cover(block);
    let blob = Blob::parse(blob)?;
    let program = load(&blob)?;
    let arena_bytes = program.meta().arena_bytes;
    let available = block.len();
    let Some((arena, beyond)) = block.split_at_mut_checked(arena_bytes as usize) else {
        return Err(Refusal::TooLarge {
            needed: arena_bytes as usize,
            available,
        });
    };
    let trainer = place.write(Runtime::new(program, arena).map_err(Refusal::Block)?);
    check_samples(trainer, &blob)?;
    writeln!(out, "kernels {}", Native::NAME)?;
    writeln!(out, "program_bytes {}", blob.program().len())?;
    writeln!(out, "arena_bytes {arena_bytes}")?;
    train(trainer, &blob, out)?;
    write!(out, "weights_digest ")?;
    for byte in trainer.weights_digest() {
        write!(out, "{byte:02x}")?;
    }
    writeln!(out, "\narena_checksum {:08x}", crc32(trainer.arena()))?;
    let arena_high_water = paint::high_water(trainer.arena(), 0);
    writeln!(out, "arena_high_water_bytes {arena_high_water}")?;
    let beyond_bytes = paint::high_water(beyond, arena_bytes as usize);
    writeln!(out, "beyond_arena_bytes {beyond_bytes}")?;
    Ok(())
}

/// The program of a blob, if it is whole and is the one that its header names.
///
/// # Errors
/// What is wrong with it.
pub fn load<'a>(blob: &Blob<'a>) -> Result<Program<&'a [u8]>, Refusal> {
    let program = Program::parse(blob.program()).map_err(Refusal::Program)?;
    if program.identity() == program.compute_identity() {
        Ok(program)
    } else {
        Err(Refusal::Identity)
    }
}

/// Every sample must fit, so that no step is the first to find out.
fn check_samples(trainer: &mut Trainer<'_>, blob: &Blob<'_>) -> Result<(), Refusal> {
    for sample in 0..blob.n_samples() {
        let (codes, label) = blob.sample(sample);
        trainer
            .load_sample(codes, label)
            .map_err(|error| Refusal::Sample { sample, error })?;
    }
    Ok(())
}

fn train(trainer: &mut Trainer<'_>, blob: &Blob<'_>, out: &mut impl Write) -> Result<(), Refusal> {
    let settings = trainer.program().settings();
    for done in 0..blob.n_steps() {
        let step = blob.first_step() + done;
        let sample = done % blob.n_samples();
        let (codes, label) = blob.sample(sample);
        trainer
            .load_sample(codes, label)
            .map_err(|error| Refusal::Sample { sample, error })?;
        let loss = trainer.step(&settings.step_params(step), &mut NoTrace);
        writeln!(out, "loss {step} {:08x}", loss.to_bits())?;
    }
    Ok(())
}

impl From<fmt::Error> for Refusal {
    fn from(_says_no_more: fmt::Error) -> Self {
        Self::Output
    }
}
