"""The table of cases: one entry a golden vector, named for what it is about.

`input` is height, width, channels; `padding` top, left, bottom, right.
What is not stated takes the value in `DEFAULTS`.
"""

DEFAULTS = {
    "depthwise": False,
    "stride": (1, 1),
    "padding": (0, 0, 0, 0),
    "x_zero_point": -3,
    "y_zero_point": 5,
    "clamp": (-128, 127),
    # "frozen", "bias", or the ratio of channels whose weights learn.
    "update": 1.0,
    "qas": True,
    "rate": 0.002,
    "special": None,
    # Another order of operations in the update, which must give other weights: "order" or "factor".
    "reveal": None,
}


def conv(name, input, outputs, kernel, **options):
    return DEFAULTS | {"name": name, "input": input, "outputs": outputs, "kernel": kernel} | options


def depthwise(name, input, kernel, **options):
    return conv(name, input, input[2], kernel, depthwise=True, **options)


SAME3 = (1, 1, 1, 1)
CONVS = [
    conv("conv3x3-s1", (6, 7, 3), 5, (3, 3), padding=SAME3),
    conv("conv3x3-s2", (7, 8, 3), 7, (3, 3), padding=SAME3, stride=(2, 2), x_zero_point=-128),
    conv("conv3x3-s2-padding-below", (8, 8, 4), 6, (3, 3), padding=(0, 0, 1, 1), stride=(2, 2)),
    conv("conv3x3-no-padding", (5, 5, 2), 4, (3, 3), x_zero_point=127),
    conv("conv3x3-one-pixel", (1, 1, 3), 4, (3, 3), padding=SAME3),
    conv("conv1x5", (4, 9, 5), 3, (1, 5), padding=(0, 2, 0, 2)),
    conv("conv5x1-s2x1", (9, 3, 4), 6, (5, 1), padding=(2, 0, 2, 0), stride=(2, 1)),
    conv("conv2x4-uneven", (5, 6, 3), 5, (2, 4), padding=(1, 0, 0, 2), stride=(1, 2)),
    conv("pointwise", (4, 5, 16), 8, (1, 1)),
    conv("pointwise-odd", (3, 3, 17), 9, (1, 1), x_zero_point=-128),
    conv("pointwise-s2", (5, 5, 7), 6, (1, 1), stride=(2, 2)),
    conv("pointwise-one-channel", (3, 2, 1), 1, (1, 1)),
    conv("pointwise-frozen", (3, 3, 5), 6, (1, 1), update="frozen"),
    conv("pointwise-bias", (3, 3, 6), 5, (1, 1), update="bias"),
    conv("pointwise-half", (4, 4, 16), 7, (1, 1), update=0.5),
    conv("pointwise-three-tenths", (3, 5, 11), 6, (1, 1), update=0.3),
    conv("pointwise-half-equal-energy", (3, 3, 8), 5, (1, 1), update=0.5, special="equal-energy"),
    conv("conv3x3-s2-quarter", (6, 6, 9), 5, (3, 3), padding=SAME3, stride=(2, 2), update=0.25),
    conv("dense", (4, 3, 5), 8, (4, 3)),
    conv("dense-half", (3, 3, 6), 9, (3, 3), update=0.5),
    depthwise("depthwise3-s1", (5, 6, 7), (3, 3), padding=SAME3),
    depthwise("depthwise3-s2", (7, 6, 16), (3, 3), padding=SAME3, stride=(2, 2), x_zero_point=-128),
    depthwise("depthwise5-s1", (6, 5, 9), (5, 5), padding=(2, 2, 2, 2)),
    depthwise("depthwise5-s2", (9, 8, 4), (5, 5), padding=(2, 2, 2, 2), stride=(2, 2)),
    depthwise("depthwise3-s2-padding-below", (6, 6, 5), (3, 3), padding=(0, 0, 1, 1), stride=(2, 2)),
    depthwise("depthwise3-one-channel", (4, 4, 1), (3, 3), padding=SAME3),
    depthwise("depthwise3-17-channels", (4, 3, 17), (3, 3), padding=SAME3),
    depthwise("depthwise3-half", (5, 5, 12), (3, 3), padding=SAME3, update=0.5),
    depthwise("depthwise3-third-equal-energy", (4, 4, 9), (3, 3), padding=SAME3, update=0.34, special="equal-energy"),
    depthwise("depthwise5-s2-eighth", (7, 7, 19), (5, 5), padding=(2, 2, 2, 2), stride=(2, 2), update=0.125),
    conv("clamp-relu", (4, 4, 6), 8, (1, 1), y_zero_point=-20, clamp=(-20, 127)),
    conv("clamp-narrow", (5, 4, 4), 7, (3, 3), padding=SAME3, clamp=(-7, 19)),
    conv("clamp-single-code", (3, 3, 4), 3, (1, 1), clamp=(4, 4)),
    conv("ties", (6, 6, 3), 4, (1, 1), x_zero_point=0, y_zero_point=0, special="ties", rate=0.2),
    conv("product-in-f32", (1, 1, 2), 16, (1, 1), y_zero_point=1, special="product-in-f32"),
    conv("bias-saturates", (4, 4, 8), 6, (1, 1), special="bias-saturates", rate=1e9),
    conv("product-beyond-rounding", (3, 3, 5), 4, (1, 1), special="large-scale"),
    conv("extreme-codes", (3, 3, 24), 4, (3, 3), x_zero_point=127, special="extreme-codes"),
    conv("dead-channels", (3, 4, 6), 8, (1, 1), special="dead-channels"),
    depthwise("dead-channels-depthwise", (4, 4, 10), (3, 3), padding=SAME3, special="dead-channels", update=0.5),
    conv("update-saturates", (4, 4, 5), 6, (1, 1), rate=1e9),
    conv("update-without-qas", (4, 4, 7), 5, (1, 1), qas=False, rate=2000.0),
    depthwise("update-without-qas-depthwise", (5, 5, 6), (3, 3), padding=SAME3, qas=False, rate=2000.0),
    conv("update-bias-to-the-last-bit", (3, 3, 2), 40, (1, 1), rate=100.0),
    conv("update-order-of-products", (3, 4, 24), 16, (1, 1), reveal="order"),
    conv("update-order-of-the-factor", (3, 4, 24), 16, (1, 1), reveal="factor"),
    conv("no-rate", (3, 3, 4), 4, (1, 1), rate=0.0),
]

