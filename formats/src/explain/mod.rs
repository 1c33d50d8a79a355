//! The one place where errors become sentences: what, where, how many bytes, what to do.

mod csv_samples;
mod export;
mod motion;
mod npy;
mod tflite;
mod tiny_training;
mod tinyengine;

pub use csv_samples::csv_samples;
pub use export::{exists, export, weights, yaml};
pub use motion::recording;
pub use npy::npy;
pub use tflite::tflite;
pub use tiny_training::tiny_training;
pub use tinyengine::tinyengine;

use quartermeg_core::compile::CompileError;
use quartermeg_core::network::NetworkError;
use quartermeg_core::policy::PolicyError;
use quartermeg_core::program::ProgramError;
use quartermeg_core::program::image::{CORE_VERSION, FORMAT_VERSION};
use quartermeg_core::runtime::{ArenaError, InputError};
use quartermeg_core::session::{SamplesError, SessionError};

use crate::checkpoint::CheckpointError;
use crate::config::ConfigError;
use crate::link::Correction;
use crate::network_file::NetworkFileError;
use crate::numerics::{NumericsError, PROFILES};
use crate::program_file::ProgramFileError;
use crate::reproduce::ReproduceError;
use crate::sample_file::SampleFileError;
use crate::tensors::TensorFileError;

/// Digits in groups of three: `12,345`.
#[must_use]
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Bytes as people read them: `1.5 KiB (1,536 B)`.
#[must_use]
pub fn bytes(value: u64) -> String {
    let exact = format!("{} B", number(value));
    if value < 1024 {
        return exact;
    }
    let (unit, size) = if value < 1024 * 1024 {
        ("KiB", 1024)
    } else {
        ("MiB", 1024 * 1024)
    };
    // Whole units apart from the rest, so that no length that a file claims overflows.
    let tenths = value / size * 10 + (value % size * 10 + size / 2) / size;
    format!("{}.{} {unit} ({exact})", number(tenths / 10), tenths % 10)
}

/// A program that needs more than the device has.
#[must_use]
pub fn over_budget(arena_bytes: u32, budget_bytes: u32, device: &str) -> String {
    format!(
        "This policy needs {}, but {device} may use {}: {} are missing. \
         Update fewer layers or a smaller channel ratio, or choose a larger device.",
        bytes(u64::from(arena_bytes)),
        bytes(u64::from(budget_bytes)),
        bytes(u64::from(arena_bytes.saturating_sub(budget_bytes))),
    )
}

fn tensors(error: &TensorFileError) -> String {
    match error {
        TensorFileError::Compression => {
            "The compressed file is damaged or unpacks to more than 64 MiB; get it again.".into()
        }
        TensorFileError::Container(reason) => {
            format!("This is not a readable safetensors file ({reason}); write it again.")
        }
        TensorFileError::Missing { name } => {
            format!("The file has no tensor named \"{name}\"; add it.")
        }
        TensorFileError::DType {
            name,
            expected,
            found,
        } => {
            format!("Tensor \"{name}\" is {found}, but must be {expected}; convert it.")
        }
        TensorFileError::Shape {
            name,
            expected,
            found,
        } => {
            format!("Tensor \"{name}\" has the shape {found:?}, but must have {expected}.")
        }
    }
}

/// A network file that was refused.
#[must_use]
pub fn network(error: &NetworkFileError) -> String {
    match error {
        NetworkFileError::Tensors(error) => tensors(error),
        NetworkFileError::NotANetwork => {
            "The file holds tensors but no network: its metadata has no \"quartermeg.network\"."
                .into()
        }
        NetworkFileError::Topology(reason) => {
            format!("The network's description cannot be read: {reason}.")
        }
        NetworkFileError::Version { found } => {
            format!(
                "The network's description is of version {found}; this program reads version 1."
            )
        }
        NetworkFileError::Network { node, error } => {
            let place = if node.is_empty() {
                "The network".to_owned()
            } else {
                format!("Node \"{node}\"")
            };
            format!("{place} {}.", network_rule(error))
        }
    }
}

