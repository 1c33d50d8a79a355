"""Measure what each update scheme learns from a new person's left arm, and write docs/accuracy-watch.md.

    python3 accuracy_watch.py --binary FILE --sets DIR --steps N

FILE is the command line program, DIR holds what `make_watch_data.py --all DIR` writes. Policy and learning rates are
chosen on the validation person; the new people are read only by the runs whose results the table states. The policy and
its rate are the defaults in formats/src/scenario.rs.
"""

import argparse
import math
from datetime import date
from pathlib import Path
from statistics import mean

import bench
import tensor_file
import watch_data
from bench import RATES, SEEDS, TUNING_SEEDS, Row, Samples

# Policies that were compared, one character a convolution, at rates from the middle of the grid.
POLICIES = {
    "first 6 convolutions": "1" * 6 + "-" * 24,
    "first 9": "1" * 9 + "-" * 21,
    "first 12": "1" * 12 + "-" * 18,
    "first 15": "1" * 15 + "-" * 15,
    "first 12, half of the channels but in the first 3": "111" + "2" * 9 + "-" * 18,
    "first 12, and all other biases": "1" * 12 + "b" * 18,
    "last 9": "-" * 21 + "1" * 9,
}
POLICY_RATES = (0.001, 0.002, 0.004, 0.008, 0.016)

ROOT = Path(__file__).parent.parent
MODEL = ROOT / "static/models/watch.safetensors"
OUTPUT = ROOT / "docs/accuracy-watch.md"
NEW_PEOPLE = watch_data.NEW_PEOPLE


def samples_of(directory, person, part="left-test"):
    learn, test = (directory / f"watch-{person}-{name}.safetensors" for name in ("left-learn", part))
    return Samples(learn, test)


def size(path):
    return len(tensor_file.read(path)[0]["y"])


def listed(numbers):
    return " and ".join(map(str, numbers)) if len(numbers) < 3 else ", ".join(map(str, numbers))


def pooled(runs_of_people):
    """For each seed the mean of the people's accuracies."""
    return [{"accuracy": mean(run["accuracy"] for run in runs)} for runs in zip(*runs_of_people.values())]


def results_table(rows, before, grids, results):
    people = " | ".join(f"person {person}" for person in NEW_PEOPLE)
    lines = [
        f"| what learns | QAS | learning rate | {people} | mean | peak bytes |",
        f"|---|---|---:|{'---:|' * len(NEW_PEOPLE)}---:|---:|",
    ]
    for arm, shares in before.items():
        cells = " | ".join(bench.percent([share]) for share in shares)
        lines.append(f"| nothing: before learning, {arm} arm | | | {cells} | {bench.percent([mean(shares)])} | |")
    for row in rows:
        of_people = results[row]
        cells = " | ".join(bench.percent([run["accuracy"] for run in of_people[person]]) for person in NEW_PEOPLE)
        together = bench.percent([run["accuracy"] for run in pooled(of_people)])
        peak = of_people[NEW_PEOPLE[0]][0]["peak_bytes"]
        rate = bench.best_rate(grids[row])
        lines.append(f"| {row.name} | {row.qas} | {rate:g} | {cells} | {together} | {peak:,} |")
    return lines


def policy_table(runs):
    lines = [
        f"| what learns | {' | '.join(f'{rate:g}' for rate in POLICY_RATES)} | peak bytes |",
        f"|---|{'---:|' * len(POLICY_RATES)}---:|",
    ]
    for name, by_rate in runs.items():
        cells = " | ".join(f"{100 * mean(run['accuracy'] for run in by_rate[rate]):.1f}" for rate in POLICY_RATES)
        lines.append(f"| {name} | {cells} | {by_rate[POLICY_RATES[0]][0]['peak_bytes']:,} |")
    return lines


def best_policy(runs):
    """The policy with the highest mean over all rates."""

    def accuracy(name):
        return mean(run["accuracy"] for of_rate in runs[name].values() for run in of_rate)

    return max(runs, key=accuracy)


def reading(before, results, rows, windows):
    classifier, biases, sparse, full, sparse_off, full_off = (pooled(results[row]) for row in rows)
    peaks = {row.name: results[row][NEW_PEOPLE[0]][0]["peak_bytes"] for row in rows}
    share = 100 * peaks["sparse update"] / peaks["full update"]
    p = mean(run["accuracy"] for run in sparse)
    error = 100 * math.sqrt(p * (1 - p) / sum(windows.values()))
    right, left = (100 * mean(before[arm]) for arm in (watch_data.RIGHT, watch_data.LEFT))
    return [
        f"The network that ships recognizes {right:.1f} % of the windows of new people's right arms, but"
        f" {left:.1f} % of those of their left arms: it has met right arms only.",
        f"After learning, sparse update is {bench.compared(sparse, classifier)} classifier only,"
        f" {bench.compared(sparse, biases)} biases alone and {bench.compared(sparse, full)} full update, with"
        f" {share:.0f} % of the memory of full update.",
        f"Without QAS the same sparse policy ends {bench.compared(sparse_off, sparse)} the run with QAS, and full"
        f" update {bench.compared(full_off, full)} its own.",
        f"{sum(windows.values())} windows are few: at the accuracy of sparse update their standard error is"
        f" {error:.1f} points even if all were independent, and neighbours overlap by half.",
        "The spread in the table is that over seeds only.",
    ]


