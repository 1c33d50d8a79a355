"""Make `tests/photographs/photographs.safetensors.gz` from the scikit-image wheel.

    pip download --no-deps scikit-image==0.26.0
    python3 photographs.py scikit_image-0.26.0-*.whl [--check] [--classify FOLDER]

With `--check`, nothing is written; a file that differs ends the run with exit code 1.
With `--classify`, the networks `*.pkl` of FOLDER say what they see in the pictures that are
committed, by an integer forward pass that shares no code with the core; a class that is not
expected ends the run with exit code 1.
"""

import argparse
import gzip
import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

import files

sys.path.append(str(Path(__file__).resolve().parents[2] / "pretrain"))

from numpy_pickle import load_archive  # noqa: E402

TARGET = Path(__file__).resolve().parents[1] / "photographs" / "photographs.safetensors.gz"
# Name, SHA-256 of the file in the wheel, ImageNet class, and what that class is.
PHOTOGRAPHS = [
    ("chelsea", "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb", 285, "Egyptian cat"),
    ("coffee", "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7", 967, "espresso"),
    ("camera", "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a", 872, "tripod"),
]
SHORT_SIDE = 147
SIDE = 128
F = np.float32


def codes(png):
    """Codes [128, 128, 3], grey value - 128: the short side scaled to 147, the middle cut out."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    scale = SHORT_SIDE / min(image.size)
    image = image.resize([round(side * scale) for side in image.size], Image.BILINEAR)
    left, top = [(side - SIDE) // 2 for side in image.size]
    pixels = np.asarray(image.crop((left, top, left + SIDE, top + SIDE)))
    return (pixels.astype(np.int16) - 128).astype(np.int8)


def safetensors(arrays, metadata):
    """The bytes of a safetensors file of int8 arrays."""
    header, data = {"__metadata__": metadata}, b""
    for name, array in arrays.items():
        assert array.dtype == np.int8
        span = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": "I8", "shape": list(array.shape), "data_offsets": span}
        data += array.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def make(wheel):
    arrays = {}
    with zipfile.ZipFile(wheel) as archive:
        for name, digest, _, _ in PHOTOGRAPHS:
            png = archive.read(f"skimage/data/{name}.png")
            assert hashlib.sha256(png).hexdigest() == digest, name
            arrays[name] = codes(png)
    metadata = {name: f"{number} {label}" for name, _, number, label in PHOTOGRAPHS}
    # No time stamp, so that the same pictures give the same file.
    return gzip.compress(safetensors(arrays, metadata), mtime=0)


# ---- what the networks see ------------------------------------------------------------------


def single(value):
    """A scale in single precision, as a number of double precision."""
    return np.asarray(value, F).astype(np.float64)


def convolve(x, layer):
    """int64 codes [channel, row, column] of the layer's output, by docs/numerics.md."""
    params = layer["params"]
    weight = params["weight"].astype(np.int64)
    stride = layer["stride"]
    pad = (weight.shape[2] - 1) // 2
    x = np.pad(x - params["x_zero"], ((0, 0), (pad, pad), (pad, pad)))
    taps = sliding_window_view(x, weight.shape[2:], (1, 2))[:, ::stride, ::stride]
    if layer["groups"] == 1:
        sums = np.tensordot(weight, taps, axes=([1, 2, 3], [0, 3, 4]))
    else:
        sums = np.einsum("chwij,cij->chw", taps, weight[:, 0])
    sums += params["bias"].astype(np.int64)[:, None, None]
    sums = np.clip(sums, -(2**31), 2**31 - 1)
    scale = params["x_scale"] * single(params["w_scales"]) / params["y_scale"]
    return clamp(sums.astype(F) * scale.astype(F)[:, None, None], params["y_zero"])


def clamp(value, zero):
    return np.clip(np.rint(value).astype(np.int64) + zero, -128, 127)


def block(x, layers):
    y = x
    for name in ("pointwise1", "depthwise", "pointwise2"):
        if layers[name] is not None:
            y = convolve(y, layers[name])
    if layers["residual"] is None:
        return y
    short, long = layers["residual"]["params"], layers["pointwise2"]["params"]
    real = (x - short["x_zero"]).astype(F) * F(short["x_scale"])
    real += (y - long["y_zero"]).astype(F) * F(long["y_scale"])
    return clamp(real / F(short["y_scale"]), short["y_zero"])


def logits(network, image):
    """int8 logits, one a class."""
    x = convolve(image.astype(np.int64).transpose(2, 0, 1), network["first_conv"])
    for layers in network["blocks"]:
        x = block(x, layers)
    mean = np.rint(x.mean((1, 2), keepdims=True)).astype(np.int64)
    return convolve(mean, network["classifier"]).reshape(-1)


def classify(folder):
    arrays, _ = files.read_tensors(TARGET)
    right = True
    for path in sorted(folder.glob("*.pkl")):
        network = load_archive(path)
        for name, _, number, label in PHOTOGRAPHS:
            found = logits(network, arrays[name])
            best = np.argsort(-found, kind="stable")[:3]
            print(path.stem, name, ", ".join(f"{i} ({found[i]})" for i in best))
            if best[0] != number:
                print(f"    expected {number} ({label})")
                right = False
    return right


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--classify", type=Path, metavar="FOLDER")
    args = parser.parse_args()
    made = make(args.wheel)
    right = True
    if args.check:
        # The packed bytes may differ with the version of zlib; what is in them may not.
        right = gzip.decompress(made) == gzip.decompress(TARGET.read_bytes())
        print(TARGET.name, "is as it should be" if right else "differs")
    else:
        TARGET.write_bytes(made)
        print(TARGET.name, len(made), "bytes")
    if args.classify:
        right &= classify(args.classify)
    sys.exit(not right)


if __name__ == "__main__":
    main()
