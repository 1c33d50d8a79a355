"""Make the golden vectors: numpy in the defined sum order, held against PyTorch's autograd.

    python3 generate.py [--check]

With `--check`, nothing is written; files that differ are named and the exit code is 1.
"""

import argparse
import hashlib
import json
import sys
import zlib
from pathlib import Path

import numpy as np
import torch

import autograd
import cases
import device_ops as ops
import device_step
import float_math
import noise
import rule_steps
import tinyengine

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
GENERATOR = {"name": "tests/oracle/generate.py", "version": 1}
# Every layer under test is the second convolution of a small network, which keys its noise.
LAYER = 1
F = np.float32
DTYPES = {np.dtype(np.int8): "i8", np.dtype(np.int32): "i32", np.dtype(np.float32): "f32", np.dtype(bool): "bit"}
AUTOGRAD_NOTE = "f32 values are those of the defined sum order; PyTorch autograd in float64 agrees within relative L2 1e-5"


def number(value):
    """A float32 as the float64 of its shortest decimal, checked to read back."""
    decimal = float(f"{value:.9g}")
    assert F(decimal) == value
    return decimal


def tensor(array, quant=None, scale=None):
    array = np.asarray(array)
    entry = {"dtype": DTYPES[array.dtype], "shape": list(array.shape)}
    if quant is not None:
        entry |= {"scale": number(quant.scale), "zero_point": quant.zero_point}
    if scale is not None:
        entry |= {"scale": [number(value) for value in scale], "zero_point": 0}
    flat = array.reshape(-1)
    data = [number(value) for value in flat] if array.dtype == F else [int(value) for value in flat]
    return entry | {"data": data}


def scalar(value):
    return tensor(np.asarray([value], F))


def codes(random, shape):
    return random.randint(-128, 128, shape).astype(np.int8)


def scale_between(random, low, high, size=None):
    return np.exp(random.uniform(np.log(low), np.log(high), size)).astype(F)


def gradient_like(random, shape):
    return (random.standard_normal(shape) * scale_between(random, 1e-3, 1)).astype(F)


def record(op, case, params, tensors, expect, notes):
    return {
        "op": op,
        "case": case,
        "params": params,
        "tensors": tensors,
        "expect": expect,
        "tolerance": 0,
        "seed": seed_of(case),
        "generator": GENERATOR,
        "notes": notes,
    }


def seed_of(name):
    return zlib.crc32(name.encode())


# ---- convolutions --------------------------------------------------------------------------------