/// A network that breaks a rule of the core.
#[must_use]
pub fn of_network(error: &NetworkError) -> String {
    let place = error
        .node()
        .map_or_else(|| "The network".to_owned(), |node| format!("Node {node}"));
    format!("{place} {}.", network_rule(error))
}

fn network_rule(error: &NetworkError) -> String {
    match error {
        NetworkError::InputShape => {
            "has an input that is empty, larger than 4,096 in one direction, or without a valid \
             scale"
                .into()
        }
        NetworkError::ClassCount { classes } => {
            format!("has {classes} classes, but 1 to 4,096 are possible")
        }
        NetworkError::ClassifierNotLast { .. } => {
            "must end in one classifier, and only there".into()
        }
        NetworkError::InputCount {
            expected, found, ..
        } => {
            format!("reads {found} values instead of {expected}")
        }
        NetworkError::UnknownValue { value, .. } => {
            format!("reads value {value}, which is not computed before it")
        }
        NetworkError::Scale { .. } => "has a scale that is not a positive number".into(),
        NetworkError::ZeroPoint { .. } => "has a zero point outside -128..127".into(),
        NetworkError::ClampOrder { .. } => "has a clamp whose minimum is above its maximum".into(),
        NetworkError::Geometry { .. } => {
            "has a kernel, stride or padding that does not fit its input (strides are 1 or 2, \
             padding is smaller than the kernel)"
                .into()
        }
        NetworkError::ParameterLength {
            expected, found, ..
        } => {
            format!("has a parameter of {found} elements instead of {expected}")
        }
        NetworkError::WeightCode { position, .. } => {
            format!("has the weight code -128 at position {position}; weights are symmetric")
        }
        NetworkError::NotFinite { .. } => "has a weight or bias that is not finite".into(),
        NetworkError::AddShapes { .. } => {
            "adds two values that differ in shape or are the same value".into()
        }
        NetworkError::ClassifierInput { .. } => {
            "makes logits of a value that has more than one pixel, another number of channels \
             than there are classes, or no layer before it"
                .into()
        }
        NetworkError::TooLarge { .. } => "is too large for int32 accumulators".into(),
        _ => "breaks a rule that this version does not name".into(),
    }
}

/// A file of samples that was refused.
#[must_use]
pub fn samples(error: &SampleFileError) -> String {
    match error {
        SampleFileError::Tensors(error) => tensors(error),
        SampleFileError::NegativeLabel { position, label } => {
            format!("Label {label} at position {position} is negative; classes count from 0.")
        }
        SampleFileError::Samples(SamplesError::Length { expected, found }) => format!(
            "The labels call for {expected} codes, but the images hold {found}; images and \
             labels must be of one number."
        ),
    }
}

/// A checkpoint that cannot be used.
#[must_use]
pub fn checkpoint(error: &CheckpointError) -> String {
    match error {
        CheckpointError::Tensors(error) => tensors(error),
        CheckpointError::Foreign => "This is not a checkpoint that this version reads.".into(),
        CheckpointError::Program => {
            "The checkpoint is of another network, scheme or arithmetic; name another file.".into()
        }
        CheckpointError::Settings { expected, found } => format!(
            "The checkpoint was trained with {found}, but this run has {expected}; change the \
             settings back or name another file."
        ),
    }
}

/// A run of another program that cannot be repeated.
#[must_use]
pub fn reproduce(error: &ReproduceError) -> String {
    match error {
        ReproduceError::Tensors(error) => tensors(error),
        ReproduceError::Classifier(error) => {
            format!("The classifier cannot be used: {}", of_network(error))
        }
        ReproduceError::Compile(error) => compile(error),
        ReproduceError::Program(error) => program(error),
        ReproduceError::Sample(error) => input(error),
        ReproduceError::Field { name, found } => {
            format!("Tensor \"{name}\" holds {found}, which cannot be used; correct it.")
        }
    }
}

