//! A photograph whose licence is not stated, so that it is fetched for a test and not committed.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{process, report, tools};

/// The test takes the photograph from where this variable says.
pub(crate) const MOPED_VARIABLE: &str = "QUARTERMEG_MOPED";
/// The release that `tests/photographs/moped.txt` names.
const VERSION: &str = "0.26.0";
/// What is wanted of the wheel.
const PICTURE: &str = "skimage/data/motorcycle_left.png";
/// Takes one file out of a zip.
const EXTRACT: &str =
    "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])";

/// The photograph of a moped, fetched into the user's cache folder unless it lies there.
///
/// pip refuses a wheel whose SHA-256 is not that of `tests/photographs/moped.txt`.
pub(crate) fn moped(workspace: &Workspace) -> Result<PathBuf> {
    let folder = tools::folder("scikit-image", VERSION)?;
    let picture = folder.join(PICTURE);
    if picture.is_file() {
        return Ok(picture);
    }
    let python =
        which::which("python3").context("fetching it takes Python 3 with pip, see PATH")?;
    report::step(format_args!(
        "Fetching {PICTURE} of scikit-image {VERSION} into {}",
        folder.display()
    ));
    let wheels = folder.join("wheels");
    process::run(
        process::command(&python)
            .args(["-m", "pip", "download", "--quiet", "--no-deps"])
            .args(["--require-hashes", "--only-binary=:all:"])
            .args(["--python-version", "3.12", "--implementation", "cp"])
            .args(["--abi", "cp312", "--platform", "manylinux_2_28_x86_64"])
            .arg("--dest")
            .arg(&wheels)
            .arg("--requirement")
            .arg(workspace.root.join("tests/photographs/moped.txt")),
        "pip did not fetch the wheel of scikit-image",
    )?;
    let wheel = fs::read_dir(&wheels)
        .ok()
        .and_then(|mut entries| entries.next()?.ok())
        .context("pip left no wheel")?
        .path();
    process::run(
        process::command(&python)
            .args(["-c", EXTRACT])
            .arg(&wheel)
            .arg(PICTURE)
            .arg(&folder),
        format_args!("{} cannot be unpacked", wheel.display()),
    )?;
    // Of the wheel nothing else is wanted.
    fs::remove_dir_all(&wheels)
        .with_context(|| format!("{} cannot be removed", wheels.display()))?;
    Ok(picture)
}
