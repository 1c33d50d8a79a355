"""The tasks: a network, samples to learn from, and samples to measure on, as files for the command line program.

Learning rates are tuned on a task's validation part, which shares no sample with what the table measures.
"""

import csv
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "pretrain"))

import digits  # noqa: E402
import make_data  # noqa: E402
import make_watch_data  # noqa: E402
import tensor_file  # noqa: E402
import watch_data  # noqa: E402


class Part(NamedTuple):
    """One learning problem: files of samples with `x` [n, c, h, w] codes and `y`."""

    name: str
    learn: Path
    test: Path


class Task(NamedTuple):
    name: str
    title: str
    model: Path
    classes: int
    sparse: str  # the sparse policy, as the command line program takes it
    steps: int
    validation: Part
    measured: list  # of parts, each learned by itself; their samples are measured together
    note: str


def keyboard(work, archive):
    """Handwritten digits: the 300 that ship; validated on training images of MNIST, measured on its test images."""
    folder = work / "keyboard"
    train, test = digits.load(archive, "train"), digits.load(archive, "t10k")
    make_data.write_all(folder, train, [part[:5000] for part in test], digits.learn_indices(train[1]))
    learn = folder / "digits-learn.safetensors"
    return Task(
        name="keyboard",
        title="Keyboard: 300 handwritten digits",
        model=ROOT / "static/models/keyboard.safetensors",
        classes=10,
        sparse="------------2b42b42b21b11b11b1",
        steps=600,
        validation=Part("validation", learn, folder / "digits-validation.safetensors"),
        measured=[Part("measured", learn, folder / "digits-test.safetensors")],
        note="Rates are tuned on 2,000 training images of MNIST that share none with the 300; "
        "measured on the first 5,000 test images.",
    )


def watch(work, wheel):
    """Shoulder exercises of a new person's left arm; tuned on person 6, measured on persons 7 and 8."""
    folder = work / "watch"
    folder.mkdir(parents=True, exist_ok=True)
    recordings = watch_data.load(wheel)
    pretraining = watch_data.of(recordings, watch_data.PRETRAINING_PEOPLE, watch_data.RIGHT)
    make_watch_data.write_all(folder, recordings, watch_data.normalization(pretraining))

    def part(name, person):
        learn, test = (folder / f"watch-{person}-left-{which}.safetensors" for which in ("learn", "test"))
        return Part(name, learn, test)

    return Task(
        name="watch",
        title="Watch: exercises of a new person's left arm",
        model=ROOT / "static/models/watch.safetensors",
        classes=7,
        sparse="111111111111111---------------",
        steps=560,
        validation=part("validation", watch_data.VALIDATION_PERSON),
        measured=[part(f"person-{person}", person) for person in watch_data.NEW_PEOPLE],
        note=f"Rates are tuned on person {watch_data.VALIDATION_PERSON}. Persons "
        f"{' and '.join(map(str, watch_data.NEW_PEOPLE))} are learned one by one and measured together; neighbouring "
        "windows overlap by half, so the intervals are too narrow.",
    )


def photographs(work, reference, classes):
    """MCUNet on kinds of things in photographs of 128 x 128, batch 1, new classifier."""
    kinds = read_index(reference / "images")
    names = sorted(kinds)
    first, second = names[0::2], names[1::2]
    folder = work / f"photographs-{classes}"
    if classes == 10:
        measured = write_part(folder, "measured", [split(kinds[name]) for name in first])
        validation = write_part(folder, "validation", [split(kinds[name]) for name in second])
        note = (
            "Every second class in the order of the alphabet is measured on; rates are tuned on the ten others, "
            "learned and measured alike."
        )
    else:
        measured = write_part(folder, "measured", [split(kinds[name]) for name in names])
        held_out = [(learn[:15], learn[15:]) for learn, _ in (split(kinds[name]) for name in names)]
        validation = write_part(folder, "validation", held_out)
        note = "Rates are tuned on 5 of the 20 images of each class that are there to learn from, the other 15 learned."
    return Task(
        name=f"photographs-{classes}",
        title=f"MCUNet on photographs, {classes} classes",
        model=reference / "models/mcunet-5fps.pkl",
        classes=classes,
        sparse="mcunet-99kb",
        steps=8 * 20 * classes,
        validation=validation,
        measured=[measured],
        note=note,
    )


def read_index(folder):
    """Image files by class: those to learn from, and those to measure on."""
    kinds = {}
    with open(folder / "index.csv") as text:
        for row in csv.DictReader(text):
            kinds.setdefault(row["class"], {"learn": [], "test": []})[row["split"]].append(folder / row["file"])
    return kinds


def split(kind):
    return kind["learn"], kind["test"]


def write_part(folder, name, kinds):
    files = {}
    for at, part in enumerate(["learn", "test"]):
        chosen = [(path, label) for label, kind in enumerate(kinds) for path in kind[at]]
        x = np.stack([codes(path) for path, _ in chosen])
        y = np.array([label for _, label in chosen], np.int32)
        files[part] = folder / name / f"{part}.safetensors"
        tensor_file.write(files[part], {"x": x, "y": y})
    return Part(name, files["learn"], files["test"])


def codes(path):
    """Codes [3, 128, 128]: value - 128."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    assert pixels.shape == (128, 128, 3), path
    return (pixels.astype(np.int16) - 128).astype(np.int8).transpose(2, 0, 1)
