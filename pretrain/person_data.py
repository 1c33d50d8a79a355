"""Pairs of classes for the person network: photographs and faces in grey, 96x96, as the page reads images.

    python3 person_data.py --images DIR --wheel scikit_image-0.26.0-*.whl --output DIR

DIR of the images holds JPEG files and `index.csv` (file, class, split). Nothing of this ships.
"""

import argparse
import csv
import io
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

import tensor_file

EXTENT = 96
# Photographs or faces of a class to learn from: about what a person takes with a camera.
LEARN = 20
FACES_FILE = "skimage/data/lfw_subset.npy"
FACES_OF_A_KIND = 100

# Rates and policy are chosen on the first; the others share no class, so no sample, with them.
VALIDATION_PAIRS = (
    ("dalmatian", "elephant"),
    ("dolphin", "hawksbill"),
    ("scorpion", "trilobite"),
    ("starfish", "sunflower"),
)
MEASURED_PAIRS = (
    ("butterfly", "dragonfly"),
    ("crab", "crayfish"),
    ("ewer", "helicopter"),
    ("ferry", "ketch"),
    ("flamingo", "ibis"),
    ("lotus", "water_lilly"),
)
FACES_PAIR = ("face", "no face")


class Pair(NamedTuple):
    """Images to learn from and to measure on, of two classes: uint8 [n, 96, 96]."""

    learn: tuple
    test: tuple


def scaled(image):
    """Grey as television defines it, scaled bilinearly, as the page does it."""
    return np.asarray(image.resize((EXTENT, EXTENT), Image.BILINEAR).convert("L"))


def photographs(folder):
    """Images by class and split."""
    found = {}
    with open(folder / "index.csv") as text:
        for row in csv.DictReader(text):
            image = scaled(Image.open(folder / row["file"]).convert("RGB"))
            found.setdefault((row["class"], row["split"]), []).append(image)
    return {key: np.stack(images) for key, images in found.items()}


def faces(wheel):
    """100 faces, then 100 cuts of backgrounds, 25x25."""
    with zipfile.ZipFile(wheel) as archive:
        values = np.load(io.BytesIO(archive.read(FACES_FILE)), allow_pickle=False)
    grey = np.rint(255 * values).astype(np.uint8)
    images = np.stack([scaled(Image.fromarray(image)) for image in grey])
    return images[:FACES_OF_A_KIND], images[FACES_OF_A_KIND:]


def pairs(folder, wheel):
    """Every pair by its two names."""
    found = photographs(folder)
    of_photographs = {
        names: Pair(*(tuple(found[name, split] for name in names) for split in ("learn", "test")))
        for names in VALIDATION_PAIRS + MEASURED_PAIRS
    }
    kinds = faces(wheel)
    of_faces = Pair(tuple(kind[:LEARN] for kind in kinds), tuple(kind[LEARN:] for kind in kinds))
    return of_photographs | {FACES_PAIR: of_faces}


def write(path, kinds):
    """Codes as the network's input says: value - 128."""
    pixels = np.concatenate(kinds)[:, None]
    labels = np.repeat(np.arange(len(kinds), dtype=np.int32), [len(kind) for kind in kinds])
    tensor_file.write(path, {"x": (pixels.astype(np.int16) - 128).astype(np.int8), "y": labels})


def paths(folder, names):
    """Files to learn from and to measure on."""
    stem = "-".join(names).replace(" ", "_")
    return folder / f"{stem}-learn.safetensors", folder / f"{stem}-test.safetensors"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for names, pair in pairs(options.images, options.wheel).items():
        for path, kinds in zip(paths(options.output, names), pair):
            write(path, kinds)


if __name__ == "__main__":
    main()
