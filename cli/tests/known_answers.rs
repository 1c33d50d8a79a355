//! What the released simulator computed, computed again by the command line
//! (`docs/numerics.md`, "Known answers"). Needs the reference data, which is not part of this
//! repository; without it each test says what it left out.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use image::imageops::FilterType;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// The folder of reference data, or a line that says what is not checked.
fn reference(what: &str) -> Option<PathBuf> {
    let folder = env::var_os("QUARTERMEG_REFERENCE_DIR").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("NOT RUN: {what} (QUARTERMEG_REFERENCE_DIR is not set)");
    }
    folder
}

/// Runs the program and returns what it printed as JSON.
fn quartermeg(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_quartermeg"))
        .args(arguments)
        .output()
        .expect("the program runs");
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn path_text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// A copy of a file of known answers that holds only the named entries: no answer.
fn without_answers(file: &Path, inputs: &[&str], copy: &str) -> PathBuf {
    let bytes = fs::read(file).expect("a file of reference data");
    let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
    let kept: Vec<(&str, TensorView<'_>)> = inputs
        .iter()
        .map(|&name| (name, tensors.tensor(name).expect("an input")))
        .collect();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(copy);
    let file = safetensors::serialize(kept, None).expect("safetensors");
    fs::write(&path, file).expect("a temporary file");
    path
}

fn numbers(tensor: &TensorView<'_>) -> Vec<f64> {
    let bytes = tensor.data();
    match tensor.dtype() {
        Dtype::F32 => bytes
            .chunks_exact(4)
            .map(|b| f64::from(f32::from_le_bytes(b.try_into().expect("4 bytes"))))
            .collect(),
        Dtype::F64 => bytes
            .chunks_exact(8)
            .map(|b| f64::from_le_bytes(b.try_into().expect("8 bytes")))
            .collect(),
        dtype => panic!("no number: {dtype:?}"),
    }
}

fn relative(found: f64, expected: f64) -> f64 {
    (found - expected).abs() / expected.abs()
}

/// L2 norm of the difference, relative to that of what was expected.
fn relative_distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| -> f64 {
        values.map(|value| value * value).sum::<f64>().sqrt()
    };
    let mut differences = found.iter().zip(expected).map(|(a, b)| a - b);
    norm(&mut differences) / norm(&mut expected.iter().copied())
}

#[test]
fn one_step_equals_the_simulator() {
    let Some(folder) = reference("one step of the simulator on mcunet-5fps") else {
        return;
    };
    let answers = folder.join("golden/mcunet-5fps.astronaut.step.safetensors");
    let inputs = ["input", "label", "fc.weight", "fc.bias"];
    let input = without_answers(&answers, &inputs, "step-input.safetensors");
    let trace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("step-trace.safetensors");
    let model = folder.join("models/mcunet-5fps.pkl");
    quartermeg(&[
        "step",
        path_text(&model),
        "--numerics",
        "simulator",
        "--input",
        path_text(&input),
        "--trace",
        path_text(&trace),
        "--json",
    ]);
    let (expected, found) = (fs::read(&answers).unwrap(), fs::read(&trace).unwrap());
    let expected = SafeTensors::deserialize(&expected).expect("safetensors");
    let found = SafeTensors::deserialize(&found).expect("safetensors");
    let mut checked: BTreeMap<&str, usize> = BTreeMap::new();
    for name in expected
        .names()
        .into_iter()
        .filter(|name| !inputs.contains(name))
    {
        let (answer, result) = (
            expected.tensor(name).expect("it is there"),
            found
                .tensor(name)
                .unwrap_or_else(|_| panic!("{name} is missing")),
        );
        assert_eq!(answer.shape(), result.shape(), "{name}");
        assert_eq!(answer.dtype(), result.dtype(), "{name}");
        let kind = name.rsplit('.').next().expect("a part");
        *checked.entry(kind).or_default() += 1;
        if kind == "out" {
            assert_eq!(answer.data(), result.data(), "codes of {name}");
            continue;
        }
        let (answer, result) = (numbers(&answer), numbers(&result));
        if kind == "norms" || kind == "loss" {
            for (found, expected) in result.iter().zip(&answer) {
                assert!(
                    relative(*found, *expected) <= 1e-5,
                    "{name}: {found} {expected}"
                );
            }
        } else {
            let distance = relative_distance(&result, &answer);
            assert!(distance <= 1e-5, "{name}: {distance}");
        }
    }
    let expected = [
        ("grad", 86),
        ("logits", 1),
        ("loss", 1),
        ("norms", 42),
        ("out", 42),
    ];
    assert_eq!(checked, BTreeMap::from(expected));
}

#[test]
fn forty_steps_follow_the_simulator() {
    let Some(folder) = reference("forty steps of the simulator on mcunet-5fps") else {
        return;
    };
    let answers = folder.join("golden/mcunet-5fps.sparse100kb.trajectory.safetensors");
    let inputs = [
        "images",
        "labels",
        "fc.weight.init",
        "fc.bias.init",
        "lr",
        "n_bias_update",
        "manual_weight_idx",
        "weight_update_ratio",
    ];
    let input = without_answers(&answers, &inputs, "trajectory-input.safetensors");
    let model = folder.join("models/mcunet-5fps.pkl");
    let report = quartermeg(&[
        "replay",
        path_text(&model),
        "--numerics",
        "simulator",
        "--input",
        path_text(&input),
        "--json",
    ]);
    let bytes = fs::read(&answers).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
    let expected = numbers(&tensors.tensor("losses").expect("losses"));
    let found: Vec<f64> = report["losses"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|loss| loss.as_f64().expect("a number"))
        .collect();
    assert_eq!(found.len(), 40);
    // All forty agree, where at least the first ten must (docs/numerics.md).
    for (step, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!(
            relative(*found, *expected) <= 1e-4,
            "step {step}: {found} instead of {expected}"
        );
    }
}

/// Bytes by the paper's formula, in KB of 1024 bytes.
fn analytic_kb(model: &Path, scheme: &str) -> f64 {
    let report = quartermeg(&["memory", path_text(model), "--scheme", scheme, "--json"]);
    report["analytic_bytes"]["total"].as_f64().expect("bytes") / 1024.0
}

#[test]
fn analytic_memory_equals_the_simulator_to_the_byte() {
    let Some(folder) = reference("the simulator's analytic memory of 14 schemes") else {
        return;
    };
    let text = fs::read(folder.join("golden/official_memory_kb.json")).unwrap();
    let official: BTreeMap<String, f64> = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(official.len(), 14);
    for (case, expected) in official {
        let (network, scheme) = case.split_once('/').expect("network/scheme");
        let model = folder.join(format!("models/{network}.pkl"));
        let scheme = match scheme {
            "sparse_100kb" => "mcunet-99kb".to_owned(),
            "full" => "full".to_owned(),
            "bias_all" => match network {
                "mcunet-5fps" => "bias:42".to_owned(),
                "mbv2-w0.35" => "bias:51".to_owned(),
                _ => "bias:60".to_owned(),
            },
            other => other
                .replacen("last", "last:", 1)
                .replacen("bias", "bias:", 1),
        };
        let found = analytic_kb(&model, &scheme);
        assert_eq!(
            found.to_bits(),
            expected.to_bits(),
            "{case}: {found} {expected}"
        );
    }
}

#[test]
fn published_schemes_and_baselines_have_the_published_memory() {
    let Some(folder) = reference("the paper's 15 schemes and its baselines") else {
        return;
    };
    let (mcunet, mbv2, proxyless) = ("mcunet-5fps", "mbv2-w0.35", "proxyless-w0.3");
    // Weights, activations and total of every scheme, in KB with one decimal.
    let schemes = [
        (mcunet, "mcunet-49kb", [29.8, 20.0, 49.8]),
        (mcunet, "mcunet-74kb", [47.3, 27.5, 74.8]),
        (mcunet, "mcunet-99kb", [70.0, 29.9, 99.8]),
        (mcunet, "mcunet-124kb", [93.5, 31.4, 125.0]),
        (mcunet, "mcunet-148kb", [115.6, 32.8, 148.4]),
        (mbv2, "mbv2-49kb", [34.1, 15.7, 49.8]),
        (mbv2, "mbv2-73kb", [52.6, 21.3, 73.9]),
        (mbv2, "mbv2-99kb", [70.9, 28.5, 99.4]),
        (mbv2, "mbv2-123kb", [89.4, 34.2, 123.6]),
        (mbv2, "mbv2-138kb", [99.4, 38.8, 138.2]),
        (proxyless, "proxyless-49kb", [33.9, 15.8, 49.7]),
        (proxyless, "proxyless-74kb", [51.3, 23.6, 74.9]),
        (proxyless, "proxyless-98kb", [76.1, 22.4, 98.5]),
        (proxyless, "proxyless-120kb", [91.8, 28.5, 120.2]),
        (proxyless, "proxyless-148kb", [106.4, 41.8, 148.2]),
    ];
    for (network, scheme, expected) in schemes {
        let model = folder.join(format!("models/{network}.pkl"));
        let report = quartermeg(&["memory", path_text(&model), "--scheme", scheme, "--json"]);
        let parts = ["weights", "activations", "total"];
        for (part, expected) in parts.into_iter().zip(expected) {
            let found = report["analytic_bytes"][part].as_f64().expect("bytes") / 1024.0;
            // The table has one decimal, rounded by whoever made it.
            assert!(
                (found - expected).abs() <= 0.0501,
                "{scheme} {part}: {found} {expected}"
            );
        }
    }
    let baselines: [(&str, &[(&str, f64)]); 3] = [
        (
            mcunet,
            &[
                ("last:3", 176.4),
                ("last:6", 276.3),
                ("last:9", 376.3),
                ("last:12", 448.0),
                ("last:15", 499.8),
                ("last:42", 1400.4),
                ("bias:42", 121.3),
            ],
        ),
        (
            mbv2,
            &[
                ("last:3", 74.2),
                ("last:6", 129.5),
                ("last:9", 184.8),
                ("last:12", 223.7),
                ("last:15", 268.3),
                ("last:36", 545.3),
                ("last:51", 1306.4),
                ("bias:51", 134.2),
                ("bias:22", 30.7),
                ("bias:34", 46.8),
                ("bias:36", 53.5),
                ("bias:45", 82.7),
                ("bias:48", 114.1),
            ],
        ),
        (
            proxyless,
            &[
                ("last:3", 96.5),
                ("last:6", 139.3),
                ("last:9", 182.2),
                ("last:12", 266.4),
                ("last:15", 314.3),
                ("last:60", 1210.7),
                ("bias:60", 113.4),
            ],
        ),
    ];
    for (network, cases) in baselines {
        let model = folder.join(format!("models/{network}.pkl"));
        for &(scheme, expected) in cases {
            let found = analytic_kb(&model, scheme);
            assert!(
                (found - expected).abs() <= 0.0501,
                "{network} {scheme}: {found} {expected}"
            );
        }
    }
}

/// The ImageNet class of mopeds.
const MOPED: &str = "665";

/// The published networks see a moped in the photograph that `QUARTERMEG_MOPED` names. It cannot be
/// committed: no licence is stated for it (`tests/photographs/README.md`).
#[test]
fn published_networks_see_a_moped() {
    let what = "what three networks see in the photograph of a moped";
    let Some(folder) = reference(what) else {
        return;
    };
    let Some(photograph) = env::var_os("QUARTERMEG_MOPED") else {
        eprintln!("NOT RUN: {what} (QUARTERMEG_MOPED is not set)");
        return;
    };
    // As the photographs that are committed: the short side scaled to 147, the middle cut out.
    let image = image::open(photograph).expect("a photograph");
    let (width, height) = (image.width(), image.height());
    let short = width.min(height);
    let scaled = |side: u32| (2 * side * 147 + short) / (2 * short);
    let image = image.resize_exact(scaled(width), scaled(height), FilterType::Triangle);
    let (left, top) = ((image.width() - 128) / 2, (image.height() - 128) / 2);
    let image = image.crop_imm(left, top, 128, 128);
    // The command line learns from two classes at least; here it does not learn at all.
    let samples = Path::new(env!("CARGO_TARGET_TMPDIR")).join("moped");
    for class in ["first", "second"] {
        fs::create_dir_all(samples.join(class)).expect("a temporary folder");
        image
            .save(samples.join(class).join("moped.png"))
            .expect("a temporary file");
    }
    for network in ["mcunet-5fps", "mbv2-w0.35", "proxyless-w0.3"] {
        let model = folder.join(format!("models/{network}.pkl"));
        let predictions = samples.with_extension(network);
        quartermeg(&[
            "train",
            path_text(&model),
            "--link",
            "#scenario=own&head=own&budget=16777216",
            "--scheme",
            "classifier",
            "--steps",
            "0",
            "--data",
            path_text(&samples),
            "--eval",
            path_text(&samples),
            "--predictions",
            path_text(&predictions),
            "--json",
        ]);
        let seen = fs::read_to_string(&predictions).expect("predictions");
        assert_eq!(seen.lines().collect::<Vec<_>>(), [MOPED; 2], "{network}");
    }
}
