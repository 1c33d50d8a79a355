"""Record what the integer forward pass computes for a few images, for other implementations to repeat exactly.

    python3 golden_forward.py --model FILE --data FILE --output FILE
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

import quantize
import tensor_file

IMAGES = 4


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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    description, tensors = quantize.load(options.model)
    data, _ = tensor_file.read(options.data)
    codes = quantize.input_codes(data["learn_x"][:IMAGES])
    result = {
        "model_sha256": hashlib.sha256(options.model.read_bytes()).hexdigest(),
        "source": f"learn_x[0..{IMAGES}] of keyboard-digits.safetensors, upscaled",
        "order": "height, width, channel",
        "images": [record(description, tensors, code, label) for code, label in zip(codes, data["learn_y"])],
    }
    options.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
