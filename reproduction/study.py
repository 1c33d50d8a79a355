"""Every choice with its own learning rate, then measured with paired seeds."""

from statistics import mean
from typing import NamedTuple

import numpy as np
import tensor_file

GRID = (0.001, 0.002, 0.004, 0.008, 0.016)
RATE_LIMITS = (1e-6, 4.0)
TUNING_SEEDS = (101, 102, 103)
SEEDS = (1, 2, 3)


class Measured(NamedTuple):
    """A choice with its tuned rate: validation accuracy by rate, and right answers [seeds, samples]."""

    choice: object
    rates: dict
    rate: float
    right: np.ndarray
    peak_bytes: int

    @property
    def accuracy(self):
        return self.right.mean()

    @property
    def by_seed(self):
        return self.right.mean(axis=1)


def tune(runs, task, choice, grid):
    """Validation accuracies by rate; while an end of the grid is the best, the grid goes on by a factor of 2."""
    found, missing = {}, list(grid)
    while missing:
        started = {
            rate: [runs.start(task, task.validation, choice, rate, seed) for seed in TUNING_SEEDS] for rate in missing
        }
        found |= {rate: mean(run.result()["accuracy"] for run in of) for rate, of in started.items()}
        best = max(found, key=found.get)
        beyond = {min(found): best / 2, max(found): best * 2}.get(best)
        missing = [beyond] if beyond and RATE_LIMITS[0] <= beyond <= RATE_LIMITS[1] else []
    return found


def labels(parts):
    """Classes of the samples of some parts, one part after the other."""
    return np.concatenate([tensor_file.read(part.test)[0]["y"] for part in parts])


def measure(runs, task, choice, grid=GRID):
    rates = {0.001: 0.0} if choice.scheme == "none" else tune(runs, task, choice, grid)
    rate = max(rates, key=rates.get)
    started = [[runs.start(task, part, choice, rate, seed) for part in task.measured] for seed in SEEDS]
    summaries = [[run.result() for run in of_seed] for of_seed in started]
    predictions = [np.concatenate([summary["predictions"] for summary in of_seed]) for of_seed in summaries]
    right = np.array(predictions) == labels(task.measured)
    return Measured(choice, rates, rate, right, summaries[0][0]["peak_bytes"])


def difference(a, b):
    """Mean of the paired difference in points and half its 95 % interval: samples are drawn, seeds are averaged."""
    of_sample = 100 * (a.right.mean(axis=0) - b.right.mean(axis=0))
    return of_sample.mean(), 1.96 * of_sample.std(ddof=1) / np.sqrt(of_sample.size)
