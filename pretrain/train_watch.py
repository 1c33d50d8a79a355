"""Train the watch network on right arms and write it quantized.

    python3 train_watch.py seglearn-1.2.5-py3-none-any.whl --output FILE --work DIR

DIR receives the float model and a report; they are not shipped.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

import net
import quantize
import topologies
import training
import watch_data

RECIPE = training.Recipe(
    seed=20260104, epochs=12, batch=64, rate=2e-3, warm_up=60, weight_decay=1e-2, label_smoothing=0.05
)
# Pretraining takes windows at every fourth sample.
TRAINING_HOP = 4
# Standard deviations of changes drawn for each window: a factor for each channel, and an offset for each channel.
GAIN, OFFSET = 0.1, 0.1
CALIBRATION_WINDOWS = 4000


def vary(real, random):
    """Watches sit a little differently: each window's channels are scaled and shifted a little."""
    shape = (len(real), real.shape[1], 1, 1)
    gain = torch.from_numpy(random.normal(1, GAIN, shape).astype(np.float32))
    offset = torch.from_numpy(random.normal(0, OFFSET, shape).astype(np.float32))
    return real * gain + offset


def measured(folded, description, tensors, codes, labels):
    return {
        "windows": len(labels),
        "float": quantize.float_accuracy(folded, codes, labels),
        "int8": quantize.int8_accuracy(description, tensors, codes, labels),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)

    recordings = watch_data.load(options.wheel)
    right = watch_data.of(recordings, watch_data.PRETRAINING_PEOPLE, watch_data.RIGHT)
    norm = watch_data.normalization(right)
    codes, labels = watch_data.windows(right, norm, hop=TRAINING_HOP)
    started = time.time()
    model = training.train(topologies.WATCH, RECIPE, codes, labels, vary)
    seconds = round(time.time() - started)

    folded = net.fold(model)
    torch.save(folded.state_dict(), options.work / "watch-float.pt")
    chosen = np.random.default_rng(RECIPE.seed).choice(len(codes), min(CALIBRATION_WINDOWS, len(codes)), False)
    description, tensors = quantize.describe(folded, quantize.calibrate(folded, codes[chosen]))
    quantize.save(options.output, description, tensors)

    person = watch_data.VALIDATION_PERSON
    report = RECIPE._asdict() | {
        "windows": len(codes),
        "hop_in_samples": TRAINING_HOP,
        "deviation_of_gain": GAIN,
        "deviation_of_offset": OFFSET,
        "calibration_windows": len(chosen),
        "training_seconds": seconds,
        "dead_channels": quantize.dead_channels(tensors),
        "accuracy": {
            f"person_{person}_{arm}": measured(
                folded, description, tensors, *watch_data.windows(watch_data.of(recordings, [person], arm), norm)
            )
            for arm in (watch_data.RIGHT, watch_data.LEFT)
        },
    }
    (options.work / "watch-report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
