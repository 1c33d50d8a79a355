//! Files of one program belong together, and those of another one are named.

use std::fs;

use super::{checkpoint, export, json, json_lines, place, refusal, run, text};

#[test]
fn every_kind_is_written_twice_the_same_and_belongs_together() {
    let weights = checkpoint("together.safetensors", "3");
    let (first, second) = (place("together-1"), place("together-2"));
    let more = ["--weights", text(&weights), "--board", "stm32f407"];
    let summary = export(&first, &more);
    assert_eq!(summary["left_out"], serde_json::json!([]));
    assert_eq!(export(&second, &more)["identity"], summary["identity"]);
    let mut names: Vec<String> = fs::read_dir(&first)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "delta.safetensors",
            "memory-map.png",
            "memory-map.svg",
            "quartermeg.json",
            "quartermeg.qmeg",
            "quartermeg.yaml",
            "quartermeg_program.c",
            "quartermeg_program.h",
            "quartermeg_program.rs",
            "report.json",
            "report.md",
            "weights.safetensors",
        ]
    );
    for name in &names {
        let [a, b] = [&first, &second].map(|folder| fs::read(folder.join(name)).expect("a file"));
        assert!(a == b, "{name} differs between two exports");
    }
    let paths: Vec<String> = names
        .iter()
        .map(|name| text(&first.join(name)).to_owned())
        .chain([text(&weights).to_owned()])
        .collect();
    let mut arguments = vec!["verify", "--json"];
    arguments.extend(paths.iter().map(String::as_str));
    let verified = json(&arguments);
    assert_eq!(verified["identity"], summary["identity"]);
    let files = verified["files"].as_array().expect("a list");
    assert_eq!(files.len(), 13);
    for file in files {
        assert!(file["format_version"].is_u64(), "{file}");
    }
}

#[test]
fn a_file_of_another_program_is_named() {
    let (here, there) = (place("verify-here"), place("verify-there"));
    export(&here, &["--as", "qmeg,report,c"]);
    export(&there, &["--as", "report", "--scheme", "full"]);
    let other = there.join("report.md");
    let files = [
        here.join("quartermeg.qmeg"),
        other.clone(),
        here.join("report.json"),
    ];
    let mut arguments = vec!["verify"];
    arguments.extend(files.iter().map(|path| text(path)));
    let sentence = refusal(&arguments);
    assert!(
        sentence.starts_with(&format!("{} belongs to another program", text(&other))),
        "{sentence}"
    );
}

#[test]
fn a_damaged_file_is_named() {
    let folder = place("damaged");
    export(
        &folder,
        &["--as", "json,qmeg,c,rust,yaml,weights,delta,report,svg,png"],
    );
    let good = folder.join("quartermeg.qmeg");
    for (name, from, to) in [
        ("quartermeg_program.c", "0x51, 0x4d", "0x51, 0x4e"),
        ("quartermeg_program.rs", "0x51, 0x4d", "0x51"),
        ("quartermeg_program.h", "quartermeg-export", "export"),
        ("quartermeg.yaml", "n_bias_update: 18", "n_bias_update: 17"),
        ("quartermeg.json", "\"identity\": \"", "\"identity\": \"0"),
        ("report.json", "quartermeg-report", "report"),
        ("memory-map.svg", "identity=", "identity=0"),
    ] {
        let path = folder.join(name);
        let whole = fs::read_to_string(&path).expect("text");
        assert!(whole.contains(from), "{name}");
        fs::write(&path, whole.replacen(from, to, 1)).expect("written");
        let sentence = refusal(&["verify", text(&good), text(&path)]);
        assert!(sentence.starts_with(text(&path)), "{sentence}");
    }
    for name in [
        "quartermeg.qmeg",
        "weights.safetensors",
        "delta.safetensors",
        "memory-map.png",
    ] {
        let path = folder.join(name);
        let mut whole = fs::read(&path).expect("bytes");
        let last = whole.len() - 40;
        whole.truncate(last);
        fs::write(&path, whole).expect("written");
        let sentence = refusal(&["verify", text(&path)]);
        assert!(sentence.starts_with(text(&path)), "{sentence}");
    }
}

