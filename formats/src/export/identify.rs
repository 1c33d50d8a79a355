//! What a file is, whether it is whole, and which program it belongs to.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::checksum::crc32;
use quartermeg_core::program::Program;
use serde::Deserialize;

use super::error::ExportError;
use super::stamp::{FORMAT_VERSION, Stamp, is_identity};
use super::{c, report, rust, weights, yaml};
use crate::{config, program_file};

/// How a PNG file begins.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Key of the text in a PNG file that holds the stamp.
pub const PNG_KEY: &str = "Description";

/// What a file turned out to be.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it says of itself.
    pub stamp: Stamp,
    /// The program inside, if it carries one.
    pub program: Option<AlignedBytes>,
}

/// Reads a file of any kind that is exported.
///
/// # Errors
/// When it is none, is damaged, or contradicts itself.
pub fn identify(file: &[u8]) -> Result<Found, ExportError> {
    if program_file::is_program(file) {
        return program("program", file);
    }
    if file.starts_with(PNG) {
        let text = png_text(file).ok_or(ExportError::Png)?;
        return stamped(&text);
    }
    // safetensors: the length of a header in eight bytes, then its JSON.
    if file.get(8) == Some(&b'{') {
        let stamp = weights::stamp(file).ok_or(ExportError::Stamp)?;
        return found(stamp);
    }
    let text = std::str::from_utf8(file).map_err(|_invalid| ExportError::Unknown)?;
    if text.trim_start().starts_with('{') {
        return json(file);
    }
    let stamped = stamped(text)?;
    let inside = match stamped.stamp.kind.as_str() {
        "c" => c::program_of_source(text).ok_or(ExportError::Array)?,
        "rust" => rust::program_of_module(text).ok_or(ExportError::Array)?,
        "yaml" => {
            yaml::read(file).map_err(ExportError::Yaml)?;
            return Ok(stamped);
        }
        _ => return Ok(stamped),
    };
    let inside = program(&stamped.stamp.kind, &inside)?;
    if inside.stamp.identity == stamped.stamp.identity {
        Ok(inside)
    } else {
        Err(ExportError::Inside)
    }
}

fn found(stamp: Stamp) -> Result<Found, ExportError> {
    if stamp.format_version > FORMAT_VERSION {
        return Err(ExportError::Newer {
            found: stamp.format_version,
        });
    }
    Ok(Found {
        stamp,
        program: None,
    })
}

fn stamped(text: &str) -> Result<Found, ExportError> {
    found(Stamp::find(text).ok_or(ExportError::Stamp)?)
}

fn program(kind: &str, file: &[u8]) -> Result<Found, ExportError> {
    program_file::read(file).map_err(ExportError::Program)?;
    let image = AlignedBytes::copy_of(file);
    let parsed = Program::parse(image.clone())
        .map_err(|error| ExportError::Program(program_file::ProgramFileError::Program(error)))?;
    Ok(Found {
        stamp: Stamp::of(kind, &parsed),
        program: Some(image),
    })
}

/// What a report has in common with every other one.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
    core_version: String,
    identity: String,
}

fn json(file: &[u8]) -> Result<Found, ExportError> {
    let head: Head = serde_json::from_slice(file).map_err(|_foreign| ExportError::Unknown)?;
    let kind = match head.format.as_str() {
        report::FORMAT => "report-json",
        config::FORMAT => {
            config::read(file).map_err(ExportError::Configuration)?;
            "configuration"
        }
        _ => return Err(ExportError::Unknown),
    };
    if !is_identity(&head.identity) {
        return Err(ExportError::Stamp);
    }
    found(Stamp {
        kind: kind.to_owned(),
        format_version: head.version,
        core_version: head.core_version,
        identity: head.identity,
    })
}

/// The text in a PNG file that holds the stamp; none where a chunk is damaged or it has none.
fn png_text(file: &[u8]) -> Option<String> {
    let mut rest = file.strip_prefix(PNG)?;
    let mut text = None;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let checked = after.get(..length.checked_add(4)?)?;
        let (checksum, after) = after.get(length + 4..)?.split_first_chunk::<4>()?;
        if crc32(checked) != u32::from_be_bytes(*checksum) {
            return None;
        }
        let (kind, data) = checked.split_at(4);
        match kind {
            b"tEXt" => {
                let value = data.strip_prefix(PNG_KEY.as_bytes())?.strip_prefix(&[0])?;
                text = String::from_utf8(value.to_vec()).ok();
            }
            b"IEND" => return text.filter(|_| after.is_empty()),
            _ => {}
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(identify(&bytes).is_err());
            prop_assert!(identify(&[PNG, &bytes].concat()).is_err());
        }
    }
}
