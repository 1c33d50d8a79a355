"""Reader and writer of the safetensors format, limited to what this project stores."""

import gzip
import json

import numpy as np

NAMES = {np.dtype(np.uint8): "U8", np.dtype(np.int8): "I8", np.dtype(np.int32): "I32", np.dtype(np.float32): "F32"}
TYPES = {name: dtype for dtype, name in NAMES.items()}


def encode(tensors, metadata=None):
    """Encode named arrays: wide elements first, so that every tensor stays aligned; data starts at 16 bytes."""
    order = sorted(tensors, key=lambda name: -tensors[name].dtype.itemsize)
    header, offset = {}, 0
    if metadata:
        header["__metadata__"] = metadata
    for name in order:
        array = tensors[name]
        header[name] = {
            "dtype": NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % 16)
    return len(text).to_bytes(8, "little") + text + b"".join(np.ascontiguousarray(tensors[n]).tobytes() for n in order)


def decode(data):
    """Return (tensors, metadata)."""
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        array = np.frombuffer(data[start + first:start + last], TYPES[entry["dtype"]])
        tensors[name] = array.reshape(entry["shape"])
    return tensors, metadata


def write(path, tensors, metadata=None):
    """Write a file, compressed if its name ends in .gz; the gzip header holds neither a name nor a time."""
    data = encode(tensors, metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, 9, mtime=0) if path.suffix == ".gz" else data)


def read(path):
    """Read a file, compressed by gzip if its name ends in .gz."""
    data = path.read_bytes()
    return decode(gzip.decompress(data) if path.suffix == ".gz" else data)
