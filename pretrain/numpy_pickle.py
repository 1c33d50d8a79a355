"""Reader of pickled numpy objects that builds arrays and plain data only.

A pickle is a program, and an ordinary reader calls whatever it names.
"""

import importlib
import io
import pickle
import zipfile

import numpy as np

ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


class ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        module = module.replace("numpy._core", "numpy.core")
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is neither an array nor plain data")
        return getattr(importlib.import_module(module), name)


def load_object(data):
    """The single object of an .npy file that numpy wrote by `np.save(..., allow_pickle=True)`."""
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("not version 1.0 of the .npy format")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if shape != () or dtype != object:
        raise ValueError("not a single object")
    return ArrayUnpickler(file, encoding="latin1").load().item()


def load_archive(path):
    """The object in the zip that PyTorch's `torch.save` wrote, which may hold no tensors of its own."""
    with zipfile.ZipFile(path) as archive:
        return ArrayUnpickler(io.BytesIO(archive.read("archive/data.pkl"))).load()
