"""Whole training steps of small made networks under rules that can be chosen, without any code of the core.

    python3 rule_steps.py NAME

prints the run of that name; `generate.py` stores all of them in tests/vectors/rule_steps.json.
"""

import argparse
import hashlib
import json
import math
from dataclasses import dataclass, replace

import numpy as np

import device_ops as ops
import noise
import rule_ops

F = np.float32
N_CLASSES = 4
INPUT = (8, 8, 3)

DEVICE = {rule: names[0] for rule, names in rule_ops.RULES.items()}
SIMULATOR = DEVICE | {
    "requantize": "float_bias", "update": "master", "master_codes": "unclamped", "dead_channels": "updated",
}
TINYENGINE = DEVICE | {
    "requantize": "truncate", "elementwise": "half_away", "update": "truncate", "dead_channels": "updated",
    "shortcut": "dropped", "gradient_input": "raw", "channels": "first", "logits": "codes",
}
TFLM = DEVICE | {"requantize": "fixed_point", "elementwise": "fixed_point"}


@dataclass
class Settings:
    """Of one step."""

    rate: np.float32
    bias_rate_factor: float
    momentum: float
    qas: bool
    seed: int
    step: int


# ---- the networks --------------------------------------------------------------------------------


def pool_entry(kind, kernel, stride, padding, clamp):
    return {"op": "pool", "kind": kind, "kernel": kernel, "stride": stride, "padding": padding, "clamp": clamp}


def conv_entry(outputs, kernel, stride=(1, 1), padding=(0, 0, 0, 0), depthwise=False, clamp=(-128, 127), dead=()):
    return {
        "op": "conv", "outputs": outputs, "kernel": kernel, "stride": stride, "padding": padding,
        "depthwise": depthwise, "clamp": clamp, "dead": dead,
    }


# A residual block with a pool on the way, windows that overlap and reach over the edge, clamps and dead channels.
BODY = [
    (conv_entry(8, (3, 3), (2, 2), (1, 1, 1, 1), clamp=(-100, 127)), [0]),
    (conv_entry(8, (3, 3), padding=(1, 1, 1, 1), depthwise=True, clamp=(-30, 70), dead=(5,)), [1]),
    (pool_entry("max", (3, 3), (1, 1), (1, 1, 1, 1), (-20, 60)), [2]),
    (conv_entry(8, (1, 1), dead=(2,)), [3]),
    ({"op": "add", "clamp": (-90, 100)}, [1, 4]),
    (conv_entry(12, (1, 1), clamp=(-50, 127)), [5]),
    (conv_entry(12, (3, 3), (2, 2), (0, 0, 1, 1), depthwise=True), [6]),
    (pool_entry("average", (2, 2), (1, 1), (1, 0, 0, 1), (-80, 80)), [7]),
    (conv_entry(10, (1, 1), clamp=(-60, 127)), [8]),
    ({"op": "average_pool"}, [9]),
]
HEADS = {
    "f32-head": [({"op": "classifier"}, [10])],
    "int8-head": [(conv_entry(N_CLASSES, (1, 1)), [10]), ({"op": "logits"}, [11])],
}


def scale_near(random, value):
    return F(value * random.uniform(0.7, 1.3))


def codes(random, shape):
    return random.randint(-128, 128, shape).astype(np.int8)


def made_conv(random, entry, x, quant):
    """A convolution whose outputs fill a good part of the codes on `x`."""
    inputs = 1 if entry["depthwise"] else x.shape[2]
    weight = random.randint(-80, 81, (entry["outputs"], *entry["kernel"], inputs)).astype(np.int8)
    weight_scale = random.uniform(0.003, 0.009, entry["outputs"]).astype(F)
    bias = random.randint(-900, 901, entry["outputs"]).astype(np.int32)
    conv = ops.Conv(weight, bias, weight_scale, entry["depthwise"], tuple(entry["stride"]), tuple(entry["padding"]),
                    quant, ops.Quant(F(1), int(random.randint(-20, 21))), tuple(entry["clamp"]))
    total = np.abs(rule_ops.accumulators(conv, weight, x)).max()
    conv.y = ops.Quant(F(float(quant.scale) * float(weight_scale.mean()) * total / 110), conv.y.zero_point)
    conv.weight_scale[list(entry["dead"])] = F(3e-7)
    return conv


