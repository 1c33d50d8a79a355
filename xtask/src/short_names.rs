//! The names that script and module know each other by, as short in the script as wasm-opt made
//! them in the module.

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde::Deserialize;

/// What wasm-bindgen calls the functions of the module in its script.
const EXPORTS: &str = "wasm";
/// What wasm-opt calls the one module that a module imports from.
const IMPORTS: &str = "a";

/// What wasm-opt prints about the names that it made short.
#[derive(Deserialize)]
struct Names<'a> {
    /// Where from, the name and the short name.
    #[serde(borrow)]
    imports: Vec<[&'a str; 3]>,
    exports: Vec<[&'a str; 2]>,
}

/// The script of wasm-bindgen with the names that wasm-opt printed.
pub(crate) fn rename(script: &str, printed: &str) -> Result<String> {
    let names: Names<'_> =
        serde_json::from_str(printed).context("wasm-opt printed its names in another form")?;
    let from = names
        .imports
        .first()
        .context("the module imports nothing")?[0];
    let imports: HashMap<&str, &str> = names.imports.iter().map(|it| (it[1], it[2])).collect();
    let exports: HashMap<&str, &str> = names.exports.iter().map(|it| (it[0], it[1])).collect();

    let mut renamed = String::new();
    let mut before = "";
    for token in tokens(script) {
        let short = if renamed.ends_with('.') && before == EXPORTS {
            exports.get(token)
        } else {
            imports.get(token)
        };
        renamed.push_str(short.copied().unwrap_or(token));
        if token != "." {
            before = token;
        }
    }
    Ok(renamed.replace(&format!("{from:?}"), &format!("{IMPORTS:?}")))
}

/// The names in a script, and what stands between them.
fn tokens(script: &str) -> impl Iterator<Item = &str> {
    let is_name = |it: char| it.is_alphanumeric() || matches!(it, '_' | '$');
    let mut rest = script;
    std::iter::from_fn(move || {
        let first = is_name(rest.chars().next()?);
        let end = rest.find(|it| is_name(it) != first).unwrap_or(rest.len());
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = r#"{
        "imports": [["./page_bg.js", "__wbg_click_01", "b"], ["./page_bg.js", "__wbg_open_02", "c"]],
        "exports": [["memory", "d"], ["start", "e"]]
    }"#;

    #[test]
    fn both_sides_use_the_short_names() {
        let script = r#"
            export function start() { wasm.start(); }
            const memory = () => new DataView(wasm.memory.buffer);
            const import0 = { __wbg_click_01: (it) => it.click(), __wbg_open_02: (it) => it.memory };
            const imports = { "./page_bg.js": import0 };"#;
        let renamed = r#"
            export function start() { wasm.e(); }
            const memory = () => new DataView(wasm.d.buffer);
            const import0 = { b: (it) => it.click(), c: (it) => it.memory };
            const imports = { "a": import0 };"#;
        assert_eq!(rename(script, PRINTED).unwrap(), renamed);
    }

    #[test]
    fn a_list_in_another_form_is_refused() {
        for printed in ["", "{}", r#"{"imports": [], "exports": []}"#] {
            assert!(rename("", printed).is_err(), "{printed}");
        }
    }
}
