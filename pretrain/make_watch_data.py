"""Cut the windows of a new person's left arm that ship, and the sets for measurements, out of the wheel of seglearn.

    python3 make_watch_data.py seglearn-1.2.5-py3-none-any.whl [--output FILE] [--all DIR]

The output is compressed by gzip if its name ends in .gz.
--all writes, for the validation person and each new person, left-arm windows to learn from and to measure on, and
right-arm windows to measure on.
"""

import argparse
import json
from pathlib import Path

import tensor_file
import watch_data

OUTPUT = Path(__file__).parent.parent / "static/data/watch-person.safetensors.gz"
METADATA_KEY = "quartermeg.samples"


def planar(codes):
    """[n, h, w, c], as the network reads them, to [n, c, h, w], as files hold them."""
    return codes.transpose(0, 3, 1, 2)


def description(norm):
    """What a program needs to make codes of new recordings, and names for people to read."""
    return {
        "version": 1,
        "person": watch_data.SHIPPED_PERSON,
        "arm": watch_data.LEFT,
        "class_names": list(watch_data.EXERCISES.values()),
        "rate_hz": watch_data.RATE_HZ,
        "channels": [
            {"name": name, "unit": "g" if name.startswith("a") else "rad/s", "mean": mean, "deviation": deviation}
            for name, mean, deviation in zip(watch_data.CHANNELS, norm.mean.tolist(), norm.deviation.tolist())
        ],
    }


def write_all(directory, recordings, norm):
    for person in (watch_data.VALIDATION_PERSON, *watch_data.NEW_PEOPLE):
        left = watch_data.of(recordings, [person], watch_data.LEFT)
        right = watch_data.of(recordings, [person], watch_data.RIGHT)
        for name, (codes, labels) in {
            "left-learn": watch_data.learn_windows(left, norm),
            "left-test": watch_data.test_windows(left, norm),
            "right-test": watch_data.test_windows(right, norm),
        }.items():
            path = directory / f"watch-{person}-{name}.safetensors"
            tensor_file.write(path, {"x": planar(codes), "y": labels})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="fetched by `pip download --no-deps seglearn==1.2.5`")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--all", type=Path, metavar="DIR")
    options = parser.parse_args()
    recordings = watch_data.load(options.wheel)
    pretraining = watch_data.of(recordings, watch_data.PRETRAINING_PEOPLE, watch_data.RIGHT)
    norm = watch_data.normalization(pretraining)
    left = watch_data.of(recordings, [watch_data.SHIPPED_PERSON], watch_data.LEFT)
    learn_x, learn_y = watch_data.learn_windows(left, norm)
    test_x, test_y = watch_data.test_windows(left, norm)
    shipped = {"learn_x": planar(learn_x), "learn_y": learn_y, "test_x": planar(test_x), "test_y": test_y}
    tensor_file.write(options.output, shipped, {METADATA_KEY: json.dumps(description(norm), separators=(",", ":"))})
    if options.all:
        write_all(options.all, recordings, norm)


if __name__ == "__main__":
    main()
