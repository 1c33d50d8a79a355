//! What is exported is read back: policies, and weights to go on with.

use super::{checkpoint, export, json, place, refusal, text};

fn train(more: &[&str]) -> serde_json::Value {
    json(&[&["train", "--scenario", "keyboard", "--json"], more].concat())
}

#[test]
fn training_goes_on_from_every_file_that_carries_weights() {
    let weights = checkpoint("again.safetensors", "3");
    let folder = place("again");
    export(
        &folder,
        &[
            "--weights",
            text(&weights),
            "--as",
            "json,qmeg,weights,delta",
        ],
    );
    let whole = train(&["--steps", "6"]);
    assert_eq!(whole["steps"], 6);
    let mut files: Vec<_> = [
        "quartermeg.json",
        "quartermeg.qmeg",
        "weights.safetensors",
        "delta.safetensors",
    ]
    .iter()
    .map(|name| folder.join(name))
    .collect();
    files.push(weights);
    for file in &files {
        let resumed = train(&["--steps", "6", "--weights", text(file)]);
        assert_eq!(resumed, whole, "{}", file.display());
        // And from there into files again.
        let again = place("again-2");
        export(&again, &["--weights", text(file), "--as", "weights"]);
        let [a, b] = [&folder, &again]
            .map(|folder| std::fs::read(folder.join("weights.safetensors")).expect("a file"));
        assert!(a == b, "{}", file.display());
    }
}

#[test]
fn weights_of_another_program_are_refused() {
    let folder = place("another");
    export(&folder, &["--as", "json,weights,delta"]);
    for (name, words) in [
        (
            "weights.safetensors",
            "another network, policy or arithmetic",
        ),
        ("delta.safetensors", "another network, policy or arithmetic"),
        ("quartermeg.json", "another network, policy or arithmetic"),
    ] {
        let file = folder.join(name);
        let sentence = refusal(&[
            "train",
            "--scenario",
            "keyboard",
            "--scheme",
            "full",
            "--steps",
            "1",
            "--weights",
            text(&file),
        ]);
        assert!(sentence.contains(words), "{sentence}");
    }
    let untrained = folder.join("quartermeg.json");
    let sentence = refusal(&[
        "train",
        "--scenario",
        "keyboard",
        "--steps",
        "1",
        "--weights",
        text(&untrained),
    ]);
    assert!(
        sentence.contains("carries no trained weights"),
        "{sentence}"
    );
}

#[test]
fn the_options_of_tiny_training_give_the_same_policy() {
    for scheme in [
        "default",
        "classifier",
        "full",
        "bias:7",
        "last:3",
        "------------------------------",
        "--------------------------b(0.3)8b",
    ] {
        let folder = place("options");
        let exported = export(&folder, &["--scheme", scheme, "--as", "yaml,qmeg"]);
        let file = folder.join("quartermeg.yaml");
        let again = place("options-2");
        let read = export(&again, &["--scheme", text(&file), "--as", "qmeg"]);
        assert_eq!(read["identity"], exported["identity"], "{scheme}");
        let program = folder.join("quartermeg.qmeg");
        let verified = ["verify", text(&file), text(&program), "--json"];
        assert_eq!(json(&verified)["identity"], exported["identity"]);
    }
}
