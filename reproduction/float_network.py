"""A float network trained like the int8 one: the same start values dequantized, the same clamps, samples, order, policy
and rate, but no rounding anywhere. It is what quantization-aware scaling is meant to restore (paper, Table 1)."""

import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import conv2d, cross_entropy

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / "pretrain"), str(ROOT / "tests/oracle")]

import noise  # noqa: E402
import tensor_file  # noqa: E402
from numpy_pickle import load_archive  # noqa: E402

torch.set_num_threads(1)
HEAD_KEY = 2**32 - 3


class Conv(NamedTuple):
    source: int
    codes: np.ndarray  # int8 [O, I / groups, kh, kw]
    weight: torch.Tensor
    bias: torch.Tensor
    stride: int
    padding: list  # left, right, top, bottom
    groups: int
    limits: tuple  # of the output, as real numbers


class Add(NamedTuple):
    shortcut: int
    branch: int
    limits: tuple


class Network(NamedTuple):
    nodes: list
    input_scale: float
    input_zero: int
    classifier: tuple  # weight, bias


def limits(scale, zero, clamp=(-128, 127)):
    return tuple(float(scale) * (code - zero) for code in clamp)


def conv_of(source, codes, bias, weight_scale, x_scale, output, stride, padding, groups, clamp=(-128, 127)):
    scale = np.asarray(weight_scale, np.float64).reshape(-1)
    # The biases of dead channels stand for nothing: their scale is that of numerical noise.
    return Conv(
        source,
        codes,
        torch.tensor(codes * scale[:, None, None, None], dtype=torch.float32),
        torch.tensor(np.asarray(bias, np.float64).reshape(-1) * scale * x_scale, dtype=torch.float32),
        stride,
        padding,
        groups,
        limits(*output, clamp),
    )


def from_network_file(path):
    tensors, metadata = tensor_file.read(path)
    description = json.loads(metadata["quartermeg.network"])
    quants = [(description["input"]["scale"], description["input"]["zero_point"])]
    nodes, classifier = [], None
    for node in description["nodes"]:
        output = (node.get("output_scale"), node.get("output_zero_point"))
        if node["op"] == "conv":
            source = node["input"]
            codes = tensors[node["weight"]].transpose(0, 3, 1, 2)
            top, left, bottom, right = node["padding"]
            groups = codes.shape[0] if node["depthwise"] else 1
            scales = tensors[node["weight_scale"]]
            nodes.append(
                conv_of(
                    source, codes, tensors[node["bias"]], scales, quants[source][0], output, tuple(node["stride"]),
                    [left, right, top, bottom], groups, node["clamp"],
                )
            )
        elif node["op"] == "add":
            nodes.append(Add(*node["inputs"], limits(*output, node["clamp"])))
        elif node["op"] == "average_pool":
            nodes.append("pool")
            output = quants[node["input"]]
        else:
            classifier = (torch.tensor(tensors[node["weight"]]), torch.tensor(tensors[node["bias"]]))
        quants.append(output)
    return Network(nodes, *quants[0], classifier)


def from_pickle(path, n_classes):
    network = load_archive(path)
    nodes = []

    def conv(layer, source):
        params = layer["params"]
        codes = params["weight"]
        pad = (codes.shape[2] - 1) // 2
        nodes.append(
            conv_of(
                source, codes, params["bias"], params["w_scales"], params["x_scale"],
                (params["y_scale"], params["y_zero"]), layer["stride"], [pad] * 4, layer["groups"],
            )
        )
        return len(nodes)

    value = conv(network["first_conv"], 0)
    for block in network["blocks"]:
        entry = value
        for name in ("pointwise1", "depthwise", "pointwise2"):
            if block[name] is not None:
                value = conv(block[name], value)
        if block["residual"] is not None:
            params = block["residual"]["params"]
            nodes.append(Add(entry, value, limits(params["y_scale"], params["y_zero"])))
            value = len(nodes)
    nodes.append("pool")
    n_features = nodes[-2].codes.shape[0]
    first = network["first_conv"]["params"]
    return Network(nodes, first["x_scale"], first["x_zero"], new_classifier(n_classes, n_features))


