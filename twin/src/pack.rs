//! Packs the blob that lies in flash behind the image (`quartermeg_firmware::blob`).

use anyhow::{Context as _, ensure};
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::checksum::crc32;
use quartermeg_core::session::Samples;
use quartermeg_firmware::blob::{CHECKED_FROM, HEADER_BYTES, MAGIC, VERSION, program_start};

/// What to train, from where on, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// An exported program, byte for byte.
    pub program: &'a [u8],
    /// Samples that take turns.
    pub samples: &'a Samples,
    /// Number of the first step, counted from 0.
    pub first_step: u32,
    /// Steps to train.
    pub n_steps: u32,
}

/// The blob, aligned as in flash.
///
/// # Errors
/// When there is no sample, or more bytes than the layout can say.
pub fn pack(job: Job<'_>) -> anyhow::Result<AlignedBytes> {
    let too_large = "The samples are too large for a blob; embed fewer.";
    ensure!(!job.samples.is_empty(), "A run needs at least one sample.");
    let n_samples = u32::try_from(job.samples.len()).context(too_large)?;
    let n_codes = u32::try_from(job.samples.get(0).0.len()).context(too_large)?;
    let start = program_start(n_samples, n_codes).context(too_large)?;
    let program_bytes = u32::try_from(job.program.len()).context(too_large)?;
    let mut blob = AlignedBytes::zeroed(start + job.program.len());
    let bytes = blob.as_mut();
    bytes[..8].copy_from_slice(&MAGIC);
    let words = [
        VERSION,
        0,
        job.first_step,
        job.n_steps,
        n_samples,
        n_codes,
        program_bytes,
    ];
    for (at, word) in (8..).step_by(4).zip(words) {
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }
    let mut codes_at = HEADER_BYTES + 4 * job.samples.len();
    for sample in 0..job.samples.len() {
        let (codes, label) = job.samples.get(sample);
        let label_at = HEADER_BYTES + 4 * sample;
        bytes[label_at..label_at + 4].copy_from_slice(&label.to_le_bytes());
        for &code in codes {
            bytes[codes_at] = code.cast_unsigned();
            codes_at += 1;
        }
    }
    bytes[start..].copy_from_slice(job.program);
    let checksum = crc32(&bytes[CHECKED_FROM..start]);
    bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    Ok(blob)
}
