//! Two runs side by side: their numbers, the difference, and what was changed, in words.

use std::cmp::Ordering;

use quartermeg_formats::runs::{Costs, Run};

use crate::charts::qas;
use crate::state::passes::in_bytes;
use crate::state::{difference, text};

/// How a number is found, how it is written, and how a difference of it is.
type Quantity = (
    &'static str,
    fn(&Run) -> Option<f64>,
    fn(f64) -> String,
    fn(f64) -> String,
);

const PEAK: Quantity = (
    "Peak memory",
    |run| cost(run, |it| f64::from(it.arena_bytes)),
    in_bytes,
    in_bytes,
);
const ACCURACY: Quantity = ("Accuracy", Run::accuracy, percent, |share| {
    format!("{:.1} points", 100.0 * share)
});
const TIME: Quantity = (
    "Time a step on the board",
    |run| run.costs.as_ref()?.step_millis.map(f64::from),
    millis,
    millis,
);
const STEPS: Quantity = ("Steps", |run| Some(f64::from(run.steps)), count, count);
const LOSS: Quantity = ("Loss, smoothed", |run| run.loss.map(f64::from), loss, loss);
const QUANTITIES: [Quantity; 8] = [
    PEAK,
    (
        "Of it kept between steps",
        |run| cost(run, |it| f64::from(it.persistent_bytes)),
        in_bytes,
        in_bytes,
    ),
    (
        "Flash",
        |run| cost(run, |it| f64::from(it.flash_bytes)),
        in_bytes,
        in_bytes,
    ),
    ("Multiply-accumulates a step", macs, count, count),
    TIME,
    STEPS,
    LOSS,
    ACCURACY,
];

/// What two runs need and reach, a row each: its name, of A, of B, and B less A. Mean
/// ln(|W| / |G|) is there as far as one of them has it.
#[must_use]
pub fn facts(a: &Run, b: &Run) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (name, of, write, by) in QUANTITIES {
        rows.push(row(name.to_owned(), [of(a), of(b)], write, by));
    }
    for (of, tensors) in ["weights", "biases"].into_iter().enumerate() {
        for (kind, (name, _)) in qas::KINDS.into_iter().enumerate() {
            let both = [a, b].map(|run| run.log_ratios[of][kind].map(f64::from));
            if both != [None, None] {
                let name = format!("ln(|W| / |G|) of {tensors}, {name}");
                rows.push(row(name, both, log_ratio, log_ratio));
            }
        }
    }
    rows
}

/// Names of the numbers that the row of a run shows.
pub const NUMBERS: [&str; 5] = [STEPS.0, LOSS.0, ACCURACY.0, PEAK.0, TIME.0];

/// Those numbers.
#[must_use]
pub fn numbers(run: &Run) -> [String; 5] {
    [STEPS, LOSS, ACCURACY, PEAK, TIME].map(|(_, of, write, _)| of(run).map_or_else(unknown, write))
}

/// What was changed from one run to another, and what that did to peak and accuracy.
#[must_use]
pub fn changed(old: &Run, new: &Run) -> String {
    let mut clauses = difference::clauses(&old.setup(), &new.setup());
    if let [_, .., last] = &new.phases[..] {
        let step = text::number(u64::from(last.from_step));
        clauses.push(format!("settings changed at step {step}"));
    }
    if clauses.is_empty() {
        clauses.push("the same settings".to_owned());
    }
    for (name, (_, of, _, write)) in [("peak", PEAK), ("accuracy", ACCURACY)] {
        if let [Some(old), Some(new)] = [of(old), of(new)]
            && let Some(change) = signed(old, new, write)
        {
            clauses.push(format!("{name} {change}"));
        }
    }
    clauses.join("; ")
}

fn row(
    name: String,
    both: [Option<f64>; 2],
    write: fn(f64) -> String,
    by: fn(f64) -> String,
) -> Vec<String> {
    let [a, b] = both.map(|value| value.map_or_else(unknown, write));
    let difference = match both {
        [Some(a), Some(b)] => signed(a, b, by).unwrap_or_else(|| "the same".to_owned()),
        _ => unknown(),
    };
    vec![name, a, b, difference]
}

/// How much more or less the second is; none where it is the same.
fn signed(a: f64, b: f64, write: fn(f64) -> String) -> Option<String> {
    let sign = match b.total_cmp(&a) {
        Ordering::Greater => "+",
        Ordering::Equal => return None,
        Ordering::Less => "\u{2212}",
    };
    Some(format!("{sign}{}", write((b - a).abs())))
}

fn unknown() -> String {
    text::UNKNOWN.to_owned()
}

