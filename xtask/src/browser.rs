//! The browser that tests and pictures are made with.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::debian::{self, Need};

const CHROMIUM: Need = Need {
    programs: &[
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ],
    package: "chromium",
};

const CHROMEDRIVER: Need = Need {
    programs: &["chromedriver"],
    package: "chromium-driver",
};

/// The environment variable that names the browser to the scripts in `tests/e2e`.
pub(crate) const CHROMIUM_VARIABLE: &str = "QUARTERMEG_CHROMIUM";

/// Where the browser lies.
pub(crate) fn chromium() -> Result<PathBuf> {
    debian::provide(&[&CHROMIUM])?;
    find(&CHROMIUM)
}

/// Where the program lies that drives the browser for tests inside wasm.
pub(crate) fn chromedriver() -> Result<PathBuf> {
    debian::provide(&[&CHROMIUM, &CHROMEDRIVER])?;
    find(&CHROMEDRIVER)
}

fn find(need: &Need) -> Result<PathBuf> {
    need.programs
        .iter()
        .find_map(|name| which::which(name).ok())
        .with_context(|| format!("`{}` is not on PATH", need.package))
}
