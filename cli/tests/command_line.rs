//! The command line as other programs use it.

use std::process::{Command, Output};

use serde_json::Value;

fn quartermeg(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_quartermeg"))
        .args(arguments)
        .output()
        .expect("the command starts")
}

/// Every line of standard output as JSON; anything else there is a failure.
fn json_lines(arguments: &[&str]) -> Vec<Value> {
    let output = quartermeg(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect()
}

#[test]
fn inspect_lists_every_node_with_its_indices() {
    let lines = json_lines(&["inspect", "--scenario", "keyboard", "--json"]);
    let [report] = lines.as_slice() else {
        panic!("one object")
    };
    let layers = report["layers"].as_array().expect("layers");
    let conv_indices: Vec<u64> = layers
        .iter()
        .filter_map(|layer| layer["conv_index"].as_u64())
        .collect();
    assert_eq!(conv_indices, (0..30).collect::<Vec<u64>>());
    assert_eq!(layers[0]["name"], "stem");
    assert_eq!(layers[0]["input_shape"], serde_json::json!([48, 48, 1]));
    assert!(layers.last().expect("a last layer")["conv_index"].is_null());
    let macs: u64 = layers
        .iter()
        .filter_map(|layer| layer["macs"].as_u64())
        .sum();
    assert_eq!(report["macs_forward"], macs);
}

#[test]
fn an_int8_classifier_states_its_scale_and_learns_in_fewer_bytes() {
    let int8 = [
        "--scenario",
        "keyboard",
        "--numerics",
        "device,classifier:int8",
    ];
    let with = |command: &[&'static str], rest: &[&'static str]| [command, rest].concat();
    let report = json_lines(&with(&["inspect", "--json"], &int8)).remove(0);
    let layers = report["layers"].as_array().expect("layers");
    let [.., classifier, logits] = layers.as_slice() else {
        panic!("a classifier and its logits")
    };
    assert_eq!(classifier["kind"], "int8_classifier");
    assert_eq!(classifier["weight_bytes"], 640);
    assert_eq!(logits["output_scale"], 0.125);
    assert_eq!(logits["output_zero_point"], 0);
    let text = quartermeg(&with(&["inspect"], &int8)).stdout;
    let text = String::from_utf8(text).expect("UTF-8");
    assert!(text.ends_with("the classifier is int8: a logit is 0.125 * (code - 0)\n"));

    let trained = |rest: &[&'static str]| -> f64 {
        let train = with(&["train", "--json", "--steps", "600"], rest);
        let lines = json_lines(&train);
        lines.last().expect("a summary")["accuracy"]
            .as_f64()
            .expect("an accuracy")
    };
    let (float, codes) = (trained(&int8[..2]), trained(&int8));
    assert!((float - codes).abs() < 0.05, "{float} and {codes}");
}

#[test]
fn memory_orders_the_policies_as_the_story_tells() {
    let arena = |scheme: &str| {
        let lines = json_lines(&[
            "memory",
            "--scenario",
            "keyboard",
            "--scheme",
            scheme,
            "--json",
        ]);
        let report = &lines[0];
        let bytes = |field: &str| report[field].as_u64().expect("a number of bytes");
        assert!(bytes("lower_bound_bytes") <= bytes("arena_bytes"));
        assert_eq!(
            bytes("lower_bound_bytes"),
            bytes("forward_peak_bytes").max(bytes("backward_peak_bytes"))
        );
        assert!(bytes("trainable_bytes") + bytes("scratch_bytes") <= bytes("arena_bytes"));
        bytes("arena_bytes")
    };
    assert!(arena("classifier") < arena("default"));
    assert!(arena("default") < 262_144 && 262_144 < arena("full"));
    assert_eq!(arena("last:30"), arena("full"));
    let again = arena("full;recompute=all");
    assert!(again < arena("full"));
    assert!(
        again <= arena("full;recompute=28-29") && arena("full;recompute=28-29") < arena("full")
    );
    assert_eq!(
        arena("n_bias_update=3;manual_weight_idx=28-29;weight_update_ratio=1-0.125"),
        arena("---------------------------b18"),
    );
}

#[test]
fn memory_says_on_request_what_the_passes_save_and_why_the_peak_is_what_it_is() {
    let memory = ["memory", "--scenario", "person", "--scheme", "default"];
    let with = |rest: &[&'static str]| [&memory[..], rest].concat();
    let plain = json_lines(&with(&["--json"])).remove(0);
    assert!(plain.get("passes").is_none() && plain.get("peak").is_none());
    let report = json_lines(&with(&["--json", "--passes", "--peak"])).remove(0);
    let passes = report["passes"].as_array().expect("passes");
    assert_eq!(passes.len(), 7);
    assert_eq!(passes[0]["name"], "no pass");
    for field in [
        "arena_bytes",
        "lower_bound_bytes",
        "forward_peak_bytes",
        "backward_peak_bytes",
    ] {
        assert_eq!(passes[6][field], plain[field]);
    }
    let peak = &report["peak"];
    assert_eq!(peak["bytes"], plain["lower_bound_bytes"]);
    let tensors = peak["tensors"].as_array().expect("tensors");
    let bytes: u64 = tensors
        .iter()
        .map(|tensor| tensor["bytes"].as_u64().expect("bytes"))
        .sum();
    assert_eq!(peak["bytes"], bytes);

    let text =
        |rest: &[&'static str]| String::from_utf8(quartermeg(&with(rest)).stdout).expect("UTF-8");
    let (short, long) = (text(&[]), text(&["--passes", "--peak"]));
    let added = long.strip_prefix(&short).expect("what was there before");
    for part in ["no pass", "in place", "row by row", "saved"] {
        assert!(added.contains(part), "{part}: {added}");
    }
    let name = peak["name"].as_str().expect("a name");
    let first = tensors[0]["name"].as_str().expect("a name");
    assert!(added.contains(name) && added.contains(first), "{added}");
}

#[test]
fn the_watch_scenario_is_known_by_name_and_by_link() {
    let report = json_lines(&["inspect", "--scenario", "watch", "--json"]).remove(0);
    assert_eq!(
        report["layers"][0]["input_shape"],
        serde_json::json!([1, 64, 6])
    );
    let arena = |scheme: &str| {
        let arguments = [
            "memory",
            "--scenario",
            "watch",
            "--scheme",
            scheme,
            "--json",
        ];
        json_lines(&arguments)[0]["arena_bytes"]
            .as_u64()
            .expect("a number of bytes")
    };
    assert!(arena("classifier") < arena("default"));
    assert!(arena("default") < 262_144 && 262_144 < arena("full"));
    let last = |arguments: &[&str]| json_lines(arguments).pop().expect("a summary");
    let by_link = "#v=1&scenario=watch";
    assert_eq!(
        last(&["train", "--link", by_link, "--steps", "2", "--json"]),
        last(&["train", "--scenario", "watch", "--steps", "2", "--json"]),
    );
}

#[test]
fn a_link_and_the_same_options_give_the_same_weights() {
    let last = |arguments: &[&str]| json_lines(arguments).pop().expect("a summary");
    let by_link = last(&[
        "train",
        "--link",
        "https://x.test/#v=1&seed=7&lr=0.002",
        "--steps",
        "3",
        "--json",
    ]);
    let by_options = last(&[
        "train",
        "--scenario",
        "keyboard",
        "--seed",
        "7",
        "--lr",
        "0.002",
        "--steps",
        "3",
        "--json",
    ]);
    assert_eq!(by_link, by_options);
    assert_eq!(by_link["steps"], 3);
    assert!(by_link["loss"].is_number() && by_link["accuracy"].is_number());
    assert!(by_link["peak_bytes"].as_u64() < Some(262_144));
    assert_eq!(by_link["weights_digest"].as_str().map(str::len), Some(64));
    let other_seed = last(&[
        "train",
        "--link",
        "#v=1&seed=8&lr=0.002",
        "--steps",
        "3",
        "--json",
    ]);
    assert_ne!(other_seed["weights_digest"], by_link["weights_digest"]);
}

#[test]
fn what_cannot_be_done_is_said_in_a_sentence_and_fails() {
    for (arguments, words) in [
        (
            &["memory", "--scenario", "keyboard", "--scheme", "last:99"][..],
            "asks for 99",
        ),
        (
            &["memory", "--scenario", "moon", "--scheme", "full"],
            "no scenario \"moon\"",
        ),
        (&["inspect", "no-such-file.safetensors"], "cannot be read"),
        (
            &[
                "inspect",
                concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            ],
            "safetensors",
        ),
        (
            &["train", "--scenario", "keyboard", "--lr", "1e9"],
            "learning rate",
        ),
        (
            &[
                "train",
                "--link",
                "#v=1&policy=111111111111111111111111111111",
                "--steps",
                "1",
            ],
            "missing",
        ),
    ] {
        let output = quartermeg(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(errors.contains(words), "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn inputs_that_are_computed_again_cost_operations_and_change_no_weight() {
    let memory = |scheme: &'static str| {
        json_lines(&[
            "memory",
            "--scenario",
            "watch",
            "--json",
            "--scheme",
            scheme,
        ])
        .remove(0)
    };
    let number = |report: &Value, field: &str| report[field].as_u64().expect("a number");
    let [kept, again] = ["full", "full;recompute=all"].map(memory);
    assert_eq!(number(&kept, "macs_again"), 0);
    assert!(number(&again, "arena_bytes") < number(&kept, "arena_bytes"));
    assert_eq!(
        number(&again, "macs_step"),
        number(&kept, "macs_step") + number(&again, "macs_again")
    );
    let digest = |scheme: &'static str| {
        let train = ["train", "--scenario", "watch", "--steps", "3", "--json"];
        let lines = json_lines(&[&train[..], &["--scheme", scheme]].concat());
        let last = lines.last().expect("a line")["weights_digest"].clone();
        assert!(last.is_string(), "{lines:?}");
        last
    };
    assert_eq!(digest("full"), digest("full;recompute=all"));
    for (scheme, reason) in [
        (
            "full;recompute=0",
            "the input of layer 0 cannot be computed again",
        ),
        (
            "bias:3;recompute=29",
            "the input of layer 29 cannot be computed again",
        ),
        ("full;recompute=x", "it is none of"),
        ("full;first=29", "layer 29 has no channels to choose from"),
        ("bias:3;first=all;then=1", "it is none of"),
    ] {
        let output = quartermeg(&["memory", "--scenario", "keyboard", "--scheme", scheme]);
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(!output.status.success() && said.contains(reason), "{said}");
    }
}

#[test]
fn layers_that_choose_their_channels_cost_the_same_bytes_and_learn_other_weights() {
    let scheme = "n_bias_update=6;manual_weight_idx=27-29;weight_update_ratio=0.5-0.25";
    let train = |choice: &str| {
        let scheme = format!("{scheme}{choice}");
        let train = ["train", "--scenario", "keyboard", "--steps", "3", "--json"];
        let lines = json_lines(&[&train[..], &["--scheme", &scheme]].concat());
        lines.last().expect("a line")["weights_digest"].clone()
    };
    let arena = |choice: &str| {
        let scheme = format!("{scheme}{choice}");
        let memory = [
            "memory",
            "--scenario",
            "keyboard",
            "--json",
            "--scheme",
            &scheme,
        ];
        json_lines(&memory)[0]["arena_bytes"].clone()
    };
    let largest = train("");
    assert!(largest.is_string());
    assert_eq!(largest, train(";largest=all"));
    assert_eq!(train(";first=27-29"), train(";first=all"));
    assert_eq!(train(";first=all;largest=27"), train(";first=29"));
    assert_ne!(train(";first=29"), train(";first=27"));
    assert_ne!(largest, train(";first=29"));
    assert_eq!(arena(";recompute=29"), arena(";first=29;recompute=29"));
}