class Network:
    """Nodes in order of execution; value 0 is the input, value i + 1 the output of node i."""

    def __init__(self, head):
        random = np.random.RandomState(20)
        self.quants = [ops.Quant(F(0.02), -7)]
        self.entries, self.convs, self.pools = BODY + HEADS[head], [], []
        self.nodes = []
        values = [codes(random, INPUT)]
        for entry, inputs in self.entries:
            x, quant = values[inputs[0]], self.quants[inputs[0]]
            record, clamp = None, entry.get("clamp")
            if entry["op"] == "conv":
                record = len(self.convs)
                self.convs.append(made_conv(random, entry, x, quant))
                y, _ = ops.conv_forward(self.convs[-1], x)
                quant = self.convs[-1].y
            elif entry["op"] == "add":
                other = self.quants[inputs[1]]
                quant = ops.Quant(max(quant.scale, other.scale) * F(1.2), int(random.randint(-20, 21)))
                y, _ = ops.add_forward(x, self.quants[inputs[0]], values[inputs[1]], other, quant, clamp)
            elif entry["op"] == "pool":
                record = len(self.pools)
                self.pools.append(rule_ops.Pool(entry["kind"], entry["kernel"], entry["stride"], entry["padding"], clamp))
                y, _ = rule_ops.pool_forward(self.pools[-1], x, "half_even")
            elif entry["op"] == "average_pool":
                y = rule_ops.average_pool(x, "half_even")
            else:
                y = x
            if entry["op"] == "classifier":
                reach = 1.5 / (float(quant.scale) * 50 * math.sqrt(x.size))
                self.classifier = random.uniform(-reach, reach, (N_CLASSES, x.size)).astype(F)
                self.classifier_bias = random.uniform(-0.5, 0.5, N_CLASSES).astype(F)
            self.nodes.append((entry["op"], inputs, record, clamp))
            self.quants.append(quant)
            values.append(y)

    def use_int8_classifier(self):
        """Put an int8 layer, whose codes are eight times the logits, in place of the f32 classifier."""
        _, inputs, _, _ = self.nodes.pop()
        features = self.quants[inputs[0]]
        scale = np.abs(self.classifier).max(1) / F(127)
        weight = np.rint(self.classifier / scale[:, None]).astype(np.int8).reshape(N_CLASSES, 1, 1, -1)
        bias = np.rint(self.classifier_bias / (features.scale * scale)).astype(np.int32)
        logits = ops.Quant(F(0.125), 0)
        self.convs.append(ops.Conv(weight, bias, scale, False, (1, 1), (0, 0, 0, 0), features, logits, (-128, 127)))
        self.nodes += [("conv", inputs, len(self.convs) - 1, (-128, 127)), ("logits", [len(self.nodes) + 1], None, None)]
        self.quants[-1:] = [logits, logits]

    def record(self):
        """As JSON; the arrays are flat."""
        nodes = []
        for (entry, inputs), (op, _, index, clamp), quant in zip(self.entries, self.nodes, self.quants[1:]):
            node = {"op": op, "inputs": inputs}
            if op == "conv":
                conv = self.convs[index]
                node |= {key: entry[key] for key in ("depthwise", "kernel", "stride", "padding", "clamp")}
                node |= {
                    "weight": conv.weight.reshape(-1).tolist(),
                    "bias": conv.bias.tolist(),
                    "weight_scale": numbers(conv.weight_scale),
                }
            elif op == "pool":
                node |= {key: entry[key] for key in ("kind", "kernel", "stride", "padding", "clamp")}
            elif op == "add":
                node["clamp"] = clamp
            elif op == "classifier":
                node |= {"weight": numbers(self.classifier), "bias": numbers(self.classifier_bias)}
            if op in ("conv", "add"):
                node |= {"scale": numbers([quant.scale])[0], "zero_point": quant.zero_point}
            nodes.append(node)
        return {
            "input": {"shape": INPUT, "scale": numbers([self.quants[0].scale])[0], "zero_point": self.quants[0].zero_point},
            "n_classes": N_CLASSES,
            "nodes": nodes,
        }


def numbers(values):
    """The shortest decimals that read back as float32."""
    return [float(f"{value:.9g}") for value in np.asarray(values, F).reshape(-1)]


# ---- a step --------------------------------------------------------------------------------------


