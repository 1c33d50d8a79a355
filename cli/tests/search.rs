//! `quartermeg analyze` and `quartermeg search` as people use them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use safetensors::{Dtype, serialize, tensor::TensorView};
use serde_json::Value;

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

    /// Samples of Keyboard with a bright row that tells the class.
    fn samples(&self, name: &str, n: usize) -> String {
        let (rows, columns) = (48, 48);
        let mut codes = Vec::new();
        for sample in 0..n {
            let row = 4 + 4 * (sample % 10);
            let pixels = (0..rows * columns).map(|pixel| {
                let is_bright = pixel / columns == row && pixel % columns > sample / 10;
                if is_bright { 127u8 } else { 128 }
            });
            codes.extend(pixels);
        }
        let labels: Vec<u8> = (0..n)
            .flat_map(|sample| u32::try_from(sample % 10).expect("small").to_le_bytes())
            .collect();
        let x = TensorView::new(Dtype::I8, vec![n, 1, rows, columns], &codes).expect("codes");
        let y = TensorView::new(Dtype::I32, vec![n], &labels).expect("labels");
        let file = serialize([("x", x), ("y", y)], None).expect("a file");
        let path = self.0.join(name);
        fs::write(&path, file).expect("it can be written");
        text(&path)
    }

    fn path(&self, name: &str) -> String {
        text(&self.0.join(name))
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("text").to_owned()
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_quartermeg"))
        .args(arguments)
        .output()
        .expect("the program runs")
}

/// The objects that a run prints.
fn objects(arguments: &[&str]) -> Vec<Value> {
    let output = run(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// What is said when it cannot be done.
fn refusal(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(!output.status.success(), "{arguments:?}");
    assert!(
        output.stdout.is_empty(),
        "only JSON goes to standard output"
    );
    String::from_utf8(output.stderr).expect("text")
}

/// Few samples and steps, so that a whole search takes seconds.
fn quick<'a>(learn: &'a str, held_out: &'a str, cache: &'a str) -> Vec<&'a str> {
    vec![
        "--scenario",
        "keyboard",
        "--data",
        learn,
        "--eval",
        held_out,
        "--cache",
        cache,
        "--steps",
        "6",
        "--seeds",
        "2",
        "--lr",
        "0.02",
        "--json",
    ]
}

/// A result without what depends on the machine and on what was known.
fn timeless(mut result: Value) -> Value {
    let fields = result.as_object_mut().expect("an object");
    for field in ["seconds", "runs", "runs_known"] {
        assert!(fields.remove(field).is_some(), "{field}");
    }
    result
}

#[test]
fn an_analysis_writes_the_file_that_the_page_opens() {
    let folder = Folder::new("contributions");
    let (learn, held_out) = (folder.samples("learn", 10), folder.samples("held-out", 10));
    let (cache, path) = (folder.path("cache"), folder.path("contributions.json"));
    let mut arguments = vec!["analyze", "--output", &path];
    arguments.extend(quick(&learn, &held_out, &cache));
    let report = objects(&arguments).pop().expect("a report");
    let file: Value =
        serde_json::from_slice(&fs::read(&path).expect("it was written")).expect("JSON");
    assert_eq!(file["format"], "quartermeg-contributions");
    assert_eq!(file["study"], report["study"]);
    let command = file["command"].as_str().expect("text");
    assert!(command.starts_with("quartermeg analyze --scenario keyboard --data"));
    assert!(!command.contains("--cache") && !command.contains("--output"));
    let cells = file["cells"].as_array().expect("cells");
    assert_eq!(
        cells.len(),
        report["contributions"].as_array().expect("cells").len()
    );
    for (cell, gains) in cells
        .iter()
        .zip(report["contributions"].as_array().expect("cells"))
    {
        let counts = cell["correct"].as_array().expect("counts").iter();
        let alone = file["classifier"].as_array().expect("counts").iter();
        let samples = file["validation_samples"].as_f64().expect("a number");
        for ((count, alone), gain) in counts
            .zip(alone)
            .zip(gains["gains"].as_array().expect("gains"))
        {
            let number = |value: &Value| value.as_f64().expect("a number");
            let expected = (number(count) - number(alone)) / samples;
            assert!((expected - number(gain)).abs() < 1e-9, "{cell}");
        }
    }
}

