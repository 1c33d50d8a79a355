//! `quartermeg drift` as people use it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use safetensors::{Dtype, serialize, tensor::TensorView};
use serde_json::Value;

/// What came of it here and in the page's worker (`worker/tests/drift.rs`): learner, world and step,
/// then the samples that each seed recognized.
const KNOWN: &str = include_str!("../../search/tests/known/drift.txt");
/// Settings, samples and change of what is known, as the test of the worker has them.
const LINK: &str = "v=1&scenario=own&head=3&seed=7&stop=6&policy=----------------------bbbbbbb1";
const N_LEARN: u32 = 4;
const N_HELD_OUT: u32 = 7;

/// An empty folder for one test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        // From an earlier run.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// Images of 48 by 48 pixels with stripes, by which three classes differ.
    fn samples(&self, name: &str, ids: std::ops::Range<u32>) -> String {
        self.samples_of(name, ids, 48)
    }

    fn samples_of(&self, name: &str, ids: std::ops::Range<u32>, side: u32) -> String {
        let codes: Vec<u8> = ids
            .clone()
            .flat_map(|id| {
                (0..side * side).map(move |at| {
                    let stripe = (at / (5 + 7 * (id % 3)) + id) % 2;
                    // -128 and 100.
                    if stripe == 0 { 128 } else { 100 }
                })
            })
            .collect();
        let labels: Vec<u8> = ids.clone().flat_map(|id| (id % 3).to_le_bytes()).collect();
        let (n, side) = (ids.len(), side as usize);
        let x = TensorView::new(Dtype::I8, vec![n, 1, side, side], &codes).expect("codes");
        let y = TensorView::new(Dtype::I32, vec![n], &labels).expect("labels");
        let file = serialize([("x", x), ("y", y)], None).expect("a file");
        let path = self.0.join(name);
        fs::write(&path, file).expect("it can be written");
        path.to_str().expect("text").to_owned()
    }
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_quartermeg"))
        .args(arguments)
        .output()
        .expect("the program runs")
}

