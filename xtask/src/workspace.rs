//! Where things lie, and what the workspace's own files say.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process;

/// The packages of the workspace that commands name.
pub(crate) mod package {
    pub(crate) const CORE: &str = "quartermeg-core";
    pub(crate) const FORMATS: &str = "quartermeg-formats";
    pub(crate) const CLI: &str = "quartermeg";
    pub(crate) const WEB: &str = "quartermeg-web";
    pub(crate) const WORKER: &str = "quartermeg-worker";
    pub(crate) const COMMAND_LINE: &str = "quartermeg";
    pub(crate) const TESTS: &str = "quartermeg-tests";
    pub(crate) const FIRMWARE: &str = "quartermeg-firmware";
    pub(crate) const FIRMWARE_LIBRARY: &str = "quartermeg-firmware-library";
    pub(crate) const FIRMWARE_WASM: &str = "quartermeg-firmware-wasm";
    pub(crate) const TWIN: &str = "quartermeg-twin";
}

/// Names the folder of reference data, which is not part of the repository.
pub(crate) const REFERENCE_VARIABLE: &str = "QUARTERMEG_REFERENCE_DIR";

/// The workspace that this program was started in.
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
    members: Vec<Member>,
}

/// What cargo says about one package.
#[derive(Deserialize)]
struct Member {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
    packages: Vec<Member>,
}

impl Workspace {
    /// Asks cargo for the workspace around the current folder.
    pub(crate) fn find() -> Result<Self> {
        let answer = process::output(process::cargo().args([
            "metadata",
            "--format-version=1",
            "--no-deps",
            "--quiet",
        ]))?;
        let metadata: Metadata =
            serde_json::from_str(&answer).context("cargo metadata answered in an unknown form")?;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            members: metadata.packages,
        })
    }

    /// The folder that [`crate::dist`] writes.
    pub(crate) fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// The names of the packages that depend on `dependency` directly, tests included.
    pub(crate) fn dependants_of(&self, dependency: &str) -> Vec<&str> {
        self.members
            .iter()
            .filter(|member| member.dependencies.iter().any(|d| d.name == dependency))
            .map(|member| member.name.as_str())
            .collect()
    }

    /// The version of `package` in `Cargo.lock`.
    pub(crate) fn locked_version(&self, package: &str) -> Result<String> {
        let path = self.root.join("Cargo.lock");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        version_from_lock(&text, package)
    }
}

/// Reads the one version of `package` that a lock file holds.
///
/// Cargo writes this file itself, always one `key = "value"` a line and the name before the version.
/// Two versions are refused: a tool that must match the package could match only one of them.
fn version_from_lock(lock: &str, package: &str) -> Result<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().map(str::trim);
    let mut versions = std::iter::from_fn(|| {
        lines.find(|line| *line == name)?;
        lines
            .next()?
            .strip_prefix("version = \"")?
            .strip_suffix('"')
    });
    match (versions.next(), versions.next()) {
        (Some(version), None) => Ok(version.to_owned()),
        (None, _) => bail!(
            "Cargo.lock holds no version of `{package}`, which {} should depend on",
            package::WEB
        ),
        (Some(first), Some(second)) => bail!(
            "Cargo.lock holds `{package}` as {first} and as {second}, and its tool can match only one; unify them with `cargo update`"
        ),
    }
}

/// Whether both files exist and hold the same bytes.
pub(crate) fn same_bytes(a: &Path, b: &Path) -> bool {
    match (std::fs::read(a), std::fs::read(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
        version = 4

        [[package]]
        name = "wasm-bindgen"
        version = "0.2.130"
        source = "registry+https://github.com/rust-lang/crates.io-index"
        dependencies = ["cfg-if", "wasm-bindgen-macro"]

        [[package]]
        name = "wasm-bindgen-macro"
        version = "0.2.131"

        [[package]]
        name = "syn"
        version = "1.0.109"

        [[package]]
        name = "syn"
        version = "2.0.1"
    "#;

    #[test]
    fn reads_the_version_of_exactly_the_named_package() {
        assert_eq!(version_from_lock(LOCK, "wasm-bindgen").unwrap(), "0.2.130");
    }

    #[test]
    fn a_missing_package_is_named() {
        let error = version_from_lock(LOCK, "yew").unwrap_err().to_string();
        assert!(error.contains("no version of `yew`"), "{error}");
    }

    #[test]
    fn two_versions_are_refused_and_both_named() {
        let error = version_from_lock(LOCK, "syn").unwrap_err().to_string();
        assert!(
            error.contains("1.0.109") && error.contains("2.0.1"),
            "{error}"
        );
    }

    #[test]
    fn a_broken_lock_file_is_an_error() {
        for lock in ["", "name = \"syn\"", "name = \"syn\"\nversion = 2"] {
            assert!(version_from_lock(lock, "syn").is_err(), "{lock}");
        }
    }
}
