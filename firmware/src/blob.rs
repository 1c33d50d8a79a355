//! What lies in flash behind the image: samples, labels, how many steps to train, and the program.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic `QMEGBLOB` |
//! | 8 | 4 | version of this layout |
//! | 12 | 4 | CRC-32 of everything from byte 16 up to the program |
//! | 16 | 4 | number of the first step, counted from 0 |
//! | 20 | 4 | steps to train |
//! | 24 | 4 | samples `n` |
//! | 28 | 4 | codes of a sample `c` |
//! | 32 | 4 | bytes of the program |
//! | 36 | 12 | zero |
//! | 48 | 4 n | classes |
//! | | n c | codes, int8, NHWC |
//! | at a multiple of 16 | | the program, as it was exported |
//!
//! Everything is little endian. The program has a checksum of its own.

use quartermeg_core::checksum::crc32;

use crate::Refusal;

/// First eight bytes.
pub const MAGIC: [u8; 8] = *b"QMEGBLOB";
/// Version of the layout.
pub const VERSION: u32 = 1;
/// Bytes before the classes.
pub const HEADER_BYTES: usize = 48;
/// Where the checksum begins.
pub const CHECKED_FROM: usize = 16;
/// The program starts at a multiple of this.
pub const PROGRAM_ALIGN: usize = 16;

/// A blob whose frame was checked; its program was not.
#[derive(Clone, Copy, Debug)]
pub struct Blob<'a> {
    first_step: u32,
    n_steps: u32,
    labels: &'a [u8],
    codes: &'a [i8],
    n_codes: usize,
    program: &'a [u8],
}

/// Where the program starts in a blob of so many samples of so many codes; `None` where that is
/// more than the memory of this machine can hold.
#[must_use]
pub const fn program_start(n_samples: u32, n_codes: u32) -> Option<usize> {
    let samples = n_samples as u64 * (4 + n_codes as u64);
    let start = samples + HEADER_BYTES as u64;
    let start = start.next_multiple_of(PROGRAM_ALIGN as u64);
    if start > isize::MAX as u64 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it was just compared")]
    let start = start as usize;
    Some(start)
}

impl<'a> Blob<'a> {
    /// Reads the blob at the start of `flash`; what follows it does not matter.
    ///
    /// # Errors
    /// When there is none, it is of another version, longer than `flash`, or damaged.
    pub fn parse(flash: &'a [u8]) -> Result<Self, Refusal> {
        let Some((header, _)) = flash.split_at_checked(HEADER_BYTES) else {
            return Err(Refusal::BlobLength {
                needed: HEADER_BYTES,
                available: flash.len(),
            });
        };
        if header[..8] != MAGIC {
            return Err(Refusal::BlobMagic);
        }
        let word = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        if word(8) != VERSION {
            return Err(Refusal::BlobVersion { found: word(8) });
        }
        let (n_samples, n_codes, program_bytes) = (word(24), word(28), word(32) as usize);
        let start = program_start(n_samples, n_codes).unwrap_or(usize::MAX);
        let needed = start.saturating_add(program_bytes);
        let Some(blob) = flash.get(..needed) else {
            return Err(Refusal::BlobLength {
                needed,
                available: flash.len(),
            });
        };
        let (frame, program) = blob.split_at(start);
        let (expected, found) = (word(12), crc32(&frame[CHECKED_FROM..]));
        if expected != found {
            return Err(Refusal::BlobChecksum { expected, found });
        }
        if n_samples == 0 || word(16).checked_add(word(20)).is_none() {
            return Err(Refusal::BlobCounts);
        }
        let (labels, codes) = frame[HEADER_BYTES..].split_at(4 * n_samples as usize);
        let n_codes = n_codes as usize;
        Ok(Self {
            first_step: word(16),
            n_steps: word(20),
            labels,
            codes: bytemuck::cast_slice(&codes[..n_samples as usize * n_codes]),
            n_codes,
            program,
        })
    }

    /// The program's bytes, unchecked.
    #[must_use]
    pub fn program(&self) -> &'a [u8] {
        self.program
    }

    /// Number of the first step, counted from 0: that of the program's trained state, if it has one.
    #[must_use]
    pub fn first_step(&self) -> u32 {
        self.first_step
    }

    /// Steps to train.
    #[must_use]
    pub fn n_steps(&self) -> u32 {
        self.n_steps
    }

    /// Number of samples, at least one. They take turns, the first in the first step.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "it was an u32")]
    pub fn n_samples(&self) -> u32 {
        (self.labels.len() / 4) as u32
    }

    /// Codes and class of a sample.
    ///
    /// # Panics
    /// When there is no such sample.
    #[must_use]
    pub fn sample(&self, sample: u32) -> (&'a [i8], u32) {
        let sample = sample as usize;
        let codes = &self.codes[sample * self.n_codes..(sample + 1) * self.n_codes];
        let label = &self.labels[4 * sample..4 * sample + 4];
        (
            codes,
            u32::from_le_bytes([label[0], label[1], label[2], label[3]]),
        )
    }
}