def conv_case(case):
    random = np.random.RandomState(seed_of(case["name"]))
    inputs, outputs, kernel = case["input"], case["outputs"], case["kernel"]
    filters = 1 if case["depthwise"] else inputs[2]
    fan_in = kernel[0] * kernel[1] * filters
    x = codes(random, inputs)
    weight = random.randint(-127, 128, (outputs, *kernel, filters)).astype(np.int8)
    x_scale, weight_scale = scale_between(random, 0.01, 0.05), scale_between(random, 1e-3, 2e-2, outputs)
    spread = float(x_scale) * float(weight_scale.mean()) * np.sqrt(fan_in) * 74 * 73
    y_scale = F(spread / 50)
    bias = random.randint(-8000, 8001, outputs).astype(np.int32)
    special = case["special"]
    if special == "ties":
        # An effective scale of a half, and one of a quarter.
        x_scale, y_scale = F(0.5), F(1.0)
        weight_scale = np.array([1, 1, 0.5, 0.5], F)
        weight, bias = (weight % 4).astype(np.int8), bias % 7
    elif special == "bias-saturates":
        bias = np.array([2**31 - 1, -2**31, 2**31 - 20_000, -2**31 + 20_000, 2**30, 0], np.int32)
        y_scale = F(float(x_scale) * float(weight_scale.mean()) * 2**24)
    elif special == "large-scale":
        y_scale = F(float(x_scale) * float(weight_scale.mean()) * 1e-4)
    elif special == "extreme-codes":
        x = np.full(inputs, -128, np.int8)
        weight = np.where(np.arange(outputs).reshape(-1, 1, 1, 1) % 2 == 0, 127, -127).astype(np.int8)
        weight = np.broadcast_to(weight, (outputs, *kernel, filters)).copy()
        y_scale = F(float(x_scale) * float(weight_scale.mean()) * 1e5)
    elif special == "product-in-f32":
        x[:] = case["x_zero_point"]
        bias, weight_scale = biases_at_ties(random, x_scale, y_scale, weight_scale)
    elif special == "equal-energy":
        weight = np.where(weight < 0, -40, 40).astype(np.int8)
    elif special == "dead-channels":
        weight_scale[::3] = np.array([3.937e-9, 9.9999994e-7, 1e-6, 5e-7], F)[:len(weight_scale[::3])]
        weight[0] = 0
    conv = ops.Conv(
        weight, bias, weight_scale, case["depthwise"], case["stride"], case["padding"],
        ops.Quant(x_scale, case["x_zero_point"]), ops.Quant(y_scale, case["y_zero_point"]), case["clamp"])
    y, mask = ops.conv_forward(conv, x)
    gradient = gradient_like(random, y.shape)
    masked = ops.mask_scale(conv, gradient, mask)
    gradient_x = ops.conv_backward_input(conv, masked, x.shape[:2])
    gradient_weight = ops.conv_weight_gradient(conv, x, masked)
    gradient_bias = ops.bias_gradient(masked)
    autograd.check_conv(case["name"], conv, x, gradient, y, mask, gradient_x, gradient_weight, gradient_bias)

    settings = device_step.Settings(case["rate"], case["qas"], int(random.randint(2**62)), int(random.randint(2**31)))
    if case["reveal"]:
        settings.rate = revealing_rate(conv, gradient_weight, settings, case["reveal"])
    update = case["update"]
    channels = ops.selected_channels(conv, update) if isinstance(update, float) else []
    new_weight = ops.updated_weight(conv, gradient_weight, channels, LAYER, settings)
    new_bias = conv.bias if update == "frozen" else ops.updated_bias(conv, gradient_bias, LAYER, settings)
    expect = {
        "y": tensor(y),
        "mask": tensor(mask),
        "masked_gradient": tensor(masked),
        "gradient_x": tensor(gradient_x),
        "gradient_weight": tensor(gradient_weight),
        "gradient_bias": tensor(gradient_bias),
        "new_weight": tensor(new_weight),
        "new_bias": tensor(new_bias),
    }
    tensors = {
        "x": tensor(x, conv.x),
        "weight": tensor(weight, scale=weight_scale),
        "bias": tensor(bias),
        "y": {"dtype": "i8", "shape": list(y.shape), "scale": number(y_scale), "zero_point": conv.y.zero_point},
        "gradient": tensor(gradient),
    }
    params = {
        "depthwise": case["depthwise"],
        "stride": list(case["stride"]),
        "padding": list(case["padding"]),
        "clamp": list(case["clamp"]),
        "update": update,
        "channels": channels,
        "learning_rate": number(F(settings.rate)),
        "qas": settings.qas,
        "seed": f"{settings.seed:016x}",
        "step": settings.step,
    }
    return record("conv", case["name"], params, tensors, expect, AUTOGRAD_NOTE)


def biases_at_ties(random, x_scale, y_scale, weight_scale):
    """For each channel a bias that another precision on the way to its code would round to another code.

    In even channels the product with the effective scale is a tie in f32 but not exactly.
    In odd channels the bias needs more than 24 bits, so that its conversion to f32 decides.
    """
    biases, scales = [], []
    while len(biases) < len(weight_scale):
        wide = len(biases) % 2 == 1
        scale = weight_scale[len(biases)] * F(random.uniform(0.5, 1)) * F(2.0**-12 if wide else 1)
        effective = F(np.float64(x_scale) * np.float64(scale) / np.float64(y_scale))
        near = (np.arange(-100, 100)[:, None] + 0.5) / np.float64(effective)
        found = (np.rint(near) + (np.arange(-4, 5) if wide else 0)).reshape(-1)
        defined = np.rint(found.astype(F) * effective)
        exact = found * np.float64(effective)
        differs = defined != np.rint(exact)
        if wide:
            differs &= defined != np.rint(exact.astype(F))
        if differs.any():
            biases.append(int(found[random.choice(np.flatnonzero(differs))]))
            scales.append(scale)
    return np.array(biases, np.int32), np.array(scales, F)