def document(options, rows, policies, before, grids, results):
    script = "pretrain/accuracy_watch.py"
    person = watch_data.VALIDATION_PERSON
    windows = {new: size(samples_of(options.sets, new).test) for new in NEW_PEOPLE}
    learn = size(samples_of(options.sets, NEW_PEOPLE[0]).learn)
    of_validation = samples_of(options.sets, person)
    seconds = watch_data.LEARN_SAMPLES / watch_data.RATE_HZ
    counts = " and ".join(f"{count} of person {new}" for new, count in windows.items())
    return "\n".join([
        "# Accuracy of the Watch scenario",
        "",
        f"This file is written by `{script}`; measured on {date.today().isoformat()}.",
        "",
        "The network of the Watch scenario starts from seven shoulder exercises that the right arms of people"
        f" {', '.join(map(str, watch_data.PRETRAINING_PEOPLE))} did, and learns those of a new person's left arm at"
        " batch 1 in int8, as on the device.",
        f"It learns from {learn} windows, the first {seconds:.1f} seconds of each exercise, in {options.steps} steps;"
        f" accuracy in % is measured on the rest of the same recordings ({counts}), which shares no moment with them.",
        f"Mean and standard deviation over the seeds {', '.join(map(str, SEEDS))}:",
        "",
        *results_table(rows, before, grids, results),
        "",
        f"The sparse policy is `{POLICIES[best_policy(policies)]}`, one character a convolution: `-` frozen, `b` bias,"
        " `8` `4` `2` `1` bias and the weights of 1/8, 1/4, 1/2 or all of the input channels.",
        "Peak bytes are those of the whole training step.",
        "Full update does not fit a device with 256 KiB; it was measured as if memory were unlimited.",
        "",
        "## Reading",
        "",
        *reading(before, results, rows, windows),
        "",
        "A person's windows to learn from and to measure on come from one session; how well a network that learned"
        " yesterday does today was not measured.",
        "",
        "## Choices",
        "",
        f"Policy and learning rates were chosen on person {person}: accuracy on {size(of_validation.test)} windows of"
        f" the left arm after learning from {size(of_validation.learn)} others, mean over the seeds"
        f" {listed(TUNING_SEEDS)}; the new people had no part in it.",
        "The policies that were compared, by learning rate; accuracies in %:",
        "",
        *policy_table(policies),
        "",
        "Policies that change the first layers learn more than one that changes the last layers only; which of them is"
        " best, so few windows cannot tell.",
        f"The default, {best_policy(policies)}, has the highest mean over these rates.",
        "",
        "Each row of the table at the top has its own learning rate.",
        "The grid goes by factors of 2 and was extended when one of its ends was the best.",
        "Accuracies in %, the chosen rate in bold:",
        "",
        *bench.grid_table(rows, grids),
        "",
        "## Repeat",
        "",
        f"Machine: {bench.machine()}. The results do not depend on it: a run gives the same weights everywhere.",
        "",
        "```sh",
        "pip download --no-deps seglearn==1.2.5",
        "python3 pretrain/make_watch_data.py seglearn-1.2.5-py3-none-any.whl --all sets",
        "cargo build --release -p quartermeg",
        f"python3 {script} --binary target/release/quartermeg --sets sets --steps {options.steps}",
        "```",
        "",
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    runner = bench.Bench(options.binary, MODEL, options.steps, options.jobs)
    validation = samples_of(options.sets, watch_data.VALIDATION_PERSON)
    compared = {
        name: {
            rate: [runner.start(Row(name, scheme, "on", ()), rate, seed, validation) for seed in TUNING_SEEDS]
            for rate in POLICY_RATES
        }
        for name, scheme in POLICIES.items()
    }
    policies = {
        name: {rate: [run.result() for run in runs] for rate, runs in by_rate.items()}
        for name, by_rate in compared.items()
    }
    print("\n".join(policy_table(policies)), flush=True)
    policy = POLICIES[best_policy(policies)]
    rows = [
        Row("classifier only", "classifier", "on", RATES),
        Row("all biases", f"bias:{len(policy)}", "on", RATES),
        Row("sparse update", policy, "on", RATES),
        Row("full update", "full", "on", RATES),
        Row("sparse update", policy, "off", RATES),
        Row("full update", "full", "off", RATES),
    ]
    grids = {}
    for row in rows:
        grids[row] = bench.tune(runner, row, validation)
        print(row.name, row.qas, {rate: bench.percent(shares) for rate, shares in grids[row].items()}, flush=True)
    before = {
        arm: [runner.before(rows[0], samples_of(options.sets, person, f"{arm}-test")) for person in NEW_PEOPLE]
        for arm in (watch_data.RIGHT, watch_data.LEFT)
    }
    started = {
        row: {
            person: [
                runner.start(row, bench.best_rate(grids[row]), seed, samples_of(options.sets, person)) for seed in SEEDS
            ]
            for person in NEW_PEOPLE
        }
        for row in rows
    }
    results = {
        row: {person: [run.result() for run in runs] for person, runs in of_people.items()}
        for row, of_people in started.items()
    }
    options.output.write_text(document(options, rows, policies, before, grids, results))


if __name__ == "__main__":
    main()
