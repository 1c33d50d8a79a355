//! Exported programs on an emulated board, by the driver and by firmware in C, compared bit for bit
//! with this machine and with wasm.
//!
//! What agreed is written to `verified.json` beside the images.

use std::fs;

use anyhow::{Context as _, Result};

use super::{at_least_one, tally_with_exit};
use crate::summary::{Tally, tally_from_cargo};
use crate::workspace::{Workspace, package};
use crate::{firmware, process};

/// Names the folder of the images for the tests.
const IMAGES_VARIABLE: &str = "QUARTERMEG_FIRMWARE_DIR";

pub(super) fn run(workspace: &Workspace) -> Result<Tally> {
    let boards = firmware::boards(workspace)?;
    let images = firmware::build(workspace, &boards)?;
    firmware::build_for_c(workspace, &images)?;
    // What was verified before need not be so any more.
    let verified = firmware::verified(workspace);
    if verified.exists() {
        fs::remove_file(&verified)
            .with_context(|| format!("the old {} cannot be removed", verified.display()))?;
    }
    let mut tests = process::cargo();
    tests
        .args(["test", "--locked", "--no-fail-fast"])
        .args(["--package", package::FIRMWARE, "--package", package::TWIN])
        .args(["--package", package::FIRMWARE_LIBRARY])
        // What runs where, and how much memory it takes, is worth seeing.
        .args(["--", "--nocapture"])
        .env(IMAGES_VARIABLE, images)
        .current_dir(&workspace.root);
    let finished = process::tee(&mut tests)?;
    let tally = tally_from_cargo(&finished.stdout);
    at_least_one(tally_with_exit(tally, finished.success))
}
