"""The operations of a training step under rules that can be chosen, beside those of `device_ops.py`.

A rule is a name; `RULES` lists the choices of each in the order in which the core numbers them.
Gradients at activations are `Stored`: float32 values, or int8 codes with one scale.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

import device_ops as ops
import noise

F = np.float32
I32_MIN, I32_MAX = ops.I32_MIN, ops.I32_MAX

RULES = {
    "requantize": ("half_even", "float_bias", "truncate", "fixed_point"),
    "elementwise": ("half_even", "half_away", "fixed_point"),
    "gradient": ("f32", "int8"),
    "update": ("stochastic", "nearest", "truncate", "int16", "master"),
    "master_codes": ("clamped", "unclamped"),
    "dead_channels": ("frozen", "updated"),
    "shortcut": ("accumulated", "dropped"),
    "gradient_input": ("centered", "raw"),
    "channels": ("largest", "first"),
    "logits": ("real", "codes"),
    "optimizer": ("sgd", "momentum"),
    "classifier": ("f32", "int8"),
}


def choices(rules):
    """The numbers of the choices of all rules."""
    return [names.index(rules[rule]) for rule, names in RULES.items()]


# ---- rounding ------------------------------------------------------------------------------------


def limited(values):
    return np.clip(values, F(-(2.0**21)), F(2.0**21))


def truncated(values):
    return np.trunc(limited(values)).astype(np.int64)


def half_away(values):
    values = limited(values).astype(np.float64)
    return (np.sign(values) * np.floor(np.abs(values) + 0.5)).astype(np.int64)


def nearest(values):
    """Half to even, saturated to int32."""
    return np.clip(np.rint(values.astype(np.float64)), I32_MIN, I32_MAX).astype(np.int64)


class FixedPoint:
    """A factor as TensorFlow Lite Micro multiplies by it: an integer of 31 bits and a shift."""

    def __init__(self, real):
        fraction, self.shift = np.frexp(np.float64(real))
        self.shift = int(self.shift)
        self.multiplier = int(np.floor(fraction * 2.0**31 + 0.5))
        if self.multiplier == 2**31:
            self.multiplier, self.shift = 2**30, self.shift + 1
        if self.shift < -31:
            self.multiplier, self.shift = 0, 0
        assert self.shift <= 30

    def apply(self, value):
        value = int(value) << max(self.shift, 0)
        assert I32_MIN <= value <= I32_MAX
        # The doubled product's high half, half away from zero but for negative ties.
        product = value * self.multiplier
        nudged = product + (2**30 if product >= 0 else 1 - 2**30)
        high = abs(nudged) // 2**31 * (1 if nudged >= 0 else -1)
        exponent = max(-self.shift, 0)
        exact = Fraction(high, 2**exponent)
        return int(abs(exact) + Fraction(1, 2)) * (1 if high >= 0 else -1)


# ---- forward -------------------------------------------------------------------------------------


def accumulators(conv, weight, x):
    centred = x.astype(np.int64) - conv.x.zero_point
    size_in, size_out = x.shape[:2], conv.output_size(*x.shape[:2])
    total = np.zeros((*size_out, len(weight)), np.int64)
    for ky, kx in conv.taps:
        reached = conv.reach((ky, kx), size_in, size_out)
        if reached is None:
            continue
        outputs, inputs = reached
        tap = weight[:, ky, kx].astype(np.int64)
        total[outputs] += centred[inputs] * tap[:, 0] if conv.depthwise else centred[inputs] @ tap.T
    return total


def requantized(conv, total, bias, rule):
    """Codes before the clamp; `bias` holds integers or float32 masters."""
    if rule == "float_bias":
        return ops.half_even((total.astype(F) + bias.astype(F)) * conv.effective_scale) + conv.y.zero_point
    integers = nearest(bias) if bias.dtype == F else bias.astype(np.int64)
    if rule == "fixed_point":
        scales = np.float64(conv.x.scale) * conv.weight_scale.astype(np.float64) / np.float64(conv.y.scale)
        codes = np.zeros(total.shape, np.int64)
        for channel, factor in enumerate(FixedPoint(scale) for scale in scales):
            for at in np.ndindex(*total.shape[:2]):
                codes[at][channel] = factor.apply(total[at][channel] + integers[channel])
        return codes + conv.y.zero_point
    product = np.clip(total + integers, I32_MIN, I32_MAX).astype(F) * conv.effective_scale
    rounded = truncated(product) if rule == "truncate" else ops.half_even(product)
    return rounded + conv.y.zero_point


def add_codes(a, qa, b, qb, qy, rule):
    """Codes before the clamp."""
    if rule == "fixed_point":
        common = 2.0 * max(float(qa.scale), float(qb.scale))
        fa, fb = (FixedPoint(float(q.scale) / common) for q in (qa, qb))
        fy = FixedPoint(common / (2.0**20 * float(qy.scale)))
        codes = np.zeros(a.shape, np.int64)
        for at in np.ndindex(*a.shape):
            first = fa.apply((int(a[at]) - qa.zero_point) << 20)
            second = fb.apply((int(b[at]) - qb.zero_point) << 20)
            codes[at] = fy.apply(first + second) + qy.zero_point
        return codes
    quotient = (ops.real(a, qa) + ops.real(b, qb)) / qy.scale
    if rule == "half_away":
        return half_away(quotient + F(qy.zero_point))
    return ops.half_even(quotient) + qy.zero_point


def mean(total, count, rule):
    """Of integers, exactly."""
    exact = Fraction(int(total), int(count))
    if rule == "half_even":
        return round(exact)
    # The even half of an odd count is too small to carry anything: both are half away from zero.
    return int(abs(exact) + Fraction(1, 2)) * (1 if total >= 0 else -1)


@dataclass
class Pool:
    kind: str
    kernel: tuple
    stride: tuple
    padding: tuple
    clamp: tuple

    def window(self, size_in, oy, ox):
        """Taps inside the input, ascending, with their pixels."""
        for ky in range(self.kernel[0]):
            for kx in range(self.kernel[1]):
                y, x = oy * self.stride[0] + ky - self.padding[0], ox * self.stride[1] + kx - self.padding[1]
                if 0 <= y < size_in[0] and 0 <= x < size_in[1]:
                    yield (ky, kx), (y, x)

    def output_size(self, height, width):
        top, left, bottom, right = self.padding
        return ((height + top + bottom - self.kernel[0]) // self.stride[0] + 1,
                (width + left + right - self.kernel[1]) // self.stride[1] + 1)


def pool_forward(pool, x, rule):
    """Codes and mask."""
    size_out = pool.output_size(*x.shape[:2])
    codes = np.zeros((*size_out, x.shape[2]), np.int64)
    for at in np.ndindex(*codes.shape):
        seen = [int(x[pixel][at[2]]) for _, pixel in pool.window(x.shape[:2], at[0], at[1])]
        codes[at] = max(seen) if pool.kind == "max" else mean(sum(seen), len(seen), rule)
    return ops.clamped(codes, pool.clamp)


def average_pool(x, rule):
    totals = x.astype(np.int64).sum((0, 1))
    return np.array([mean(total, x.shape[0] * x.shape[1], rule) for total in totals], np.int8).reshape(1, 1, -1)


# ---- gradients -----------------------------------------------------------------------------------


@dataclass
class Stored:
    """float32 values, or codes with a scale."""

    values: np.ndarray
    scale: np.float32 = None

    @property
    def real(self):
        return self.values if self.scale is None else self.values.astype(F) * self.scale


def stored(values, rule):
    values = values.astype(F)
    if rule == "f32":
        return Stored(values)
    scale = np.abs(values).max() / F(127)
    if scale == 0:
        return Stored(np.zeros(values.shape, np.int64), F(0))
    return Stored(np.clip(np.rint(values / scale), -127, 127).astype(np.int64), scale)


def average_pool_backward(gradient, height, width):
    count = F(height * width)
    if gradient.scale is None:
        return Stored(ops.average_pool_backward(gradient.values, height, width))
    codes = gradient.values.reshape(-1)
    return Stored(np.broadcast_to(codes, (height, width, len(codes))).copy(), gradient.scale / count)


def pool_backward(pool, x, mask, gradient, rule):
    """Each input sums over its windows, by ascending tap."""
    real = gradient.real
    total = np.zeros(x.shape, F)
    for ky in range(pool.kernel[0]):
        for kx in range(pool.kernel[1]):
            for out in np.ndindex(*real.shape):
                seen = list(pool.window(x.shape[:2], out[0], out[1]))
                pixel = dict(seen).get((ky, kx))
                if pixel is None or not mask[out]:
                    continue
                codes = [x[other][out[2]] for _, other in seen]
                share = real[out] / F(len(seen))
                if pool.kind == "max":
                    winner = seen[codes.index(max(codes))][0]
                    share = real[out] if winner == (ky, kx) else F(0)
                total[pixel][out[2]] = total[pixel][out[2]] + share
    return stored(total, rule)


def add_backward(gradient, mask, q, qy):
    factor = q.scale / qy.scale
    if gradient.scale is None:
        return Stored(ops.add_backward(gradient.values, mask, q, qy))
    return Stored(np.where(mask, gradient.values, 0), gradient.scale * factor)


def masked(conv, gradient, mask):
    """The gradient at the accumulators; codes get the channel's scale when they are used."""
    if gradient.scale is None:
        return Stored(ops.mask_scale(conv, gradient.values, mask))
    return Stored(np.where(mask, gradient.values, 0), gradient.scale)


