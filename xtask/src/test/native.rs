//! The tests that run on this machine's own processor.

use anyhow::Result;

use super::tally_with_exit;
use crate::process;
use crate::summary::{Tally, tally_from_cargo};
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<Tally> {
    let finished = process::tee(
        process::cargo()
            .args(["test", "--workspace", "--all-features"])
            .args(["--locked", "--no-fail-fast"])
            .current_dir(&workspace.root),
    )?;
    let tally = tally_from_cargo(&finished.stdout);
    Ok(tally_with_exit(tally, finished.success))
}
