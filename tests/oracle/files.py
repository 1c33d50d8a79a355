"""Reads the network file and the digits, and writes vectors."""

import gzip
import json

import numpy as np

TYPES = {"U8": np.uint8, "I8": np.int8, "I32": np.int32, "F32": np.float32}


def read_tensors(path):
    """Named arrays and metadata of a safetensors file, which may be compressed."""
    if not path.exists():
        path = path.with_name(path.name + ".gz")
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[start + first:start + last], TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata


def read_network(path):
    """The description of a network, and its arrays."""
    tensors, metadata = read_tensors(path)
    return json.loads(metadata["quartermeg.network"]), tensors


def upscale(image):
    """One image of 28x28 bytes as 48x48x1 input codes, bilinear in exact integers, half up."""
    codes = np.zeros((48, 48, 1), np.int8)
    taps = []
    for i in range(48):
        at = min(max((2 * i + 1) * 28 - 48, 0), 27 * 96)
        taps.append((at // 96, min(at // 96 + 1, 27), at % 96))
    pixels = image.astype(int).tolist()
    for y, (y0, y1, fy) in enumerate(taps):
        for x, (x0, x1, fx) in enumerate(taps):
            top = (96 - fx) * pixels[y0][x0] + fx * pixels[y0][x1]
            bottom = (96 - fx) * pixels[y1][x0] + fx * pixels[y1][x1]
            codes[y, x, 0] = ((96 - fy) * top + fy * bottom + 4608) // 9216 - 128
    return codes
