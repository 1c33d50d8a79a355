"""Rounding noise and the order of the samples, in Python's own integers."""

from math import gcd

import numpy as np

MASK = 0xFFFFFFFF
ORDER = MASK


def mix(bits):
    bits ^= bits >> 16
    bits = bits * 0x7FEB352D & MASK
    bits ^= bits >> 15
    bits = bits * 0x846CA68B & MASK
    return bits ^ bits >> 16


def key(seed, step, parameter):
    """The key of one parameter in one step; weights have parameter 2 * layer, biases 2 * layer + 1."""
    state = 0x9E3779B9
    for part in (seed & MASK, seed >> 32, step, parameter):
        state = mix(state ^ part) + 0x6D2B79F5 & MASK
    return state


def bits(key, index):
    return mix(index * 0x9E3779B1 & MASK ^ key)


def units(key, indices):
    """float32 noise in [0, 1) of an array of flat indices."""
    state = np.asarray(indices, np.uint64) * 0x9E3779B1 & MASK ^ np.uint64(key)
    state ^= state >> np.uint64(16)
    state = state * np.uint64(0x7FEB352D) & np.uint64(MASK)
    state ^= state >> np.uint64(15)
    state = state * np.uint64(0x846CA68B) & np.uint64(MASK)
    state ^= state >> np.uint64(16)
    return (state >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)


def sample_at(seed, step, n_samples):
    """Which sample is learned in a step: each once an epoch."""
    epoch, position = divmod(step, n_samples)
    state = key(seed, epoch, ORDER)
    start, stride = bits(state, 0) % n_samples, n_samples // 4 + bits(state, 1) % (n_samples // 2 + 1)
    while gcd(stride, n_samples) != 1:
        stride = (stride + 1) % max(n_samples, 2)
    return (start + stride * position) % n_samples
