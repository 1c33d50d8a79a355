//! Trained weights as files, whole or only what changed, and back to where training goes on.
//!
//! Both are safetensors files. Their metadata has one key, `quartermeg`, with JSON; one key alone,
//! because a container with several writes them in no fixed order.

pub mod delta;
mod parameters;
pub mod whole;

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::{Attachments, attach};
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::runtime::Runtime;
use quartermeg_core::runtime::kernels::Native;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use super::error::WeightsError;
use super::stamp::{FORMAT_VERSION, Stamp, is_identity};
use crate::checkpoint::{self, CheckpointError};
use crate::config::{self, Opened, Trained, hex};
use crate::program_file;
use crate::tensors::{self, TensorFileError};

/// Key of the metadata.
const KEY: &str = "quartermeg";

/// What the metadata say.
#[derive(Serialize, Deserialize)]
struct Metadata {
    kind: String,
    format_version: u32,
    core_version: String,
    identity: String,
    /// The settings that they were trained with, for people.
    settings: String,
    steps: u32,
    weights_digest: String,
}

/// A tensor to be written.
struct Part {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// Writes a file of weights.
fn write<B: AsRef<[u8]>>(
    kind: &str,
    program: &Program<B>,
    settings: &Settings,
    trained: &Trained,
    parts: &[Part],
) -> Vec<u8> {
    let stamp = Stamp::of(kind, program);
    let metadata = Metadata {
        kind: stamp.kind,
        format_version: stamp.format_version,
        core_version: stamp.core_version,
        identity: stamp.identity,
        settings: checkpoint::settings_text(settings),
        steps: trained.steps,
        weights_digest: trained.weights_digest.clone(),
    };
    let text = serde_json::to_string(&metadata).expect("invariant: metadata are text and numbers");
    container(&text, parts)
}

/// A safetensors file with that metadata: the length of a header, the header as JSON, and the
/// tensors, of which those that need the most alignment come first.
fn container(metadata: &str, parts: &[Part]) -> Vec<u8> {
    let quoted = |text: &str| serde_json::to_string(text).expect("invariant: text is JSON");
    let mut parts: Vec<&Part> = parts.iter().collect();
    parts.sort_unstable_by(|a, b| b.dtype.cmp(&a.dtype).then_with(|| a.name.cmp(&b.name)));
    let mut header = format!("{{\"__metadata__\":{{\"{KEY}\":{}}}", quoted(metadata));
    let mut at = 0;
    for part in &parts {
        let shape: Vec<String> = part.shape.iter().map(usize::to_string).collect();
        let end = at + part.bytes.len();
        let line = format!(
            ",{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{at},{end}]}}",
            quoted(&part.name),
            part.dtype,
            shape.join(",")
        );
        header.push_str(&line);
        at = end;
    }
    header.push('}');
    // The tensors begin at a multiple of eight.
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    let mut file = Vec::with_capacity(8 + header.len() + at);
    file.extend_from_slice(&(header.len() as u64).to_le_bytes());
    file.extend_from_slice(header.as_bytes());
    for part in parts {
        file.extend_from_slice(&part.bytes);
    }
    file
}

/// What a file of weights says of itself; none where it is no such file.
fn metadata(file: &[u8]) -> Option<Metadata> {
    let (_, header) = SafeTensors::read_metadata(file).ok()?;
    serde_json::from_slice(header.metadata().as_ref()?.get(KEY)?.as_bytes()).ok()
}

/// Whether a file holds weights as they are exported, whole or changed.
#[must_use]
pub fn is_export(file: &[u8]) -> bool {
    metadata(file).is_some()
}

/// Reads trained weights for `program` as they are exported, whole or changed.
///
/// # Errors
/// As those of [`read`].
pub fn read_export(program: &Program<AlignedBytes>, file: &[u8]) -> Result<Trained, WeightsError> {
    let found = metadata(file).ok_or(WeightsError::Foreign)?;
    checked(program, read_tensors(program, file, found)?)
}

/// The stamp of a file of weights or of a checkpoint; none where it is neither.
#[must_use]
pub fn stamp(file: &[u8]) -> Option<Stamp> {
    if let Some(found) = metadata(file) {
        return is_identity(&found.identity).then_some(Stamp {
            kind: found.kind,
            format_version: found.format_version,
            core_version: found.core_version,
            identity: found.identity,
        });
    }
    checkpoint::identity(file).map(|identity| Stamp {
        kind: "checkpoint".to_owned(),
        format_version: FORMAT_VERSION,
        core_version: String::new(),
        identity,
    })
}

/// Reads trained weights for `program` from any file that carries some: weights whole or changed,
/// a checkpoint, a configuration or a program.
///
/// # Errors
/// When the file is damaged, carries none, or belongs to another program; of a checkpoint also
/// when it was trained with other `settings`.
pub fn read<B: AsRef<[u8]>>(
    program: &Program<B>,
    settings: &Settings,
    file: &[u8],
) -> Result<Trained, WeightsError> {
    let trained = if program_file::is_program(file) {
        carried(
            program,
            program_file::read(file).map_err(WeightsError::ProgramFile)?,
        )?
    } else if file.first() == Some(&b'{') {
        carried(
            program,
            config::read(file).map_err(WeightsError::Configuration)?,
        )?
    } else if let Some(found) = metadata(file) {
        read_tensors(program, file, found)?
    } else {
        let found = checkpoint::read(program, settings, file).map_err(|error| match error {
            CheckpointError::Tensors(error) => WeightsError::Tensors(error),
            CheckpointError::Foreign => WeightsError::Foreign,
            error => WeightsError::Checkpoint(error),
        })?;
        Trained {
            steps: found.steps,
            state: found.state,
            weights_digest: String::new(),
        }
    };
    checked(program, trained)
}

fn carried<B: AsRef<[u8]>>(program: &Program<B>, opened: Opened) -> Result<Trained, WeightsError> {
    same_program(program, &opened.identity)?;
    opened.trained.ok_or(WeightsError::Untrained)
}

fn read_tensors<B: AsRef<[u8]>>(
    program: &Program<B>,
    file: &[u8],
    found: Metadata,
) -> Result<Trained, WeightsError> {
    if found.format_version != FORMAT_VERSION {
        return Err(WeightsError::Newer {
            found: found.format_version,
        });
    }
    same_program(program, &found.identity)?;
    let tensors = tensors::open(file).map_err(WeightsError::Tensors)?;
    let state = match found.kind.as_str() {
        whole::KIND => whole::state(program, &tensors)?,
        delta::KIND => delta::state(program, &tensors)?,
        _ => return Err(WeightsError::Foreign),
    };
    Ok(Trained {
        steps: found.steps,
        state,
        weights_digest: found.weights_digest,
    })
}

fn same_program<B: AsRef<[u8]>>(program: &Program<B>, found: &str) -> Result<(), WeightsError> {
    let expected = hex(&program.identity());
    if found == expected {
        return Ok(());
    }
    Err(WeightsError::Program {
        expected,
        found: found.chars().take(64).collect(),
    })
}

/// The weights with the digest that they have; a digest that the file states must be that one.
fn checked<B: AsRef<[u8]>>(
    program: &Program<B>,
    trained: Trained,
) -> Result<Trained, WeightsError> {
    let mut runtime = untrained(program);
    runtime
        .set_state(&trained.state)
        .map_err(|_other_length| WeightsError::Length {
            name: "state".to_owned(),
            expected: program.meta().persistent_bytes as usize,
            found: trained.state.len(),
        })?;
    let weights_digest = hex(&runtime.weights_digest());
    if !trained.weights_digest.is_empty() && trained.weights_digest != weights_digest {
        return Err(WeightsError::Digest);
    }
    Ok(Trained {
        weights_digest,
        ..trained
    })
}

/// The weights that a program starts with, not those that may have come with it.
#[must_use]
pub fn start<B: AsRef<[u8]>>(program: &Program<B>) -> Trained {
    let runtime = untrained(program);
    Trained {
        steps: 0,
        state: runtime.state().to_vec(),
        weights_digest: hex(&runtime.weights_digest()),
    }
}

fn untrained<B: AsRef<[u8]>>(program: &Program<B>) -> Runtime<AlignedBytes, AlignedBytes, Native> {
    let attachments = Attachments {
        settings: program.settings(),
        configuration: &[],
        state: &[],
    };
    let alone = Program::parse(attach(program, &attachments))
        .expect("invariant: a checked program without attachments is one");
    let arena = AlignedBytes::zeroed(alone.meta().arena_bytes as usize);
    Runtime::new(alone, arena).expect("invariant: the block has the size of the program's")
}

/// The bytes of a tensor of the file, which has this type and so many elements.
fn tensor<'a>(
    file: &SafeTensors<'a>,
    name: &str,
    dtype: Dtype,
    n_elements: usize,
) -> Result<&'a [u8], WeightsError> {
    let missing = || TensorFileError::Missing {
        name: name.to_owned(),
    };
    let found = file
        .tensor(name)
        .map_err(|_missing| WeightsError::Tensors(missing()))?;
    if found.dtype() != dtype {
        return Err(WeightsError::Tensors(TensorFileError::DType {
            name: name.to_owned(),
            expected: type_name(dtype),
            found: format!("{:?}", found.dtype()),
        }));
    }
    let length = found.shape().iter().product();
    if length != n_elements {
        return Err(WeightsError::Length {
            name: name.to_owned(),
            expected: n_elements,
            found: length,
        });
    }
    Ok(found.data())
}

