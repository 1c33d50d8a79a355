//! The text of `docs/search.md`.

use std::fmt::Write as _;

use crate::report::grouped;

use super::{Difference, Point, SearchReport, Spread, Subject};

const HEAD: &str = "\
# Searching for an update policy

This file and its figures are written by `cargo xtask search`. MCUNet is part of it where the folder that `QUARTERMEG_REFERENCE_DIR` names has `models/mcunet-5fps.pkl` and photographs under `images/`.
All figures are what `quartermeg search --json` states. The runs are kept in `target/search`; the results are the same on any number of threads.

## What is done

1. **Contributions** (paper, section 4.2 and figure 5). Each layer's bias, and each layer's weights at each channel ratio, learn beside the classifier and nothing else; what counts is the accuracy over that of the classifier alone, with the same seed, on the validation samples: every other sample of those held out. What the frozen layers before the one that learns compute of a sample never changes, so it is computed once and kept. The weights are the same, bit for bit.
2. **Search.** The sum of the contributions is maximized (paper, equation 5); what a policy costs is what the planner says of it (`sram_total_bytes`), never a formula. *Greedy* takes what gains most for its bytes next. *Additive* solves exactly a knapsack of what each layer keeps for the whole step, for the largest budget whose real plan still fits. *Evolution* crosses and changes 64 policies at a time, beginning with those of the others and random ones, and is run for the half and the quarter of the budget too. The *bound* is the knapsack's solution for the whole budget: no policy that fits gains more by this sum.
3. **Backward elimination**, as the authors explain their method to the public: train everything, then freeze one layer after another, the one that contributes least first, until the accuracy on the validation samples falls below that of the classifier alone; every step is trained with each rate. The most accurate step that fits the budget, its half and its quarter takes part below.
4. **Finalists** are trained again with seeds that had no part in choosing them, with several learning rates; the rate is chosen on the validation samples, the accuracy is stated on the other half of those held out, the test samples. *last* is the most of the last layers that fit with all their weights, *bias* the most of the last biases.

A difference is given with an interval that holds the true one in 95 of 100 cases, by the normal approximation over test samples, each with the mean over the seeds: it says how it would be with other samples of the kind, not with other networks or steps.
";

const SHARDS: &str = "
## On several machines

The runs of an analysis are independent. `--shard i/n` does one share of them and leaves a file in `--cache`; with all shares in one folder the same command without `--shard` finds nothing left to do but the search itself. With GNU parallel, or as the line of a job array of any scheduler:

```sh
seq 1 4 | parallel -j 2 quartermeg search --scenario keyboard --budget 140844 --threads 1 --shard {}/4
quartermeg search --scenario keyboard --budget 140844 --json
```
";

/// The whole document.
pub(super) fn text(results: &[(Subject, SearchReport)]) -> String {
    let mut text = HEAD.to_owned();
    for (subject, report) in results {
        text += &section(subject, report);
    }
    text += &times(results);
    text += SHARDS;
    text
}

fn section(subject: &Subject, report: &SearchReport) -> String {
    let Subject {
        id,
        name,
        about,
        budget_bytes,
        rates,
        ..
    } = subject;
    let analysis = &report.analysis;
    let mut text = format!(
        "\n## {name}\n\n{about}\n{} samples to learn from, {} for validation, {} for the test; {} steps, learning rate {}, seeds {}. The classifier alone reaches {} % of the validation samples.\n",
        grouped(analysis.learn_samples as u64),
        grouped(analysis.validation_samples as u64),
        grouped(report.test_samples as u64),
        analysis.steps,
        analysis.rate,
        listed(&analysis.seeds),
        percent(analysis.classifier),
    );
    let _ = writeln!(
        text,
        "\n![Contribution of each layer](search/{id}-contributions.svg)\n\nBars are means over the seeds, lines one standard deviation."
    );
    let _ = writeln!(
        text,
        "\n![Accuracy against bytes](search/{id}-front.svg)\n\nWithin {} bytes; the best sum of contributions that was found is {} points, the bound {}, of {} policies that were planned.\n",
        grouped(u64::from(*budget_bytes)),
        points(report.best_gain.unwrap_or_default()),
        points(report.bound_gain.unwrap_or_default()),
        grouped(report.planned as u64)
    );
    text += "| policy from | | bytes | multiply-accumulates | sum of contributions | learning rate | test accuracy in % | policy |\n|---|---|---:|---:|---:|---:|---:|---|\n";
    let factors = rates.iter().map(|factor| factor * analysis.rate);
    let ends = [
        factors.clone().fold(f32::INFINITY, f32::min),
        factors.fold(0.0, f32::max),
    ];
    for point in &report.points {
        text += &row(point, &ends);
    }
    let factors: Vec<String> = rates.iter().map(f32::to_string).collect();
    let _ = writeln!(
        text,
        "\n\\* no other policy has a larger accuracy with no more bytes.\n\nLearning rates were {} times that of the scenario; (end) says that the best of them is an end of this grid, so that one beyond it may be better.",
        factors.join(", ")
    );
    if let Some(elimination) = &report.elimination {
        text += "\nBackward elimination, accuracy on the validation samples with what is left:\n\n| layers frozen | bytes | accuracy in % |\n|---:|---:|---:|\n";
        for (n_frozen, step) in elimination.steps.iter().enumerate() {
            let _ = writeln!(
                text,
                "| {n_frozen} | {} | {} |",
                grouped(u64::from(step.sram_total_bytes)),
                percent(step.accuracy)
            );
        }
        let _ = writeln!(
            text,
            "\nIt stops below {:.1} %, the accuracy of the classifier alone with its best rate.",
            100.0 * elimination.threshold
        );
    }
    text += &differences(&report.differences);
    text
}

