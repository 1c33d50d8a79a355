//! Why an export cannot be written or read.

use crate::checkpoint::CheckpointError;
use crate::config::ConfigError;
use crate::program_file::ProgramFileError;
use crate::tensors::TensorFileError;

/// Why a file is no export that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportError {
    /// It is of no kind that is known.
    Unknown,
    /// It carries no stamp, or a damaged one.
    Stamp,
    /// It is of a newer format.
    Newer {
        /// The file's version.
        found: u32,
    },
    /// The array of bytes inside a source file is missing or damaged.
    Array,
    /// Its stamp names another program than the one inside.
    Inside,
    /// The program inside.
    Program(ProgramFileError),
    /// The configuration.
    Configuration(ConfigError),
    /// The weights.
    Weights(WeightsError),
    /// The options.
    Yaml(YamlError),
    /// A chunk of the PNG file is damaged.
    Png,
}

/// Why weights cannot be used for a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WeightsError {
    /// The container or one of its tensors.
    Tensors(TensorFileError),
    /// It holds no weights that this version reads.
    Foreign,
    /// It is of a newer format.
    Newer {
        /// The file's version.
        found: u32,
    },
    /// It belongs to another network, policy or set of rules.
    Program {
        /// The identity of the program.
        expected: String,
        /// That of the file.
        found: String,
    },
    /// A tensor has another number of elements.
    Length {
        /// Its name.
        name: String,
        /// Elements of the program's.
        expected: usize,
        /// Elements of the file's.
        found: usize,
    },
    /// A weight that does not learn differs from the network's.
    Frozen {
        /// Name of its tensor.
        name: String,
    },
    /// The weights do not have the digest that the file states.
    Digest,
    /// A checkpoint.
    Checkpoint(CheckpointError),
    /// The program file that carries them.
    ProgramFile(ProgramFileError),
    /// The configuration that carries them.
    Configuration(ConfigError),
    /// The program or configuration carries no weights.
    Untrained,
}

/// Why a policy cannot be written as options of `tiny-training`, or read from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum YamlError {
    /// A layer learns before one that does not, but the options name the last layers alone.
    NotLast {
        /// The first layer that learns.
        learns: usize,
        /// A later one that does not.
        frozen: usize,
    },
    /// A layer learns its first channels, but the options know those of the largest weights alone.
    FirstChannels {
        /// The layer.
        layer: usize,
    },
    /// The file is not UTF-8 text.
    Text,
    /// `n_bias_update` is missing.
    Missing,
    /// An option stands there twice.
    Twice {
        /// The option.
        key: &'static str,
    },
    /// An option holds what cannot be used.
    Value {
        /// The option.
        key: &'static str,
        /// What it holds.
        found: String,
    },
}
