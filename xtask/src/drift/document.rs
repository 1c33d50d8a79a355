//! The text of `docs/drift.md`.

use std::fmt::Write as _;

use crate::report::grouped;

use super::{DriftReport, Learner, Spread, Subject};

const HEAD: &str = "\
# Drift: how the world changes

This file and its tables are written by `cargo xtask drift`. All figures are what `quartermeg drift --json` states; the results are the same on any number of threads, and in the page.

The panel \"Drift\" lets five learners meet a *distribution shift*: each learns some steps in the world as it is, then some in a changed one. *Recovery* is what accuracy in the changed world gains from the change to the end; *forgetting* is what accuracy in the world before loses in the same steps. Code: `search/src/drift/`; the same code runs in the page's worker, in `quartermeg drift` and in the tests.

## Learners

| learner | what learns |
|---|---|
| no learning | nothing; measured once in each world, because its weights never change |
| classifier only | the classifier |
| biases | the classifier and the biases of the most last layers whose planned block fits the budget (`search/src/baselines.rs`) |
| sparse update | the policy that is set on the page, or by `--scheme` or `--link` |
| full update | everything |

All begin with the network's own weights and have the same learning rate, rounding, seeds and budget. Bytes are those of the block that the planner lays out for the policy. A learner whose block does not fit is run all the same, says so, and is drawn dashed: a board could not run it. Where not even one bias fits, the last one learns and says that it does not fit.

Weights, optimizer state and the count of steps go on over the change, so the order of samples does not begin again and the schedule of the learning rate spans both worlds.

## Changes

No change draws a random number: the changed samples are a function of the samples and the strength alone, with sums and products that have the same bits on every machine. At strength 0 (light: 100 %) nothing changes.

| change | samples | how |
|---|---|---|
| another hand | images | sheared around the middle row: strokes lean by the angle, to the right where it is positive |
| rotation | images | turned clockwise around the middle |
| another light | images | the distance of each code from the code of black is multiplied by the share of light, rounded and held inside the codes; black is the code of pixel 0 for the scale and zero point of the input |
| the other arm | motion | mirrored: along x what has a direction (acceleration) is turned round, along y and z what turns (angular rate: a unit that ends in `/s`) |
| a sensor that has turned | motion | acceleration and angular rate are rotated around x by the angle |
| a new class | any | samples of the class are withheld from both learning and measuring before the change; after it all classes are there |

Images are interpolated between four pixels. What comes from outside the image takes the nearest pixel of its edge: around a drawing that is its ground, and a photograph gets no edge that was not there.

Motion is changed as the quantities that codes stand for, not as codes, because each channel has a mean of its own. On a watch x runs along the forearm. Worn alike on the other arm, x points from the hand to the elbow instead of the other way, and a movement is mirrored; together that is the table's rule. The shipped samples agree: their mean along x, of a left arm, has the opposite sign of the mean of the right arms that the description holds, and along y the same.

## What is measured

Held-out samples, which nothing learns from: those of them that no search chooses a policy by, where that leaves enough, else all; of many only some, at equal distances. In the world before at regular steps up to the change, and from the change on in both worlds, so that each line of the chart has about twelve points. Several seeds differ in the order of samples and in rounding; shown are their mean and standard deviation.

A network that ships has seen samples of every class before, so a \"new\" class is new to the learners, not to the weights that they begin with. The classifier of a network of your own begins without any class.

## On the command line

```sh
quartermeg drift --scenario keyboard --change rotation --strength 30
quartermeg drift mcunet-5fps.pkl --data folder-of-classes --change light --board stm32f746 --json
```

What is left out is what the page begins with. `--change` is one of `slant`, `rotation`, `light`, `other-arm`, `turned-sensor` and `new-class`; `--json` prints one object with all curves, seed by seed.

## What came of it