fn row(point: &Point, ends: &[f32]) -> String {
    let marks = match (point.on_front, point.fits) {
        (true, true) => "\\*",
        (true, false) => "\\* over the budget",
        (false, true) => "",
        (false, false) => "over the budget",
    };
    format!(
        "| {} | {marks} | {} | {} | {} | {} | {} | `{}` |\n",
        if point.found {
            format!("**{}**", point.origin)
        } else {
            point.origin.clone()
        },
        grouped(u64::from(point.sram_total_bytes)),
        grouped(point.macs_step),
        point.gain.map_or_else(String::new, points),
        rate(point.rate, ends),
        percent(point.accuracy),
        point.policy
    )
}

/// A learning rate, and whether it is an end of the grid that it was chosen from.
fn rate(rate: f32, ends: &[f32]) -> String {
    let is_end = ends.iter().any(|end| (rate / end - 1.0).abs() < 1e-3);
    format!("{rate}{}", if is_end { " (end)" } else { "" })
}

fn differences(differences: &[Difference]) -> String {
    let mut text = String::from(
        "\nThe found policy that is best on the validation samples, against what else fits; differences in points of test accuracy:\n\n| within bytes | found | against | difference | interval | |\n|---:|---|---|---:|---:|---|\n",
    );
    for difference in differences {
        let [low, high] = difference.interval;
        let verdict = if low > 0.0 {
            "better"
        } else if high < 0.0 {
            "**worse**"
        } else {
            "no difference shown"
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} to {} | {verdict} |",
            grouped(u64::from(difference.budget_bytes)),
            difference.ours,
            difference.theirs,
            points(difference.mean),
            points(low),
            points(high)
        );
    }
    text
}

fn times(results: &[(Subject, SearchReport)]) -> String {
    let mut text = String::from(
        "\n## How long it took\n\nSeconds: runs on one thread each, so on two threads half of it; planning by the clock on two. *Kept* is how many times fewer multiply-accumulates the analysis runs because frozen beginnings are kept.\n\n| network | analysis | kept | planning | elimination | finalists |\n|---|---:|---:|---:|---:|---:|\n",
    );
    for (subject, report) in results {
        let seconds = &report.seconds;
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let kept = report.analysis.macs_whole as f64 / report.analysis.macs_run.max(1) as f64;
        let _ = writeln!(
            text,
            "| {} | {:.0} | {kept:.1} | {:.0} | {:.0} | {:.0} |",
            subject.name, seconds.analysis, seconds.planning, seconds.elimination, seconds.training
        );
    }
    text
}

fn listed(seeds: &[u64]) -> String {
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    seeds.join(", ")
}

fn percent(spread: Spread) -> String {
    format!("{:.1} ± {:.1}", 100.0 * spread.mean, 100.0 * spread.sd)
}

fn points(share: f64) -> String {
    format!("{:+.1}", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_judged_by_their_interval() {
        let difference = |interval: [f64; 2]| Difference {
            budget_bytes: 100_000,
            ours: "evolution".into(),
            theirs: "last".into(),
            mean: f64::midpoint(interval[0], interval[1]),
            interval,
        };
        let text = differences(&[
            difference([0.01, 0.03]),
            difference([-0.03, -0.01]),
            difference([-0.01, 0.03]),
        ]);
        let verdicts: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("| 100,000"))
            .filter_map(|line| line.split('|').nth(6).map(str::trim))
            .collect();
        assert_eq!(verdicts, ["better", "**worse**", "no difference shown"]);
        assert!(text.contains("| +2.0 | +1.0 to +3.0 |"), "{text}");
    }
}
