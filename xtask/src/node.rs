//! Node.js, which runs `wasm-opt` and the tests of the page.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::workspace::{Workspace, same_bytes};
use crate::{process, report};

/// Where Node.js and its package manager lie.
pub(crate) struct Node {
    pub(crate) node: PathBuf,
    pub(crate) npm: PathBuf,
}

impl Node {
    /// Looks for Node.js on the search path.
    pub(crate) fn find() -> Option<Self> {
        Some(Self {
            node: which::which("node").ok()?,
            npm: which::which("npm").ok()?,
        })
    }

    /// Looks for Node.js and says what it is wanted for where it is missing.
    pub(crate) fn require(purpose: &str) -> Result<Self> {
        Self::find().with_context(|| {
            format!(
                "{purpose} needs Node.js 20 or newer with npm, which PATH does not hold; get it from https://nodejs.org or with `apt-get install nodejs npm`"
            )
        })
    }

    /// Fetches the packages of `package-lock.json` into `node_modules`, unless they are there.
    pub(crate) fn install_packages(&self, workspace: &Workspace) -> Result<()> {
        let wanted = workspace.root.join("package-lock.json");
        // npm's own list of what is installed has another form, so a copy of ours stands beside it.
        let installed = workspace
            .root
            .join("node_modules/.quartermeg-package-lock.json");
        if same_bytes(&wanted, &installed) {
            return Ok(());
        }
        report::step("Fetching the packages of package-lock.json");
        process::run(
            process::command(&self.npm)
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
                .current_dir(&workspace.root),
            "the tests of the page need npm packages that could not be fetched; get them with `npm ci --ignore-scripts`",
        )?;
        std::fs::copy(&wanted, &installed)
            .with_context(|| format!("{} cannot be written", installed.display()))?;
        Ok(())
    }
}
