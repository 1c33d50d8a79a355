//! The finished page in a real browser, driven by Playwright.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::tally_with_exit;
use crate::node::Node;
use crate::summary::{Tally, tally_from_playwright};
use crate::workspace::Workspace;
use crate::{browser, process};

pub(super) fn run(workspace: &Workspace, dist: &Path) -> Result<Tally> {
    let node = Node::require("driving the page in a browser")?;
    let chromium = browser::chromium()?;
    node.install_packages(workspace)?;

    let report = workspace.target.join("e2e-report.json");
    if report.exists() {
        fs::remove_file(&report)
            .with_context(|| format!("the old {} cannot be removed", report.display()))?;
    }
    let success = process::succeeds(
        process::command(&node.node)
            .arg("node_modules/@playwright/test/cli.js")
            .args(["test", "--config", "tests/e2e/playwright.config.mjs"])
            .current_dir(&workspace.root)
            .env(browser::CHROMIUM_VARIABLE, chromium)
            .env("QUARTERMEG_DIST", dist)
            .env("QUARTERMEG_E2E_OUTPUT", workspace.target.join("e2e"))
            .env("QUARTERMEG_E2E_REPORT", &report),
    )?;
    let text = fs::read_to_string(&report)
        .with_context(|| format!("Playwright wrote no {}", report.display()))?;
    Ok(tally_with_exit(tally_from_playwright(&text)?, success))
}