With the settings that a newcomer meets, three seeds each. Accuracies in %, mean and standard deviation over the seeds; *recovery* and *forgetting* in points, and minus is forgotten. *Block* is what the learner needs; a board could not run one that does not fit. The sentences below each table follow from its figures by a rule: a gain or a loss is *clear* where it is more than its standard deviation, and a lead where it is more than the larger one of the two that are compared. Seeds differ in the order of samples and in rounding alone, so the spread says nothing of other samples or other people.
";

/// The whole document.
pub(super) fn text(results: &[(Subject, Vec<DriftReport>)]) -> String {
    let mut text = HEAD.to_owned();
    for (subject, reports) in results {
        for report in reports {
            text += &section(subject, report);
        }
    }
    text += &times(results);
    text
}

fn section(subject: &Subject, report: &DriftReport) -> String {
    let [before, after] = report.steps;
    let [learn, learn_after] = report.learn_samples.map(grouped);
    let [held_out, held_out_after] = report.held_out_samples.map(grouped);
    let mut text = format!(
        "\n### {}: {}\n\n{before} steps before the change on {learn} samples, {after} after it on {learn_after}; measured on {held_out} and {held_out_after}; seeds {}.\n\n",
        subject.name,
        lower_first(&report.change.name),
        listed(report.seeds.iter().map(u64::to_string)),
    );
    let has_new_class = report.learners.iter().any(|it| it.new_class.is_some());
    text += "| learner | block (B) | fits | before the change | at the change | after it | recovery | world before, after it | forgetting |";
    text += if has_new_class {
        " new class alone |\n|---|---:|---|---:|---:|---:|---:|---:|---:|---:|\n"
    } else {
        "\n|---|---:|---|---:|---:|---:|---:|---:|---:|\n"
    };
    for learner in &report.learners {
        text += &row(learner, has_new_class);
    }
    let _ = writeln!(text, "\n{}", sentences(report));
    text
}

fn row(learner: &Learner, has_new_class: bool) -> String {
    let mut row = format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        lower_first(&learner.name),
        grouped(learner.arena_bytes.into()),
        if learner.fits { "yes" } else { "no" },
        percent(learner.before_change),
        percent(learner.at_change),
        percent(learner.after),
        points(learner.recovery),
        percent(learner.old_world_after),
        points(learner.forgetting),
    );
    if has_new_class {
        let of_class = learner.new_class.map_or_else(String::new, percent);
        let _ = write!(row, " {of_class} |");
    }
    row.push('\n');
    row
}

/// What a table shows.
fn sentences(report: &DriftReport) -> String {
    let learners = || report.learners.iter().filter(|it| it.id != "nothing");
    let fitting: Vec<&Learner> = learners().filter(|it| it.fits).collect();
    let bytes = grouped(report.budget_bytes.into());
    // Not to learn at all may be the best.
    let candidates: Vec<&Learner> = report.learners.iter().filter(|it| it.fits).collect();
    let mut sentences = Vec::new();
    let recovering: Vec<&Learner> = fitting
        .iter()
        .filter(|it| is_clear(it.recovery))
        .copied()
        .collect();
    sentences.push(match most(&recovering, |it| Some(it.recovery)) {
        Some(best) => format!(
            "Within {bytes} bytes, the largest recovery is that of {}: {} points, to {} %{}.",
            lower_first(&best.name),
            points(best.recovery),
            percent(best.after),
            lead(best, &fitting, |it| Some(it.recovery))
        ),
        None => format!("Within {bytes} bytes no recovery is clear."),
    });
    if let Some(best) = most(&candidates, |it| Some(it.after)) {
        sentences.push(format!(
            "The highest accuracy in the new world at the end is that of {}: {} %{}.",
            lower_first(&best.name),
            percent(best.after),
            lead(best, &candidates, |it| Some(it.after))
        ));
    }
    if let Some(best) = most(&candidates, |it| it.new_class) {
        let of_class = best.new_class.map_or_else(String::new, percent);
        sentences.push(format!(
            "Most of the new class is recognized by {}: {of_class} %{}.",
            lower_first(&best.name),
            lead(best, &candidates, |it| it.new_class)
        ));
    }
    for learner in learners().filter(|it| !it.fits) {
        sentences.push(format!(
            "{} does not fit; its recovery would be {} points, to {} %.",
            learner.name,
            points(learner.recovery),
            percent(learner.after)
        ));
    }
    let all: Vec<&Learner> = learners().collect();
    sentences.push(forgetting(&all));
    sentences.join(" ")
}

