"""docs/reproduction.md from what was measured."""

import os
import platform
from datetime import date

from choices import CLASSIFIER, SPARSE
from study import SEEDS, TUNING_SEEDS, difference

FLOAT = "sparse, float network"


def write(path, sections):
    path.write_text("\n".join([*head(), *(line for section in sections for line in section)]) + "\n")


def head():
    with open("/proc/cpuinfo") as text:
        models = [line.split(":", 1)[1].strip() for line in text if line.startswith("model name")]
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    return [
        "# Reproduction",
        "",
        f"This file is written by `reproduction/reproduce.py`; measured on {date.today()} "
        f"({os.cpu_count()} cores, {models[0] if models else platform.machine()}, {system}; "
        "int8 results do not depend on the machine).",
        "",
        "What each rule of the arithmetic and each way of choosing what learns is worth, with its own learning rate. "
        "Batch 1, plain SGD, constant rate, no augmentation.",
        f"A rate is the best of a grid of factors of 2 on the task's validation part (mean over the seeds {', '.join(map(str, TUNING_SEEDS))}); "
        "an end of the grid that is the best is extended. "
        f"The measured part is read with the chosen rates only, with the seeds {', '.join(map(str, SEEDS))}, which are the same for every row.",
        "The difference is paired: the same seeds and the same samples; its 95 % interval is that of the mean over "
        "samples (seeds averaged); the spread over the three seeds, in brackets, is not part of it, and where it is large "
        "the difference is not settled. An interval that contains 0 says that no difference was seen.",
        "Bytes are those of the paper's formula (weights, biases, saved activations) and of the whole planned block "
        "(everything that a step writes, the forward pass included).",
        "`reproduction/README.md` says how to repeat it.",
        "",
    ]


def section(runs, task, rows):
    base = next(row for row in rows if row.choice.name == SPARSE)
    lines = [
        f"## {task.title}",
        "",
        f"{task.steps} steps; {base.right.shape[1]:,} samples are measured. {task.note}",
        "",
        "| what learns, and how | rate | accuracy in % (sd over seeds) | difference to the first row | formula | block |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        rate = "" if row.choice.scheme == "none" else f"{row.rate:g}"
        spread = f"{100 * row.accuracy:.1f} ({100 * row.by_seed.std(ddof=1):.1f})"
        gap = "" if row is base else "{:+.1f} ± {:.1f}".format(*difference(row, base))
        if row.choice.name == FLOAT or row.choice.scheme == "none":
            formula = block = ""
        else:
            memory = runs.memory(task, row.choice)
            formula, block = f"{memory['analytic_bytes']['total']:,}", f"{memory['arena_bytes']:,}"
        lines.append(f"| {row.choice.name} | {rate} | {spread} | {gap} | {formula} | {block} |")
    return [*lines, "", *reading(rows), "", *grids(rows), ""]


def reading(rows):
    """Sentences that follow from the table."""
    named = {row.choice.name: row for row in rows}
    lines = []

    def compare(name, what, other=SPARSE, against="the device's rules"):
        row = named.get(name)
        if row is None:
            return
        gap, half = difference(row, named[other])
        verdict = "no difference was seen" if abs(gap) <= half else ("it is better" if gap > 0 else "it is worse")
        lines.append(f"- {what}: {gap:+.1f} ± {half:.1f} points against {against}; {verdict}.")

    compare(FLOAT, "A float network trained alike")
    compare("sparse without QAS", "Without QAS")
    compare("sparse, simulator", "The released simulator's rules")
    compare("sparse, tinyengine (rules re-created)", "The released firmware's rules")
    compare("sparse, int8 gradients", "int8 activation gradients")
    compare("full update", "Full update")
    # Where what learns beside the classifier is worth nothing, even in float, the samples are too few for it; and where
    # QAS is off and nothing is lost by it, the convolutions have hardly moved.
    for name, what in ((SPARSE, "Sparse"), (FLOAT, "The float network"), ("sparse without QAS", "Sparse without QAS")):
        compare(name, what, CLASSIFIER, "the classifier alone")
    for name in named:
        if name.startswith(("last ", "biases of")):
            compare(name, name[0].upper() + name[1:] + ", within the same bytes of the formula (1 % more at most)")
    return lines


def grids(rows):
    rates = sorted({rate for row in rows if row.choice.scheme != "none" for rate in row.rates})
    lines = [
        "Validation accuracies in %, the chosen rate in bold:",
        "",
        f"| what learns, and how | {' | '.join(f'{rate:g}' for rate in rates)} |",
        f"|---|{'---:|' * len(rates)}",
    ]
    for row in rows:
        if row.choice.scheme == "none":
            continue
        cells = []
        for rate in rates:
            text = f"{100 * row.rates[rate]:.1f}" if rate in row.rates else ""
            cells.append(f"**{text}**" if rate == row.rate else text)
        lines.append(f"| {row.choice.name} | {' | '.join(cells)} |")
    return lines
