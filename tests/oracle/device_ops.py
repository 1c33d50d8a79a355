"""The operations of a training step in the `device` profile, written from the rules in docs/numerics.md.

Integers are summed exactly.
A float32 sum runs over its reduction index in a Python loop, so that each output element is summed in the defined order; only independent outputs are computed together.
Activations are [h, w, c]; weights [o, kh, kw, i], depthwise [c, kh, kw, 1].
"""

from dataclasses import dataclass

import numpy as np

import float_math
import noise

F = np.float32
I32_MIN, I32_MAX = -2**31, 2**31 - 1
DEAD = F(1e-6)
WEIGHT_DELTA_LIMIT, BIAS_DELTA_LIMIT = F(2.0**21), F(2.0**30)


@dataclass
class Quant:
    scale: np.float32
    zero_point: int


@dataclass
class Conv:
    """One convolution; `padding` is top, left, bottom, right."""

    weight: np.ndarray
    bias: np.ndarray
    weight_scale: np.ndarray
    depthwise: bool
    stride: tuple
    padding: tuple
    x: Quant
    y: Quant
    clamp: tuple

    @property
    def effective_scale(self):
        scale = np.float64(self.x.scale) * self.weight_scale.astype(np.float64) / np.float64(self.y.scale)
        return scale.astype(F)

    @property
    def taps(self):
        _, kh, kw, _ = self.weight.shape
        return [(ky, kx) for ky in range(kh) for kx in range(kw)]

    def output_size(self, height, width):
        _, kh, kw, _ = self.weight.shape
        top, left, bottom, right = self.padding
        return (height + top + bottom - kh) // self.stride[0] + 1, (width + left + right - kw) // self.stride[1] + 1

    def reach(self, tap, size_in, size_out):
        """Slices of the output and of the input that a tap connects."""
        outputs, inputs = [], []
        for axis in range(2):
            stride, shift = self.stride[axis], tap[axis] - self.padding[axis]
            inside = [o for o in range(size_out[axis]) if 0 <= o * stride + shift < size_in[axis]]
            if not inside:
                return None
            outputs.append(slice(inside[0], inside[-1] + 1))
            inputs.append(slice(inside[0] * stride + shift, inside[-1] * stride + shift + 1, stride))
        return tuple(outputs), tuple(inputs)


# ---- rounding ------------------------------------------------------------------------------------


def half_even(values):
    limit = F(2.0**21)
    return np.rint(np.clip(values, -limit, limit)).astype(np.int64)


def clamped(codes, clamp):
    """int8 codes, and where they lay inside the clamp."""
    inside = (codes >= clamp[0]) & (codes <= clamp[1])
    return np.clip(codes, *clamp).astype(np.int8), inside


# ---- forward -------------------------------------------------------------------------------------


def conv_forward(conv, x):
    """Codes and mask."""
    centred = x.astype(np.int64) - conv.x.zero_point
    size_in, size_out = x.shape[:2], conv.output_size(*x.shape[:2])
    total = np.zeros((*size_out, len(conv.weight)), np.int64)
    for ky, kx in conv.taps:
        reached = conv.reach((ky, kx), size_in, size_out)
        if reached is None:
            continue
        outputs, inputs = reached
        tap = conv.weight[:, ky, kx].astype(np.int64)
        if conv.depthwise:
            total[outputs] += centred[inputs] * tap[:, 0]
        else:
            # float64 holds these sums exactly.
            product = centred[inputs].astype(np.float64) @ tap.T.astype(np.float64)
            total[outputs] += product.astype(np.int64)
    saturated = np.clip(total + conv.bias, I32_MIN, I32_MAX)
    codes = half_even(saturated.astype(F) * conv.effective_scale) + conv.y.zero_point
    return clamped(codes, conv.clamp)


def real(codes, quant):
    return (codes.astype(np.int64) - quant.zero_point).astype(F) * quant.scale


def add_forward(a, qa, b, qb, qy, clamp):
    codes = half_even((real(a, qa) + real(b, qb)) / qy.scale) + qy.zero_point
    return clamped(codes, clamp)


def average_pool(x):
    """Exact mean of the codes, half to even."""
    height, width, channels = x.shape
    count = height * width
    means = []
    for total in x.astype(np.int64).sum((0, 1)).tolist():
        floor, rest = divmod(total, count)
        up = 2 * rest > count or (2 * rest == count and floor % 2 == 1)
        means.append(floor + up)
    return np.array(means, np.int8).reshape(1, 1, channels)


def classifier_forward(x, quant, weight, bias):
    features = real(x.reshape(-1), quant)
    total = np.zeros(len(weight), F)
    for i in range(weight.shape[1]):
        total = total + features[i] * weight[:, i]
    return total + bias


def softmax_cross_entropy(logits, label):
    """Loss, and its gradient at the logits."""
    shifted = logits - logits.max()
    powers = float_math.expf(shifted)
    total = F(0)
    for power in powers:
        total = total + power
    gradient = powers / total
    gradient[label] = gradient[label] - F(1)
    return float_math.logf(total) - shifted[label], gradient