/// Whether a gain is more than chance, by the rule of the document.
fn is_clear(gain: Spread) -> bool {
    gain.mean > gain.sd
}

/// How far one learner is ahead of the next.
fn lead(best: &Learner, learners: &[&Learner], of: impl Fn(&Learner) -> Option<Spread>) -> String {
    let others = learners.iter().filter(|it| it.id != best.id);
    let others: Vec<&Learner> = others.copied().collect();
    let second = most(&others, &of);
    let Some((ours, (second, theirs))) = of(best).zip(second.and_then(|it| Some((it, of(it)?))))
    else {
        return String::new();
    };
    let difference = ours.mean - theirs.mean;
    let name = lower_first(&second.name);
    let is_clear = is_clear(Spread {
        mean: difference,
        sd: ours.sd.max(theirs.sd),
    });
    if is_clear {
        format!(", {:.1} points more than {name}", 100.0 * difference)
    } else {
        format!(", no clear lead over {name}")
    }
}

/// Who forgets most.
fn forgetting(learners: &[&Learner]) -> String {
    let lost = |it: &Learner| Spread {
        mean: -it.forgetting.mean,
        sd: it.forgetting.sd,
    };
    let (losers, keepers): (Vec<&Learner>, Vec<&Learner>) =
        learners.iter().partition(|it| is_clear(lost(it)));
    let Some(worst) = most(&losers, |it| Some(lost(it))) else {
        return "No loss in the world before is clear.".to_owned();
    };
    let mut sentence = format!(
        "The largest loss in the world before is that of {}: {} points",
        lower_first(&worst.name),
        points(worst.forgetting)
    );
    if !keepers.is_empty() {
        let names = listed(keepers.iter().map(|it| lower_first(&it.name)));
        let _ = write!(sentence, "; no clear loss: {names}");
    }
    sentence.push('.');
    sentence
}

/// The learner with the most of something; of several, the one that learns least.
fn most<'a>(
    learners: &[&'a Learner],
    of: impl Fn(&Learner) -> Option<Spread>,
) -> Option<&'a Learner> {
    let mut best: Option<(&Learner, f64)> = None;
    for learner in learners {
        if let Some(Spread { mean, .. }) = of(learner)
            && best.is_none_or(|(_, most)| mean > most)
        {
            best = Some((learner, mean));
        }
    }
    best.map(|(learner, _)| learner)
}

