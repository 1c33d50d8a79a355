//! Who may know whom: walks `cargo metadata` and the sources (`ARCHITECTURE.md`).

#![expect(
    clippy::string_slice,
    reason = "every index comes from a search in the same text"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use walkdir::WalkDir;

/// Every package of the workspace, and the packages of the workspace that it may need, those for
/// its own tests included. A new package is added here on purpose or the test fails.
const PACKAGES: [(&str, &[&str]); 12] = [
    ("quartermeg-core", &[]),
    ("quartermeg-formats", &["quartermeg-core"]),
    ("quartermeg-web", &["quartermeg-core", "quartermeg-formats"]),
    (
        "quartermeg-worker",
        &[
            "quartermeg-core",
            "quartermeg-formats",
            "quartermeg-search",
            "quartermeg-web",
        ],
    ),
    (
        "quartermeg-search",
        &["quartermeg-core", "quartermeg-formats"],
    ),
    (
        "quartermeg",
        &["quartermeg-core", "quartermeg-formats", "quartermeg-search"],
    ),
    (
        "quartermeg-tests",
        &["quartermeg-core", "quartermeg-formats"],
    ),
    ("quartermeg-firmware", &["quartermeg-core"]),
    ("quartermeg-firmware-library", &["quartermeg-core"]),
    ("quartermeg-firmware-wasm", &["quartermeg-firmware"]),
    (
        "quartermeg-twin",
        &[
            "quartermeg-core",
            "quartermeg-firmware",
            "quartermeg-firmware-library",
            "quartermeg-formats",
        ],
    ),
    ("xtask", &[]),
];

/// All that the core may link: nothing that knows a file format, a browser or a clock.
const CORE_NEEDS: [&str; 5] = ["bytemuck", "crc", "libm", "safe_arch", "sha2"];

const BROWSER: [&str; 4] = ["web_sys", "js_sys", "wasm_bindgen", "gloo"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests lie in the root")
        .to_path_buf()
}

/// The packages of the workspace as cargo sees them: name, and its dependencies by kind.
fn packages() -> BTreeMap<String, Vec<(String, bool)>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_string();
    metadata["packages"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|package| {
            let needs = package["dependencies"].as_array().expect("a list").iter();
            // A dependency of the library itself has no kind.
            let needs = needs
                .map(|need| (text(&need["name"]), need["kind"].is_null()))
                .collect();
            (text(&package["name"]), needs)
        })
        .collect()
}

#[test]
fn the_workspace_has_exactly_the_known_packages() {
    let found: BTreeSet<String> = packages().into_keys().collect();
    let known: BTreeSet<String> = PACKAGES
        .iter()
        .map(|(name, _)| (*name).to_string())
        .collect();
    assert_eq!(
        found, known,
        "add a package to this test when it joins the workspace"
    );
}

#[test]
fn packages_need_only_those_below_them() {
    let packages = packages();
    for (name, allowed) in PACKAGES {
        for (need, _) in packages.get(name).into_iter().flatten() {
            let is_ours = packages.contains_key(need);
            assert!(
                !is_ours || allowed.contains(&need.as_str()),
                "{name} needs {need}"
            );
        }
    }
}

#[test]
fn the_core_links_nothing_but_arithmetic() {
    for (need, is_linked) in &packages()["quartermeg-core"] {
        assert!(
            !is_linked || CORE_NEEDS.contains(&need.as_str()),
            "the core links {need}"
        );
    }
}

#[test]
fn formats_link_no_browser() {
    for (need, _) in &packages()["quartermeg-formats"] {
        let need = need.replace('-', "_");
        assert!(!BROWSER.contains(&need.as_str()), "formats need {need}");
    }
}

/// One source file: its path in the repository, and its code.
struct Source {
    path: String,
    code: String,
}

