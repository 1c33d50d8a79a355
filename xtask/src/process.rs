//! Starting other programs, always in the same environment.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;

/// Compiler flags of the caller's shell.
///
/// Any of them would silently replace the flags in `.cargo/config.toml`, and with them SIMD.
const INHERITED_FLAGS: [&str; 6] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
    "RUSTDOCFLAGS",
    "CARGO_ENCODED_RUSTDOCFLAGS",
];

/// What cargo tells the program that it runs about *this* package, which no other package should see.
const OWN_PACKAGE: [&str; 2] = ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH"];

/// A program in a clean environment, with no standard input and its output on our standard error.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in INHERITED_FLAGS.iter().chain(&OWN_PACKAGE) {
        command.env_remove(name);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::from(std::io::stderr()));
    command
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// Runs a program to its end and fails with `sentence` if it failed.
///
/// The program has said the cause itself, so the sentence says what that means and what to do.
pub(crate) fn run(command: &mut Command, sentence: impl Display) -> Result<()> {
    ensure!(succeeds(command)?, "{sentence}");
    Ok(())
}

/// Runs a program to its end and says whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command
        .status()
        .with_context(|| format!("`{}` cannot be started", line(command)))?;
    Ok(status.success())
}

/// Runs a program quietly and returns what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("`{}` cannot be started", line(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` failed: {}",
            line(command),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// As [`output`], of a program whose last line is JSON.
pub(crate) fn json<T: DeserializeOwned>(command: &mut Command) -> Result<T> {
    let answer = output(command)?;
    let unknown = || format!("`{}` answered in an unknown form", line(command));
    let last = answer.lines().last().with_context(unknown)?;
    serde_json::from_str(last).with_context(unknown)
}

/// How a program ended, and what it printed on its standard output.
pub(crate) struct Finished {
    pub(crate) success: bool,
    pub(crate) stdout: String,
}

/// Runs a program, shows its standard output as it comes and keeps a copy.
pub(crate) fn tee(command: &mut Command) -> Result<Finished> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{}` cannot be started", line(command)))?;
    let mut stdout = String::new();
    if let Some(pipe) = child.stdout.take() {
        let mut shown = std::io::stdout();
        for bytes in BufReader::new(pipe).split(b'\n') {
            let bytes = bytes.with_context(|| format!("`{}` was cut off", line(command)))?;
            let text = String::from_utf8_lossy(&bytes);
            writeln!(shown, "{text}")?;
            stdout.push_str(&text);
            stdout.push('\n');
        }
    }
    let success = child
        .wait()
        .with_context(|| format!("`{}` was lost", line(command)))?
        .success();
    Ok(Finished { success, stdout })
}

/// The command line as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    std::iter::once(program.file_name().unwrap_or(program.as_os_str()))
        .chain(command.get_args())
        .map(|part| part.to_string_lossy())
        .map(|part| {
            if part.contains([' ', '"', '[']) {
                format!("'{part}'")
            } else {
                part.into_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// The search path with `folders` in front of the user's own.
pub(crate) fn path_with<P: AsRef<Path>>(folders: &[P]) -> Result<OsString> {
    let own = std::env::var_os("PATH").unwrap_or_default();
    let folders = folders.iter().map(|folder| folder.as_ref().to_path_buf());
    std::env::join_paths(folders.chain(std::env::split_paths(&own)))
        .context("a tool's folder cannot stand in PATH, because its name holds a separator")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_readable() {
        let mut command = command("/somewhere/bin/cargo");
        command.args(["test", "--config", "a = [1]"]);
        assert_eq!(line(&command), "cargo test --config 'a = [1]'");
    }

    #[test]
    fn flags_of_the_shell_do_not_reach_what_is_started() {
        let command = cargo();
        let removed: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.to_string_lossy().into_owned())
            .collect();
        for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
            assert!(removed.iter().any(|r| r == name), "{removed:?}");
        }
    }

    #[test]
    fn tools_come_first_on_the_path() {
        let path = path_with(&["first-folder"]).unwrap();
        let first = std::env::split_paths(&path).next().unwrap();
        assert_eq!(first, Path::new("first-folder"));
    }
}