def conv_backward_input(conv, weight, gradient, size_in, earlier):
    """Added to what a shortcut gave before."""
    if gradient.scale is None:
        fresh = ops.conv_backward_input(replace(conv, weight=weight), gradient.values, size_in)
        return Stored(fresh if earlier is None else earlier.values + fresh)
    scaled = gradient.values.astype(F) * conv.effective_scale
    fresh = gradient.scale * ops.conv_backward_input(replace(conv, weight=weight), scaled, size_in)
    return stored(fresh if earlier is None else earlier.real + fresh, "int8")


def bias_gradient(conv, gradient):
    if gradient.scale is None:
        return ops.bias_gradient(gradient.values)
    return gradient.values.sum((0, 1)).astype(F) * (gradient.scale * conv.effective_scale)


def weight_gradient(conv, x, gradient, rule):
    """Of all weights, frozen ones too."""
    zero_point = 0 if rule == "raw" else conv.x.zero_point
    seen = replace(conv, x=ops.Quant(conv.x.scale, zero_point))
    if gradient.scale is None:
        return ops.conv_weight_gradient(seen, x, gradient.values)
    centred = x.astype(np.int64) - zero_point
    total = np.zeros(conv.weight.shape, np.int64)
    size_out = gradient.values.shape[:2]
    for ky, kx in conv.taps:
        reached = conv.reach((ky, kx), x.shape[:2], size_out)
        if reached is None:
            continue
        outputs, inputs = reached
        g, codes = gradient.values[outputs], centred[inputs]
        if conv.depthwise:
            total[:, ky, kx, 0] = (g * codes).sum((0, 1))
        else:
            total[:, ky, kx] = np.einsum("yxo,yxi->oi", g, codes)
    return total.astype(F) * (gradient.scale * conv.effective_scale).reshape(-1, 1, 1, 1)