/// A policy that cannot be compiled.
#[must_use]
pub fn compile(error: &CompileError) -> String {
    match error {
        CompileError::Policy(PolicyError::LayerCount { expected, found }) => format!(
            "The policy has {found} layers, but the network has {expected} convolutions; give \
             one entry for each."
        ),
        CompileError::Policy(PolicyError::Ratio { layer, ratio }) => {
            format!("The channel ratio {ratio} of layer {layer} is not in 0..1.")
        }
        CompileError::Policy(PolicyError::Recompute { layer }) => format!(
            "The input of layer {layer} cannot be computed again: its weights must learn, and a \
             convolution must have made the input; keep it."
        ),
        CompileError::Policy(PolicyError::Channels { layer }) => format!(
            "Layer {layer} chooses channels, but none of its weights learns; give it a ratio, or \
             leave the choice out."
        ),
        CompileError::FanOut { node } => format!(
            "Node {node} shares its input with a later node in a way that has no backward pass \
             here; only chains and residual blocks can learn."
        ),
        CompileError::Classifier(_) => "A row of the classifier's weights \
             or its bias is too small or too large for int8 codes with one scale; train it in \
             float32 (rule classifier:f32)."
            .into(),
        _ => "The policy cannot be compiled.".into(),
    }
}

/// A session that cannot start.
#[must_use]
pub fn session(error: &SessionError) -> String {
    match error {
        SessionError::Program(error) => program(error),
        SessionError::Arena(ArenaError::TooSmall { needed, found }) => format!(
            "The program needs a block of {}, but has {}.",
            bytes(*needed as u64),
            bytes(*found as u64)
        ),
        SessionError::Input(error) => input(error),
        SessionError::NoSamples => "There are no samples to learn from.".into(),
        _ => "The block of memory does not start at a multiple of 4.".into(),
    }
}

/// A sample or a state that does not fit.
#[must_use]
pub fn input(error: &InputError) -> String {
    match error {
        InputError::InputLength { expected, found } => {
            format!("The sample has {found} values, but the network reads {expected}.")
        }
        InputError::Label { label, n_classes } => {
            format!("There is no class {label}; the network has {n_classes}, counted from 0.")
        }
        InputError::StateLength { expected, found } => format!(
            "The trained weights have {}, but this policy trains {}; open them with the policy \
             that they were trained with.",
            bytes(*found as u64),
            bytes(*expected as u64)
        ),
        _ => "The sample does not fit the network.".into(),
    }
}

/// An image that is not a program.
#[must_use]
pub fn program(error: &ProgramError) -> String {
    let core = |version: u32| {
        format!(
            "{}.{}.{}",
            version >> 16,
            version >> 8 & 0xff,
            version & 0xff
        )
    };
    match error {
        ProgramError::Magic => {
            "This is not a Quartermeg program: its first 8 bytes are not \"QMEGPROG\".".into()
        }
        ProgramError::Truncated { expected, found } => format!(
            "The program should have {}, but has {}: it was cut off or joined with something \
             else; get it again.",
            bytes(*expected as u64),
            bytes(*found as u64)
        ),
        ProgramError::Version { found, supported } if found > supported => format!(
            "The program is of format version {found}, newer than version {FORMAT_VERSION} that \
             core {} reads; update Quartermeg.",
            core(CORE_VERSION)
        ),
        ProgramError::Version { found, .. } => {
            format!("The program is of format version {found}, which is not read any more.")
        }
        ProgramError::Checksum { expected, found } => format!(
            "The program is damaged: its checksum is {found:08x} instead of {expected:08x}; get \
             it again."
        ),
        ProgramError::Rules { found } => format!(
            "The program uses rules of arithmetic ({found:#010x}) that this version lacks; update \
             Quartermeg."
        ),
        ProgramError::Misaligned => "The program must start at a multiple of 4 in memory.".into(),
        ProgramError::State { expected, found } => format!(
            "The trained weights inside have {}, but the program trains {}.",
            bytes(u64::from(*found)),
            bytes(u64::from(*expected))
        ),
        ProgramError::Section { section } => {
            format!("Section {section} of the program lies outside it or has a wrong length.")
        }
        ProgramError::Meta => "The program's overall facts are out of range.".into(),
        ProgramError::Tensor { tensor } => {
            format!("Tensor {tensor} of the program is malformed or lies outside the block.")
        }
        ProgramError::Layer { layer } => format!("Layer {layer} of the program is malformed."),
        ProgramError::Add { add } => format!("Residual add {add} of the program is malformed."),
        ProgramError::Pool { pool } => format!("Pool {pool} of the program is malformed."),
        ProgramError::Op { op } => format!("Operation {op} of the program is malformed."),
        ProgramError::Operand { op, tensor } => {
            format!("Operation {op} of the program cannot use tensor {tensor}.")
        }
        ProgramError::Overlap { first, second } => {
            format!("Tensors {first} and {second} of the program overlap while both are live.")
        }
        ProgramError::Alias { alias } => {
            format!("Shared storage {alias} of the program is not an operation in place.")
        }
        _ => "The program breaks a rule that this version does not name.".into(),
    }
}