/// All Rust sources below a folder of the repository, comments left out.
fn sources(folder: &str) -> Vec<Source> {
    let root = root();
    let mut sources: Vec<Source> = WalkDir::new(root.join(folder))
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| {
            entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "rs")
        })
        .map(|entry| {
            let path = entry.path().strip_prefix(&root).expect("below the root");
            let text = fs::read_to_string(entry.path()).expect("readable");
            Source {
                path: path.to_string_lossy().into_owned(),
                code: without_comments(&text),
            }
        })
        .collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn without_comments(text: &str) -> String {
    text.lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The code without the items that carry this attribute.
fn without_items(code: &str, attribute: &str) -> String {
    let mut rest = code;
    let mut kept = String::new();
    while let Some(at) = rest.find(attribute) {
        kept.push_str(&rest[..at]);
        rest = &rest[at + attribute.len()..];
        rest = &rest[item_len(rest)..];
    }
    kept.push_str(rest);
    kept
}

/// Length of the item at the start: up to its semicolon, or its closing brace.
fn item_len(code: &str) -> usize {
    let mut depth = 0_i32;
    for (at, character) in code.char_indices() {
        match character {
            '{' | '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    // A list of imports ends in a brace and a semicolon.
                    return at + 1 + usize::from(code[at + 1..].starts_with(';'));
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Whether the code names `word` as a whole identifier.
fn names(code: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

fn assert_free_of(source: &Source, code: &str, words: &[&str]) {
    for word in words {
        assert!(!names(code, word), "{} names {word}", source.path);
    }
}

#[test]
fn what_runs_knows_nothing_of_what_compiles() {
    let mut n_files = 0;
    for folder in ["quant", "program", "runtime", "device", "num.rs"] {
        for source in sources(&format!("core/src/{folder}")) {
            let code = without_items(&source.code, "#[cfg(feature = \"compile\")]");
            let code = without_items(&code, "#[cfg(test)]");
            for module in ["compile", "network", "policy", "session", "search", "bytes"] {
                let path = format!("crate::{module}");
                assert_free_of(&source, &code, &[&path]);
            }
            assert_free_of(&source, &code, &["alloc", "std", "Vec", "Box", "String"]);
            n_files += 1;
        }
    }
    assert!(n_files > 20, "only {n_files} files were read");
}

#[test]
fn modules_that_allocate_stand_behind_the_feature() {
    let source = sources("core/src/lib.rs").remove(0);
    let code = without_items(&source.code, "#[cfg(feature = \"compile\")]");
    assert_free_of(&source, &code, &["alloc", "std"]);
    let modules: BTreeSet<&str> = code
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("pub ").strip_prefix("mod "))
        .map(|module| module.trim_end_matches(';'))
        .collect();
    let expected = BTreeSet::from(["checksum", "device", "num", "program", "quant", "runtime"]);
    assert_eq!(modules, expected, "modules of the core without the feature");
    assert!(code.contains("#![no_std]") && code.contains("#![forbid(unsafe_code)]"));
}

#[test]
fn the_core_names_no_file_format_no_browser_and_no_clock() {
    let formats = [
        "serde",
        "serde_json",
        "postcard",
        "safetensors",
        "base64",
        "flate2",
    ];
    for source in sources("core/src") {
        assert_free_of(&source, &source.code, &formats);
        assert_free_of(&source, &source.code, &BROWSER);
        assert_free_of(
            &source,
            &source.code,
            &["time", "Instant", "Duration", "SystemTime"],
        );
    }
}

#[test]
fn formats_name_no_browser() {
    for source in sources("formats/src") {
        assert_free_of(&source, &source.code, &BROWSER);
    }
}

#[test]
fn the_pure_parts_of_the_page_name_no_browser() {
    let mut n_files = 0;
    for part in ["protocol", "state", "charts"] {
        for path in [format!("web/src/{part}"), format!("web/src/{part}.rs")] {
            for source in sources(&path) {
                assert_free_of(&source, &source.code, &BROWSER);
                n_files += 1;
            }
        }
    }
    assert!(n_files >= 3, "only {n_files} files were read");
}

/// Functions that scripts can call: those with the attribute and a body. Without a body they
/// are imports.
fn exports(code: &str) -> usize {
    code.match_indices("#[wasm_bindgen")
        .filter(|(at, attribute)| {
            let rest = &code[at + attribute.len()..];
            let item = &rest[rest.find(']').map_or(0, |end| end + 1)..];
            let head = item
                .trim_start()
                .trim_start_matches("pub ")
                .trim_start_matches("async ");
            head.starts_with("fn ") && item[..item_len(item)].ends_with('}')
        })
        .count()
}

#[test]
fn the_exports_to_scripts_stand_in_one_file() {
    let files: Vec<String> = ["core/src", "formats/src", "web/src", "worker/src"]
        .into_iter()
        .flat_map(sources)
        .filter(|source| exports(&source.code) > 0)
        .map(|source| source.path)
        .collect();
    assert_eq!(files.len(), 1, "files with exports: {files:?}");
}

/// The driver, the image, the static library and the wasm module, without the script that describes the board's memory.
fn firmware() -> Vec<Source> {
    let folders = ["firmware/src", "firmware/library/src", "firmware/wasm/src"];
    let found: Vec<Source> = folders.into_iter().flat_map(sources).collect();
    assert!(found.len() > 8, "only {} files were read", found.len());
    found
}

/// The device has no heap.
#[test]
fn the_firmware_declares_no_allocator() {
    for source in firmware() {
        let words = [
            "alloc",
            "global_allocator",
            "std",
            "embedded_alloc",
            "linked_list_allocator",
        ];
        let code = without_items(&source.code, "#[cfg(test)]");
        // `#![no_std]` is one identifier, so `std` alone means the library.
        assert_free_of(&source, &code, &words);
    }
    for source in [
        "firmware/src/lib.rs",
        "firmware/src/main.rs",
        "firmware/library/src/lib.rs",
        "firmware/wasm/src/lib.rs",
    ] {
        let code = sources(source).remove(0).code;
        assert!(
            names(&code, "no_std"),
            "{source} links the standard library"
        );
    }
}

#[test]
fn the_firmware_knows_the_run_side_of_the_core_alone() {
    for source in firmware() {
        for (at, name) in source.code.match_indices("quartermeg_") {
            let rest = &source.code[at + name.len()..];
            let is_known = rest.starts_with("firmware::")
                || ["checksum", "program", "quant", "runtime"]
                    .iter()
                    .any(|module| rest.starts_with(&format!("core::{module}::")));
            let line = rest.lines().next().unwrap_or_default();
            assert!(is_known, "{} names quartermeg_{line}", source.path);
        }
    }
    for manifest in ["firmware/Cargo.toml", "firmware/library/Cargo.toml"] {
        let text = fs::read_to_string(root().join(manifest)).expect("readable");
        for line in text.lines().filter(|line| line.starts_with("quartermeg-")) {
            assert_eq!(
                line, "quartermeg-core.workspace = true",
                "{manifest}: the firmware needs the core without the compile side"
            );
        }
    }
}

/// `unsafe` stands where memory is made of addresses, and nowhere else.
#[test]
fn the_driver_forbids_unsafe_code() {
    let code = sources("firmware/src/lib.rs").remove(0).code;
    assert!(code.contains("#![forbid(unsafe_code)]"));
    let with_unsafe: Vec<String> = firmware()
        .into_iter()
        .filter(|source| names(&source.code, "unsafe"))
        .map(|source| source.path)
        .collect();
    let expected = [
        "firmware/src/device/fault.rs",
        "firmware/src/device/memory.rs",
        "firmware/src/device/protection.rs",
        "firmware/library/src/interface.rs",
        "firmware/wasm/src/module.rs",
    ];
    assert_eq!(with_unsafe, expected);
    // The static library is tested as C would call it.
    let in_tests: Vec<String> = sources("twin")
        .into_iter()
        .filter(|source| names(&source.code, "unsafe"))
        .map(|source| source.path)
        .collect();
    assert_eq!(in_tests, ["twin/tests/twin/library.rs"]);
}

/// The scanner itself must see what it is asked for, and only that.
#[test]
fn the_scanner_sees_what_it_should() {
    assert!(names("use alloc::vec;", "alloc"));
    assert!(!names("reallocate(no_alloc)", "alloc"));
    assert_eq!(
        without_comments("let a; // use std\nlet b;"),
        "let a; \nlet b;"
    );
    let code = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { [1]; } }\nfn c() {}";
    assert_eq!(
        without_items(code, "#[cfg(test)]"),
        "fn a() {}\n\nfn c() {}"
    );
    assert_eq!(without_items("#[x] use a::{b, c}; d", "#[x]"), " d");
    assert_eq!(exports("#[wasm_bindgen]\npub fn start() { go(); }"), 1);
    assert_eq!(
        exports("#[wasm_bindgen(js_name = now)]\nfn now() -> f64;"),
        0
    );
    assert_eq!(exports("#[wasm_bindgen]\nextern \"C\" { fn now(); }"), 0);
}
