//! The zip: finding the pickle in it, unpacking it, and checking its CRC-32.
//!
//! `rawzip` reads the directory. It works on a slice, allocates nothing and has no dependency of
//! its own. With the code here it adds 3 KB to the compressed page; `zip` alone would add 42 KB.

use std::borrow::Cow;

use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};
use quartermeg_core::checksum::crc32;
use rawzip::{
    CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipFileHeaderRecord, ZipSliceArchive,
};

use super::budget::Budget;
use super::error::ArchiveError;

/// Name of the entry; the name of a folder, which the writer chooses, precedes it.
const ENTRY: &[u8] = b"data.pkl";

/// What the directory says about the pickle.
struct Entry {
    wayfinder: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    encrypted: bool,
    /// Offset of the entry's own header.
    at: u64,
    packed_size: u64,
    size: u64,
    checksum: u32,
}

impl From<ZipFileHeaderRecord<'_>> for Entry {
    fn from(record: ZipFileHeaderRecord<'_>) -> Self {
        Self {
            wayfinder: record.wayfinder(),
            method: record.compression_method(),
            encrypted: record.flags().is_encrypted(),
            at: record.local_header_offset(),
            packed_size: record.compressed_size_hint(),
            size: record.uncompressed_size_hint(),
            checksum: record.crc32(),
        }
    }
}

/// The bytes of the pickle: borrowed where they are stored as they are, as `PyTorch` does.
pub(super) fn pickle_of<'a>(
    file: &'a [u8],
    budget: &mut Budget,
) -> Result<Cow<'a, [u8]>, ArchiveError> {
    let archive = ZipArchive::from_slice(file).map_err(|_error| ArchiveError::NoDirectory)?;
    let entry = find(&archive)?;
    if entry.encrypted {
        return Err(ArchiveError::Encrypted);
    }
    // Stored bytes take no memory of their own, but the limit is the same for both.
    let size = usize::try_from(entry.size).unwrap_or(usize::MAX);
    if !budget.take(size) {
        return Err(ArchiveError::TooLarge { size: entry.size });
    }
    let packed = packed(file, &archive, &entry)?;
    let pickle = match entry.method {
        CompressionMethod::STORE => Cow::Borrowed(packed),
        CompressionMethod::DEFLATE => Cow::Owned(inflate(packed, entry.size)?),
        method => {
            return Err(ArchiveError::Method {
                method: method.as_u16(),
            });
        }
    };
    verify(&pickle, &entry)?;
    Ok(pickle)
}

fn find(archive: &ZipSliceArchive<&[u8]>) -> Result<Entry, ArchiveError> {
    let mut found = None;
    let mut n_entries = 0;
    let mut records = archive.entries();
    loop {
        let record = records
            .next_entry()
            .map_err(|_error| ArchiveError::Directory { entries: n_entries })?;
        let Some(record) = record else { break };
        n_entries += 1;
        let path = record.file_path();
        let path: &[u8] = path.as_ref();
        if path.rsplit(|&byte| byte == b'/').next() == Some(ENTRY) {
            if found.is_some() {
                return Err(ArchiveError::SeveralPickles);
            }
            found = Some(Entry::from(record));
        }
    }
    found.ok_or(ArchiveError::NoPickle { entries: n_entries })
}

/// The entry's bytes as they lie in the file.
fn packed<'a>(
    file: &'a [u8],
    archive: &ZipSliceArchive<&[u8]>,
    entry: &Entry,
) -> Result<&'a [u8], ArchiveError> {
    let outside = ArchiveError::Entry {
        at: entry.at,
        size: entry.packed_size,
    };
    let (start, end) = archive
        .get_entry(entry.wayfinder)
        .map_err(|_error| outside)?
        .compressed_data_range();
    let start = usize::try_from(start).map_err(|_error| outside)?;
    let end = usize::try_from(end).map_err(|_error| outside)?;
    file.get(start..end).ok_or(outside)
}

/// Unpacks `size` bytes or fewer.
/// The memory grows with what is there; the size that the directory gives is not trusted with it.
fn inflate(packed: &[u8], size: u64) -> Result<Vec<u8>, ArchiveError> {
    let limit = usize::try_from(size).unwrap_or(usize::MAX);
    decompress_to_vec_with_limit(packed, limit).map_err(|error| match error.status {
        TINFLStatus::HasMoreOutput => ArchiveError::Size {
            expected: size,
            found: size.saturating_add(1),
        },
        _ => ArchiveError::Packed,
    })
}

fn verify(pickle: &[u8], entry: &Entry) -> Result<(), ArchiveError> {
    if pickle.len() as u64 != entry.size {
        return Err(ArchiveError::Size {
            expected: entry.size,
            found: pickle.len() as u64,
        });
    }
    let found = crc32(pickle);
    if found != entry.checksum {
        return Err(ArchiveError::Checksum {
            expected: entry.checksum,
            found,
        });
    }
    Ok(())
}