# `branch_only`: nothing before the shortcut learns.
# `last_bit`: pairs whose sum another order of operations would round to another code.
ADD_DEFAULTS = {"clamp": (-128, 127), "branch_only": False, "ties": False, "last_bit": False}
ADDS = [
    ADD_DEFAULTS | {"name": "add", "shape": (4, 5, 3)},
    ADD_DEFAULTS | {"name": "add-branch-only", "shape": (3, 3, 7), "branch_only": True},
    ADD_DEFAULTS | {"name": "add-clamp", "shape": (5, 3, 4), "clamp": (-6, 31)},
    ADD_DEFAULTS | {"name": "add-ties", "shape": (6, 6, 2), "ties": True},
    ADD_DEFAULTS | {"name": "add-last-bit", "shape": (2, 2, 2), "last_bit": True},
]

AVERAGE_POOLS = [
    {"name": "average-pool", "shape": (5, 7, 9)},
    {"name": "average-pool-3x3", "shape": (3, 3, 17)},
    {"name": "average-pool-ties", "shape": (2, 2, 40)},
    {"name": "average-pool-one-pixel", "shape": (1, 1, 3)},
    {"name": "average-pool-extremes", "shape": (8, 8, 4)},
]

CLASSIFIER_DEFAULTS = {"spread": 0.3, "label": 0, "rate": 0.05, "equal": False}
CLASSIFIERS = [
    CLASSIFIER_DEFAULTS | {"name": "classifier", "features": 64, "classes": 10, "label": 3, "spread": 0.05},
    CLASSIFIER_DEFAULTS | {"name": "classifier-odd", "features": 7, "classes": 3, "label": 2},
    CLASSIFIER_DEFAULTS | {"name": "classifier-one-class", "features": 5, "classes": 1},
    CLASSIFIER_DEFAULTS | {"name": "classifier-sure", "features": 20, "classes": 6, "label": 4, "spread": 25.0},
    CLASSIFIER_DEFAULTS | {"name": "classifier-equal-logits", "features": 4, "classes": 8, "label": 7, "equal": True},
    CLASSIFIER_DEFAULTS | {"name": "classifier-100-classes", "features": 9, "classes": 100, "label": 99, "spread": 1.0},
]
