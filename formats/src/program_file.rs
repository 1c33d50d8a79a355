//! `.qmeg`: the binary program, used in place by firmware, with the configuration that it was
//! compiled from and, if wanted, trained weights (`docs/formats.md`).

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::{Attachments, attach};
use quartermeg_core::network::Network;
use quartermeg_core::program::image::{MAGIC, Section};
use quartermeg_core::program::{Program, ProgramError};

use crate::config::{self, ConfigError, Configuration, Opened, Trained};
use crate::setup::Setup;

/// Why a program file was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramFileError {
    /// The program itself.
    Program(ProgramError),
    /// The identity in the header is not that of the contents.
    Identity,
    /// It carries no configuration, so the page cannot restore what it was made from.
    NoConfiguration,
    /// The configuration inside.
    Configuration(ConfigError),
}

/// Writes a program with its configuration and, if `trained` is given, trained weights.
#[must_use]
pub fn write<B: AsRef<[u8]>>(
    setup: &Setup,
    network: &Network,
    program: &Program<B>,
    trained: Option<&Trained>,
) -> AlignedBytes {
    let configuration = config::describe(setup, network, program, trained, false);
    attach(
        program,
        &Attachments {
            settings: setup.settings(),
            configuration: config::to_json(&configuration).as_bytes(),
            state: trained.map_or(&[], |trained| &trained.state),
        },
    )
}

/// Whether the first bytes are those of a program file.
#[must_use]
pub fn is_program(file: &[u8]) -> bool {
    file.starts_with(&MAGIC)
}

/// Checks a program file and restores what it was made from.
///
/// # Errors
/// What is wrong with the file.
pub fn read(file: &[u8]) -> Result<Opened, ProgramFileError> {
    let program = Program::parse(AlignedBytes::copy_of(file)).map_err(ProgramFileError::Program)?;
    if program.identity() != program.compute_identity() {
        return Err(ProgramFileError::Identity);
    }
    let configuration = program.section(Section::Configuration);
    if configuration.is_empty() {
        return Err(ProgramFileError::NoConfiguration);
    }
    let mut opened = config::read(configuration).map_err(ProgramFileError::Configuration)?;
    let state = program.section(Section::State);
    if !state.is_empty() {
        let configuration: Configuration =
            serde_json::from_slice(configuration).map_err(|error| {
                ProgramFileError::Configuration(ConfigError::Json(error.to_string()))
            })?;
        let (steps, weights_digest) = configuration.trained.map_or((0, String::new()), |trained| {
            (trained.steps, trained.weights_digest)
        });
        opened.trained = Some(Trained {
            steps,
            state: state.to_vec(),
            weights_digest,
        });
    }
    Ok(opened)
}
