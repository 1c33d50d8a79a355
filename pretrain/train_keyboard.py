"""Train the keyboard network on clean printed digits and write it quantized.

    python3 train_keyboard.py --output FILE --work DIR [--epochs N] [--copies N]

DIR receives the rendered glyphs, the float model and a report; they are not shipped.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

import glyphs
import net
import quantize
import resample
import topologies
import training

SEED = 20260103
BATCH = 128
RATE = 2e-3
WARM_UP = 60
WEIGHT_DECAY = 1e-4
LABEL_SMOOTHING = 0.05
CALIBRATION_IMAGES = 4000


def prepare(directory, copies):
    """Render the glyphs once; later runs with the same number of shifted copies reuse them."""
    store = directory / f"glyphs-{copies}.npz"
    summary_file = directory / f"glyphs-{copies}.json"
    if not (store.exists() and summary_file.exists()):
        arrays, summary = glyphs.build(copies)
        np.savez(store, **arrays)
        summary_file.write_text(json.dumps(summary))
    with np.load(store) as stored:
        return dict(stored), json.loads(summary_file.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--copies", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(2)
    options.work.mkdir(parents=True, exist_ok=True)

    started = time.time()
    arrays, fonts = prepare(options.work, options.copies)
    codes = {part: resample.input_codes(images) for part, images in arrays.items()}
    labels = {part: glyphs.labels_for(images) for part, images in arrays.items()}
    rendered = time.time()
    learn_codes = np.concatenate([codes["train_plain"], codes["train_shifted"]])
    learn_labels = np.concatenate([labels["train_plain"], labels["train_shifted"]])
    recipe = training.Recipe(SEED, options.epochs, BATCH, RATE, WARM_UP, WEIGHT_DECAY, LABEL_SMOOTHING)
    model = training.train(topologies.KEYBOARD, recipe, learn_codes, learn_labels)
    trained = time.time()

    folded = net.fold(model)
    torch.save(folded.state_dict(), options.work / "float.pt")
    chosen = np.random.default_rng(SEED).choice(len(learn_codes), min(CALIBRATION_IMAGES, len(learn_codes)), False)
    description, tensors = quantize.describe(folded, quantize.calibrate(folded, learn_codes[chosen]))
    quantize.save(options.output, description, tensors)

    report = {
        "seeds": {"glyphs": glyphs.SEED, "training": SEED},
        "epochs": options.epochs,
        "shifted_copies_of_each_glyph": options.copies,
        "largest_shift_in_pixels_of_28": 1,
        "batch": BATCH,
        "rate": RATE,
        "warm_up_steps": WARM_UP,
        "weight_decay_of_pointwise_layers": WEIGHT_DECAY,
        "label_smoothing": LABEL_SMOOTHING,
        "calibration_images": len(chosen),
        "fonts": fonts,
        "images": {part: len(images) for part, images in arrays.items()},
        "rendering_seconds": round(rendered - started),
        "training_seconds": round(trained - rendered),
        "dead_channels": quantize.dead_channels(tensors),
        "accuracy": {
            f"held_out_fonts_{kind}": {
                "float": quantize.float_accuracy(folded, codes[f"validation_{kind}"], labels[f"validation_{kind}"]),
                "int8": quantize.int8_accuracy(
                    description, tensors, codes[f"validation_{kind}"], labels[f"validation_{kind}"]
                ),
            }
            for kind in ("plain", "shifted")
        },
    }
    (options.work / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps({name: report[name] for name in ("accuracy", "dead_channels", "images", "training_seconds")}))


if __name__ == "__main__":
    main()
