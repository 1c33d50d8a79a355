//! Runs of other implementations, repeated here: one whole step, or a trajectory of steps.
//!
//! Files are safetensors in `PyTorch`'s layouts: activations `[n, c, h, w]`, weights
//! `[out, in / groups, kh, kw]`; `conv{ii}` counts the convolutions from the input.

mod layout;
mod step;
mod trajectory;

pub use step::{StepInput, StepTrace, step};
pub use trajectory::{Trajectory, replay};

use quartermeg_core::network::{Classifier, Network, NetworkError};

use crate::tensors::{TensorFileError, f32s};
use safetensors::SafeTensors;

/// Why a run cannot be repeated.
#[derive(Clone, Debug, PartialEq)]
pub enum ReproduceError {
    /// The container or one of its tensors.
    Tensors(TensorFileError),
    /// The classifier of the file does not fit the network.
    Classifier(NetworkError),
    /// The network or its policy cannot be compiled.
    Compile(quartermeg_core::compile::CompileError),
    /// The program does not run.
    Program(quartermeg_core::program::ProgramError),
    /// An image or a label does not fit the network.
    Sample(quartermeg_core::runtime::InputError),
    /// A label, a layer or a ratio of the file is out of range.
    Field {
        /// The tensor.
        name: &'static str,
        /// What it holds.
        found: String,
    },
}

impl From<TensorFileError> for ReproduceError {
    fn from(error: TensorFileError) -> Self {
        Self::Tensors(error)
    }
}

/// The network with the classifier of a file: `weight` `[classes, features]` and `bias`.
fn with_classifier(
    network: &Network,
    file: &SafeTensors<'_>,
    weight: &str,
    bias: &str,
) -> Result<Network, ReproduceError> {
    let (weight, _) = f32s(file, weight)?;
    let (bias, _) = f32s(file, bias)?;
    let classes = (0..bias.len()).map(|class| class.to_string()).collect();
    network
        .with_classifier(classes, Classifier { weight, bias })
        .map_err(ReproduceError::Classifier)
}
