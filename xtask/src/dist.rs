//! The finished page: `dist/`, complete and ready for any static host under any path.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Crc;
use walkdir::WalkDir;

use crate::node::Node;
use crate::workspace::{Workspace, package};
use crate::{firmware, order, pack, process, report, short_names, toolchain, tools};

/// What wasm-bindgen calls the two files that it writes.
const SCRIPT: &str = "quartermeg.js";
const MODULE: &str = "quartermeg_bg.wasm";
/// The script that keeps the page for when there is no network.
const OFFLINE: &str = "offline.js";
/// The profile in `Cargo.toml` that makes a page: small, with fast kernels.
const PROFILE: &str = "web-release";

/// Flags of the compiler: those of `.cargo/config.toml`, which they replace, and a panic that traps
/// instead of writing where it happened (`docs/decisions/0008-a-page-of-600-kb.md`).
/// What is derived for debugging writes the name of a type or variant alone; text, numbers and
/// lists are written as ever.
const RUSTFLAGS: &str = "-Ctarget-feature=+simd128 -Zunstable-options -Cpanic=immediate-abort \
                         -Zlocation-detail=none -Zfmt-debug=shallow -Zshare-generics=no --cfg page";

/// The standard library is compiled with the page, for size.
const BUILD_STD: [&str; 2] = [
    "-Zbuild-std=std,panic_abort",
    "-Zbuild-std-features=optimize_for_size",
];

/// What wasm-opt shall do.
///
/// `--fast-math` is left out: it would change the bits of floating point results. The first KiB of
/// the memory is the far end of the stack, so no pointer points there.
const OPTIMIZE: [&str; 5] = [
    "-Oz",
    "--one-caller-inline-max-function-size=20",
    "--strip-producers",
    "--converge",
    "--low-memory-unused",
];

/// What it shall do when the functions have names to be sorted by: that, and short names for what
/// module and script call each other. The levels are those of `-Oz`, for writing alone.
const PACK: [&str; 4] = [
    "--optimize-level=2",
    "--shrink-level=2",
    "--reorder-functions-by-name",
    "--minify-imports-and-exports-and-modules",
];

/// Every feature that the compiler uses, because wasm-opt refuses what it was not told of.
const FEATURES: [&str; 7] = [
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Whether a page that wasm-opt has not seen will do.
#[derive(Clone, Copy)]
pub(crate) enum Optimized {
    /// Fail without it, so that nobody publishes a page that is larger than it looks.
    Always,
    /// Go on without it, so that the first look at the page needs Rust alone.
    WhereNodeIs,
}

/// Writes `dist/` and prints where it lies.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let dist = build(workspace, Optimized::Always)?;
    report::result(dist.display());
    Ok(())
}

/// Builds the page and writes it to `dist/`, replacing what was there.
pub(crate) fn build(workspace: &Workspace, optimized: Optimized) -> Result<PathBuf> {
    let node = match optimized {
        Optimized::Always => Some(Node::require("optimizing the page with wasm-opt")?),
        Optimized::WhereNodeIs => Node::find(),
    };
    let built = compile(workspace)?;
    let Some(node) = node else {
        report::note("Node.js is missing, so the page is not made small with wasm-opt and esbuild");
        let dist = assemble(workspace, &built)?;
        name_build(&dist)?;
        return Ok(dist);
    };
    let (script, module) = optimize(&node, &built)?;
    let pages = built.join("packed");
    let written = fs::read_to_string(&script)?;
    let script = pack::pack(&node, &workspace.root, &module, &written, MODULE, &pages)?;
    fs::write(pages.join(SCRIPT), script).context("the page's script cannot be written")?;
    let dist = assemble(workspace, &pages)?;
    minify(&node, &dist)?;
    name_build(&dist)?;
    Ok(dist)
}

/// Writes `build.js`, by which `offline.js` knows the files that it keeps, and the name of the
/// build: a checksum of all of them.
fn name_build(dist: &Path) -> Result<()> {
    let mut checksum = Crc::new();
    let mut files = Vec::new();
    for entry in WalkDir::new(dist).sort_by_file_name() {
        let path = entry?.into_path();
        if path.is_file() {
            let bytes =
                fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            checksum.update(&bytes);
            let parts = path
                .strip_prefix(dist)?
                .iter()
                .map(|part| part.to_string_lossy());
            let name = parts.collect::<Vec<_>>().join("/");
            // The browser looks after the script itself.
            if name != OFFLINE {
                files.push(name);
            }
        }
    }
    let name = format!("{:08x}", checksum.sum());
    let text = format!(
        "self.build={};\n",
        serde_json::json!({ "name": name, "files": files })
    );
    fs::write(dist.join("build.js"), text).context("build.js cannot be written")
}

/// Compiles the page's package to wasm and returns the folder with its script and module.
fn compile(workspace: &Workspace) -> Result<PathBuf> {
    toolchain::ensure_target(toolchain::WASM)?;
    toolchain::ensure_std_source()?;
    let wasm_pack = tools::wasm_pack()?;
    let wasm_bindgen = tools::wasm_bindgen(workspace)?;
    let built = workspace.target.join("page");
    report::step(format_args!("Compiling {} to wasm", package::WORKER));
    process::run(
        process::command(wasm_pack.join("wasm-pack"))
            .env("PATH", process::path_with(&[wasm_pack, wasm_bindgen])?)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", RUSTFLAGS)
            .current_dir(&workspace.root)
            .args(["build", "worker", "--target", "web", "--profile", PROFILE])
            .args(["--out-name", "quartermeg"])
            .args(["--mode", "no-install", "--no-opt"])
            .args(["--no-typescript", "--no-pack", "--out-dir"])
            .arg(&built)
            .args(["--", "--locked"])
            .args(BUILD_STD),
        "the page could not be compiled; the compiler's messages stand above",
    )?;
    Ok(built)
}