/// A configuration that was refused.
#[must_use]
pub fn config(error: &ConfigError) -> String {
    match error {
        ConfigError::Json(reason) => {
            format!("The configuration cannot be read: {reason}. Export it again.")
        }
        ConfigError::Foreign => {
            "This is JSON, but not a Quartermeg configuration: \"format\" is not \"quartermeg\"."
                .into()
        }
        ConfigError::Version { found } => format!(
            "The configuration is of version {found}; this program reads version {}. Update \
             Quartermeg or export it again.",
            crate::config::VERSION
        ),
        ConfigError::Field { field, found } => {
            format!("The configuration's field \"{field}\" holds {found}, which cannot be used.")
        }
        ConfigError::Parameters => {
            "The trained weights inside the configuration are damaged; export it again.".into()
        }
    }
}

/// Rules of arithmetic that were refused.
#[must_use]
pub fn numerics(error: &NumericsError) -> String {
    let ids: Vec<&str> = PROFILES.iter().map(|profile| profile.id).collect();
    format!(
        "\"{}\" names no profile or rule of the arithmetic; profiles are {}, and rules follow as \
         in device,update:nearest.",
        error.part,
        ids.join(", ")
    )
}

/// A program file that was refused.
#[must_use]
pub fn program_file(error: &ProgramFileError) -> String {
    match error {
        ProgramFileError::Program(error) => program(error),
        ProgramFileError::Identity => {
            "The program's identity does not match its contents; it was changed after export."
                .into()
        }
        ProgramFileError::NoConfiguration => {
            "The program carries no configuration, so there is nothing to restore here.".into()
        }
        ProgramFileError::Configuration(error) => config(error),
    }
}

/// A part of a link that was corrected.
#[must_use]
pub fn correction(correction: &Correction) -> String {
    match correction {
        Correction::Version { found } => format!(
            "The link is of version \"{found}\"; what version {} understands was taken.",
            crate::link::LINK_VERSION
        ),
        Correction::UnknownKey { key } => {
            format!("The link's \"{key}\" is unknown and was ignored.")
        }
        Correction::Value { key, value, used } => {
            format!("The link's {key}=\"{value}\" cannot be used; {used} stands instead.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_full() {
        for (value, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1536, "1.5 KiB (1,536 B)"),
            (262_144, "256.0 KiB (262,144 B)"),
            (1_048_576, "1.0 MiB (1,048,576 B)"),
            (
                u64::MAX,
                "17,592,186,044,416.0 MiB (18,446,744,073,709,551,615 B)",
            ),
        ] {
            assert_eq!(bytes(value), text);
        }
        assert_eq!(number(1_234_567), "1,234,567");
    }
}
