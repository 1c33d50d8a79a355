"""Whole training steps of the `device` profile on the keyboard network, without any code of the core.

    python3 device_step.py NAME

prints the run of that name; `generate.py` stores all of them in tests/vectors/keyboard_steps.json.
"""

import argparse
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import device_ops as ops
import files
import noise

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "static/models/keyboard.safetensors"
DATA = ROOT / "static/data/keyboard-digits.safetensors"
F = np.float32


@dataclass
class Settings:
    rate: float
    qas: bool
    seed: int
    step: int


class Network:
    """Nodes in order of execution; value 0 is the input, value i + 1 the output of node i."""

    def __init__(self, description, tensors):
        entry = description["input"]
        self.quants = [ops.Quant(F(entry["scale"]), entry["zero_point"])]
        self.nodes, self.convs = [], []
        for node in description["nodes"]:
            inputs = node.get("inputs") or [node["input"]]
            quant = self.quants[inputs[0]]
            if "output_scale" in node:
                quant = ops.Quant(F(node["output_scale"]), node["output_zero_point"])
            if node["op"] == "conv":
                self.convs.append(ops.Conv(
                    tensors[node["weight"]], tensors[node["bias"]], tensors[node["weight_scale"]], node["depthwise"],
                    tuple(node["stride"]), tuple(node["padding"]), self.quants[inputs[0]], quant,
                    tuple(node["clamp"])))
            elif node["op"] == "classifier":
                self.weight, self.bias = tensors[node["weight"]], tensors[node["bias"]]
            layer = len(self.convs) - 1 if node["op"] == "conv" else None
            self.nodes.append((node["op"], inputs, layer, tuple(node.get("clamp", ()))))
            self.quants.append(quant)

    def forward(self, image):
        """Codes and mask of every value; the last one holds the logits."""
        values, masks = [image], [None]
        for (op, inputs, layer, clamp), qy in zip(self.nodes, self.quants[1:]):
            x, mask = values[inputs[0]], None
            if op == "conv":
                y, mask = ops.conv_forward(self.convs[layer], x)
            elif op == "add":
                qa, qb = (self.quants[i] for i in inputs)
                y, mask = ops.add_forward(x, qa, values[inputs[1]], qb, qy, clamp)
            elif op == "average_pool":
                y = ops.average_pool(x)
            else:
                y = ops.classifier_forward(x, self.quants[inputs[0]], self.weight, self.bias)
            values.append(y)
            masks.append(mask)
        return values, masks

    def needs_gradient(self, policy):
        needs = [False]
        for op, inputs, layer, _ in self.nodes:
            learns = op == "conv" and policy[layer] != "frozen"
            needs.append(learns or any(needs[i] for i in inputs))
        return needs

    def step(self, image, label, policy, channels, settings):
        """One training step; returns the loss. A policy has "frozen", "bias" or a ratio for each layer."""
        values, masks = self.forward(image)
        loss, gradient = ops.softmax_cross_entropy(values[-1], label)
        needs = self.needs_gradient(policy)
        gradients = [None] * len(values)
        gradients[-1] = gradient

        def give(value, gradient):
            if needs[value]:
                earlier = gradients[value]
                gradients[value] = gradient if earlier is None else earlier + gradient

        for at in reversed(range(len(self.nodes))):
            op, inputs, layer, _ = self.nodes[at]
            x, quant, gradient = values[inputs[0]], self.quants[inputs[0]], gradients[at + 1]
            if gradient is None:
                continue
            if op == "classifier":
                give(inputs[0], ops.classifier_backward_input(gradient, self.weight, quant).reshape(x.shape))
                self.weight, self.bias = ops.updated_classifier(
                    x, quant, gradient, self.weight, self.bias, settings.rate)
            elif op == "average_pool":
                give(inputs[0], ops.average_pool_backward(gradient, *x.shape[:2]))
            elif op == "add":
                for value in inputs:
                    give(value, ops.add_backward(gradient, masks[at + 1], self.quants[value], self.quants[at + 1]))
            else:
                conv = self.convs[layer]
                g = ops.mask_scale(conv, gradient, masks[at + 1])
                if needs[inputs[0]]:
                    give(inputs[0], ops.conv_backward_input(conv, g, x.shape[:2]))
                if policy[layer] == "frozen":
                    continue
                bias = ops.updated_bias(conv, ops.bias_gradient(g), layer, settings)
                weight = conv.weight
                if channels[layer]:
                    of_weight = ops.conv_weight_gradient(conv, x, g)
                    weight = ops.updated_weight(conv, of_weight, channels[layer], layer, settings)
                self.convs[layer] = replace(conv, weight=weight, bias=bias)
        return loss

    def digest(self):
        """SHA-256 of all weights in the logical order."""
        sha = hashlib.sha256()
        for conv in self.convs:
            sha.update(np.ascontiguousarray(conv.weight).tobytes())
            sha.update(conv.bias.astype("<i4").tobytes())
        sha.update(self.weight.astype("<f4").tobytes())
        sha.update(self.bias.astype("<f4").tobytes())
        return sha.hexdigest()


