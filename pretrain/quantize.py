"""Post-training quantization, the network file, and an integer forward pass that a device can repeat bit by bit.

A quantized network is a dictionary as stored in the file: a description (see `describe`) and named arrays.
Activations are kept in NHWC order, weights in OHWI order.
"""

import json

import numpy as np
import torch

import net
import tensor_file

METADATA_KEY = "quartermeg.network"
# Share of calibration values left outside an activation's range, on each side.
OUTLIERS = 1e-4
# Weight ranges are widened to this, so that a channel of zeros keeps a finite scale.
MIN_WEIGHT_RANGE = 5e-7
# Channels with a smaller weight scale are dead: they pass on nothing but their bias.
DEAD_SCALE = 1e-6


# ---- from float to int8 ----------------------------------------------------------------------------------------------


def calibrate(folded, codes, batch=256):
    """Range (low, high) of every activation over the given input codes, without the outermost values."""
    seen = {}

    def observe(name, value):
        seen.setdefault(name, []).append(value.flatten()[:: 1 + value.numel() // 200_000].numpy())
        return value

    with torch.no_grad():
        for start in range(0, len(codes), batch):
            folded(net.real_input(folded.topology, codes[start:start + batch]), observe)
    return {name: np.quantile(np.concatenate(parts), [OUTLIERS, 1 - OUTLIERS]) for name, parts in seen.items()}


def activation_parameters(low, high, relu6):
    """Scale and zero point. Behind ReLU6 code -128 is 0, so that the clamp of the codes is the activation."""
    if relu6:
        return np.float32(min(6.0, high) / 255), -128
    low, high = min(low, 0.0), max(high, 0.0)
    scale = np.float32((high - low) / 255)
    return scale, int(np.clip(np.rint(-128 - low / np.float64(scale)), -128, 127))


def quantize_weights(weight):
    """int8 codes and one scale for each output channel of float weights [O, ...]."""
    largest = np.abs(weight).reshape(len(weight), -1).max(1)
    scale = (np.maximum(largest, MIN_WEIGHT_RANGE) / 127).astype(np.float32)
    steps = weight.astype(np.float64) / scale.reshape(-1, *[1] * (weight.ndim - 1))
    return np.clip(np.rint(steps), -127, 127).astype(np.int8), scale


def describe(folded, ranges):
    """Quantize a folded model; return (description, tensors)."""
    topology = folded.topology
    tensors, nodes = {}, []
    parameters = {0: (topology.input_scale, topology.input_zero_point)}
    value_of = {}
    for op in net.operators(topology):
        previous = len(nodes)
        if isinstance(op, net.Conv):
            conv = folded.layers[net.key(op.name)][0]
            weight = conv.weight.detach().numpy().transpose(0, 2, 3, 1)
            codes, weight_scale = quantize_weights(weight)
            accumulator_scale = np.float64(parameters[previous][0]) * weight_scale.astype(np.float64)
            bias = np.rint(conv.bias.detach().numpy().astype(np.float64) / accumulator_scale)
            tensors[f"{op.name}.weight"] = codes
            tensors[f"{op.name}.weight_scale"] = weight_scale
            tensors[f"{op.name}.bias"] = np.clip(bias, -2**31, 2**31 - 1).astype(np.int32)
            node = {
                "op": "conv",
                "name": op.name,
                "input": previous,
                "weight": f"{op.name}.weight",
                "bias": f"{op.name}.bias",
                "weight_scale": f"{op.name}.weight_scale",
                "depthwise": op.depthwise,
                "stride": list(op.stride),
                "padding": [*op.padding, *op.padding],
            }
            scale, zero_point = activation_parameters(*ranges[op.name], op.relu6)
        else:
            node = {"op": "add", "name": op.name, "inputs": [value_of[op.shortcut], previous]}
            scale, zero_point = activation_parameters(*ranges[op.name], False)
        node |= {"output_scale": shortest(scale), "output_zero_point": zero_point, "clamp": [-128, 127]}
        nodes.append(node)
        value_of[op.name] = len(nodes)
        parameters[len(nodes)] = (scale, zero_point)
    nodes.append({"op": "average_pool", "name": "pool", "input": len(nodes)})
    nodes.append({
        "op": "classifier",
        "name": "classifier",
        "input": len(nodes),
        "weight": "classifier.weight",
        "bias": "classifier.bias",
    })
    tensors["classifier.weight"] = folded.classifier.weight.detach().numpy().copy()
    tensors["classifier.bias"] = folded.classifier.bias.detach().numpy().copy()
    description = {
        "version": 1,
        "name": topology.name,
        "classes": topology.classes,
        "input": {
            "height": topology.height,
            "width": topology.width,
            "channels": topology.channels,
            "scale": shortest(topology.input_scale),
            "zero_point": topology.input_zero_point,
        },
        "nodes": nodes,
    }
    return description, tensors


def shortest(scale):
    """The float64 with the shortest decimal that reads back, by way of float64, as this float32."""
    scale = np.float32(scale)
    for digits in range(1, 18):
        candidate = float(f"{scale:.{digits}g}")
        if np.float32(candidate) == scale:
            return candidate
    raise ValueError(f"no decimal for {scale}")


def dead_channels(tensors):
    return int(sum((array < DEAD_SCALE).sum() for name, array in tensors.items() if name.endswith(".weight_scale")))


# ---- the network file ------------------------------------------------------------------------------------------------


def save(path, description, tensors):
    tensor_file.write(path, tensors, {METADATA_KEY: json.dumps(description, separators=(",", ":"))})


def load(path):
    tensors, metadata = tensor_file.read(path)
    return json.loads(metadata[METADATA_KEY]), tensors


# ---- integer forward pass --------------------------------------------------------------------------------------------


def half_even(values):
    """Round float32 half to even; what lies beyond 2**21 is far outside every clamp."""
    return np.rint(np.clip(values, np.float32(-2**21), np.float32(2**21))).astype(np.int32)


def convolve(node, tensors, codes, parameters):
    """One convolution on codes [n, h, w, c]."""
    scale, zero_point = parameters
    weight = tensors[node["weight"]]
    outputs, kernel_height, kernel_width, _ = weight.shape
    top, left, bottom, right = node["padding"]
    down, across = node["stride"]
    # Padding comes after the zero point is taken off, so it contributes nothing.
    centred = codes.astype(np.int32) - zero_point
    padded = np.pad(centred, ((0, 0), (top, bottom), (left, right), (0, 0)))
    height = (padded.shape[1] - kernel_height) // down + 1
    width = (padded.shape[2] - kernel_width) // across + 1
    total = np.zeros((len(codes), height, width, outputs), np.int64)
    for ky in range(kernel_height):
        for kx in range(kernel_width):
            window = padded[:, ky:ky + down * height:down, kx:kx + across * width:across]
            tap = weight[:, ky, kx]
            if node["depthwise"]:
                total += window * tap[:, 0].astype(np.int32)
            else:
                # float64 holds these sums exactly and multiplies matrices much faster than int64.
                total += (window.astype(np.float64) @ tap.astype(np.float64).T).astype(np.int64)
    total = np.clip(total + tensors[node["bias"]], -2**31, 2**31 - 1)
    output_scale = np.float64(np.float32(node["output_scale"]))
    weight_scale = tensors[node["weight_scale"]].astype(np.float64)
    effective = (np.float64(scale) * weight_scale / output_scale).astype(np.float32)
    return clamp(node, half_even(total.astype(np.float32) * effective))


def add(node, shortcut, branch, shortcut_parameters, branch_parameters):
    """Residual addition, each operation rounded to float32."""
    first, second = (
        (codes.astype(np.int32) - zero_point).astype(np.float32) * np.float32(scale)
        for codes, (scale, zero_point) in ((shortcut, shortcut_parameters), (branch, branch_parameters))
    )
    return clamp(node, half_even((first + second) / np.float32(node["output_scale"])))


def clamp(node, rounded):
    return np.clip(rounded + node["output_zero_point"], *node["clamp"]).astype(np.int8)


def average_pool(codes):
    """Global mean of the codes, half to even; a tie is exact in float64."""
    count = codes.shape[1] * codes.shape[2]
    return np.rint(codes.sum((1, 2), dtype=np.int64, keepdims=True) / count).astype(np.int8)


def classify(node, tensors, codes, parameters):
    """Float logits; each sum has one accumulator and runs over the inputs in ascending order."""
    scale, zero_point = parameters
    features = (codes.reshape(len(codes), -1).astype(np.int32) - zero_point).astype(np.float32) * np.float32(scale)
    weight = tensors[node["weight"]]
    total = np.zeros((len(codes), len(weight)), np.float32)
    for i in range(weight.shape[1]):
        total = total + features[:, i:i + 1] * weight[:, i]
    return total + tensors[node["bias"]]


def forward(description, tensors, codes):
    """Run input codes [n, h, w, c]; return (logits [n, classes], codes of every node but the classifier)."""
    entry = description["input"]
    values = [codes]
    parameters = [(np.float32(entry["scale"]), entry["zero_point"])]
    logits = None
    for node in description["nodes"]:
        if node["op"] == "conv":
            result = convolve(node, tensors, values[node["input"]], parameters[node["input"]])
        elif node["op"] == "add":
            a, b = node["inputs"]
            result = add(node, values[a], values[b], parameters[a], parameters[b])
        elif node["op"] == "average_pool":
            result = average_pool(values[node["input"]])
        else:
            logits = classify(node, tensors, values[node["input"]], parameters[node["input"]])
            break
        values.append(result)
        if "output_scale" in node:
            parameters.append((np.float32(node["output_scale"]), node["output_zero_point"]))
        else:
            parameters.append(parameters[node["input"]])
    return logits, values[1:]


# ---- accuracy --------------------------------------------------------------------------------------------------------


def int8_accuracy(description, tensors, codes, labels, batch=250):
    hits = 0
    for start in range(0, len(codes), batch):
        logits, _ = forward(description, tensors, codes[start:start + batch])
        hits += int((logits.argmax(1) == labels[start:start + batch]).sum())
    return hits / len(codes)


def float_accuracy(model, codes, labels, batch=500):
    hits = 0
    with torch.no_grad():
        for start in range(0, len(codes), batch):
            answer = model(net.real_input(model.topology, codes[start:start + batch])).argmax(1).numpy()
            hits += int((answer == labels[start:start + batch]).sum())
    return hits / len(codes)
