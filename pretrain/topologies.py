"""The networks that ship, as tables; layers, file layout and multiply counts are derived from them (net.py)."""

import numpy as np

from net import Block, Topology

# Grey images; a code is the grey value minus 128.
KEYBOARD = Topology(
    name="keyboard",
    classes=[str(digit) for digit in range(10)],
    height=48,
    width=48,
    channels=1,
    input_scale=np.float32(1 / 255),
    input_zero_point=-128,
    stem_channels=16,
    stem_stride=2,
    kernel=(3, 3),
    blocks=[
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
    ],
)

# Motion in windows of 64 samples: one row, time along the width; a code is 1/32 of a standard deviation.
WATCH = Topology(
    name="watch",
    classes=["PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"],
    height=1,
    width=64,
    channels=6,
    input_scale=np.float32(1 / 32),
    input_zero_point=0,
    stem_channels=24,
    stem_stride=1,
    kernel=(1, 5),
    blocks=[
        Block(24, 1, 16, False),
        Block(96, 2, 24, False),
        Block(144, 1, 24, True),
        Block(144, 2, 40, False),
        Block(240, 1, 40, True),
        Block(240, 1, 40, True),
        Block(240, 2, 64, False),
        Block(320, 1, 64, True),
        Block(320, 1, 64, True),
        Block(320, 1, 64, True),
    ],
)