def new_classifier(n_classes, n_features):
    """Uniform in ±1 / sqrt(features), as the core draws it."""
    key = noise.key(0, 0, HEAD_KEY)
    units = noise.units(key, np.arange(1, n_classes * (n_features + 1) + 1))
    values = (np.float32(2) * units - np.float32(1)) * np.float32(1 / np.sqrt(n_features))
    weight, bias = values[: n_classes * n_features], values[n_classes * n_features :]
    return torch.tensor(weight.reshape(n_classes, n_features)), torch.tensor(bias)


class Trainer:
    """`layers`: for each convolution None (frozen), 0.0 (bias) or a ratio (bias and weights)."""

    def __init__(self, network, layers):
        self.network = network
        self.masks = {}
        self.weights, self.biases = {}, {}
        convs = [at for at, node in enumerate(network.nodes) if isinstance(node, Conv)]
        for at, update in zip(convs, layers):
            node = network.nodes[at]
            self.weights[at] = node.weight.clone().requires_grad_(bool(update))
            self.biases[at] = node.bias.clone().requires_grad_(update is not None)
            if update:
                self.masks[at] = channel_mask(node, update)
        self.head = [part.clone().requires_grad_() for part in network.classifier]

    def logits(self, codes):
        network = self.network
        x = torch.tensor(codes.astype(np.float32))[None]
        values = [(x - network.input_zero) * network.input_scale]
        for at, node in enumerate(network.nodes):
            if node == "pool":
                values.append(values[-1].mean((2, 3), keepdim=True))
            elif isinstance(node, Add):
                values.append((values[node.shortcut] + values[node.branch]).clamp(*node.limits))
            else:
                x = torch.nn.functional.pad(values[node.source], node.padding)
                y = conv2d(x, self.weights[at], self.biases[at], node.stride, groups=node.groups)
                values.append(y.clamp(*node.limits))
        weight, bias = self.head
        return values[-1].flatten(1) @ weight.T + bias

    def step(self, codes, label, rate):
        loss = cross_entropy(self.logits(codes), torch.tensor([int(label)]))
        parameters = [
            (at, kind, value)
            for kind, of in (("weight", self.weights), ("bias", self.biases), ("head", dict(enumerate(self.head))))
            for at, value in of.items()
            if value.requires_grad
        ]
        gradients = torch.autograd.grad(loss, [value for _, _, value in parameters])
        with torch.no_grad():
            for (at, kind, value), gradient in zip(parameters, gradients):
                if kind == "weight":
                    gradient = gradient * self.masks[at]
                value -= rate * gradient

    def predict(self, codes):
        with torch.no_grad():
            return int(self.logits(codes).argmax())


def channel_mask(node, ratio):
    """1 for the input channels (depthwise: channels) that learn: largest sums of squares, ties by lower index."""
    squares = node.codes.astype(np.int64) ** 2
    depthwise = node.groups > 1
    energy = squares.sum((1, 2, 3)) if depthwise else squares.sum((0, 2, 3))
    n_kept = int(np.float32(ratio) * np.float32(energy.size))
    kept = np.argsort(-energy, kind="stable")[:n_kept]
    mask = np.zeros(energy.size, np.float32)
    mask[kept] = 1
    return torch.tensor(mask[:, None, None, None] if depthwise else mask[None, :, None, None])


def train(network, layers, learn, test, rate, seed, steps):
    """Predicted classes of `test` after `steps` steps on `learn`, both (x, y)."""
    trainer = Trainer(network, layers)
    x, y = learn
    for step in range(steps):
        sample = noise.sample_at(seed, step, len(y))
        trainer.step(x[sample], y[sample], rate)
    return [trainer.predict(codes) for codes in test[0]]
