//! `quartermeg export` and `quartermeg verify` as people use them.

mod again;
mod c;
mod rust;
mod schema;
mod together;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_quartermeg"))
        .args(arguments)
        .output()
        .expect("the program runs")
}

/// What a command prints, line by line as JSON.
fn json_lines(arguments: &[&str]) -> Vec<Value> {
    let output = run(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The last object that a command prints.
fn json(arguments: &[&str]) -> Value {
    json_lines(arguments).pop().expect("an object")
}

/// The sentence with which a command refuses.
fn refusal(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    String::from_utf8(output.stderr).expect("text")
}

/// A path for a test alone; whatever an earlier run left there is taken away.
fn place(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // From an earlier run.
    let _ = fs::remove_dir_all(&path);
    let _ = fs::remove_file(&path);
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Exports the Keyboard scenario's default to a folder of the test.
fn export(folder: &Path, more: &[&str]) -> Value {
    let all = [
        "export",
        "--scenario",
        "keyboard",
        "--json",
        "--out",
        text(folder),
    ];
    json(&[&all[..], more].concat())
}

/// A checkpoint of the Keyboard scenario after so many steps.
fn checkpoint(name: &str, steps: &str) -> PathBuf {
    let path = place(name);
    json(&[
        "train",
        "--scenario",
        "keyboard",
        "--steps",
        steps,
        "--checkpoint",
        text(&path),
        "--json",
    ]);
    path
}
