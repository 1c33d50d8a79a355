"""From the table of a network to its layers and its float model."""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn


class Block(NamedTuple):
    """An inverted residual block: widen to `hidden`, filter each channel, narrow to `out`."""

    hidden: int  # equal to the input width: no expanding layer
    stride: int
    out: int
    residual: bool


class Topology(NamedTuple):
    """A convolution, inverted residual blocks, an average over all positions and a classifier."""

    name: str
    classes: list
    height: int
    width: int
    channels: int
    input_scale: np.float32
    input_zero_point: int
    stem_channels: int
    stem_stride: int
    kernel: tuple  # height and width of every kernel that is not 1x1
    blocks: list

    @property
    def features(self):
        return self.blocks[-1].out


class Conv(NamedTuple):
    name: str
    inputs: int
    outputs: int
    kernel: tuple
    stride: tuple
    depthwise: bool
    relu6: bool

    @property
    def padding(self):
        return tuple((extent - 1) // 2 for extent in self.kernel)


class Add(NamedTuple):
    """Sum of the output of node `shortcut` and of the node just before."""

    name: str
    shortcut: str


def operators(topology):
    """All convolutions and additions in order of execution; the pool and the classifier follow them."""
    width, point, kernel = topology.stem_channels, (1, 1), topology.kernel

    def strides(stride):
        """A kernel of one row moves along the row only."""
        return tuple(stride if extent > 1 else 1 for extent in kernel)

    found = [Conv("stem", topology.channels, width, kernel, strides(topology.stem_stride), False, True)]
    for index, block in enumerate(topology.blocks):
        name, entry = f"block{index}", found[-1].name
        if block.hidden != width:
            found.append(Conv(f"{name}.expand", width, block.hidden, point, point, False, True))
        found.append(Conv(f"{name}.depthwise", block.hidden, block.hidden, kernel, strides(block.stride), True, True))
        found.append(Conv(f"{name}.project", block.hidden, block.out, point, point, False, False))
        if block.residual:
            found.append(Add(f"{name}.add", entry))
        width = block.out
    return found


def multiplies(topology):
    """Multiply-accumulates of one forward pass, and height and width of the last feature map."""
    extent, total = (topology.height, topology.width), topology.features * len(topology.classes)
    for op in operators(topology):
        if isinstance(op, Conv):
            extent = tuple(
                (size + 2 * padding - kernel) // stride + 1
                for size, padding, kernel, stride in zip(extent, op.padding, op.kernel, op.stride)
            )
            inputs = 1 if op.depthwise else op.inputs
            total += extent[0] * extent[1] * op.outputs * inputs * op.kernel[0] * op.kernel[1]
    return total, extent


class FloatNetwork(nn.Module):
    """Float model; `batch_norm=False` gives the model whose normalization is folded into weights and biases."""

    def __init__(self, topology, batch_norm=True):
        super().__init__()
        self.topology = topology
        self.layers = nn.ModuleDict()
        for op in operators(topology):
            if isinstance(op, Conv):
                groups = op.inputs if op.depthwise else 1
                conv = nn.Conv2d(
                    op.inputs, op.outputs, op.kernel, op.stride, op.padding, groups=groups, bias=not batch_norm
                )
                norm = nn.BatchNorm2d(op.outputs) if batch_norm else nn.Identity()
                self.layers[key(op.name)] = nn.Sequential(conv, norm)
        self.classifier = nn.Linear(topology.features, len(topology.classes))

    def forward(self, x, observe=lambda name, value: value):
        """`observe` sees every activation that becomes an int8 tensor, and may replace it."""
        values = {}
        x = observe("input", x)
        for op in operators(self.topology):
            if isinstance(op, Conv):
                x = self.layers[key(op.name)](x)
                if op.relu6:
                    x = nn.functional.relu6(x)
            else:
                x = values[op.shortcut] + x
            values[op.name] = x = observe(op.name, x)
        return self.classifier(observe("pool", x.mean((2, 3))))


def key(name):
    """Module names may not contain a dot."""
    return name.replace(".", "_")


def real_input(topology, codes):
    """Input codes [n, h, w, c] as the float tensor [n, c, h, w] that the float model sees."""
    real = (codes.astype(np.float32) - topology.input_zero_point) * topology.input_scale
    # A copy has the usual strides along axes of extent 1, too; torch picks its kernels by them.
    return torch.from_numpy(real.transpose(0, 3, 1, 2).copy())


def fold(model):
    """Return the same function without batch normalization."""
    folded = FloatNetwork(model.topology, batch_norm=False)
    with torch.no_grad():
        for name, (conv, norm) in model.layers.items():
            factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            target = folded.layers[name][0]
            target.weight.copy_(conv.weight * factor[:, None, None, None])
            target.bias.copy_(norm.bias - norm.running_mean * factor)
        folded.classifier.load_state_dict(model.classifier.state_dict())
    return folded.eval()