#[test]
fn a_search_finds_policies_that_fit_on_any_number_of_threads() {
    let folder = Folder::new("search");
    let (learn, held_out) = (folder.samples("learn", 10), folder.samples("held-out", 10));
    let search = |cache: &str, more: &[&str]| {
        let cache = folder.path(cache);
        let options = quick(&learn, &held_out, &cache);
        let all = [
            &[
                "search",
                "--budget",
                "100KiB",
                "--plans",
                "60",
                "--threshold",
                "0",
                "--rates",
                "1",
            ],
            &options[..],
            more,
        ]
        .concat();
        objects(&all)
    };
    let alone = search("cache", &["--threads", "1"]);
    let result = alone.last().expect("a result");
    let points = result["points"].as_array().expect("a list");
    let fits = |point: &Value| point["sram_total_bytes"].as_u64() <= Some(102_400);
    for point in points {
        assert_eq!(point["fits"].as_bool(), Some(fits(point)), "{point}");
        assert!(fits(point) || point["found"] == false, "{point}");
        let policy = point["policy"].as_str().expect("text");
        // The planner of `memory` says the same.
        let memory = objects(&[
            "memory",
            "--scenario",
            "keyboard",
            "--json",
            "--scheme",
            policy,
        ]);
        assert_eq!(memory[0]["sram_total_bytes"], point["sram_total_bytes"]);
        assert_eq!(memory[0]["macs_step"], point["macs_step"]);
    }
    for origin in [
        "evolution",
        "greedy",
        "additive",
        "elimination",
        "last",
        "bias",
        "full",
        "preset default",
    ] {
        let from = |point: &Value| {
            let origins = point["origin"].as_str().expect("text");
            origins.split(", ").any(|it| it == origin)
        };
        assert!(points.iter().any(from), "{origin}");
    }
    assert!(points.iter().any(|point| point["on_front"] == true));
    assert!(result["gap"].as_f64() >= Some(0.0), "the bound holds");
    assert!(alone.iter().any(|event| event["event"] == "generation"));
    let frozen = alone.iter().filter(|event| event["event"] == "elimination");
    let bytes: Vec<u64> = frozen
        .map(|step| step["sram_total_bytes"].as_u64().expect("bytes"))
        .collect();
    assert!(bytes.len() > 1 && bytes.is_sorted_by(|one, other| one >= other));

    // The same seed finds the same on any number of threads, and nothing is trained twice.
    let again = search("cache", &["--threads", "3"]);
    let again = again.last().expect("a result");
    assert_eq!(again["runs"], 0, "everything is known");
    assert_eq!(timeless(again.clone()), timeless(result.clone()));
}

#[test]
fn shares_and_runs_that_were_cut_off_come_to_the_same() {
    let folder = Folder::new("shares");
    let (learn, held_out) = (folder.samples("learn", 10), folder.samples("held-out", 10));
    let analyze = |cache: &str, more: &[&str]| {
        let cache = folder.path(cache);
        let options = quick(&learn, &held_out, &cache);
        objects(&[&["analyze"], &options[..], more].concat())
    };
    let whole = analyze("whole", &[]);
    let contributions = whole[0]["contributions"].as_array().expect("a list");
    assert_eq!(
        contributions.len(),
        147,
        "5 for each of 30 layers, 2 for the first, of one channel"
    );
    let n_runs: u64 = ["1/3", "2/3", "3/3"]
        .into_iter()
        .map(|shard| {
            let share = analyze("shares", &["--shard", shard]);
            assert_eq!(share[0]["shard"], shard);
            share[0]["runs"].as_u64().expect("a number")
        })
        .sum();
    assert_eq!(n_runs, 2 * (147 + 1));
    // Another seed is another run.
    let other = analyze(
        "shares",
        &["--seed", "77", "--shard", "1/49", "--threads", "1"],
    );
    assert_eq!(other[0]["runs"], 2 * 4);
    let merged = folder.path("shares");
    let before = files(&merged);
    assert_eq!(before.len(), 4, "a file a share");
    assert_eq!(analyze("shares", &[]), whole);

    // A file that ends in the middle of a line loses that line alone.
    let path = files(&merged)
        .into_iter()
        .max_by_key(|path| fs::metadata(path).expect("it is there").len());
    let path = path.expect("a file");
    let file = fs::read(&path).expect("it can be read");
    fs::write(&path, &file[..file.len() - 9]).expect("it can be written");
    assert_eq!(analyze("shares", &[]), whole);
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

#[test]
fn what_cannot_be_searched_is_said() {
    let folder = Folder::new("refusals");
    let (learn, held_out) = (folder.samples("learn", 10), folder.samples("held-out", 1));
    let cache = folder.path("cache");
    let options = quick(&learn, &held_out, &cache);
    let refused = refusal(&[&["analyze"], &options[..]].concat());
    assert!(refused.contains("measure the accuracy on"), "{refused}");

    let enough = folder.samples("enough", 10);
    let options = quick(&learn, &enough, &cache);
    let search = |more: &[&str]| refusal(&[&["search"], &options[..], more].concat());
    let refused = search(&["--budget", "11KiB"]);
    assert!(refused.contains("12.0 KiB (12,316 B)"), "{refused}");
    assert!(
        refused.contains("1.0 KiB (1,052 B) more than --budget"),
        "{refused}"
    );
    let refused = search(&["--budget", "1MiB", "--flash", "100KiB", "--macs", "1000"]);
    assert!(refused.contains("more than --flash"), "{refused}");
    assert!(refused.contains("more than --macs"), "{refused}");
    let refused = search(&["--budget", "some"]);
    assert!(refused.contains("no size"), "{refused}");
    for (option, value, words) in [
        ("--shard", "3/2", "no share"),
        ("--shard", "0/2", "no share"),
        ("--threshold", "101", "no accuracy"),
        ("--rates", "0", "no factor"),
    ] {
        let refused = search(&["--budget", "100KiB", option, value]);
        assert!(refused.contains(words), "{option} {value}: {refused}");
    }
}
