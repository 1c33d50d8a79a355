//! Checkpoints: where a training run stands, so that it can go on later.
//!
//! A safetensors file with one tensor, `state` uint8, the persistent part of the block, and
//! metadata: the identity of the program, the training settings, and the steps finished.

use std::collections::HashMap;

use quartermeg_core::program::{Program, Schedule, Settings};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::config::hex;
use crate::tensors::{self, TensorFileError};

const FORMAT: &str = "quartermeg-checkpoint-1";

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Steps finished.
    pub steps: u32,
    /// The persistent part of the block.
    pub state: Vec<u8>,
}

/// Why a checkpoint cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointError {
    /// The container or its tensor.
    Tensors(TensorFileError),
    /// It is safetensors, but not a checkpoint of this version.
    Foreign,
    /// It belongs to another network, policy or set of rules.
    Program,
    /// It was trained with other settings.
    Settings {
        /// The run's.
        expected: String,
        /// The file's.
        found: String,
    },
}

/// All settings that decide the weights, as text.
pub(crate) fn settings_text(settings: &Settings) -> String {
    let schedule = match settings.schedule {
        Schedule::Constant => "constant".to_owned(),
        Schedule::Cosine {
            warmup_steps,
            total_steps,
        } => format!("cosine {warmup_steps} {total_steps}"),
    };
    format!(
        "rate {}, biases x{}, {schedule}, momentum {}, QAS {}, seed {}",
        settings.learning_rate,
        settings.bias_rate_factor,
        settings.momentum,
        if settings.qas { "on" } else { "off" },
        settings.seed
    )
}

/// Writes a checkpoint of a run of `program` under `settings`.
#[must_use]
pub fn write<B: AsRef<[u8]>>(
    program: &Program<B>,
    settings: &Settings,
    checkpoint: &Checkpoint,
) -> Vec<u8> {
    let metadata = HashMap::from([
        ("format".to_owned(), FORMAT.to_owned()),
        ("identity".to_owned(), hex(&program.identity())),
        ("settings".to_owned(), settings_text(settings)),
        ("steps".to_owned(), checkpoint.steps.to_string()),
    ]);
    let state = TensorView::new(Dtype::U8, vec![checkpoint.state.len()], &checkpoint.state)
        .expect("invariant: one byte an element");
    safetensors::serialize([("state", state)], Some(metadata))
        .expect("invariant: one tensor with a plain name")
}

/// The identity of the program that a file is a checkpoint of; none where it is no checkpoint.
pub(crate) fn identity(file: &[u8]) -> Option<String> {
    let (_, header) = SafeTensors::read_metadata(file).ok()?;
    let metadata = header.metadata().as_ref()?;
    let is_ours = metadata
        .get("format")
        .is_some_and(|format| format == FORMAT);
    metadata.get("identity").filter(|_| is_ours).cloned()
}

/// Reads a checkpoint, for a run of `program` under `settings`.
///
/// # Errors
/// When it is damaged, or belongs to another run.
pub fn read<B: AsRef<[u8]>>(
    program: &Program<B>,
    settings: &Settings,
    file: &[u8],
) -> Result<Checkpoint, CheckpointError> {
    let tensors = tensors::open(file).map_err(CheckpointError::Tensors)?;
    let (_, header) = SafeTensors::read_metadata(file)
        .map_err(|error| TensorFileError::Container(error.to_string()))
        .map_err(CheckpointError::Tensors)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let text = |key: &str| metadata.get(key).map_or("", String::as_str);
    if text("format") != FORMAT {
        return Err(CheckpointError::Foreign);
    }
    if text("identity") != hex(&program.identity()) {
        return Err(CheckpointError::Program);
    }
    let expected = settings_text(settings);
    if text("settings") != expected {
        return Err(CheckpointError::Settings {
            expected,
            found: text("settings").chars().take(200).collect(),
        });
    }
    let steps = text("steps")
        .parse()
        .map_err(|_not_a_number| CheckpointError::Foreign)?;
    let (state, _) = tensors::u8s(&tensors, "state").map_err(CheckpointError::Tensors)?;
    if state.len() != program.meta().persistent_bytes as usize {
        return Err(CheckpointError::Program);
    }
    Ok(Checkpoint { steps, state })
}
