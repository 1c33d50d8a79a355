//! `cargo xtask screenshots`: the pictures of the page for its documentation.

use anyhow::Result;

use crate::dist::{self, Optimized};
use crate::node::Node;
use crate::workspace::Workspace;
use crate::{browser, process, report};

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let node = Node::require("taking pictures of the page")?;
    let chromium = browser::chromium()?;
    node.install_packages(workspace)?;
    let dist = dist::build(workspace, Optimized::Always)?;
    let pictures = workspace.root.join("docs/screenshots");
    report::step(format_args!(
        "Taking pictures into {}",
        report::short(&pictures)
    ));
    process::run(
        process::command(&node.node)
            .arg("tests/e2e/screenshots.mjs")
            .arg(&dist)
            .arg(&pictures)
            .current_dir(&workspace.root)
            .env(browser::CHROMIUM_VARIABLE, chromium),
        "the pictures could not be taken; the reason stands above",
    )
}