fn answer(arguments: &[&str]) -> String {
    let output = run(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// The one object that a run prints.
fn object(arguments: &[&str]) -> Value {
    serde_json::from_str(&answer(arguments)).expect("JSON")
}

/// What is said when it cannot be done.
fn refusal(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(!output.status.success(), "{arguments:?}");
    assert!(output.stdout.is_empty(), "nothing but a sentence");
    String::from_utf8(output.stderr).expect("text")
}

/// A drift of Keyboard with few samples and steps.
fn quick<'a>(learn: &'a str, held_out: &'a str) -> Vec<&'a str> {
    let options = ["drift", "--scenario", "keyboard", "--seeds", "1"];
    let steps = ["--before", "1", "--after", "1", "--data", learn];
    [&options[..], &steps, &["--eval", held_out]].concat()
}

fn learners(report: &Value) -> &[Value] {
    report["learners"].as_array().expect("a list")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn it_comes_to_what_the_page_comes_to_on_any_number_of_threads() {
    let folder = Folder::new("drift-known");
    let learn = folder.samples("learn", 0..N_LEARN);
    let held_out = folder.samples("held-out", N_LEARN..N_LEARN + N_HELD_OUT);
    let network = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../static/models/keyboard.safetensors"
    );
    let on_threads = |threads: &str| {
        let files = ["drift", network, "--data", &learn, "--eval", &held_out];
        let change = ["--change", "slant", "--strength", "30", "--link", LINK];
        let runs = ["--before", "2", "--after", "3", "--seeds", "2"];
        let last = ["--threads", threads, "--json"];
        let mut report = object(&[&files[..], &change, &runs, &last].concat());
        let fields = report.as_object_mut().expect("an object");
        assert!(fields.remove("seconds").is_some_and(|it| number(&it) > 0.0));
        report
    };
    let alone = on_threads("1");
    assert_eq!(alone, on_threads("3"));

    let mut found = String::new();
    for learner in learners(&alone) {
        for world in ["before", "after"] {
            for point in learner["curves"][world].as_array().expect("a list") {
                let name = learner["learner"].as_str().expect("text");
                write!(found, "{name} {world} {}", point["step"]).expect("text");
                for accuracy in point["accuracies"].as_array().expect("a list") {
                    let count = number(accuracy) * f64::from(N_HELD_OUT);
                    assert!((count - count.round()).abs() < 1e-9, "{count}");
                    write!(found, " {count:.0}").expect("text");
                }
                found.push('\n');
            }
        }
    }
    assert_eq!(found, KNOWN);
}

#[test]
fn every_learner_is_told_with_its_bytes_and_what_came_of_it() {
    let folder = Folder::new("drift-fields");
    let (learn, held_out) = (folder.samples("learn", 0..3), folder.samples("test", 0..6));
    let options = quick(&learn, &held_out);
    let report = object(&[&options[..], &["--json"]].concat());
    assert_eq!(report["change"]["kind"], "slant");
    assert_eq!(report["change"]["strength"], 25);
    assert_eq!(report["budget_bytes"], 262_144, "that of the usual board");
    assert_eq!(report["held_out_samples"], serde_json::json!([6, 6]));
    let ids: Vec<&Value> = learners(&report).iter().map(|it| &it["learner"]).collect();
    assert_eq!(ids, ["nothing", "classifier", "biases", "sparse", "full"]);
    for learner in learners(&report) {
        let mean = |what: &str| number(&learner[what]["mean"]);
        let gain = mean("after") - mean("at_change");
        assert!((mean("recovery") - gain).abs() < 1e-9, "{learner}");
        let gain = mean("old_world_after") - mean("before_change");
        assert!((mean("forgetting") - gain).abs() < 1e-9, "{learner}");
        let bytes = learner["arena_bytes"].as_u64().expect("bytes");
        assert_eq!(learner["fits"], bytes <= 262_144, "{learner}");
        if let Some(policy) = learner["policy"].as_str() {
            // The planner of `memory` says the same.
            let scheme = ["memory", "--scenario", "keyboard", "--scheme", policy];
            let memory = object(&[&scheme[..], &["--json"]].concat());
            assert_eq!(memory["arena_bytes"], learner["arena_bytes"]);
        } else {
            assert_eq!((learner["learner"].as_str(), bytes), (Some("nothing"), 0));
        }
    }
    assert!(learners(&report).iter().any(|it| it["fits"] == false));

    // For people, within other bytes.
    let text = answer(&[&options[..], &["--budget", "13KiB"]].concat());
    assert!(
        text.starts_with("Another hand (slant), 25°: 1 steps"),
        "{text}"
    );
    let row = |name: &str| {
        let row = text.lines().find(|line| line.starts_with(name));
        row.unwrap_or_else(|| panic!("{name}: {text}"))
    };
    assert!(row("Classifier only").ends_with("yes"), "{text}");
    for name in ["Sparse update", "Full update"] {
        assert!(row(name).ends_with("no"), "{text}");
    }
    assert!(text.contains("A block of 13.0 KiB (13,312 B) does not hold"));
}

#[test]
fn a_new_class_is_counted_alone() {
    let folder = Folder::new("drift-class");
    let (learn, held_out) = (folder.samples("learn", 0..6), folder.samples("test", 0..9));
    let options = quick(&learn, &held_out);
    let change = ["--change", "new-class", "--class", "2"];
    let report = object(&[&options[..], &change, &["--json"]].concat());
    assert_eq!(report["change"]["class"], "2");
    assert_eq!(report["learn_samples"], serde_json::json!([4, 6]));
    assert_eq!(report["held_out_samples"], serde_json::json!([6, 9]));
    for learner in learners(&report) {
        let mean = |what: &str| number(&learner[what]["mean"]);
        let of_class = 9.0 * mean("after") - 6.0 * mean("old_world_after");
        assert!(
            (3.0 * mean("new_class") - of_class).abs() < 1e-9,
            "{learner}"
        );
    }
    let text = answer(&[&options[..], &change].concat());
    assert!(text.contains("Recognized of the new class alone"), "{text}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = Folder::new("drift-refusals");
    let (learn, held_out) = (folder.samples("learn", 0..3), folder.samples("test", 0..3));
    let options = quick(&learn, &held_out);
    let budget = ["--budget", "64KiB", "--board", "rp2040"];
    for (more, words) in [
        (&["--change", "other-arm"][..], "no motion with axes"),
        (&["--change", "sideways"], "turned-sensor"),
        (&["--strength", "61"], "--strength 61 cannot be used"),
        (&["--change", "light", "--strength", "-5"], "5..400"),
        (
            &["--change", "new-class", "--strength", "3"],
            "no more or less of a new class",
        ),
        (&["--class", "3"], "--class is for --change new-class"),
        (
            &["--change", "new-class", "--class", "eleven"],
            "0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
        ),
        // The network knows it, but there is no sample of it.
        (
            &["--change", "new-class", "--class", "7"],
            "Samples are missing",
        ),
        (&["--budget", "some"], "no size"),
        (&budget, "cannot be used with"),
        (&["--board", "some"], "There is no board \"some\""),
        (&["--threads", "0"], "--threads"),
    ] {
        let refused = refusal(&[&options[..], more].concat());
        assert!(refused.contains(words), "{more:?}: {refused}");
    }
    let other = folder.samples_of("other", 0..3, 40);
    let refused = refusal(&quick(&other, &held_out));
    assert!(refused.contains("1600 values"), "{refused}");
    let one = folder.samples("one", 0..1);
    let refused = refusal(&quick(&learn, &one));
    assert!(refused.contains("at least two samples"), "{refused}");
    let refused = refusal(&["drift", "--scenario", "person"]);
    assert!(refused.contains("--data"), "{refused}");
}

#[test]
fn help_names_every_change() {
    let help = answer(&["drift", "--help"]);
    for word in [
        "slant",
        "rotation",
        "light",
        "other-arm",
        "turned-sensor",
        "new-class",
        "--strength",
        "--before",
        "--after",
        "--budget",
        "--board",
        "--seeds",
        "--scheme",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
}
