//! Why a run does not begin, in sentences that need no allocator.

use core::fmt;

use quartermeg_core::program::ProgramError;
use quartermeg_core::program::image::FORMAT_VERSION;
use quartermeg_core::runtime::{ArenaError, InputError};

/// Why a run does not begin.
#[expect(
    missing_docs,
    reason = "the fields are named by the sentence of their variant"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// No blob lies there.
    BlobMagic,
    /// The blob is of another version.
    BlobVersion { found: u32 },
    /// The blob is longer than what there is.
    BlobLength { needed: usize, available: usize },
    /// Samples or header of the blob were changed.
    BlobChecksum { expected: u32, found: u32 },
    /// There is no sample, or the last step has no number.
    BlobCounts,
    /// The program was refused.
    Program(ProgramError),
    /// The program is not the one that its header names.
    Identity,
    /// The program needs more memory than there is.
    TooLarge { needed: usize, available: usize },
    /// The block of memory was refused.
    Block(ArenaError),
    /// A sample does not fit the program.
    Sample { sample: u32, error: InputError },
    /// What comes out cannot be written.
    Output,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlobMagic => f.write_str(
                "No program lies behind the image: its first 8 bytes are not \"QMEGBLOB\".",
            ),
            Self::BlobVersion { found } => write!(
                f,
                "The blob is of version {found}, this firmware reads version {}; pack it again.",
                crate::blob::VERSION
            ),
            Self::BlobLength { needed, available } => write!(
                f,
                "The blob needs {} of flash, but {} are left behind the image.",
                Bytes(*needed),
                Bytes(*available)
            ),
            Self::BlobChecksum { expected, found } => write!(
                f,
                "The samples are damaged: their checksum is {found:08x} instead of {expected:08x}; \
                 load them again."
            ),
            Self::BlobCounts => {
                f.write_str("The blob has no sample, or its steps have no numbers; pack it again.")
            }
            Self::Program(error) => program(error, f),
            Self::Identity => f.write_str(
                "The program is not the one that its header names: its contents have another \
                 identity; export it again.",
            ),
            Self::TooLarge { needed, available } => write!(
                f,
                "The program needs {} of RAM for its block, but {} are available beside stack and \
                 statics: {} are missing. Update fewer layers, or choose a larger board.",
                Bytes(*needed),
                Bytes(*available),
                Bytes(needed.saturating_sub(*available))
            ),
            Self::Block(error) => write!(f, "The block of memory cannot be used: {error:?}."),
            Self::Sample { sample, error } => {
                write!(f, "Sample {sample} does not fit the program: {error:?}.")
            }
            Self::Output => f.write_str("The results cannot be written."),
        }
    }
}

fn program(error: &ProgramError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error {
        ProgramError::Magic => {
            f.write_str("This is not a Quartermeg program: its first 8 bytes are not \"QMEGPROG\".")
        }
        ProgramError::Version { found, .. } => write!(
            f,
            "The program is of format version {found}, this firmware reads version \
             {FORMAT_VERSION}; export it again."
        ),
        ProgramError::Truncated { expected, found } => write!(
            f,
            "The program should have {}, but has {}: it was cut off; load it again.",
            Bytes(*expected),
            Bytes(*found)
        ),
        ProgramError::Checksum { expected, found } => write!(
            f,
            "The program is damaged: its checksum is {found:08x} instead of {expected:08x}; load \
             it again."
        ),
        other => write!(
            f,
            "The program is whole, but breaks a rule: {other:?}; export it again."
        ),
    }
}

/// Bytes as people read them: `1.5 KiB (1,536 B)`.
#[derive(Clone, Copy, Debug)]
pub struct Bytes(pub usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        if value < 1024 {
            grouped(value, f)?;
            return f.write_str(" B");
        }
        let (unit, size) = if value < 1024 * 1024 {
            ("KiB", 1024)
        } else {
            ("MiB", 1024 * 1024)
        };
        // Whole units apart from the rest, so that no length that a header claims overflows.
        let tenths = (value % size * 10 + size / 2) / size;
        let (whole, tenths) = (value / size + tenths / 10, tenths % 10);
        grouped(whole, f)?;
        write!(f, ".{tenths} {unit} (")?;
        grouped(value, f)?;
        f.write_str(" B)")
    }
}

/// Digits in groups of three: `12,345`.
fn grouped(value: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if value < 1000 {
        return write!(f, "{value}");
    }
    grouped(value / 1000, f)?;
    write!(f, ",{:03}", value % 1000)
}