# ---- update --------------------------------------------------------------------------------------


def selected_channels(conv, ratio, rule):
    """Input channels (depthwise: channels) that learn, ascending."""
    n_channels = conv.weight.shape[0 if conv.depthwise else 3]
    product = F(ratio) * F(n_channels)
    if rule == "first":
        return list(range(int(np.rint(product))))
    squares = conv.weight.astype(np.int64) ** 2
    energy = squares.sum((1, 2, 3)) if conv.depthwise else squares.sum((0, 1, 2))
    order = sorted(range(n_channels), key=lambda channel: (-energy[channel], channel))
    return sorted(order[:int(np.floor(product))])


@dataclass
class Parameter:
    """What the step keeps of one parameter. `values` are integers, or float32 masters."""

    values: np.ndarray
    remainders: np.ndarray = None
    velocity: np.ndarray = None


def with_momentum(parameter, gradient, learns, settings):
    """The gradient after momentum, whose buffer changes where something learns."""
    if parameter.velocity is None:
        return gradient
    fresh = F(settings.momentum) * parameter.velocity + gradient
    parameter.velocity = np.where(learns, fresh, parameter.velocity)
    return parameter.velocity


def updated_weight(parameter, scale, gradient, learns, key, rule, settings):
    """Changes the weights that learn; `scale` is that of their output channel."""
    scale = scale.reshape(-1, 1, 1, 1)
    scaled = with_momentum(parameter, gradient * ops.qas_factor(settings.qas, scale), learns, settings)
    delta = settings.rate * scaled
    if rule == "master":
        parameter.values = np.where(learns, parameter.values - delta, parameter.values)
        return
    old, limit = parameter.values.astype(np.int64), ops.WEIGHT_DELTA_LIMIT
    delta = np.clip(delta, -limit, limit)
    if rule == "int16":
        fine = 256 * old + parameter.remainders - ops.half_even(delta * F(256))
        fine = np.clip(fine, -127 * 256, 127 * 256)
        new = (fine + 128) // 256
        parameter.remainders = np.where(learns, fine - 256 * new, parameter.remainders)
    elif rule == "truncate":
        new = np.clip(np.trunc(old.astype(F) - delta), -128, 127)
    elif rule == "nearest":
        new = np.clip(old - np.rint(delta), -127, 127)
    else:
        units = noise.units(key, np.arange(old.size).reshape(old.shape))
        new = np.clip(old - np.floor(delta + units), -127, 127)
    parameter.values = np.where(learns, new, old).astype(np.int64)


def updated_bias(parameter, scale, gradient, learns, key, rule, settings):
    """`scale` is that of the weights times that of the input."""
    scaled = with_momentum(parameter, gradient * ops.qas_factor(settings.qas, scale), learns, settings)
    delta = (settings.rate * F(settings.bias_rate_factor)) * scaled
    if rule == "master":
        parameter.values = np.where(learns, parameter.values - delta, parameter.values)
        return
    delta = np.clip(delta, -ops.BIAS_DELTA_LIMIT, ops.BIAS_DELTA_LIMIT)
    if rule == "truncate":
        rounded = np.trunc(delta)
    elif rule in ("nearest", "int16"):
        rounded = np.rint(delta)
    else:
        rounded = np.floor(delta + noise.units(key, np.arange(len(delta))))
    new = np.clip(parameter.values - rounded.astype(np.int64), I32_MIN, I32_MAX)
    parameter.values = np.where(learns, new, parameter.values)


def updated_floats(parameter, gradient, rate, settings):
    """A parameter of the float32 classifier."""
    learns = np.ones(gradient.shape, bool)
    parameter.values = parameter.values - rate * with_momentum(parameter, gradient, learns, settings)


def rounded_masters(masters, rule):
    """The codes that kernels read."""
    least, most = (-127, 127) if rule == "clamped" else (-(2**15), 2**15 - 1)
    return np.clip(nearest(masters), least, most)
