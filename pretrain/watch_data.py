"""Shoulder exercises of the SPAR data set as windows of int8 codes: who is for what, and which windows.

The wheel of seglearn holds recordings of a smart watch at 50 Hz: accelerometer (g) and gyroscope (rad/s), one recording
for each person, arm and exercise.
"""

import zipfile
from typing import NamedTuple

import numpy as np

import numpy_pickle
import topologies

MEMBER = "seglearn/data/watch_dataset.npy"
EXERCISES = {
    "PEN": "pendulum",
    "ABD": "abduction",
    "FEL": "forward elevation",
    "IR": "internal rotation",
    "ER": "external rotation",
    "TRAP": "lower trapezius row",
    "ROW": "bent-over row",
}
CHANNELS = ("ax", "ay", "az", "wx", "wy", "wz")
RATE_HZ = 25
RIGHT, LEFT = "right", "left"

# The network is pretrained on right arms of these people.
PRETRAINING_PEOPLE = (1, 2, 3, 4, 5)
# Recipe, update policy and learning rates are chosen on this person.
VALIDATION_PERSON = 6
# New to everything; the first one ships.
NEW_PEOPLE = (7, 8)
SHIPPED_PERSON = NEW_PEOPLE[0]
# People above this number are kept for a later, final measurement; their recordings are dropped when the file is read.
LAST_PERSON = 8

WINDOW = topologies.WATCH.width
HOP = 32
LEARN_WINDOWS = 8  # of each recording, from its start
# End of the last window to learn from; windows to measure on start here.
LEARN_SAMPLES = (LEARN_WINDOWS - 1) * HOP + WINDOW


class Recording(NamedTuple):
    person: int
    arm: str
    exercise: int
    samples: np.ndarray  # [t, 6] at 25 Hz


class Normalization(NamedTuple):
    """For each channel what is subtracted and divided by before a code is `real / scale + zero point`."""

    mean: np.ndarray
    deviation: np.ndarray


def halve_rate(samples):
    """50 Hz to 25 Hz: the mean of each pair; a last single sample is left out."""
    even = samples[:len(samples) // 2 * 2]
    return (even[0::2] + even[1::2]) / 2


def load(wheel):
    """All recordings of people 1 to 8."""
    with zipfile.ZipFile(wheel) as archive:
        stored = numpy_pickle.load_object(archive.read(MEMBER))
    if list(stored["y_labels"]) != list(EXERCISES) or tuple(stored["X_labels"]) != CHANNELS:
        raise ValueError("exercises or channels are not those expected")
    entries = zip(stored["subject"], stored["side"], stored["y"], stored["X"])
    return [
        Recording(int(person), RIGHT if side == 1 else LEFT, int(exercise), halve_rate(samples))
        for person, side, exercise, samples in entries
        if person <= LAST_PERSON
    ]


def of(recordings, people, arm):
    """Recordings of these people's arm, in the order of person and exercise."""
    return sorted((r for r in recordings if r.person in people and r.arm == arm), key=lambda r: (r.person, r.exercise))


def normalization(recordings):
    """Mean and standard deviation of each channel, rounded so that every machine gets the same codes."""
    samples = np.concatenate([recording.samples for recording in recordings])
    return Normalization(samples.mean(0).round(3), samples.std(0).round(3))


def to_codes(samples, norm):
    """Input codes of the network."""
    topology = topologies.WATCH
    real = (samples - norm.mean) / norm.deviation
    return np.clip(np.rint(real / topology.input_scale) + topology.input_zero_point, -128, 127).astype(np.int8)


def cut(samples, start, stop, hop):
    """Windows [n, 1, WINDOW, channels] that lie in samples[start:stop]."""
    starts = range(start, min(stop, len(samples)) - WINDOW + 1, hop)
    return np.stack([samples[s:s + WINDOW] for s in starts])[:, None]


def windows(recordings, norm, start=0, stop=2**31, hop=HOP):
    """Codes [n, 1, WINDOW, channels] and labels of the windows of all these recordings."""
    parts = [cut(to_codes(recording.samples, norm), start, stop, hop) for recording in recordings]
    labels = [np.full(len(part), recording.exercise, np.int32) for part, recording in zip(parts, recordings)]
    return np.concatenate(parts), np.concatenate(labels)


def learn_windows(recordings, norm):
    """The first windows of each recording."""
    return windows(recordings, norm, stop=LEARN_SAMPLES)


def test_windows(recordings, norm):
    """Windows that share no sample with those to learn from."""
    return windows(recordings, norm, start=LEARN_SAMPLES)
