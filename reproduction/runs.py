"""Runs of the command line program, kept by their options, so that a study that was cut off goes on.

Results do not depend on the machine or the build; whoever changes the arithmetic deletes the folder.
"""

import hashlib
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple


class Choice(NamedTuple):
    """What is compared: a row of a table."""

    name: str
    scheme: str
    numerics: str = "device"
    qas: str = "on"


class Runs:
    """At most `workers` programs at a time; results lie in `folder`."""

    def __init__(self, binary, folder, workers):
        self.binary, self.folder = binary, folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.pool = ThreadPoolExecutor(workers)

    def start(self, task, part, choice, rate, seed):
        return self.pool.submit(self.run, task, part, choice, rate, seed)

    def run(self, task, part, choice, rate, seed):
        """Summary of one run, with the predicted class of every sample under `predictions`."""
        steps = task.steps if choice.scheme != "none" else 0
        scheme = "classifier" if choice.scheme == "none" else choice.scheme
        options = [
            "train", str(task.model), f"--scheme={scheme}", f"--numerics={choice.numerics}", f"--qas={choice.qas}",
            f"--lr={rate}", f"--seed={seed}", f"--steps={steps}", f"--data={part.learn}", f"--eval={part.test}",
            f"--classes={task.classes}", f"--every={max(steps, 1)}", "--json",
        ]
        if task.model.suffix == ".safetensors":
            options.remove(f"--classes={task.classes}")
        key = hashlib.sha256(json.dumps(options).encode()).hexdigest()[:24]
        kept = self.folder / f"{key}.json"
        if kept.exists():
            return json.loads(kept.read_text())
        predictions = self.folder / f"{key}.txt"
        command = [self.binary, *options, f"--predictions={predictions}"]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        summary = json.loads(result.stdout.splitlines()[-1])
        summary["predictions"] = [int(line) for line in predictions.read_text().split()]
        predictions.unlink()
        kept.write_text(json.dumps(summary))
        return summary

    def memory(self, task, choice):
        """Analytic and planned bytes of a choice."""
        scheme = "classifier" if choice.scheme == "none" else choice.scheme
        command = [
            self.binary, "memory", str(task.model), f"--scheme={scheme}", f"--numerics={choice.numerics}",
            f"--classes={task.classes}", "--json",
        ]
        if task.model.suffix == ".safetensors":
            command.remove(f"--classes={task.classes}")
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        return json.loads(result.stdout)