def sparse_policy(n_layers):
    """Biases of the last twelve layers; weights of some of them, whole, half, an eighth, and three tenths."""
    policy = ["frozen"] * (n_layers - 12) + ["bias"] * 12
    for layer, ratio in ((18, 1.0), (19, 0.125), (21, 1.0), (22, 1.0), (24, 0.125), (25, 0.5), (27, 0.3), (29, 0.5)):
        policy[layer] = ratio
    return policy


POLICIES = {
    "classifier": lambda n: ["frozen"] * n,
    "biases": lambda n: ["bias"] * n,
    "sparse": sparse_policy,
    "scattered": lambda n: [("frozen", 0.5, "bias", "frozen", 0.25)[layer % 5] for layer in range(n)],
    "halves": lambda n: [0.5] * n,
    "full": lambda n: [1.0] * n,
}
# name, policy, rate, QAS, seed, first step (300 samples an epoch, so 299 crosses into the second), steps.
RUNS = [
    ("classifier", "classifier", 0.05, True, 1, 0, 3),
    ("classifier-plain", "classifier", 0.5, False, 2, 1000, 3),
    ("biases", "biases", 0.001, True, 3, 0, 3),
    ("biases-plain", "biases", 20.0, False, 4, 0, 3),
    ("sparse", "sparse", 0.01, True, 0x0123456789ABCDEF, 299, 3),
    ("sparse-plain", "sparse", 20.0, False, 6, 0, 3),
    ("scattered", "scattered", 0.003, True, 7, 0, 3),
    ("halves", "halves", 0.003, True, 8, 4_000_000_000, 3),
    ("full", "full", 0.003, True, 0xFFFFFFFFFFFFFFFF, 0, 3),
    ("full-plain", "full", 5.0, False, 10, 0, 3),
    ("sparse-long", "sparse", 0.003, True, 11, 0, 60),
]


def run(name, policy_name, rate, qas, seed, first_step, n_steps):
    network = Network(*files.read_network(MODEL))
    data, _ = files.read_tensors(DATA)
    images, labels = data["learn_x"], data["learn_y"]
    policy = POLICIES[policy_name](len(network.convs))
    channels = [
        ops.selected_channels(conv, update) if isinstance(update, float) else []
        for conv, update in zip(network.convs, policy)
    ]
    start = {"digest": network.digest()}
    steps = []
    for step in range(first_step, first_step + n_steps):
        sample = noise.sample_at(seed, step, len(images))
        before = [conv.weight for conv in network.convs] + [conv.bias for conv in network.convs]
        settings = Settings(float(F(rate)), qas, seed, step)
        loss = network.step(files.upscale(images[sample]), int(labels[sample]), policy, channels, settings)
        after = [conv.weight for conv in network.convs] + [conv.bias for conv in network.convs]
        steps.append({
            "step": step,
            "sample": sample,
            "label": int(labels[sample]),
            "loss": float(loss),
            "loss_bits": f"{loss.view(np.uint32):08x}",
            "moved": int(sum((old != new).sum() for old, new in zip(before, after))),
            "digest": network.digest(),
        })
    return {
        "name": name,
        "policy": policy,
        "learning_rate": float(f"{F(rate):.9g}"),
        "qas": qas,
        # A number of 64 bits does not survive every reader of JSON.
        "seed": f"{seed:016x}",
        "start_digest": start["digest"],
        "steps": steps,
    }


def record():
    model = MODEL.read_bytes()
    return {
        "what": "whole steps of the keyboard network in the device profile; all values are exact",
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "data": "learn_x and learn_y of keyboard-digits.safetensors, upscaled to 48x48",
        "digest": "SHA-256: for each layer its weights (OHWI, int8) and biases (int32), then the classifier's weights and biases (float32); little endian",
        "runs": [run(*settings) for settings in RUNS],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", choices=[settings[0] for settings in RUNS])
    options = parser.parse_args()
    for settings in RUNS:
        if settings[0] == options.run:
            print(json.dumps(run(*settings), indent=1))


if __name__ == "__main__":
    main()
