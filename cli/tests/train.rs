//! `quartermeg train` as people use it.

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

/// The objects that a run on the Keyboard scenario prints, one a line.
fn train(arguments: &[&str]) -> Vec<Value> {
    train_on("keyboard", arguments)
}

fn train_on(scenario: &str, arguments: &[&str]) -> Vec<Value> {
    let all = [&["train", "--scenario", scenario, "--json"], arguments].concat();
    let output = run(&all);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn temporary(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // From an earlier run.
    let _ = fs::remove_file(&path);
    path
}

#[test]
fn a_run_that_was_cut_off_goes_on_where_it_stood() {
    let path = temporary("checkpoint.safetensors");
    let path = path.to_str().expect("text");
    let rules = [
        "--numerics",
        "device,optimizer:momentum,update:int16",
        "--lr",
        "0.0005",
    ];
    let with = |more: &[&'static str]| [&rules, more].concat();
    let whole = train(&with(&["--epochs", "2"]));
    train(&[with(&["--epochs", "1", "--checkpoint"]), vec![path]].concat());
    let resumed = train(&[with(&["--epochs", "2", "--checkpoint"]), vec![path]].concat());
    // One record an epoch, and the summary.
    assert_eq!(whole.len(), 3);
    assert_eq!(resumed.len(), 2);
    assert_eq!(whole.last(), resumed.last());
    assert_eq!(whole[1], resumed[0]);
    for field in [
        "epoch",
        "step",
        "mean_loss",
        "learning_rate",
        "moved",
        "rounded_to_nothing",
    ] {
        assert!(whole[0][field].is_number(), "{field}");
    }
}

#[test]
fn a_checkpoint_of_another_run_is_refused_in_a_sentence() {
    let path = temporary("other.safetensors");
    let path = path.to_str().expect("text");
    let common = [
        "train",
        "--scenario",
        "keyboard",
        "--steps",
        "3",
        "--checkpoint",
        path,
    ];
    assert!(run(&common).status.success());
    for (change, words) in [
        (["--seed", "9"], "trained with"),
        (["--scheme", "full"], "another network, scheme"),
    ] {
        let output = run(&[&common[..], &change].concat());
        assert!(!output.status.success());
        let sentence = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(sentence.contains(words), "{sentence}");
    }
    fs::write(path, "no checkpoint").expect("written");
    let output = run(&common);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("not a readable safetensors"));
}

#[test]
fn options_that_cannot_be_used_are_named() {
    for (option, value) in [
        ("--numerics", "chip"),
        ("--schedule", "linear"),
        ("--momentum", "2"),
        ("--lr", "nan"),
    ] {
        let output = run(&["train", "--scenario", "keyboard", option, value]);
        assert!(!output.status.success(), "{option}");
        let sentence = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(sentence.contains(&value.to_lowercase()), "{sentence}");
    }
}

/// The default of the Watch scenario learns the left arm that it has never met, and within the
/// memory of its device.
#[test]
fn the_watch_learns_a_new_persons_left_arm() {
    let last = |arguments: &[&str]| train_on("watch", arguments).pop().expect("a summary");
    let accuracy = |summary: &Value| summary["accuracy"].as_f64().expect("a share");
    let before = last(&["--steps", "0"]);
    let after = last(&[]);
    assert_eq!(after["steps"], 560);
    assert!(after["peak_bytes"].as_u64() < Some(262_144));
    // Three standard errors of a share of 140 windows are at most 0.13.
    assert!(
        accuracy(&after) > accuracy(&before) + 0.2,
        "{before} {after}"
    );
    assert_eq!(after, last(&["--scheme", "default"]));
}

#[test]
fn the_person_scenario_learns_samples_of_ones_own() {
    let output = run(&["train", "--scenario", "person", "--steps", "1"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--data"));

    // Two images, one dark and one bright, three classes.
    let path = temporary("person.safetensors");
    let header = r#"{"x":{"dtype":"I8","shape":[2,1,96,96],"data_offsets":[0,18432]},"y":{"dtype":"I32","shape":[2],"data_offsets":[18432,18440]}}"#;
    let padding = " ".repeat((8 - header.len() % 8) % 8);
    let mut file = u64::try_from(header.len() + padding.len())
        .expect("small")
        .to_le_bytes()
        .to_vec();
    file.extend(header.bytes().chain(padding.bytes()));
    file.extend([0xa0; 9_216]);
    file.extend([0x60; 9_216]);
    file.extend([0, 0, 0, 0, 2, 0, 0, 0]);
    fs::write(&path, file).expect("written");
    let path = path.to_str().expect("text");
    let last = |arguments: &[&str]| {
        let all = [
            &["--classes", "3", "--data", path, "--eval", path],
            arguments,
        ]
        .concat();
        train_on("person", &all).pop().expect("a summary")
    };
    assert_eq!(last(&["--steps", "40"])["accuracy"], 1.0);
    // A link means the same.
    let link = run(&[
        "train",
        "--link",
        "#v=1&scenario=person&head=3",
        "--data",
        path,
        "--steps",
        "2",
        "--json",
    ]);
    let text = String::from_utf8(link.stdout).expect("text");
    let of_link: Value =
        serde_json::from_str(text.lines().last().expect("a summary")).expect("JSON");
    assert_eq!(
        of_link["weights_digest"],
        last(&["--steps", "2"])["weights_digest"]
    );
}
