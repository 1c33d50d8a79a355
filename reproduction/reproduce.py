"""Measure what the rules of the arithmetic and the ways of choosing what learns are worth; write docs/reproduction.md.

    python3 reproduce.py --binary FILE --mnist FILE --seglearn FILE --work DIR [--reference DIR] [--only TASK ...]

The files are the release build of the command line program and two archives (README.md). The work folder keeps every
run, so a study that was cut off goes on.
Without the reference data (MIT's network and the photographs, which are not part of the repository) only the tasks that
ship are measured.
"""

import argparse
from pathlib import Path

import choices
import float_study
import report
import study
import tasks
from runs import Runs

OUTPUT = Path(__file__).resolve().parents[1] / "docs/reproduction.md"


def measure(runs, float_runs, task):
    rows = []
    for choice in choices.choices(runs, task):
        rows.append(study.measure(runs, task, choice))
        print(f"{task.name}: {choice.name}: {100 * rows[-1].accuracy:.1f} % at {rows[-1].rate:g}", flush=True)
    rows.append(float_study.measure(float_runs, task, study.GRID))
    print(f"{task.name}: {rows[-1].choice.name}: {100 * rows[-1].accuracy:.1f} %", flush=True)
    return report.section(runs, task, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument("--seglearn", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", nargs="*", help="names of tasks")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    runs = Runs(options.binary, options.work / "runs", options.workers)
    float_runs = float_study.FloatRuns(options.work / "runs", options.workers)
    chosen = [tasks.keyboard(options.work, options.mnist), tasks.watch(options.work, options.seglearn)]
    if options.reference:
        chosen += [tasks.photographs(options.work, options.reference, classes) for classes in (10, 20)]
    if options.only:
        chosen = [task for task in chosen if task.name in options.only]
    report.write(options.output, [measure(runs, float_runs, task) for task in chosen])


if __name__ == "__main__":
    main()
