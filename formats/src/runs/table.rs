//! Runs as files to take away: CSV for tables, JSON with the curves for programs.

use super::{Costs, Run};

/// Version of both files.
pub const VERSION: u32 = 1;
/// Name of the table.
pub const CSV_NAME: &str = "quartermeg-runs.csv";
/// Name of the file for programs.
pub const JSON_NAME: &str = "quartermeg-runs.json";

/// A column: its name, whether it is text, and what stands there; nothing where it is not known.
type Cell = (&'static str, bool, String);

/// The columns, in their order.
fn cells(run: &Run) -> Vec<Cell> {
    let setup = run.setup();
    let costs = run.costs.as_ref();
    let cost = |of: fn(&Costs) -> u64| costs.map(of);
    let measured = |of: fn(&(u32, u32, u32)) -> u32| run.accuracies.last().map(of).map(u64::from);
    let last = run.phases.last();
    let texts = [
        ("name", run.title()),
        ("note", run.note.clone()),
        ("kept_at", run.kept_at.clone()),
        ("version", run.version.clone()),
        ("scenario", setup.scenario),
        ("board", setup.device),
        ("policy_name", run.policy_name.clone()),
        (
            "setup",
            last.map_or_else(String::new, |it| it.setup.clone()),
        ),
        ("weights_sha256", run.weights_digest.clone()),
        ("plan_sha256", run.identity.clone()),
    ];
    let numbers = [
        ("id", Some(u64::from(run.id))),
        ("seed", Some(setup.seed)),
        ("learn_samples", Some(u64::from(run.n_samples[0]))),
        ("test_samples", Some(u64::from(run.n_samples[1]))),
        ("steps", Some(u64::from(run.steps))),
        ("accuracy_step", measured(|it| it.0)),
        ("correct", measured(|it| it.1)),
        ("total", measured(|it| it.2)),
        ("peak_bytes", cost(|it| u64::from(it.arena_bytes))),
        (
            "persistent_bytes",
            cost(|it| u64::from(it.persistent_bytes)),
        ),
        ("flash_bytes", cost(|it| u64::from(it.flash_bytes))),
        ("macs_step", cost(|it| it.macs_step)),
    ];
    let [weights, biases] = run.log_ratios;
    let reals = [
        ("step_milliseconds", costs.and_then(|it| it.step_millis)),
        ("loss", run.loss),
        ("weights_ln_ratio_float", weights[0]),
        ("weights_ln_ratio_int8", weights[1]),
        ("weights_ln_ratio_qas", weights[2]),
        ("biases_ln_ratio_float", biases[0]),
        ("biases_ln_ratio_int8", biases[1]),
        ("biases_ln_ratio_qas", biases[2]),
    ];
    let mut cells: Vec<Cell> = Vec::new();
    for (name, text) in texts {
        cells.push((name, true, text));
    }
    for (name, number) in numbers {
        cells.push((
            name,
            false,
            number.map_or_else(String::new, |it| it.to_string()),
        ));
    }
    for (name, real) in reals {
        let finite = real.filter(|it| it.is_finite());
        cells.push((
            name,
            false,
            finite.map_or_else(String::new, |it| it.to_string()),
        ));
    }
    cells
}

/// The runs as CSV (RFC 4180): a row each, without curves.
#[must_use]
pub fn csv(runs: &[&Run]) -> String {
    let mut text = String::new();
    for (name, ..) in cells(&Run::default()) {
        text = text + name + ",";
    }
    for run in runs {
        text.pop();
        text += "\r\n";
        for (_, is_text, value) in cells(run) {
            let value = if is_text {
                format!("\"{}\"", value.replace('"', "\"\""))
            } else {
                value
            };
            text = text + &value + ",";
        }
    }
    text.pop();
    text + "\r\n"
}

/// The runs as JSON: the columns of the table, setups and curves.
#[must_use]
pub fn json(runs: &[&Run]) -> String {
    let mut text = format!(
        "{{\"format\":\"quartermeg-runs\",\"version\":{VERSION},\"core_version\":\"{}\",\"runs\":[",
        env!("CARGO_PKG_VERSION")
    );
    for (position, run) in runs.iter().enumerate() {
        text += if position == 0 { "\n{" } else { ",\n{" };
        for (name, is_text, value) in cells(run) {
            let value = if is_text {
                quoted(&value)
            } else if value.is_empty() {
                "null".to_owned()
            } else {
                value
            };
            text = text + "\"" + name + "\":" + &value + ",";
        }
        let phases = run.phases.iter();
        let phases = phases.map(|it| format!("[{},{}]", it.from_step, quoted(&it.setup)));
        let losses = run.losses.iter().filter(|it| it.1.is_finite());
        let losses = losses.map(|(step, loss)| format!("[{step},{loss}]"));
        let accuracies = run.accuracies.iter();
        let accuracies = accuracies.map(|(step, right, of)| format!("[{step},{right},{of}]"));
        let lists = [
            ("setups", phases.collect::<Vec<_>>()),
            ("losses", losses.collect()),
            ("accuracies", accuracies.collect()),
        ];
        for (name, list) in lists {
            text = text + "\"" + name + "\":[" + &list.join(",") + "],";
        }
        text.pop();
        text += "}";
    }
    text + "\n]}\n"
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("invariant: text is JSON")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::tests::example;
    use super::*;

    #[test]
    fn the_table_has_a_quoted_row_a_run() {
        let nothing = Run {
            name: "Nothing".to_owned(),
            ..Run::default()
        };
        let text = csv(&[&example(7), &nothing]);
        assert!(text.starts_with("name,note,kept_at,version,scenario,board,"));
        let row = "\r\n\"Mine, \"\"the\"\" best\",\"=1+1, and\na second line\",\
                   \"2026-11-30T09:41:05+01:00\",\"1.0\",\"watch\",";
        assert!(text.contains(row), "{text}");
        let numbers = ",3,7,100,20,60,50,15,20,1536,512,70000,5000000000,12.5,1.25,7.5,,,,,\r\n";
        assert!(text.contains(numbers), "{text}");
        assert_eq!(text.matches("\r\n").count(), 3);
        let columns = |line: &str| line.split(',').count();
        let header = text.lines().next().expect("a header");
        let last = text.lines().last().expect("a row");
        assert_eq!(columns(header), columns(last));
    }

    #[test]
    fn the_json_has_columns_setups_and_curves() {
        let text = json(&[&example(7), &example(8)]);
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["version"], VERSION);
        assert_eq!(value["core_version"], env!("CARGO_PKG_VERSION"));
        let run = &value["runs"][0];
        assert_eq!(run["name"], "Mine, \"the\" best");
        assert_eq!(run["macs_step"], 5_000_000_000u64);
        assert_eq!(run["weights_ln_ratio_qas"], Value::Null);
        assert_eq!(run["losses"][1], serde_json::json!([60, 1.25]));
        assert_eq!(run["accuracies"][1], serde_json::json!([50, 15, 20]));
        let setups = serde_json::json!([[0, "v=1&scenario=watch&seed=7"]]);
        assert_eq!(run["setups"], setups);
        assert_eq!(value["runs"][1]["seed"], 8);
        assert_eq!(
            serde_json::from_str::<Value>(&json(&[])).expect("JSON")["runs"],
            serde_json::json!([])
        );
    }
}
