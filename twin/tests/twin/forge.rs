//! Programs that claim something else than what was compiled, with checksums that fit
//! (`docs/formats.md`): what a mistake of a writer would look like.

use quartermeg_core::checksum::crc32;
use quartermeg_core::program::image::Section;
use sha2::{Digest as _, Sha256};

/// Where the checksum of an image stands, and where what it covers begins.
const CHECKSUM: usize = 16;
const CHECKED_FROM: usize = 20;
/// Where the identity stands, and where the table of sections.
const IDENTITY: usize = 32;
const TABLE: usize = 64;
/// Bytes of an entry of the table.
const ENTRY: usize = 12;

fn word(image: &[u8], at: usize) -> usize {
    let bytes = image[at..at + 4].try_into().expect("four bytes");
    u32::from_le_bytes(bytes) as usize
}

/// Where a section lies.
fn section(image: &[u8], kind: usize) -> std::ops::Range<usize> {
    let entry = TABLE + ENTRY * kind;
    let (offset, len) = (word(image, entry + 4), word(image, entry + 8));
    offset..offset + len
}

/// Puts the checksum of what is there.
pub(crate) fn correct_checksum(image: &mut [u8]) {
    let checksum = crc32(&image[CHECKED_FROM..]);
    image[CHECKSUM..CHECKSUM + 4].copy_from_slice(&checksum.to_le_bytes());
}

/// The same program with an arena of another size, whole in every other respect.
pub(crate) fn with_arena(image: &[u8], arena_bytes: u64) -> Vec<u8> {
    let mut image = image.to_vec();
    let arena_bytes = u32::try_from(arena_bytes).expect("a size of this board");
    let meta = section(&image, Section::Meta as usize).start;
    image[meta..meta + 4].copy_from_slice(&arena_bytes.to_le_bytes());
    let mut hash = Sha256::new();
    for kind in 0..Section::Settings as usize {
        let range = section(&image, kind);
        let len = u32::try_from(range.len()).expect("a section of a file");
        hash.update(len.to_le_bytes());
        hash.update(&image[range]);
    }
    image[IDENTITY..IDENTITY + 32].copy_from_slice(&hash.finalize());
    correct_checksum(&mut image);
    image
}

/// The same program under another's identity.
pub(crate) fn with_other_identity(image: &[u8]) -> Vec<u8> {
    let mut image = image.to_vec();
    image[IDENTITY] ^= 1;
    correct_checksum(&mut image);
    image
}

/// The same program of another format version.
pub(crate) fn with_other_version(image: &[u8]) -> Vec<u8> {
    let mut image = image.to_vec();
    image[8] ^= 1;
    correct_checksum(&mut image);
    image
}