/// Lets wasm-opt work on the module in `built` and returns where the script and the module lie then.
fn optimize(node: &Node, built: &Path) -> Result<(PathBuf, PathBuf)> {
    let wasm_opt = tools::wasm_opt(node)?;
    let run = |flags: &[&str], from: &Path, to: &Path| {
        let mut command = process::command(&node.node);
        command.arg(&wasm_opt).args(flags).args(FEATURES);
        process::output(command.arg("-o").arg(to).arg(from)).context(
            "wasm-opt refused the module; if the compiler learnt a new feature, name it in xtask/src/dist.rs",
        )
    };
    report::step("Optimizing the module with wasm-opt");
    let optimized = built.join("optimized.wasm");
    run(&OPTIMIZE, &built.join(MODULE), &optimized)?;
    let named = built.join("named.wasm");
    fs::write(&named, order::with_names(&fs::read(&optimized)?)?)?;
    let packed = built.join("packed.wasm");
    let names = run(&PACK, &named, &packed)?;
    let script = built.join("packed.js");
    let written = fs::read_to_string(built.join(SCRIPT))?;
    fs::write(&script, short_names::rename(&written, &names)?)?;
    Ok((script, packed))
}

/// Takes out of the scripts and style sheets of `dist` what only their authors need.
fn minify(node: &Node, dist: &Path) -> Result<()> {
    let mut files = Vec::new();
    for entry in WalkDir::new(dist).sort_by_file_name() {
        let path = entry?.into_path();
        if path.extension().is_some_and(|it| it == "js" || it == "css") {
            files.push(path);
        }
    }
    process::run(
        process::command(&node.node)
            .arg(tools::esbuild(node)?)
            .args(["--minify", "--charset=utf8", "--log-level=warning"])
            .args(["--allow-overwrite"])
            .arg(format!("--outdir={}", dist.display()))
            .arg(format!("--outbase={}", dist.display()))
            .args(files),
        "a script or a style sheet could not be made small; the message of esbuild stands above",
    )
}

/// Puts the parts of the page together; `built` holds its scripts and its module.
fn assemble(workspace: &Workspace, built: &Path) -> Result<PathBuf> {
    let dist = workspace.dist();
    report::step(format_args!("Writing {}", report::short(&dist)));
    if dist.exists() {
        fs::remove_dir_all(&dist)
            .with_context(|| format!("the old {} cannot be removed", dist.display()))?;
    }
    copy(&workspace.root.join("index.html"), &dist.join("index.html"))?;
    for entry in fs::read_dir(built)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if [SCRIPT, MODULE, pack::PACKED, pack::UNPACK]
            .iter()
            .any(|it| name == *it)
        {
            copy(&path, &dist.join("pkg").join(name))?;
        }
    }
    copy_folder(&workspace.root.join("static"), &dist.join("static"))?;
    write_verified(workspace, &dist)?;
    // It looks after the folder that it lies in and what is below, so it lies beside the page.
    fs::rename(dist.join("static").join(OFFLINE), dist.join(OFFLINE))
        .context("the script that keeps the page cannot be moved")?;
    Ok(dist)
}

/// Writes which programs were verified on the emulated board: what the test of the firmware found,
/// if it ran with this version of the core, or else none.
fn write_verified(workspace: &Workspace, dist: &Path) -> Result<()> {
    let found = fs::read_to_string(firmware::verified(workspace)).unwrap_or_default();
    let list = verified_by(env!("CARGO_PKG_VERSION"), &found);
    fs::write(dist.join(firmware::VERIFIED), list)
        .context("the list of verified programs cannot be written")
}

/// The list of verified programs, or one without any where it is of another version or no list.
fn verified_by(version: &str, list: &str) -> String {
    let found = serde_json::from_str(list).unwrap_or(serde_json::Value::Null);
    if found["core_version"] == version && found["programs"].is_array() {
        list.to_owned()
    } else {
        report::note("No program was verified yet; `cargo xtask test firmware` does it");
        serde_json::json!({ "core_version": version, "programs": [] }).to_string()
    }
}

/// Copies all that is not hidden.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let files = WalkDir::new(from)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    for entry in files {
        let entry = entry.with_context(|| format!("{} cannot be read", from.display()))?;
        if entry.file_type().is_file() {
            copy(entry.path(), &to.join(entry.path().strip_prefix(from)?))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be created", folder.display()))?;
    }
    fs::copy(from, to)
        .with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_this_version_verified_goes_with_the_page() {
        let list = r#"{"core_version":"1.2.3","programs":[{"program_sha256":"0f"}]}"#;
        assert_eq!(verified_by("1.2.3", list), list);
        let none = r#"{"core_version":"1.2.4","programs":[]}"#;
        for list in [list, "", "{", r#"{"core_version":"1.2.4"}"#] {
            assert_eq!(verified_by("1.2.4", list), none, "{list}");
        }
    }
}
