"""The float network's row: tuned and measured as the others, in processes of its own."""

import json
from concurrent.futures import ProcessPoolExecutor
from statistics import mean

import numpy as np

import float_network
import tensor_file
from report import FLOAT
from runs import Choice
from study import RATE_LIMITS, SEEDS, TUNING_SEEDS, Measured, labels

RATIOS = {"-": None, "b": 0.0, "8": 0.125, "4": 0.25, "2": 0.5, "1": 1.0}
# tiny-training: compilation/mcu_ir_gen.py.
MCUNET_99KB = {21: 1.0, 24: 1.0, 27: 1.0, 30: 1.0, 36: 0.125, 39: 0.25}


def layers_of(task):
    if task.sparse == "mcunet-99kb":
        return [None] * 20 + [MCUNET_99KB.get(layer, 0.0) for layer in range(20, 42)]
    return [RATIOS[letter] for letter in task.sparse]


def run(task, part, rate, seed):
    """Predicted classes of the part's samples."""
    if task.model.suffix == ".pkl":
        network = float_network.from_pickle(task.model, task.classes)
    else:
        network = float_network.from_network_file(task.model)
    learn, test = (tensor_file.read(path)[0] for path in (part.learn, part.test))
    pairs = [(samples["x"], samples["y"]) for samples in (learn, test)]
    return float_network.train(network, layers_of(task), *pairs, rate, seed, task.steps)


class FloatRuns:
    def __init__(self, folder, workers):
        self.folder = folder
        self.pool = ProcessPoolExecutor(workers)

    def start(self, task, part, rate, seed):
        kept = self.folder / f"float-{task.name}-{part.name}-{rate:g}-{seed}.json"
        if kept.exists():
            predictions = json.loads(kept.read_text())
            return lambda: predictions
        future = self.pool.submit(run, task, part, rate, seed)

        def result():
            kept.write_text(json.dumps(future.result()))
            return future.result()

        return result


def measure(runs, task, grid):
    validation = labels([task.validation])
    found, missing = {}, list(grid)
    while missing:
        started = {
            rate: [runs.start(task, task.validation, rate, seed) for seed in TUNING_SEEDS] for rate in missing
        }
        found |= {rate: mean(np.mean(np.array(of()) == validation) for of in results) for rate, results in started.items()}
        best = max(found, key=found.get)
        beyond = {min(found): best / 2, max(found): best * 2}.get(best)
        missing = [beyond] if beyond and RATE_LIMITS[0] <= beyond <= RATE_LIMITS[1] else []
    rate = max(found, key=found.get)
    started = [[runs.start(task, part, rate, seed) for part in task.measured] for seed in SEEDS]
    right = np.array([np.concatenate([of() for of in of_seed]) for of_seed in started]) == labels(task.measured)
    return Measured(Choice(FLOAT, task.sparse), found, rate, right, 0)