/// A weight that was changed by hand is noticed when the program lies beside it.
#[test]
fn weights_are_held_against_the_program() {
    let folder = place("held");
    export(&folder, &["--as", "qmeg,weights"]);
    let path = folder.join("weights.safetensors");
    let mut file = fs::read(&path).expect("bytes");
    *file.last_mut().expect("not empty") ^= 1;
    fs::write(&path, file).expect("written");
    json(&["verify", text(&path), "--json"]);
    let program = folder.join("quartermeg.qmeg");
    let sentence = refusal(&["verify", text(&program), text(&path)]);
    assert!(sentence.starts_with(text(&path)), "{sentence}");
}

#[test]
fn files_that_exist_are_overwritten_only_when_asked() {
    let folder = place("exists");
    export(&folder, &["--as", "json,qmeg"]);
    let before = fs::read(folder.join("quartermeg.json")).expect("a file");
    fs::remove_file(folder.join("quartermeg.qmeg")).expect("there");
    let arguments = [
        "export",
        "--scenario",
        "keyboard",
        "--seed",
        "77",
        "--out",
        text(&folder),
        "--as",
        "json,qmeg",
    ];
    let sentence = refusal(&arguments);
    assert!(
        sentence.contains("quartermeg.json is there already"),
        "{sentence}"
    );
    assert!(sentence.contains("--force"), "{sentence}");
    // Nothing was written, not even what was not there.
    assert_eq!(
        fs::read(folder.join("quartermeg.json")).expect("a file"),
        before
    );
    assert!(!folder.join("quartermeg.qmeg").exists());
    assert!(
        run(&[&arguments[..], &["--force"]].concat())
            .status
            .success()
    );
    assert_ne!(
        fs::read(folder.join("quartermeg.json")).expect("a file"),
        before
    );
    let n_files = fs::read_dir(&folder).expect("a folder").count();
    assert_eq!(n_files, 2, "nothing else is left");
}

#[test]
fn what_does_not_apply_is_left_out_with_a_reason_and_refused_when_asked_for() {
    let folder = place("watch");
    let arguments = ["export", "--scenario", "watch", "--out", text(&folder)];
    let summary = json(&[&arguments[..], &["--json"]].concat());
    let kinds: Vec<&str> = summary["left_out"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|left_out| left_out["kind"].as_str())
        .collect();
    assert_eq!(kinds, ["yaml", "weights", "delta"]);
    let sentence = refusal(&[&arguments[..], &["--as", "yaml", "--force"]].concat());
    assert!(
        sentence.contains("layer 0 learns and layer 15 after it does not"),
        "{sentence}"
    );
}

#[test]
fn what_cannot_be_exported_is_said_in_a_sentence() {
    let folder = place("refused");
    let model = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../static/models/keyboard.safetensors"
    );
    for (more, words) in [
        (
            &["--scenario", "keyboard", "--weights", model][..],
            "no weights",
        ),
        (
            &["--scenario", "keyboard", "--scheme", "missing.yaml"],
            "missing.yaml cannot be read",
        ),
        (&[model, "--classes", "21"], "2 to 20 classes, not 21"),
        (&["--scenario", "keyboard", "--as", "exe"], "exe"),
    ] {
        let output = run(&[&["export", "--out", text(&folder)], more].concat());
        let sentence = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{more:?}");
        assert!(sentence.contains(words), "{sentence}");
        assert!(!folder.exists(), "{more:?}");
    }
}

/// A network of one's own, with a classifier of its own: the configuration says both.
#[test]
fn a_network_of_ones_own_is_exported_as_one() {
    let folder = place("own");
    let model = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../static/models/keyboard.safetensors"
    );
    let lines = json_lines(&[
        "export",
        model,
        "--classes",
        "3",
        "--scheme",
        "last:2",
        "--board",
        "custom",
        "--sram",
        "200KiB",
        "--flash",
        "512KiB",
        "--as",
        "json",
        "--out",
        text(&folder),
        "--json",
    ]);
    assert_eq!(lines.len(), 1);
    let file = fs::read(folder.join("quartermeg.json")).expect("a file");
    let opened = quartermeg_formats::config::read(&file).expect("a configuration");
    assert_eq!(opened.setup.scenario, "own");
    assert_eq!(opened.setup.device, "custom:204800:524288");
    assert_eq!(opened.setup.budget_bytes, 204_800);
    assert_eq!(
        opened.setup.head.map(|head| (head.n_classes, head.seed)),
        Some((3, 0))
    );
    assert_eq!(
        opened.identity,
        lines[0]["identity"].as_str().expect("text")
    );
}
