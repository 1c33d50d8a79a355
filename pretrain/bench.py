"""Runs of the command line program, and the tables of their results."""

import json
import os
import platform
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean, stdev
from typing import NamedTuple

TUNING_SEEDS = (101, 102)
SEEDS = (1, 2, 3)
RATES = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032)
RATE_LIMITS = (1e-6, 10.0)


class Row(NamedTuple):
    name: str
    scheme: str
    qas: str
    rates: tuple


class Samples(NamedTuple):
    """A file to learn from and a file to measure on."""

    learn: Path
    test: Path


class Bench:
    """Runs of the command line program, a few at a time."""

    def __init__(self, binary, model, steps, jobs=2, options=()):
        self.binary, self.model, self.steps, self.options = binary, model, steps, options
        self.pool = ThreadPoolExecutor(jobs)

    def start(self, row, rate, seed, samples, steps=None):
        return self.pool.submit(self.train, row, rate, seed, samples, self.steps if steps is None else steps)

    def train(self, row, rate, seed, samples, steps):
        """The summary of one run: accuracy, peak_bytes and more."""
        command = [
            self.binary, "train", self.model, "--data", samples.learn, "--eval", samples.test,
            f"--scheme={row.scheme}", f"--qas={row.qas}", f"--lr={rate}", f"--seed={seed}", f"--steps={steps}",
            f"--every={max(steps, 1)}", "--json", *self.options,
        ]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        return json.loads(result.stdout.splitlines()[-1])

    def before(self, row, samples):
        """Accuracy of the network as it ships."""
        return self.train(row, row.rates[0], SEEDS[0], samples, 0)["accuracy"]


def tune(runner, row, samples):
    """Accuracies by learning rate; while an end of the grid is the best, the grid goes on by a factor 2."""
    found = {}
    missing = list(row.rates)
    while missing:
        started = {rate: [runner.start(row, rate, seed, samples) for seed in TUNING_SEEDS] for rate in missing}
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
