//! Network files of every kind that can be opened, told apart by their first bytes.

use quartermeg_core::network::{Network, NetworkError};
use quartermeg_core::quant::{LogitScale, Rules};

use crate::explain;
use crate::network_file::{self, NetworkFileError};
use crate::tflite::{self, TfliteError};
use crate::tiny_training::{self, TinyTrainingError};

/// Classes of a new classifier, unless another number is asked for.
pub const NEW_CLASSES: usize = 10;
/// Seed of the start values of a new classifier.
pub const CLASSIFIER_SEED: u64 = 0;

/// What kind of file a network came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// Quartermeg's own network file.
    Network,
    /// A pickle of the released `tiny-training` code.
    TinyTraining,
    /// An int8 network of TensorFlow Lite.
    Tflite,
}

impl ModelKind {
    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => "Quartermeg network",
            Self::TinyTraining => "tiny-training network",
            Self::Tflite => "TensorFlow Lite network",
        }
    }
}

/// Whether the first bytes are those of a network file, of whatever kind.
#[must_use]
pub fn looks_like_network(bytes: &[u8]) -> bool {
    tiny_training::is_archive(bytes)
        || tflite::is_tflite(bytes)
        || bytes.starts_with(&[0x1f, 0x8b])
        // safetensors: the length of a header in eight bytes, then its JSON.
        || bytes.get(8) == Some(&b'{')
}

/// Why a network file was refused.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelError {
    /// Quartermeg's own network file.
    Network(NetworkFileError),
    /// A pickle of the released `tiny-training` code.
    TinyTraining(TinyTrainingError),
    /// An int8 network of TensorFlow Lite.
    Tflite(TfliteError),
}

/// Reads a network as its file has it. `name` is the name of a file that states none.
///
/// # Errors
/// What is wrong with the file, and where.
pub fn read(name: &str, bytes: &[u8]) -> Result<(Network, ModelKind), ModelError> {
    if tiny_training::is_archive(bytes) {
        let network = tiny_training::read(name, bytes).map_err(ModelError::TinyTraining)?;
        return Ok((network, ModelKind::TinyTraining));
    }
    if tflite::is_tflite(bytes) {
        let network = tflite::read(name, bytes).map_err(ModelError::Tflite)?;
        return Ok((network, ModelKind::Tflite));
    }
    let network = network_file::read(bytes).map_err(ModelError::Network)?;
    Ok((network, ModelKind::Network))
}

/// Classes of the new classifier where there is one: as many as are asked for, or 10 where the
/// file's own classifier knows the thousand classes of `ImageNet`.
#[must_use]
pub fn new_classes(kind: ModelKind, n_classes: Option<usize>) -> Option<usize> {
    n_classes.or((kind == ModelKind::TinyTraining).then_some(NEW_CLASSES))
}

/// The network as it is trained: with a new classifier of `n_classes` where a number is asked
/// for, or where the file's own classifier knows the thousand classes of ImageNet.
///
/// Rules that feed the softmax with raw codes keep an int8 classifier: the first rows of the
/// file's own, as the released firmware does.
///
/// # Errors
/// When the network has no features that a classifier could read.
pub fn for_training(
    network: &Network,
    kind: ModelKind,
    n_classes: Option<usize>,
    rules: Rules,
) -> Result<Network, NetworkError> {
    let Some(n_classes) = new_classes(kind, n_classes) else {
        return Ok(network.clone());
    };
    let first_rows = (rules.logits == LogitScale::Codes)
        .then(|| network.with_first_classes(n_classes))
        .flatten();
    match first_rows {
        Some(network) => Ok(network),
        None => network.with_new_classifier(n_classes, CLASSIFIER_SEED),
    }
}

impl ModelError {
    /// The sentence for a person.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Network(error) => explain::network(error),
            Self::TinyTraining(error) => explain::tiny_training(error),
            Self::Tflite(error) => explain::tflite(error),
        }
    }
}
