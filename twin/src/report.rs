//! What the twin says about one exported program.

use anyhow::{anyhow, bail};
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::program::Program;
use quartermeg_core::program::image::CORE_VERSION;
use quartermeg_firmware::blob::{HEADER_BYTES, PROGRAM_ALIGN};
use quartermeg_formats::config::hex;
use quartermeg_formats::program_file::ProgramFileError;
use quartermeg_formats::{explain, program_file, scenario};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::pack::{Job, pack};
use crate::run::{self, Ended, Outcome};
use crate::{Board, Images, samples};

/// What was measured, and whether the three machines agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Name of the board.
    pub board: String,
    /// Version of the core that the firmware is built with.
    pub core_version: String,
    /// SHA-256 of the file.
    pub program_sha256: String,
    /// SHA-256 of network, policy and plan.
    pub program_identity: String,
    /// Where the samples are from.
    pub samples: String,
    /// RAM of the board.
    pub ram_bytes: u64,
    /// The one block of the program.
    pub arena_bytes: u64,
    /// Bytes of it up to the last that was written.
    pub arena_high_water_bytes: u64,
    /// Bytes behind it up to the last that was written.
    pub beyond_arena_bytes: u64,
    /// Statics of the image.
    pub statics_bytes: u64,
    /// Deepest byte of the stack that was written.
    pub stack_high_water_bytes: u64,
    /// RAM that is kept for the stack.
    pub stack_bytes: u64,
    /// Flash of image and blob.
    pub flash_bytes: u64,
    /// Flash of the image alone.
    pub image_bytes: u64,
    /// Steps trained.
    pub steps: u32,
    /// Bits of the loss of each, an f32, as hexadecimal digits.
    pub loss_bits: Vec<String>,
    /// SHA-256 of all weights afterwards.
    pub weights_digest: String,
    /// The kernels of the board, of this machine and of wasm.
    pub kernels: [String; 3],
    /// Whether losses, weights and arena are the same natively.
    pub equal_native: bool,
    /// Whether they are the same in wasm.
    pub equal_wasm: bool,
}

/// Trains an exported program `n_steps` steps on the board and elsewhere, with at most
/// `most_samples` samples taking turns.
///
/// # Errors
/// When the program is refused, does not fit the board, or a run breaks off, in a sentence.
pub fn examine(
    images: &Images,
    board: &Board,
    file: &[u8],
    n_steps: u32,
    most_samples: u32,
) -> anyhow::Result<Report> {
    let program = Program::parse(AlignedBytes::copy_of(file))
        .map_err(|error| anyhow!(explain::program(&error)))?;
    let (setup, trained) = match program_file::read(file) {
        Ok(opened) => (Some(opened.setup), opened.trained),
        // Without it the scenario is not known, but the program can train.
        Err(ProgramFileError::NoConfiguration) => (None, None),
        Err(error) => bail!(explain::program_file(&error)),
    };
    let scenario = setup.and_then(|setup| scenario::by_id(&setup.scenario));
    let first_step = trained.map_or(0, |trained| trained.steps);
    let room = u32::try_from(room_for_samples(board, &program)).unwrap_or(u32::MAX);
    let n_samples = room.min(n_steps).min(most_samples).max(1);
    let chosen = samples::choose(scenario, &program, first_step, n_samples)?;
    let blob = pack(Job {
        program: file,
        samples: &chosen.samples,
        first_step,
        n_steps,
    })?;
    let flash_bytes = board.image_bytes + blob.as_ref().len() as u64;
    if flash_bytes > board.flash_bytes {
        bail!(
            "Firmware, program and samples need {} of flash, but board \"{}\" has {}.",
            explain::bytes(flash_bytes),
            board.id,
            explain::bytes(board.flash_bytes)
        );
    }
    let on_board = done("the board", run::on_board(board, blob.as_ref())?)?;
    let native = done("this machine", run::native(&blob, board.block_bytes))?;
    let in_wasm = done(
        "wasm",
        run::in_wasm(images, blob.as_ref(), board.block_bytes)?,
    )?;
    Ok(Report {
        board: board.id.clone(),
        core_version: format!(
            "{}.{}.{}",
            CORE_VERSION >> 16,
            CORE_VERSION >> 8 & 0xff,
            CORE_VERSION & 0xff
        ),
        program_sha256: hex(&Sha256::digest(file)),
        program_identity: hex(&program.identity()),
        samples: chosen.source,
        ram_bytes: board.ram_bytes,
        arena_bytes: on_board.arena_bytes,
        arena_high_water_bytes: on_board.arena_high_water_bytes,
        beyond_arena_bytes: on_board.beyond_arena_bytes,
        statics_bytes: board.statics_bytes,
        stack_high_water_bytes: on_board.stack_high_water_bytes,
        stack_bytes: board.stack_bytes,
        flash_bytes,
        image_bytes: board.image_bytes,
        steps: n_steps,
        loss_bits: on_board
            .loss_bits
            .iter()
            .map(|bits| format!("{bits:08x}"))
            .collect(),
        kernels: [&on_board, &native, &in_wasm].map(|outcome| outcome.kernels.clone()),
        equal_native: on_board.equals(&native),
        equal_wasm: on_board.equals(&in_wasm),
        weights_digest: on_board.weights_digest,
    })
}

/// How many samples fit beside image and program.
fn room_for_samples<B: AsRef<[u8]>>(board: &Board, program: &Program<B>) -> u64 {
    let n_codes: u64 = program
        .meta()
        .input_shape
        .iter()
        .map(|&extent| u64::from(extent))
        .product();
    let frame = HEADER_BYTES + PROGRAM_ALIGN;
    let taken = board.image_bytes + frame as u64 + program.bytes().len() as u64;
    board.flash_bytes.saturating_sub(taken) / (n_codes + 4)
}

fn done(place: &str, ended: Ended) -> anyhow::Result<Outcome> {
    match ended {
        Ended::Done(outcome) => Ok(outcome),
        Ended::Refused(sentence) => bail!(sentence),
        Ended::Failed(text) => bail!("The run broke off on {place}: {text}"),
    }
}
