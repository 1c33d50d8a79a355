//! Which programs were seen to train alike, bit for bit, on the emulated board, on the host and in
//! wasm: the file that the test of the firmware writes (`docs/firmware.md`) and the page reads.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::device::DEVICES;
use quartermeg_core::network::Network;
use quartermeg_core::program::Program;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::config::hex;
use crate::program_file;
use crate::setup::Setup;

/// Name of the file, beside the page and beside the images of the firmware.
pub const FILE_NAME: &str = "verified.json";

/// Everything that the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Version of the core that the firmware was built with.
    pub core_version: String,
    /// The programs.
    pub programs: Vec<VerifiedProgram>,
}

/// A program that trained alike everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifiedProgram {
    /// Id of the scenario.
    pub scenario: String,
    /// Id of the preset.
    pub preset: String,
    /// Id of the board that was emulated, the smallest that it fits.
    pub board: String,
    /// SHA-256 of network, policy and plan.
    pub identity: String,
    /// SHA-256 of the file, as [`program_sha256`] has it.
    pub program_sha256: String,
    /// The one block.
    pub arena_bytes: u64,
    /// Deepest byte of the stack that was written.
    pub stack_high_water_bytes: u64,
    /// Steps trained.
    pub steps: u32,
    /// SHA-256 of all weights afterwards.
    pub weights_digest: String,
}

/// The digests of the programs in the file; a file of another core names none. It is scanned and not
/// parsed, which is enough for what only this project writes and spares the page a reader.
#[must_use]
pub fn digests(file: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(file);
    let values = |key: &'static str| {
        let after = text.split(key).skip(1);
        after.filter_map(|rest| Some(rest.split('"').nth(1)?.to_owned()))
    };
    if values("\"core_version\"").next().as_deref() != Some(env!("CARGO_PKG_VERSION")) {
        return Vec::new();
    }
    values("\"program_sha256\"").collect()
}

/// SHA-256 of the program file without trained weights, as hexadecimal digits. The board in its
/// configuration is always the default one: it changes nothing of what runs.
#[must_use]
pub fn program_sha256(setup: &Setup, network: &Network, program: &Program<AlignedBytes>) -> String {
    let setup = Setup {
        device: DEVICES[0].id.to_owned(),
        budget_bytes: DEVICES[0].sram_bytes,
        ..setup.clone()
    };
    hex(&Sha256::digest(
        program_file::write(&setup, network, program, None).as_ref(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_core_or_form_verifies_nothing() {
        let of = |core_version: &str| Verified {
            core_version: core_version.to_owned(),
            programs: vec![VerifiedProgram {
                scenario: "keyboard".to_owned(),
                preset: "default".to_owned(),
                board: "256k".to_owned(),
                identity: "0f".repeat(32),
                program_sha256: "1e".repeat(32),
                arena_bytes: 1,
                stack_high_water_bytes: 2,
                steps: 3,
                weights_digest: "2d".repeat(32),
            }],
        };
        for text in [serde_json::to_vec, serde_json::to_vec_pretty] {
            let read = |core: &str| digests(&text(&of(core)).expect("plain data"));
            assert_eq!(read(env!("CARGO_PKG_VERSION")), ["1e".repeat(32)]);
            assert!(read("0.0.0").is_empty());
        }
        for file in [&b""[..], b"{}", b"<html>", b"null", b"{\"core_version\":"] {
            assert!(digests(file).is_empty());
        }
    }
}