class Training:
    """A network with all that its rules and its policy keep."""

    def __init__(self, network, rules, policy):
        self.network, self.rules = network, rules
        n_convs = len(network.convs)
        # The dense layer of an int8 head stands behind the policy's layers and always learns.
        self.policy = policy + [1.0] * (n_convs - len(policy))
        self.weights, self.biases, self.learns = [], [], []
        is_master = rules["update"] == "master"
        for conv, update in zip(network.convs, self.policy):
            ratio = update if isinstance(update, float) else 0.0
            chosen = rule_ops.selected_channels(conv, ratio, rules["channels"])
            learns = np.zeros(conv.weight.shape, bool)
            learns[chosen if conv.depthwise else (..., chosen)] = True
            self.learns.append(learns)
            # Masters of weights that do not learn stay what they are.
            start = conv.weight.astype(F if is_master else np.int64)
            self.weights.append(self.parameter(start, np.zeros(start.shape, np.int64)))
            start = conv.bias.astype(F if is_master and update != "frozen" else np.int64)
            self.biases.append(self.parameter(start, None))
        if network.nodes[-1][0] == "classifier":
            self.classifier = self.parameter(network.classifier, None)
            self.classifier_bias = self.parameter(network.classifier_bias, None)

    def parameter(self, values, remainders):
        has_momentum = self.rules["optimizer"] == "momentum"
        return rule_ops.Parameter(values, remainders, np.zeros(values.shape, F) if has_momentum else None)

    def weight(self, layer):
        """The integers that the forward and the backward pass use."""
        values = self.weights[layer].values
        if values.dtype != F:
            return values
        rounded = rule_ops.rounded_masters(values, self.rules["master_codes"])
        return np.where(self.learns[layer], rounded, self.network.convs[layer].weight)

    def forward(self, image):
        """Codes and mask of every value; the last one holds the logits."""
        net, rules = self.network, self.rules
        values, masks = [image], [None]
        for (op, inputs, record, clamp), qy in zip(net.nodes, net.quants[1:]):
            x, quant, mask = values[inputs[0]], net.quants[inputs[0]], None
            if op == "conv":
                conv = net.convs[record]
                total = rule_ops.accumulators(conv, self.weight(record), x)
                found = rule_ops.requantized(conv, total, self.biases[record].values, rules["requantize"])
                y, mask = ops.clamped(found, clamp)
            elif op == "add":
                other = inputs[1]
                found = rule_ops.add_codes(x, quant, values[other], net.quants[other], qy, rules["elementwise"])
                y, mask = ops.clamped(found, clamp)
            elif op == "pool":
                y, mask = rule_ops.pool_forward(net.pools[record], x, rules["elementwise"])
            elif op == "average_pool":
                y = rule_ops.average_pool(x, rules["elementwise"])
            elif op == "classifier":
                y = ops.classifier_forward(x, quant, self.classifier.values, self.classifier_bias.values)
            else:
                flat = x.reshape(-1)
                y = flat.astype(F) if rules["logits"] == "codes" else ops.real(flat, quant)
            values.append(y)
            masks.append(mask)
        return values, masks

    def needs_gradient(self):
        needs = [False]
        for op, inputs, record, _ in self.network.nodes:
            learns = op == "conv" and self.policy[record] != "frozen"
            if op == "add" and self.rules["shortcut"] == "dropped":
                inputs = inputs[1:]
            needs.append(learns or any(needs[i] for i in inputs))
        return needs

    def step(self, image, label, settings):
        """Returns the loss."""
        net, rules = self.network, self.rules
        values, masks = self.forward(image)
        loss, gradient = ops.softmax_cross_entropy(values[-1], label)
        needs = self.needs_gradient()
        gradients = [None] * len(values)
        gradients[-1] = rule_ops.Stored(gradient)
        for at in reversed(range(len(net.nodes))):
            op, inputs, record, _ = net.nodes[at]
            source = inputs[0]
            x, quant, gradient, mask = values[source], net.quants[source], gradients[at + 1], masks[at + 1]
            if gradient is None:
                continue
            if op == "classifier":
                self.classifier_backward(x, quant, gradient.values, source, needs, gradients, settings)
            elif op == "logits" and needs[source]:
                factor = F(1) if rules["logits"] == "codes" else quant.scale
                gradients[source] = rule_ops.stored((gradient.values * factor).reshape(x.shape), rules["gradient"])
            elif op == "average_pool" and needs[source]:
                gradients[source] = rule_ops.average_pool_backward(gradient, *x.shape[:2])
            elif op == "pool" and needs[source]:
                gradients[source] = rule_ops.pool_backward(net.pools[record], x, mask, gradient, rules["gradient"])
            elif op == "add":
                for value in inputs[1:] if rules["shortcut"] == "dropped" else inputs:
                    if needs[value]:
                        gradients[value] = rule_ops.add_backward(gradient, mask, net.quants[value], net.quants[at + 1])
            elif op == "conv":
                accumulated = rule_ops.masked(net.convs[record], gradient, mask)
                if needs[source]:
                    gradients[source] = rule_ops.conv_backward_input(
                        net.convs[record], self.weight(record), accumulated, x.shape[:2], gradients[source])
                if self.policy[record] != "frozen":
                    self.update(record, x, accumulated, settings)
        return loss

    def classifier_backward(self, x, quant, gradient, source, needs, gradients, settings):
        if needs[source]:
            of_features = ops.classifier_backward_input(gradient, self.classifier.values, quant)
            gradients[source] = rule_ops.stored(of_features.reshape(x.shape), self.rules["gradient"])
        of_weight = gradient[:, None] * ops.real(x.reshape(-1), quant)[None, :]
        rule_ops.updated_floats(self.classifier, of_weight, settings.rate, settings)
        bias_rate = settings.rate * F(settings.bias_rate_factor)
        rule_ops.updated_floats(self.classifier_bias, gradient, bias_rate, settings)

    def update(self, layer, x, gradient, settings):
        conv, rules = self.network.convs[layer], self.rules
        alive = (conv.weight_scale >= ops.DEAD) | (rules["dead_channels"] == "updated")
        key = noise.key(settings.seed, settings.step, 2 * layer + 1)
        rule_ops.updated_bias(
            self.biases[layer], conv.weight_scale * conv.x.scale, rule_ops.bias_gradient(conv, gradient), alive, key,
            rules["update"], settings)
        if self.learns[layer].any():
            of_weight = rule_ops.weight_gradient(conv, x, gradient, rules["gradient_input"])
            learns = self.learns[layer] & alive.reshape(-1, 1, 1, 1)
            key = noise.key(settings.seed, settings.step, 2 * layer)
            rule_ops.updated_weight(
                self.weights[layer], conv.weight_scale, of_weight, learns, key, rules["update"], settings)

    def digest(self):
        """SHA-256 of all weights in the logical order: a weight that learns as it is kept, with its remainder."""
        digest = hashlib.sha256()
        for conv, weight, bias, learns in zip(self.network.convs, self.weights, self.biases, self.learns):
            for at in np.ndindex(*conv.weight.shape):
                if not learns[at]:
                    digest.update(conv.weight[at].tobytes())
                elif self.rules["update"] == "master":
                    digest.update(weight.values[at].astype("<f4").tobytes())
                else:
                    digest.update(weight.values[at].astype(np.int8).tobytes())
                    if self.rules["update"] == "int16":
                        digest.update(weight.remainders[at].astype(np.int8).tobytes())
            digest.update(bias.values.astype("<f4" if bias.values.dtype == F else "<i4").tobytes())
        if self.network.nodes[-1][0] == "classifier":
            digest.update(self.classifier.values.astype("<f4").tobytes())
            digest.update(self.classifier_bias.values.astype("<f4").tobytes())
        return digest.hexdigest()


