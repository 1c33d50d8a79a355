"""Exact 28x28 -> 48x48 bilinear upscaling in integers.

The page and the firmware upscale with the same formula, so every value here must be reproducible without floating
point.
Output pixel i has its centre at source position ((2*i + 1)*28 - 48) / 96, clamped to the source, which makes both
weights of an axis multiples of 1/96 and the weight of a pixel pair a multiple of 1/9216.
"""

import numpy as np

SOURCE = 28
TARGET = 48
DENOMINATOR = 2 * TARGET


def axis_taps():
    """Return (i0, i1, f): the two source indices of each output index, and the weight of i1 in 1/96."""
    position = np.clip((2 * np.arange(TARGET) + 1) * SOURCE - TARGET, 0, (SOURCE - 1) * DENOMINATOR)
    i0 = position // DENOMINATOR
    return i0, np.minimum(i0 + 1, SOURCE - 1), position % DENOMINATOR


def upscale(images):
    """Upscale u8 images [..., 28, 28] to u8 [..., 48, 48], rounding half up."""
    i0, i1, f = axis_taps()
    pixels = images.astype(np.int32)
    columns = (DENOMINATOR - f) * pixels[..., i0] + f * pixels[..., i1]
    f = f[:, None]
    total = (DENOMINATOR - f) * columns[..., i0, :] + f * columns[..., i1, :]
    area = DENOMINATOR * DENOMINATOR
    return ((total + area // 2) // area).astype(np.uint8)


def to_codes(upscaled):
    """Input codes of the network: u8 minus the zero point offset of 128."""
    return (upscaled.astype(np.int16) - 128).astype(np.int8)


def input_codes(images):
    """u8 images [n, 28, 28] to input codes [n, 48, 48, 1]."""
    return to_codes(upscale(images))[..., None]
