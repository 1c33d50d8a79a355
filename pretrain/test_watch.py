"""Checks of the exact parts of the watch data: python3 -m unittest discover pretrain"""

import io
import json
import pickle
import unittest
from pathlib import Path

import numpy as np

import make_watch_data
import numpy_pickle
import tensor_file
import topologies
import watch_data

SHIPPED = Path(__file__).parent / "../static/data/watch-person.safetensors.gz"


def saved(value):
    """The bytes of an .npy file with one pickled object."""
    file = io.BytesIO()
    np.save(file, np.array(value, object), allow_pickle=True)
    return file.getvalue()


def recording(length, person=1, exercise=0):
    samples = np.arange(length * 6, dtype=np.float64).reshape(length, 6)
    return watch_data.Recording(person, watch_data.LEFT, exercise, samples)


class NumpyPickle(unittest.TestCase):
    def test_reads_arrays(self):
        found = numpy_pickle.load_object(saved({"a": np.arange(4.0), "b": ["x"]}))
        np.testing.assert_array_equal(found["a"], [0, 1, 2, 3])
        self.assertEqual(found["b"], ["x"])

    def test_refuses_what_is_not_data(self):
        with self.assertRaises(pickle.UnpicklingError):
            numpy_pickle.load_object(saved({"a": print}))

    def test_refuses_other_files(self):
        plain = io.BytesIO()
        np.save(plain, np.arange(3))
        with self.assertRaises(ValueError):
            numpy_pickle.load_object(plain.getvalue())


class Windows(unittest.TestCase):
    def test_halving_takes_the_mean_of_pairs(self):
        samples = np.array([[1.0], [3.0], [5.0], [8.0], [9.0]])
        np.testing.assert_array_equal(watch_data.halve_rate(samples), [[2], [6.5]])

    def test_codes_are_rounded_and_clamped(self):
        norm = watch_data.Normalization(np.zeros(6), np.ones(6))
        samples = np.array([[0.0, 1.0, -1.0, 0.04, 9.0, -9.0]])
        np.testing.assert_array_equal(watch_data.to_codes(samples, norm), [[0, 32, -32, 1, 127, -128]])

    def test_parts_share_no_sample(self):
        norm = watch_data.Normalization(np.zeros(6), np.full(6, 1e6))
        end = watch_data.LEARN_SAMPLES
        source = recording(end + 2 * watch_data.WINDOW)
        source.samples[:end] = 1e6
        learn, _ = watch_data.learn_windows([source], norm)
        test, _ = watch_data.test_windows([source], norm)
        self.assertEqual(len(learn), watch_data.LEARN_WINDOWS)
        self.assertEqual(len(test), 3)
        self.assertEqual(set(learn.flat), {32})
        self.assertNotIn(32, set(test.flat))

    def test_planar_order(self):
        codes = np.arange(2 * 64 * 6).reshape(2, 1, 64, 6)
        planar = make_watch_data.planar(codes)
        self.assertEqual(planar.shape, (2, 6, 1, 64))
        self.assertEqual(planar[1, 5, 0, 3], codes[1, 0, 3, 5])


class Shipped(unittest.TestCase):
    def test_holds_the_windows_of_every_exercise(self):
        tensors, metadata = tensor_file.read(SHIPPED)
        described = json.loads(metadata[make_watch_data.METADATA_KEY])
        classes = len(topologies.WATCH.classes)
        self.assertEqual(list(watch_data.EXERCISES), topologies.WATCH.classes)
        self.assertEqual(len(described["class_names"]), classes)
        self.assertEqual([channel["name"] for channel in described["channels"]], list(watch_data.CHANNELS))
        np.testing.assert_array_equal(np.bincount(tensors["learn_y"]), [watch_data.LEARN_WINDOWS] * classes)
        self.assertEqual(set(tensors["test_y"]), set(range(classes)))
        for part in ("learn", "test"):
            self.assertEqual(tensors[f"{part}_x"].shape, (len(tensors[f"{part}_y"]), 6, 1, 64))


class Choice(unittest.TestCase):
    def test_nobody_has_two_roles(self):
        people = [*watch_data.PRETRAINING_PEOPLE, watch_data.VALIDATION_PERSON, *watch_data.NEW_PEOPLE]
        self.assertEqual(sorted(people), list(range(1, watch_data.LAST_PERSON + 1)))


if __name__ == "__main__":
    unittest.main()
