//! What goes to standard output: JSON, one object a line, or text for people.

use std::io::Write as _;

use anyhow::Context as _;
use serde::Serialize;

/// Prints one JSON object on one line.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    text(&line)
}

/// Prints text.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("Standard output cannot be written.")
}
