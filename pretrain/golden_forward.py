"""Record what the integer forward pass computes for a few samples, for other implementations to repeat exactly.

    python3 golden_forward.py --model FILE --data FILE --output FILE

The data are those that ship: images of digits, or windows of codes.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

import quantize
import resample
import tensor_file

SAMPLES = 4


def record(description, tensors, codes, label):
    logits, values = quantize.forward(description, tensors, codes[None])
    nodes = [node for node in description["nodes"] if node["op"] != "classifier"]
    return {
        "label": int(label),
        "predicted": int(logits.argmax()),
        "input_sha256": hashlib.sha256(codes.tobytes()).hexdigest(),
        "logits": [float(value) for value in logits[0]],
        "logits_bits": [f"{bits:08x}" for bits in logits[0].view(np.uint32)],
        "nodes": [
            {
                "name": node["name"],
                "shape": list(value.shape[1:]),
                "sha256": hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest(),
            }
            for node, value in zip(nodes, values)
        ],
    }


def input_codes(learn_x):
    """Codes [n, h, w, c] of grey images [n, 28, 28], or of codes [n, c, h, w] as files hold them."""
    if learn_x.dtype == np.uint8:
        return resample.input_codes(learn_x)
    return np.ascontiguousarray(learn_x.transpose(0, 2, 3, 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    description, tensors = quantize.load(options.model)
    data, _ = tensor_file.read(options.data)
    codes = input_codes(data["learn_x"][:SAMPLES])
    result = {
        "model_sha256": hashlib.sha256(options.model.read_bytes()).hexdigest(),
        "source": f"learn_x[0..{SAMPLES}] of {options.data.name.removesuffix('.gz')} as input codes",
        "order": "height, width, channel",
        "samples": [record(description, tensors, code, label) for code, label in zip(codes, data["learn_y"])],
    }
    options.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