fn cost(run: &Run, of: fn(&Costs) -> f64) -> Option<f64> {
    run.costs.as_ref().map(of)
}

fn macs(run: &Run) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
    cost(run, |it| it.macs_step as f64)
}

fn count(value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count, held exactly, or a positive number that is rounded for people"
    )]
    let whole = value.round() as u64;
    text::number(whole)
}

fn millis(value: f64) -> String {
    format!("{} ms", count(value))
}

fn narrow(value: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a number of few digits")]
    let narrow = value as f32;
    narrow
}

fn percent(share: f64) -> String {
    text::percent(narrow(share))
}

fn loss(value: f64) -> String {
    text::loss(narrow(value))
}

fn log_ratio(value: f64) -> String {
    text::log_ratio(narrow(value))
}

#[cfg(test)]
mod tests {
    use quartermeg_formats::runs::Phase;

    use super::*;

    fn run(setup: &str, arena_bytes: u32, correct: u32) -> Run {
        Run {
            phases: vec![Phase {
                from_step: 0,
                setup: setup.to_owned(),
            }],
            steps: 100,
            loss: Some(1.5),
            accuracies: vec![(100, correct, 200)],
            log_ratios: [[Some(2.0), None, Some(2.25)], [None; 3]],
            costs: Some(Costs {
                arena_bytes,
                persistent_bytes: 100,
                flash_bytes: 1_000,
                macs_step: 2_000_000,
                step_millis: Some(12.4),
            }),
            ..Run::default()
        }
    }

    fn of<'a>(facts: &'a [Vec<String>], name: &str) -> &'a [String] {
        let row = facts.iter().find(|row| row[0] == name);
        &row.expect("there is such a row")[1..]
    }

    #[test]
    fn differences_have_a_sign_and_a_unit() {
        let (a, mut b) = (run("seed=0", 3_072, 100), run("seed=7", 1_536, 110));
        b.loss = Some(1.25);
        b.steps = 1_100;
        let found = facts(&a, &b);
        assert_eq!(
            of(&found, "Peak memory"),
            [
                "3.0 KiB (3,072 B)",
                "1.5 KiB (1,536 B)",
                "\u{2212}1.5 KiB (1,536 B)"
            ]
        );
        assert_eq!(
            of(&found, "Accuracy"),
            ["50.0\u{a0}%", "55.0\u{a0}%", "+5.0 points"]
        );
        assert_eq!(of(&found, "Loss, smoothed")[2], "\u{2212}0.2500");
        assert_eq!(of(&found, "Steps"), ["100", "1,100", "+1,000"]);
        assert_eq!(
            of(&found, "Time a step on the board"),
            ["12 ms", "12 ms", "the same"]
        );
        assert_eq!(
            of(&found, "Multiply-accumulates a step"),
            ["2,000,000", "2,000,000", "the same"]
        );
    }

    #[test]
    fn what_is_not_known_has_no_difference() {
        let (a, mut b) = (run("", 1, 1), run("", 1, 1));
        b.costs = None;
        b.accuracies.clear();
        let found = facts(&a, &b);
        for name in ["Peak memory", "Accuracy"] {
            assert_eq!(of(&found, name)[1..], ["\u{2013}", "\u{2013}"]);
        }
    }

    #[test]
    fn only_ratios_that_somebody_has_are_told() {
        let (a, mut b) = (run("", 1, 1), run("", 1, 1));
        b.log_ratios[0][2] = Some(1.25);
        let found = facts(&a, &b);
        let ratios: Vec<&[String]> = found[QUANTITIES.len()..].iter().map(|it| &it[..]).collect();
        let float = "ln(|W| / |G|) of weights, float network";
        let qas = "ln(|W| / |G|) of weights, int8 with QAS";
        assert_eq!(
            ratios,
            [
                [float, "2.00", "2.00", "the same"],
                [qas, "2.25", "1.25", "\u{2212}1.00"]
            ]
        );
    }

    #[test]
    fn what_changed_ends_with_what_it_did() {
        let a = run("", 3_072, 100);
        assert_eq!(
            changed(&a, &run("seed=7", 1_536, 110)),
            "seed 4 → 7; peak \u{2212}1.5 KiB (1,536 B); accuracy +5.0 points"
        );
        assert_eq!(changed(&a, &a), "the same settings");
        let mut tuned = a.clone();
        tuned.phases.push(Phase {
            from_step: 1_050,
            setup: "lr=0.5".to_owned(),
        });
        let sentence = changed(&a, &tuned);
        assert!(
            sentence.starts_with("learning rate ")
                && sentence.ends_with("→ 0.5; settings changed at step 1,050"),
            "{sentence}"
        );
    }
}
