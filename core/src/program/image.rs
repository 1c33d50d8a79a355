//! Byte layout of a program image.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic `QMEGPROG` |
//! | 8 | 4 | format version |
//! | 12 | 4 | length of the whole image |
//! | 16 | 4 | CRC-32 of everything from byte 20 on |
//! | 20 | 4 | number of sections |
//! | 24 | 4 | zero |
//! | 28 | 4 | version of the core that wrote it, `major << 16 \| minor << 8 \| patch` |
//! | 32 | 32 | identity: SHA-256 of network, policy and plan |
//! | 64 | 12 each | section table: kind, offset, length |
//!
//! Everything is little endian; sections start at multiples of 16 and follow each other in the
//! order of their kind.

/// First eight bytes.
pub const MAGIC: [u8; 8] = *b"QMEGPROG";
/// Version of the layout that this code reads and writes.
pub const FORMAT_VERSION: u32 = 3;
/// Version of the core as it stands in an image.
pub const CORE_VERSION: u32 = version();

pub(crate) const HEADER_BYTES: usize = 64;
pub(crate) const ENTRY_BYTES: usize = 12;
pub(crate) const CHECKED_FROM: usize = 20;
pub(crate) const SECTION_ALIGN: usize = 16;

/// Sections in the order in which they stand in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Section {
    /// Facts of the whole program.
    Meta = 0,
    /// Tensor table.
    Tensors = 1,
    /// Operation table.
    Ops = 2,
    /// Convolutions.
    Layers = 3,
    /// Residual adds.
    Adds = 4,
    /// Pools over windows.
    Pools = 5,
    /// Pairs of tensors that share storage.
    Aliases = 6,
    /// Constants.
    Constants = 7,
    /// Names of the network's nodes.
    Names = 8,
    /// Training settings.
    Settings = 9,
    /// The configuration that the program was compiled from, as its writer encoded it.
    Configuration = 10,
    /// Trained parameters: the persistent part of the arena.
    State = 11,
}

impl Section {
    /// Number of kinds.
    pub const COUNT: usize = 12;
    /// Sections from `Meta` up to, but without, this one make up the identity.
    pub(crate) const IDENTITY_END: usize = Self::Settings as usize;
}

const fn version() -> u32 {
    const fn number(text: &str) -> u32 {
        let bytes = text.as_bytes();
        let mut value = 0;
        let mut at = 0;
        while at < bytes.len() {
            value = value * 10 + (bytes[at] - b'0') as u32;
            at += 1;
        }
        value
    }
    number(env!("CARGO_PKG_VERSION_MAJOR")) << 16
        | number(env!("CARGO_PKG_VERSION_MINOR")) << 8
        | number(env!("CARGO_PKG_VERSION_PATCH"))
}