fn times(results: &[(Subject, Vec<DriftReport>)]) -> String {
    let mut text = String::from(
        "\n## How long it took\n\nSeconds of all runs, each on one thread, so on two threads half of it.\n\n| scenario | change | seconds |\n|---|---|---:|\n",
    );
    for (subject, reports) in results {
        for report in reports {
            let change = lower_first(&report.change.name);
            let _ = writeln!(
                text,
                "| {} | {change} | {:.0} |",
                subject.name, report.seconds
            );
        }
    }
    text
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next();
    first.map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

fn listed(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

fn percent(Spread { mean, sd }: Spread) -> String {
    format!("{:.1}{}", 100.0 * mean, deviation(sd))
}

fn points(Spread { mean, sd }: Spread) -> String {
    format!("{:+.1}{}", 100.0 * mean, deviation(sd))
}

fn deviation(sd: f64) -> String {
    if sd > 0.0 {
        format!(" ± {:.1}", 100.0 * sd)
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::Change;

    fn learner(id: &str, fits: bool, [recovery, forgetting]: [f64; 2], sd: f64) -> Learner {
        let of = |mean| Spread { mean, sd };
        Learner {
            id: id.to_owned(),
            name: format!("The {id}"),
            arena_bytes: 1_000,
            fits,
            before_change: of(0.5),
            at_change: of(0.25),
            after: of(0.25 + recovery),
            old_world_after: of(0.5 + forgetting),
            recovery: of(recovery),
            forgetting: of(forgetting),
            new_class: None,
        }
    }

    fn report(learners: Vec<Learner>) -> DriftReport {
        DriftReport {
            change: Change {
                name: "Rotation, 30°".to_owned(),
            },
            steps: [10, 20],
            seeds: vec![4, 5],
            learn_samples: [7, 8],
            held_out_samples: [9, 1_000],
            budget_bytes: 2_000,
            learners,
            seconds: 1.0,
        }
    }

    #[test]
    fn who_fits_and_recovers_most_is_told_with_its_lead() {
        let told = sentences(&report(vec![
            learner("nothing", true, [0.0, 0.0], 0.0),
            learner("classifier", true, [0.10, -0.01], 0.02),
            learner("sparse", true, [0.20, -0.05], 0.02),
            learner("full", false, [0.30, -0.20], 0.02),
        ]));
        assert_eq!(
            told,
            "Within 2,000 bytes, the largest recovery is that of the sparse: +20.0 ± 2.0 points, \
             to 45.0 ± 2.0 %, 10.0 points more than the classifier. The highest accuracy in the \
             new world at the end is that of the sparse: 45.0 ± 2.0 %, 10.0 points more than the \
             classifier. The full does not fit; its recovery would be +30.0 ± 2.0 points, to 55.0 \
             ± 2.0 %. The largest loss in the world before is that of the full: -20.0 ± 2.0 \
             points; no clear loss: the classifier."
        );
    }

    #[test]
    fn not_to_learn_may_be_the_best() {
        let told = sentences(&report(vec![
            learner("nothing", true, [0.0, 0.0], 0.0),
            learner("classifier", true, [-0.05, 0.0], 0.02),
        ]));
        assert!(told.contains("no recovery is clear"), "{told}");
        assert!(
            told.contains("that of the nothing: 25.0 %, 5.0 points more than the classifier"),
            "{told}"
        );
    }

    #[test]
    fn what_may_be_chance_is_not_called_clear() {
        let told = sentences(&report(vec![
            learner("classifier", true, [0.10, 0.01], 0.04),
            learner("biases", true, [0.13, 0.0], 0.04),
        ]));
        assert!(
            told.contains("the biases: +13.0 ± 4.0 points, to 38.0 ± 4.0 %, no clear lead over"),
            "{told}"
        );
        assert!(
            told.contains("No loss in the world before is clear"),
            "{told}"
        );
        // A larger gain that is not clear does not hide a smaller one that is.
        let told = sentences(&report(vec![
            learner("classifier", true, [0.03, 0.0], 0.01),
            learner("biases", true, [0.05, 0.0], 0.09),
        ]));
        assert!(told.contains("that of the classifier: +3.0"), "{told}");
        let told = sentences(&report(vec![learner(
            "classifier",
            true,
            [0.03, 0.0],
            0.04,
        )]));
        assert!(told.contains("no recovery is clear"), "{told}");
    }

    #[test]
    fn a_new_class_has_a_column_and_a_sentence() {
        let mut classifier = learner("classifier", true, [0.30, 0.0], 0.0);
        classifier.new_class = Some(Spread { mean: 0.4, sd: 0.0 });
        let mut sparse = learner("sparse", true, [0.20, 0.0], 0.0);
        sparse.new_class = Some(Spread { mean: 0.7, sd: 0.4 });
        let report = report(vec![classifier, sparse]);
        let subject = Subject {
            scenario: "keyboard",
            name: "Keyboard",
            changes: &[],
        };
        let section = section(&subject, &report);
        let told = "new class is recognized by the sparse: 70.0 ± 40.0 %, no clear lead over";
        assert!(section.contains(told), "{section}");
        let lines: Vec<usize> = section
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.matches('|').count())
            .collect();
        assert_eq!(lines, [11; 4], "{section}");
    }
}
