//! The programs that the commands bring along: which version, where from, and where they are kept.
//!
//! They live in the user's cache folder under `quartermeg/tools/<tool>-<version>/`, never in the
//! clone and never in place of the user's own, so that two clones share them and a new version
//! stands beside the old one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use etcetera::BaseStrategy;

use crate::node::Node;
use crate::workspace::Workspace;
use crate::{process, report};

/// Builds the page's package.
const WASM_PACK_VERSION: &str = "0.15.1";
/// Checks licences, sources and advisories of the dependencies.
const CARGO_DENY_VERSION: &str = "0.20.2";
/// Brings `wasm-opt`. Distributions ship releases that do not read what current compilers write.
const BINARYEN_VERSION: &str = "132.0.0";
/// Takes comments and long names out of scripts and style sheets.
const ESBUILD_VERSION: &str = "0.28.2";
/// Unpacks the module in the browser.
const XZ_DECOMPRESS_VERSION: &str = "0.2.3";

/// A program that `cargo install` builds.
struct CrateTool<'a> {
    /// What its folder in the cache is called.
    name: &'a str,
    /// The crate that holds it.
    package: &'a str,
    version: &'a str,
    programs: &'a [&'a str],
}

/// The folder of `wasm-pack`.
pub(crate) fn wasm_pack() -> Result<PathBuf> {
    provide_crate(&CrateTool {
        name: "wasm-pack",
        package: "wasm-pack",
        version: WASM_PACK_VERSION,
        programs: &["wasm-pack"],
    })
}

/// The folder of `wasm-bindgen` and its test runner.
///
/// They must be of the very version that the page is linked with, so `Cargo.lock` names it.
pub(crate) fn wasm_bindgen(workspace: &Workspace) -> Result<PathBuf> {
    provide_crate(&CrateTool {
        name: "wasm-bindgen",
        package: "wasm-bindgen-cli",
        version: &workspace.locked_version("wasm-bindgen")?,
        programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
    })
}

/// The folder of `cargo-deny`.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    provide_crate(&CrateTool {
        name: "cargo-deny",
        package: "cargo-deny",
        version: CARGO_DENY_VERSION,
        programs: &["cargo-deny"],
    })
}

/// The script `wasm-opt`, to be run by node.
pub(crate) fn wasm_opt(node: &Node) -> Result<PathBuf> {
    provide_package(node, "binaryen", BINARYEN_VERSION, "bin/wasm-opt")
}

/// The script `esbuild`, to be run by node.
pub(crate) fn esbuild(node: &Node) -> Result<PathBuf> {
    provide_package(node, "esbuild", ESBUILD_VERSION, "bin/esbuild")
}

/// The library `xz-decompress`, to be bundled.
pub(crate) fn xz_decompress(node: &Node) -> Result<PathBuf> {
    let script = "dist/package/xz-decompress.min.js";
    provide_package(node, "xz-decompress", XZ_DECOMPRESS_VERSION, script)
}

/// Where `script` of an npm package lies, after fetching the package where it is missing.
fn provide_package(node: &Node, package: &str, version: &str, script: &str) -> Result<PathBuf> {
    let folder = folder(package, version)?;
    let script = folder.join("node_modules").join(package).join(script);
    if script.is_file() {
        return Ok(script);
    }
    report::step(format_args!(
        "Fetching {package} {version} into {}",
        folder.display()
    ));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("{} cannot be created", folder.display()))?;
    let mut install = process::command(&node.npm);
    install
        .args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
        .arg("--prefix")
        .arg(&folder)
        .arg(format!("{package}@{version}"));
    process::run(
        &mut install,
        format_args!(
            "{package} could not be fetched; get it with `npm install --prefix {} {package}@{version}`",
            folder.display()
        ),
    )?;
    Ok(script)
}

/// Returns the folder of the tool's programs, after building them where they are missing.
fn provide_crate(tool: &CrateTool<'_>) -> Result<PathBuf> {
    let folder = folder(tool.name, tool.version)?;
    let programs = folder.join("bin");
    if tool.programs.iter().all(|name| holds(&programs, name)) {
        return Ok(programs);
    }
    if let Some(own) = of_the_user(tool) {
        return Ok(own);
    }
    report::step(format_args!(
        "Building {} {} into {} (once, a few minutes)",
        tool.name,
        tool.version,
        folder.display()
    ));
    // The versions that the tool was tested with are best, but a mirror of the registry may lack one.
    if install(tool, &folder, true)? || install(tool, &folder, false)? {
        return Ok(programs);
    }
    bail!(
        "{name} {version} could not be built; get it with `cargo install {package} --version {version} --root {folder}`",
        name = tool.name,
        version = tool.version,
        package = tool.package,
        folder = folder.display()
    )
}

/// Builds a tool into `folder` and says whether that succeeded.
fn install(tool: &CrateTool<'_>, folder: &Path, locked: bool) -> Result<bool> {
    let mut install = process::cargo();
    install
        .args(["install", tool.package, "--version", tool.version, "--root"])
        .arg(folder)
        // Its build products belong into cargo's temporary folder, not into a clone's.
        .env_remove("CARGO_TARGET_DIR");
    if locked {
        install.arg("--locked");
    }
    process::succeeds(&mut install)
}

/// Where the user's own copy lies, if it is of exactly the version that we want.
fn of_the_user(tool: &CrateTool<'_>) -> Option<PathBuf> {
    let program = which::which(tool.programs.first()?).ok()?;
    let answer = process::output(process::command(&program).arg("--version")).ok()?;
    let folder = program.parent()?;
    let complete = tool.programs.iter().all(|name| holds(folder, name));
    (complete && answer.split_whitespace().nth(1) == Some(tool.version))
        .then(|| folder.to_path_buf())
}

fn holds(folder: &Path, program: &str) -> bool {
    folder
        .join(program)
        .with_extension(std::env::consts::EXE_EXTENSION)
        .is_file()
}

/// Where a program or a file of that version is kept.
pub(crate) fn folder(name: &str, version: &str) -> Result<PathBuf> {
    let cache = etcetera::base_strategy::choose_native_strategy()
        .context("the user's cache folder is unknown; set HOME")?
        .cache_dir();
    Ok(cache
        .join("quartermeg")
        .join("tools")
        .join(format!("{name}-{version}")))
}
