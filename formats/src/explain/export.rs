//! Sentences about exports.

use super::{bytes, checkpoint, config, program_file, tensors};
use crate::export::{ExportError, FORMAT_VERSION, WeightsError, YamlError};

/// A file that is no export, or a damaged one.
#[must_use]
pub fn export(error: &ExportError) -> String {
    match error {
        ExportError::Unknown => {
            "This is no file that Quartermeg exports; name one of those.".into()
        }
        ExportError::Stamp => "The file does not say which program it belongs to: the line with \
             \"quartermeg-export\" is missing or damaged; export it again."
            .into(),
        ExportError::Newer { found } => newer(*found),
        ExportError::Array => {
            "The array with the program is missing or damaged; export it again.".into()
        }
        ExportError::Inside => {
            "The file says that it belongs to another program than the one inside; export it again."
                .into()
        }
        ExportError::Program(error) => program_file(error),
        ExportError::Configuration(error) => config(error),
        ExportError::Weights(error) => weights(error),
        ExportError::Yaml(error) => yaml(error),
        ExportError::Png => {
            "The PNG file is damaged, or does not say which program it belongs to; export it again."
                .into()
        }
    }
}

fn newer(found: u32) -> String {
    format!(
        "The file is of format version {found}; this program reads version {FORMAT_VERSION}. \
         Update Quartermeg or export it again."
    )
}

/// Weights that cannot be used for a program.
#[must_use]
pub fn weights(error: &WeightsError) -> String {
    match error {
        WeightsError::Tensors(error) => tensors(error),
        WeightsError::Foreign => {
            "The file holds no weights that this version reads; name weights, a delta, a \
             checkpoint, a configuration or a program."
                .into()
        }
        WeightsError::Newer { found } => newer(*found),
        WeightsError::Program { expected, found } => format!(
            "The weights belong to another network, policy or arithmetic (identity {} instead of \
             {}); take the ones that were trained with this one.",
            short(found),
            short(expected)
        ),
        WeightsError::Length {
            name,
            expected,
            found,
        } => format!(
            "Tensor \"{name}\" has {found} elements, but the program's has {expected}; export the \
             weights again."
        ),
        WeightsError::Frozen { name } => format!(
            "Tensor \"{name}\" differs from the network's where nothing learns; the weights are \
             of another network or were changed."
        ),
        WeightsError::Digest => {
            "The weights do not have the digest that the file states: it is damaged or was \
             changed; export it again."
                .into()
        }
        WeightsError::Checkpoint(error) => checkpoint(error),
        WeightsError::ProgramFile(error) => program_file(error),
        WeightsError::Configuration(error) => config(error),
        WeightsError::Untrained => {
            "The file carries no trained weights; export it again after training.".into()
        }
    }
}

/// A policy that the options of `tiny-training` cannot say, or options that cannot be read.
#[must_use]
pub fn yaml(error: &YamlError) -> String {
    match error {
        YamlError::NotLast { learns, frozen } => format!(
            "The options of tiny-training name the last layers alone, but layer {learns} learns \
             and layer {frozen} after it does not; take a policy whose layers learn from one to \
             the last, or another kind of export."
        ),
        YamlError::FirstChannels { layer } => format!(
            "The options of tiny-training choose the channels with the largest weights \
             (weight_select_criteria: magnitude+), but layer {layer} learns its first ones; choose \
             the largest, or another kind of export."
        ),
        YamlError::Text => "The file is not UTF-8 text; write it again.".into(),
        YamlError::Missing => {
            "The file has no n_bias_update, the number of last layers whose biases learn; add it."
                .into()
        }
        YamlError::Twice { key } => {
            format!("The option {key} stands in the file twice; take one away.")
        }
        YamlError::Value { key, found } => format!(
            "The option {key} holds \"{found}\", which cannot be used; it is a number, or numbers \
             joined by \"-\"."
        ),
    }
}

/// The first digits of an identity.
fn short(identity: &str) -> &str {
    identity.get(..12).unwrap_or(identity)
}

/// A file that would be overwritten.
#[must_use]
pub fn exists(path: &str, size: u64) -> String {
    format!(
        "{path} is there already ({}), and nothing was written; name another folder with --out, or \
         overwrite with --force.",
        bytes(size)
    )
}