# ---- gradients -----------------------------------------------------------------------------------


def classifier_backward_input(gradient, weight, quant):
    total = np.zeros(weight.shape[1], F)
    for output in range(len(weight)):
        total = total + gradient[output] * weight[output]
    return total * quant.scale


def average_pool_backward(gradient, height, width):
    share = gradient.reshape(-1) / F(height * width)
    return np.broadcast_to(share, (height, width, len(share))).copy()


def add_backward(gradient, mask, q, qy):
    """Gradient at the input whose parameters are `q`."""
    return np.where(mask, gradient, F(0)) * (q.scale / qy.scale)


def mask_scale(conv, gradient, mask):
    return np.where(mask, gradient * conv.effective_scale, F(0)).astype(F)


def bias_gradient(g):
    height, width, channels = g.shape
    total = np.zeros(channels, F)
    for y in range(height):
        for x in range(width):
            total = total + g[y, x]
    return total


def conv_backward_input(conv, g, size_in):
    channels = g.shape[2] if conv.depthwise else conv.weight.shape[3]
    total = np.zeros((*size_in, channels), F)
    weight = conv.weight.astype(F)
    for output in [None] if conv.depthwise else range(g.shape[2]):
        for ky, kx in conv.taps:
            reached = conv.reach((ky, kx), size_in, g.shape[:2])
            if reached is None:
                continue
            outputs, inputs = reached
            if conv.depthwise:
                product = g[outputs] * weight[:, ky, kx, 0]
            else:
                product = g[outputs][:, :, output, None] * weight[output, ky, kx]
            total[inputs] = total[inputs] + product
    return total


def conv_weight_gradient(conv, x, g):
    """Gradient of all weights, frozen ones too."""
    centred = (x.astype(np.int64) - conv.x.zero_point).astype(F)
    height, width = x.shape[:2]
    total = np.zeros(conv.weight.shape, F)
    for oy in range(g.shape[0]):
        for ox in range(g.shape[1]):
            for ky, kx in conv.taps:
                iy = oy * conv.stride[0] + ky - conv.padding[0]
                ix = ox * conv.stride[1] + kx - conv.padding[1]
                if not (0 <= iy < height and 0 <= ix < width):
                    continue
                if conv.depthwise:
                    total[:, ky, kx, 0] = total[:, ky, kx, 0] + centred[iy, ix] * g[oy, ox]
                else:
                    product = centred[iy, ix][None, :] * g[oy, ox][:, None]
                    total[:, ky, kx] = total[:, ky, kx] + product
    return total


# ---- update --------------------------------------------------------------------------------------


def qas_factor(qas, scale):
    return F(1) / (scale * scale) if qas else np.ones_like(scale)


def rounded_delta(gradient, factor, rate, limit, units):
    delta = F(rate) * (gradient * factor)
    return np.floor(np.clip(delta, -limit, limit) + units).astype(np.int64)


def selected_channels(conv, ratio):
    """Input channels (depthwise: channels) that learn, ascending."""
    squares = conv.weight.astype(np.int64) ** 2
    energy = squares.sum((1, 2, 3)) if conv.depthwise else squares.sum((0, 1, 2))
    order = sorted(range(len(energy)), key=lambda channel: (-energy[channel], channel))
    # In float32, so that a ratio written as 0.7 selects 7 of 10 channels.
    count = int(np.floor(F(ratio) * F(len(energy))))
    return sorted(order[:count])


def updated_weight(conv, gradient, channels, layer, settings):
    """The weights after the update; only `channels` of living output channels move."""
    index = np.arange(conv.weight.size).reshape(conv.weight.shape)
    units = noise.units(noise.key(settings.seed, settings.step, 2 * layer), index)
    scale = conv.weight_scale.reshape(-1, 1, 1, 1)
    factor = qas_factor(settings.qas, scale)
    rounded = rounded_delta(gradient, factor, settings.rate, WEIGHT_DELTA_LIMIT, units)
    learns = np.zeros(conv.weight.shape, bool)
    if conv.depthwise:
        learns[channels] = True
    else:
        learns[..., channels] = True
    learns &= scale >= DEAD
    new = np.clip(conv.weight.astype(np.int64) - rounded, -127, 127)
    return np.where(learns, new, conv.weight).astype(np.int8)


def updated_bias(conv, gradient, layer, settings):
    units = noise.units(noise.key(settings.seed, settings.step, 2 * layer + 1), np.arange(len(conv.bias)))
    factor = qas_factor(settings.qas, conv.weight_scale * conv.x.scale)
    rounded = rounded_delta(gradient, factor, settings.rate, BIAS_DELTA_LIMIT, units)
    new = np.clip(conv.bias.astype(np.int64) - rounded, I32_MIN, I32_MAX)
    return np.where(conv.weight_scale >= DEAD, new, conv.bias).astype(np.int32)


def updated_classifier(x, quant, gradient, weight, bias, rate):
    features = real(x.reshape(-1), quant)
    delta = F(rate) * (gradient[:, None] * features[None, :])
    return weight - delta, bias - F(rate) * gradient