def pairs_at_ties(random, count):
    """Codes and scales of sums that another order of operations rounds to another code."""
    a, b = (grid.reshape(-1) for grid in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)))
    while True:
        scales = scale_between(random, 0.02, 0.06, 2)
        y_scale = scale_between(random, 0.04, 0.09)
        first, second = a.astype(F) * scales[0], b.astype(F) * scales[1]
        defined = ops.half_even((first + second) / y_scale)
        others = [
            first / y_scale + second / y_scale,
            (first + second) * (F(1) / y_scale),
            (a * np.float64(scales[0]) + b * np.float64(scales[1])) / np.float64(y_scale),
        ]
        chosen = []
        for other in others:
            differs = np.flatnonzero((ops.half_even(other) != defined) & (np.abs(defined) < 128))
            chosen.extend(differs[:count // len(others)])
        if len(chosen) >= count // len(others) * len(others):
            break
    chosen = (chosen + list(random.randint(len(a), size=count)))[:count]
    zero = ops.Quant(scales[0], 0), ops.Quant(scales[1], 0), ops.Quant(y_scale, 0)
    return a[chosen].astype(np.int8), b[chosen].astype(np.int8), *zero


def revealing_rate(conv, gradient, settings, reveal):
    """A rate at which the update differs from one whose operations are in another order.

    The difference is in the last bit of the delta, so it takes a search until one rounds to another code.
    """
    scale = conv.weight_scale.reshape(-1, 1, 1, 1)
    factor = ops.qas_factor(True, scale)
    index = np.arange(conv.weight.size).reshape(conv.weight.shape)
    units = noise.units(noise.key(settings.seed, settings.step, 2 * LAYER), index)
    largest = np.abs(gradient * factor).max()
    for trial in range(100_000):
        rate = F((60 + trial * 1e-3) / largest)
        defined = rate * (gradient * factor)
        if reveal == "order":
            other = (rate * gradient) * factor
        else:
            inverse = F(1) / scale
            other = rate * (gradient * (inverse * inverse))
        codes = [np.clip(conv.weight - np.floor(delta + units), -127, 127) for delta in (defined, other)]
        if not np.array_equal(*codes):
            return float(rate)
    raise ValueError("no such rate")


# ---- the other operations ------------------------------------------------------------------------


def add_case(case):
    random = np.random.RandomState(seed_of(case["name"]))
    a, b = codes(random, case["shape"]), codes(random, case["shape"])
    qa = ops.Quant(scale_between(random, 0.02, 0.06), int(random.randint(-20, 21)))
    qb = ops.Quant(scale_between(random, 0.02, 0.06), int(random.randint(-20, 21)))
    qy = ops.Quant(scale_between(random, 0.04, 0.09), int(random.randint(-20, 21)))
    if case["ties"]:
        qa, qb, qy = ops.Quant(F(0.25), 0), ops.Quant(F(0.75), -1), ops.Quant(F(0.5), 1)
    if case["last_bit"]:
        a, b, qa, qb, qy = pairs_at_ties(random, a.size)
        a, b = a.reshape(case["shape"]), b.reshape(case["shape"])
    y, mask = ops.add_forward(a, qa, b, qb, qy, case["clamp"])
    gradient = gradient_like(random, y.shape)
    gradient_a, gradient_b = (ops.add_backward(gradient, mask, q, qy) for q in (qa, qb))
    autograd.check_add(case["name"], (a, qa), (b, qb), qy, case["clamp"], gradient, y, mask, gradient_a, gradient_b)
    tensors = {
        "a": tensor(a, qa),
        "b": tensor(b, qb),
        "y": {"dtype": "i8", "shape": list(y.shape), "scale": number(qy.scale), "zero_point": qy.zero_point},
        "gradient": tensor(gradient),
    }
    expect = {"y": tensor(y), "mask": tensor(mask), "gradient_b": tensor(gradient_b)}
    if not case["branch_only"]:
        expect["gradient_a"] = tensor(gradient_a)
    return record("add", case["name"], {"clamp": list(case["clamp"])}, tensors, expect, AUTOGRAD_NOTE)


def average_pool_case(case):
    random = np.random.RandomState(seed_of(case["name"]))
    x = codes(random, case["shape"])
    if case["name"].endswith("extremes"):
        x[..., 0], x[..., 1] = -128, 127
    if case["name"].endswith("ties"):
        # Sums of four codes that leave a remainder of two, of both signs.
        total = x.astype(int).sum((0, 1))
        x[0, 0] = np.clip(x[0, 0] - (total - 2) % 4, -128, 127)
    y = ops.average_pool(x)
    gradient = gradient_like(random, y.shape)
    gradient_x = ops.average_pool_backward(gradient, *x.shape[:2])
    autograd.check_average_pool(case["name"], x, gradient, y, gradient_x)
    tensors = {"x": tensor(x, ops.Quant(F(0.03), -7)), "gradient": tensor(gradient)}
    expect = {"y": tensor(y), "gradient_x": tensor(gradient_x)}
    return record("average_pool", case["name"], {}, tensors, expect, AUTOGRAD_NOTE)


def classifier_case(case):
    random = np.random.RandomState(seed_of(case["name"]))
    x = codes(random, (1, 1, case["features"]))
    quant = ops.Quant(scale_between(random, 0.02, 0.06), int(random.randint(-10, 11)))
    weight = (random.standard_normal((case["classes"], case["features"])) * case["spread"]).astype(F)
    bias = random.standard_normal(case["classes"]).astype(F)
    if case["equal"]:
        weight[:], bias[:] = weight[0], bias[0]
    logits = ops.classifier_forward(x, quant, weight, bias)
    loss, gradient = ops.softmax_cross_entropy(logits, case["label"])
    gradient_x = ops.classifier_backward_input(gradient, weight, quant)
    new_weight, new_bias = ops.updated_classifier(x, quant, gradient, weight, bias, case["rate"])
    autograd.check_classifier(case, x, quant, weight, bias, logits, loss, gradient, gradient_x, new_weight, new_bias)
    tensors = {"x": tensor(x, quant), "weight": tensor(weight), "bias": tensor(bias)}
    expect = {
        "logits": tensor(logits),
        "loss": scalar(loss),
        "gradient_logits": tensor(gradient),
        "gradient_x": tensor(gradient_x),
        "new_weight": tensor(new_weight),
        "new_bias": tensor(new_bias),
    }
    params = {"label": case["label"], "learning_rate": number(F(case["rate"]))}
    return record("classifier", case["name"], params, tensors, expect, AUTOGRAD_NOTE)


# ---- functions -----------------------------------------------------------------------------------


def bits_of(values):
    return [f"{bits:08x}" for bits in np.asarray(values, F).view(np.uint32)]


def functions():
    random = np.random.RandomState(seed_of("functions"))
    edges = [0.0, -0.0, -1e-9, -2.0**-14, -0.3465, -0.3466, -1.0397, -1.0398, -1.0, -87.0, -87.4, -103.9, -104.0, -1e30]
    powers = np.array(edges + list(-np.exp(random.uniform(-12, 4.7, 120))), F)
    arguments = np.array([1.0, 1.4142135, 1.4142136, 2.0, 4096.0] + list(np.exp(random.uniform(0, 8.4, 60))), F)
    keys = []
    for seed, step, parameter in [(0, 0, 0), (0x0123456789ABCDEF, 5, 3), (2**64 - 1, 2**32 - 1, 59), (1, 2, 2**32 - 1)]:
        key = noise.key(seed, step, parameter)
        indices = [0, 1, 2, 1000, 2**32 - 1]
        units = noise.units(key, indices)
        assert [F(noise.bits(key, index) >> 8) * F(2.0**-24) for index in indices] == list(units)
        keys.append({
            "seed": f"{seed:016x}",
            "step": step,
            "parameter": parameter,
            "index": indices,
            "bits": [f"{noise.bits(key, index):08x}" for index in indices],
            "unit": [number(unit) for unit in units],
        })
    orders = [
        {
            "seed": f"{seed:016x}",
            "n_samples": n_samples,
            "step": steps,
            "sample": [noise.sample_at(seed, step, n_samples) for step in steps],
        }
        for seed, n_samples, steps in [
            (0, 1, [0, 1, 7]),
            (7, 2, list(range(6))),
            (1, 10, list(range(25))),
            (0xFEDCBA9876543210, 300, [0, 1, 2, 298, 299, 300, 301, 4_294_967_295]),
        ]
    ]
    return {
        "expf": {"argument": bits_of(powers), "value": bits_of(float_math.expf(powers))},
        "logf": {"argument": bits_of(arguments), "value": bits_of(float_math.logf(arguments))},
        "mix": [{"bits": f"{bits:08x}", "mixed": f"{noise.mix(bits):08x}"} for bits in (0, 1, 2, 0x80000000, 0xFFFFFFFF)],
        "noise": keys,
        "order": orders,
        "generator": GENERATOR,
    }


# ---- files ---------------------------------------------------------------------------------------


def text(value):
    """JSON with one line for each tensor and each parameter set."""
    lines = []
    for key, entry in value.items():
        if isinstance(entry, dict) and key in ("tensors", "expect"):
            inner = ",\n".join(f"  {json.dumps(name)}: {json.dumps(item)}" for name, item in entry.items())
            lines.append(f' {json.dumps(key)}: {{\n{inner}\n }}')
        elif isinstance(entry, list) and entry and isinstance(entry[0], dict):
            inner = ",\n".join(f"  {json.dumps(item)}" for item in entry)
            lines.append(f' {json.dumps(key)}: [\n{inner}\n ]')
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(entry)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def vectors():
    """Every file below tests/vectors, by its relative name."""
    files = {}
    makers = [
        (conv_case, cases.CONVS),
        (add_case, cases.ADDS),
        (average_pool_case, cases.AVERAGE_POOLS),
        (classifier_case, cases.CLASSIFIERS),
    ]
    for make, table in makers:
        for case in table:
            entry = make(case)
            files[f"ops/{entry['op']}/{entry['case']}.json"] = text(entry)
    files["functions.json"] = text(functions())
    files["keyboard_steps.json"] = text(device_step.record())
    files["rule_steps.json"] = text(rule_steps.record())
    # `tflm.py` makes this one, with an interpreter that is not at hand here.
    files["tflm.json"] = (VECTORS / "tflm.json").read_text()
    files["tinyengine-49kb.json"] = tinyengine.record()
    manifest = {
        "generator": GENERATOR,
        "numpy": np.__version__,
        "torch": torch.__version__,
        "sha256": {name: hashlib.sha256(files[name].encode()).hexdigest() for name in sorted(files)},
    }
    files["manifest.json"] = json.dumps(manifest, indent=1) + "\n"
    return files


def differences(files):
    """Names of files that are missing, different, or not made here; library versions may differ."""
    found = {str(path.relative_to(VECTORS)) for path in VECTORS.rglob("*.json")}
    wrong = sorted(found ^ set(files))
    for name in sorted(found & set(files)):
        stored, made = (VECTORS / name).read_text(), files[name]
        if name == "manifest.json":
            stored, made = json.loads(stored)["sha256"], json.loads(made)["sha256"]
        if stored != made:
            wrong.append(name)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with what is stored")
    options = parser.parse_args()
    files = vectors()
    if options.check:
        wrong = differences(files)
        for name in wrong:
            print(f"differs: tests/vectors/{name}", file=sys.stderr)
        print(f"{len(files)} files made, {len(wrong)} differ")
        sys.exit(1 if wrong else 0)
    for name, content in files.items():
        path = VECTORS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    print(f"{len(files)} files written")


if __name__ == "__main__":
    main()
