//! What a person reads while a command works, and the one thing that a program may read: the result.

use std::fmt::Display;
use std::path::Path;

/// Says what is being done now.
pub(crate) fn step(what: impl Display) {
    eprintln!("==> {what}");
}

/// Says something worth knowing that stops nothing.
pub(crate) fn note(what: impl Display) {
    eprintln!("note: {what}");
}

/// Says what went wrong, with its causes in the same sentence.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}

/// Prints the result of a command, alone on a line of the standard output.
#[expect(
    clippy::print_stdout,
    reason = "the result is what the standard output is for"
)]
pub(crate) fn result(what: impl Display) {
    println!("{what}");
}

/// A path as one reads it: relative to the current folder where it lies below.
pub(crate) fn short(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let path = path.strip_prefix(&here).unwrap_or(path);
    path.display().to_string()
}

/// A number with commas between thousands, as documents have it.
pub(crate) fn grouped(value: u64) -> String {
    if value < 1000 {
        return value.to_string();
    }
    format!("{},{:03}", grouped(value / 1000), value % 1000)
}
