"""The network as a table, and its float model.

Everything else (weights, file layout, multiply count) is derived from BLOCKS; to change the widths, change the table.
"""

from typing import NamedTuple

import torch
from torch import nn

INPUT_SIDE = 48
INPUT_CHANNELS = 1
STEM_CHANNELS = 16
CLASSES = [str(digit) for digit in range(10)]


class Block(NamedTuple):
    """An inverted residual block: widen to `hidden`, filter each channel, narrow to `out`."""

    hidden: int  # equal to the input width: no expanding layer
    stride: int
    out: int
    residual: bool


BLOCKS = [
    Block(16, 1, 8, False),
    Block(48, 2, 16, False),
    Block(64, 2, 24, False),
    Block(96, 1, 24, True),
    Block(96, 2, 40, False),
    Block(160, 1, 40, True),
    Block(160, 1, 40, True),
    Block(240, 2, 64, False),
    Block(288, 1, 64, True),
    Block(288, 1, 64, True),
]


class Conv(NamedTuple):
    name: str
    inputs: int
    outputs: int
    kernel: int
    stride: int
    depthwise: bool
    relu6: bool

    @property
    def padding(self):
        return (self.kernel - 1) // 2


class Add(NamedTuple):
    """Sum of the output of node `shortcut` and of the node just before."""

    name: str
    shortcut: str


def operators():
    """All convolutions and additions in order of execution; the pool and the classifier follow them."""
    width = STEM_CHANNELS
    found = [Conv("stem", INPUT_CHANNELS, width, 3, 2, False, True)]
    for index, block in enumerate(BLOCKS):
        name, entry = f"block{index}", found[-1].name
        if block.hidden != width:
            found.append(Conv(f"{name}.expand", width, block.hidden, 1, 1, False, True))
        found.append(Conv(f"{name}.depthwise", block.hidden, block.hidden, 3, block.stride, True, True))
        found.append(Conv(f"{name}.project", block.hidden, block.out, 1, 1, False, False))
        if block.residual:
            found.append(Add(f"{name}.add", entry))
        width = block.out
    return found


def features():
    return BLOCKS[-1].out


def multiplies():
    """Multiply-accumulates of one forward pass, and the side of the last feature map."""
    side, total = INPUT_SIDE, features() * len(CLASSES)
    for op in operators():
        if isinstance(op, Conv):
            side = (side + 2 * op.padding - op.kernel) // op.stride + 1
            inputs = 1 if op.depthwise else op.inputs
            total += side * side * op.outputs * inputs * op.kernel**2
    return total, side


class FloatNetwork(nn.Module):
    """Float model; `batch_norm=False` gives the model whose normalization is folded into weights and biases."""

    def __init__(self, batch_norm=True):
        super().__init__()
        self.layers = nn.ModuleDict()
        for op in operators():
            if isinstance(op, Conv):
                groups = op.inputs if op.depthwise else 1
                conv = nn.Conv2d(
                    op.inputs, op.outputs, op.kernel, op.stride, op.padding, groups=groups, bias=not batch_norm
                )
                norm = nn.BatchNorm2d(op.outputs) if batch_norm else nn.Identity()
                self.layers[key(op.name)] = nn.Sequential(conv, norm)
        self.classifier = nn.Linear(features(), len(CLASSES))

    def forward(self, x, observe=lambda name, value: value):
        """`observe` sees every activation that becomes an int8 tensor, and may replace it."""
        values = {}
        x = observe("input", x)
        for op in operators():
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


def fold(model):
    """Return the same function without batch normalization."""
    folded = FloatNetwork(batch_norm=False)
    with torch.no_grad():
        for name, (conv, norm) in model.layers.items():
            factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            target = folded.layers[name][0]
            target.weight.copy_(conv.weight * factor[:, None, None, None])
            target.bias.copy_(norm.bias - norm.running_mean * factor)
        folded.classifier.load_state_dict(model.classifier.state_dict())
    return folded.eval()