def schedule_factor(schedule, step):
    """Up in a straight line, then down along half a cosine, in float32."""
    if schedule is None:
        return F(1)
    warmup, total = schedule
    if step < warmup:
        return F(step + 1) / F(warmup + 1)
    if step >= total:
        return F(0)
    through = F(step - warmup) / F(total - warmup)
    # The cosine of a float32 is rounded from one that is known to many more digits.
    return F(0.5) * (F(1) + F(math.cos(float(F(np.pi) * through))))


# ---- the runs ------------------------------------------------------------------------------------

MIXED = ["bias", 0.5, 1.0, 0.34, 1.0, 0.5]
LAST = ["frozen", "frozen", "frozen", "bias", 0.25, 1.0]
FULL = [1.0] * 6
PLAIN = {"policy": MIXED, "rate": 0.005, "bias_rate_factor": 1.0, "momentum": 0.9, "qas": True, "schedule": None}


def case(name, head, rules, **options):
    return {"name": name, "head": head, "rules": rules} | PLAIN | options


RUNS = [
    case("device", "f32-head", DEVICE),
    case("device-int8-head", "int8-head", DEVICE),
    case("simulator", "f32-head", SIMULATOR),
    case("simulator-int8-head", "int8-head", SIMULATOR, policy=FULL),
    case("simulator-plain", "int8-head", SIMULATOR, qas=False, rate=100.0, policy=LAST),
    case("tinyengine", "int8-head", TINYENGINE, rate=2e-5, bias_rate_factor=0.5),
    case("tinyengine-f32-head", "f32-head", TINYENGINE, rate=0.02, bias_rate_factor=0.5, policy=FULL),
    case("tflm", "f32-head", TFLM),
    case("tflm-int8-head", "int8-head", TFLM, policy=FULL),
    case("int8-gradients", "f32-head", DEVICE | {"gradient": "int8"}, rate=0.04),
    case("int8-gradients-int8-head", "int8-head", DEVICE | {"gradient": "int8"}, policy=FULL),
    case("int8-gradients-raw-dropped", "f32-head",
         DEVICE | {"gradient": "int8", "gradient_input": "raw", "shortcut": "dropped"}),
    case("int8-gradients-masters", "f32-head", SIMULATOR | {"gradient": "int8", "optimizer": "momentum"}),
    case("int16", "f32-head", DEVICE | {"update": "int16"}),
    case("int16-momentum", "int8-head", DEVICE | {"update": "int16", "optimizer": "momentum"}, rate=0.002),
    case("nearest", "f32-head", DEVICE | {"update": "nearest"}, rate=0.02),
    case("truncate", "f32-head", DEVICE | {"update": "truncate", "dead_channels": "updated"}, rate=0.02),
    case("masters-clamped", "f32-head", DEVICE | {"update": "master"}, rate=0.05),
    case("momentum-cosine", "f32-head", DEVICE | {"optimizer": "momentum"}, schedule=(3, 11), rate=0.004),
    case("momentum-cosine-int8-head", "int8-head",
         DEVICE | {"optimizer": "momentum", "update": "nearest"}, schedule=(0, 9), rate=0.01, bias_rate_factor=2.0),
    case("int8-classifier", "f32-head", DEVICE | {"classifier": "int8"}),
    case("int8-classifier-codes", "f32-head", TINYENGINE | {"classifier": "int8"}, rate=2e-5, bias_rate_factor=0.5),
    case("int8-classifier-of-int8-head", "int8-head",
         DEVICE | {"classifier": "int8", "gradient": "int8", "optimizer": "momentum"}, policy=LAST),
    case("half-away", "f32-head", DEVICE | {"elementwise": "half_away", "channels": "first"}, policy=LAST),
]
N_STEPS = 10
SEED = 0x1122334455667788


