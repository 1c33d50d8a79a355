//! Finds the real `.tflite` networks that tests read.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

use serde_json::Value;

/// Names a folder with more networks in its subfolder `tflite`; they are too large to ship.
const REFERENCE_DIR: &str = "QUARTERMEG_REFERENCE_DIR";

/// The folder of networks inside the package `microflow`, which nothing compiles.
static PACKAGED: LazyLock<PathBuf> = LazyLock::new(|| {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {errors}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
    let mut packages = metadata["packages"].as_array().expect("a list").iter();
    let package = packages.find(|package| package["name"] == "microflow");
    let manifest = package.expect("locked")["manifest_path"].as_str();
    Path::new(manifest.expect("a path")).with_file_name("models")
});

/// The bytes of `NAME.tflite`: from the package `microflow`, or else from the folder that
/// `QUARTERMEG_REFERENCE_DIR` names. `None`, and a line that says so, without that folder.
#[expect(clippy::print_stdout, reason = "says which checks did not run")]
pub(crate) fn network(name: &str) -> Option<Vec<u8>> {
    let file = format!("{name}.tflite");
    if let Ok(bytes) = fs::read(PACKAGED.join(&file)) {
        return Some(bytes);
    }
    let Some(folder) = env::var_os(REFERENCE_DIR) else {
        println!("not checked: {file}, because {REFERENCE_DIR} is not set");
        return None;
    };
    let path = Path::new(&folder).join("tflite").join(file);
    Some(fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}