fn type_name(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::I8 => "int8",
        Dtype::I32 => "int32",
        Dtype::F32 => "float32",
        _ => "uint8",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use safetensors::tensor::TensorView;

    use super::*;

    #[test]
    fn the_container_is_that_of_its_own_library() {
        let part = |name: &str, dtype, shape: &[usize], bytes: &[u8]| Part {
            name: name.to_owned(),
            dtype,
            shape: shape.to_vec(),
            bytes: bytes.to_vec(),
        };
        let parts = [
            part("b \"quoted\"", Dtype::I8, &[3, 1], &[1, 2, 3]),
            part("a", Dtype::F32, &[1], &[4, 5, 6, 7]),
            part("c", Dtype::U8, &[], &[8]),
            part("a.bias", Dtype::I32, &[2], &[9; 8]),
            part("a.empty", Dtype::I8, &[0], &[]),
        ];
        let views = parts.iter().map(|part| {
            let view = TensorView::new(part.dtype, part.shape.clone(), &part.bytes);
            (
                part.name.as_str(),
                view.expect("it has the bytes of its shape"),
            )
        });
        for text in ["", "{\"kind\":\"weights\"}"] {
            let metadata = HashMap::from([(KEY.to_owned(), text.to_owned())]);
            let theirs = safetensors::serialize(views.clone(), Some(metadata)).expect("it fits");
            assert_eq!(container(text, &parts), theirs);
        }
    }
}
