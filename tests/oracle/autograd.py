"""Holds the operations against PyTorch: forward codes exactly, gradients against autograd in float64.

A rounding or a saturation lets the gradient through as it is; a clamp lets it through where it was inactive.
"""

import numpy as np
import torch
import torch.nn.functional as functional

LIMIT = 1e-5


def leaf(array):
    return torch.tensor(np.asarray(array, np.float64), requires_grad=True)


def straight_through(soft, hard):
    """The value of `hard` with the gradient of `soft`."""
    return soft + (hard.double() - soft).detach()


def agree(name, what, ours, theirs):
    ours, theirs = np.asarray(ours, np.float64).reshape(-1), np.asarray(theirs, np.float64).reshape(-1)
    norm = np.linalg.norm(theirs)
    error = np.linalg.norm(ours - theirs) / norm if norm > 0 else np.linalg.norm(ours)
    assert error <= LIMIT, f"{name}: {what} differs from PyTorch by {error:.3g}"


def equal(name, what, ours, theirs):
    assert np.array_equal(ours, theirs), f"{name}: {what} differs from PyTorch"


def check_conv(name, conv, x, gradient, y, mask, gradient_x, gradient_weight, gradient_bias):
    """Inputs and results are NHWC and OHWI; PyTorch works in NCHW and OIHW."""
    codes, weight, bias = leaf(x), leaf(conv.weight), leaf(conv.bias)
    top, left, bottom, right = conv.padding
    planar = (codes - conv.x.zero_point).permute(2, 0, 1)[None]
    padded = functional.pad(planar, (left, right, top, bottom))
    groups = len(conv.weight) if conv.depthwise else 1
    total = functional.conv2d(padded, weight.permute(0, 3, 1, 2), bias, stride=conv.stride, groups=groups)
    saturated = straight_through(total, total.clamp(-2**31, 2**31 - 1))
    scale = torch.tensor(conv.effective_scale).reshape(1, -1, 1, 1)
    product = saturated * scale.double()
    in_f32 = saturated.detach().float() * scale
    rounded = straight_through(product, torch.round(in_f32.clamp(-2.0**21, 2.0**21)))
    unclamped = rounded + conv.y.zero_point
    result = unclamped.clamp(*conv.clamp)
    inside = (unclamped >= conv.clamp[0]) & (unclamped <= conv.clamp[1])
    equal(name, "y", y, result[0].permute(1, 2, 0).detach().numpy())
    equal(name, "mask", mask, inside[0].permute(1, 2, 0).numpy())
    result.backward(torch.tensor(gradient.astype(np.float64)).permute(2, 0, 1)[None])
    agree(name, "gradient_x", gradient_x, codes.grad)
    agree(name, "gradient_weight", gradient_weight, weight.grad)
    agree(name, "gradient_bias", gradient_bias, bias.grad)


def check_add(name, a, b, qy, clamp, gradient, y, mask, gradient_a, gradient_b):
    leaves, parts, parts_f32 = [], [], []
    for codes, quant in (a, b):
        value = leaf(codes)
        leaves.append(value)
        parts.append((value - quant.zero_point) * float(quant.scale))
        parts_f32.append((torch.tensor(codes).float() - quant.zero_point) * torch.tensor(quant.scale))
    exact = (parts[0] + parts[1]) / float(qy.scale)
    in_f32 = (parts_f32[0] + parts_f32[1]) / torch.tensor(qy.scale)
    unclamped = straight_through(exact, torch.round(in_f32)) + qy.zero_point
    result = unclamped.clamp(*clamp)
    equal(name, "y", y, result.detach().numpy())
    equal(name, "mask", mask, ((unclamped >= clamp[0]) & (unclamped <= clamp[1])).numpy())
    result.backward(torch.tensor(gradient.astype(np.float64)))
    agree(name, "gradient_a", gradient_a, leaves[0].grad)
    agree(name, "gradient_b", gradient_b, leaves[1].grad)


def check_average_pool(name, x, gradient, y, gradient_x):
    codes = leaf(x)
    mean = codes.mean((0, 1), keepdim=True)
    result = straight_through(mean, torch.round(codes.detach().sum((0, 1), keepdim=True) / (x.shape[0] * x.shape[1])))
    equal(name, "y", y, result.detach().numpy())
    result.backward(torch.tensor(gradient.astype(np.float64)))
    agree(name, "gradient_x", gradient_x, codes.grad)


def check_classifier(case, x, quant, weight, bias, logits, loss, gradient, gradient_x, new_weight, new_bias):
    name = case["name"]
    codes, weights, biases = leaf(x), leaf(weight), leaf(bias)
    features = (codes.reshape(1, -1) - quant.zero_point) * float(quant.scale)
    result = functional.linear(features, weights, biases)
    result.retain_grad()
    reference = functional.cross_entropy(result, torch.tensor([case["label"]]))
    reference.backward()
    agree(name, "logits", logits, result.detach())
    # A loss or gradient near zero is the difference of near-equal numbers, so the error is taken against 1.
    close = lambda ours, theirs: np.abs(np.asarray(ours, np.float64).reshape(-1) - np.asarray(theirs).reshape(-1)).max() < 1e-6
    assert abs(float(loss) - float(reference)) <= 1e-5 * max(1, abs(float(reference))), name
    assert close(gradient, result.grad), f"{name}: gradient at the logits"
    size = max(1.0, float(np.abs(codes.grad.numpy()).max()), float(np.abs(weights.grad.numpy()).max()))
    assert close(gradient_x / size, codes.grad.numpy() / size), f"{name}: gradient_x"
    rate = float(np.float32(case["rate"]))
    agree(name, "new_weight", new_weight, weight - rate * weights.grad.numpy())
    agree(name, "new_bias", new_bias, bias - rate * biases.grad.numpy())