def samples():
    random = np.random.RandomState(21)
    return [(codes(random, INPUT), int(random.randint(N_CLASSES))) for _ in range(6)]


def run(options):
    network = Network(options["head"])
    if options["rules"]["classifier"] == "int8" and network.nodes[-1][0] == "classifier":
        network.use_int8_classifier()
    training = Training(network, options["rules"], options["policy"])
    steps, start, images = [], training.digest(), samples()
    for step in range(N_STEPS):
        rate = F(options["rate"]) * schedule_factor(options["schedule"], step)
        settings = Settings(rate, options["bias_rate_factor"], options["momentum"], options["qas"], SEED, step)
        before = [training.weight(layer) for layer in range(len(training.weights))]
        image, label = images[step % len(images)]
        loss = training.step(image, label, settings)
        moved = sum(int((old != training.weight(layer)).sum()) for layer, old in enumerate(before))
        steps.append({
            "rate_bits": f"{rate.view(np.uint32):08x}",
            "loss": float(loss),
            "loss_bits": f"{loss.view(np.uint32):08x}",
            "moved": moved,
            "digest": training.digest(),
        })
    return {
        "name": options["name"],
        "network": options["head"],
        "rules": options["rules"],
        "choices": rule_ops.choices(options["rules"]),
        "policy": options["policy"],
        "learning_rate": numbers([options["rate"]])[0],
        "bias_rate_factor": options["bias_rate_factor"],
        "momentum": numbers([options["momentum"]])[0],
        "schedule": options["schedule"],
        "qas": options["qas"],
        "seed": f"{SEED:016x}",
        "start_digest": start,
        "steps": steps,
    }


def record():
    return {
        "what": "whole steps of made networks under rules that can be chosen; step k learns sample k mod 6; all values are exact",
        "digest": "SHA-256: for each layer its weights (OHWI; int8, followed by an int8 remainder where one is kept, or float32 masters) and biases (int32, or float32 masters), then the classifier's weights and biases (float32); little endian",
        "networks": [{"name": head} | Network(head).record() for head in HEADS],
        "samples": [{"label": label, "codes": image.reshape(-1).tolist()} for image, label in samples()],
        "runs": [run(options) for options in RUNS],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", choices=[options["name"] for options in RUNS])
    options = parser.parse_args()
    for candidate in RUNS:
        if candidate["name"] == options.run:
            print(json.dumps(run(candidate), indent=1))


if __name__ == "__main__":
    main()
