"""Small `.tflite` files with what the real networks lack: windowed pools, borders, one row of data."""

import flatbuffers
import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
NONE, RELU, RELU_N1, RELU6 = (
    schema.ActivationFunctionType.NONE,
    schema.ActivationFunctionType.RELU,
    schema.ActivationFunctionType.RELU_N1_TO_1,
    schema.ActivationFunctionType.RELU6,
)


def options(name, **fields):
    made = getattr(schema, name + "T")()
    for field, value in fields.items():
        setattr(made, field, value)
    return name, made


def sliding(name, padding, stride, activation, **fields):
    return options(
        name,
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        fusedActivationFunction=activation,
        **fields,
    )


def conv(padding, stride, activation):
    return sliding("Conv2DOptions", padding, stride, activation, dilationHFactor=1, dilationWFactor=1)


def depthwise(padding, stride, activation, multiplier):
    fields = {"dilationHFactor": 1, "dilationWFactor": 1, "depthMultiplier": multiplier}
    return sliding("DepthwiseConv2DOptions", padding, stride, activation, **fields)


def pool(padding, stride, activation, kernel):
    return sliding("Pool2DOptions", padding, stride, activation, filterHeight=kernel[0], filterWidth=kernel[1])


class Maker:
    """Collects tensors and operators; every method that makes an output returns its index."""

    def __init__(self, seed):
        self.random = np.random.RandomState(seed)
        self.tensors, self.buffers, self.operators, self.codes = [], [schema.BufferT()], [], []

    def tensor(self, shape, scales=(), zero_point=0, data=None, element=schema.TensorType.INT8, axis=0):
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = list(shape), element, 0
        tensor.name = f"t{len(self.tensors)}"
        if len(scales):
            quant = schema.QuantizationParametersT()
            quant.scale = np.asarray(scales, np.float32)
            quant.zeroPoint = np.full(len(scales), zero_point, np.int64)
            quant.quantizedDimension = axis
            tensor.quantization = quant
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def ints(self, values):
        values = np.asarray(values, np.int32)
        return self.tensor(values.shape, data=values, element=schema.TensorType.INT32)

    def weights(self, shape, axis, n_scales):
        scales = self.random.uniform(0.005, 0.02, n_scales)
        codes = self.random.randint(-127, 128, shape).astype(np.int8)
        return self.tensor(shape, scales, 0, codes, axis=axis)

    def bias(self, length):
        return self.ints(self.random.randint(-3000, 3000, length))

    def op(self, name, inputs, shape, scale, zero_point, chosen=None):
        code = getattr(schema.BuiltinOperator, name)
        if code not in self.codes:
            self.codes.append(code)
        output = self.tensor(shape, [scale], zero_point)
        operator = schema.OperatorT()
        operator.opcodeIndex = self.codes.index(code)
        operator.inputs, operator.outputs = list(inputs), [output]
        if chosen is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, chosen[0])
            operator.builtinOptions = chosen[1]
        self.operators.append(operator)
        return output

    def file(self, first, last):
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = [first], [last]
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], self.buffers, []
        for code in self.codes:
            entry = schema.OperatorCodeT()
            entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, 127), 1
            model.operatorCodes.append(entry)
        builder = flatbuffers.Builder(4096)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def windows():
    """An uneven border, overlapping pools that hang over the edge, all activations, no biases."""
    m = Maker(1)
    x = m.tensor([1, 11, 9, 3], [0.05], 7)
    y = m.op("PAD", [x, m.ints([[0, 0], [2, 1], [0, 2], [0, 0]])], [1, 14, 11, 3], 0.05, 7, options("PadOptions"))
    y = m.op("CONV_2D", [y, m.weights([6, 3, 3, 3], 0, 1)], [1, 6, 5, 6], 0.06, -100, conv(VALID, [2, 2], RELU6))
    z = m.op("MAX_POOL_2D", [y], [1, 3, 5, 6], 0.06, -100, pool(SAME, [2, 1], NONE, [3, 2]))
    z = m.op(
        "CONV_2D",
        [z, m.weights([5, 2, 3, 6], 0, 5), m.bias(5)],
        [1, 3, 5, 5],
        0.02,
        3,
        conv(SAME, [1, 1], NONE),
    )
    z = m.op("AVERAGE_POOL_2D", [z], [1, 3, 5, 5], 0.02, 3, pool(SAME, [1, 1], RELU_N1, [2, 4]))
    z = m.op("RESHAPE", [z, m.ints([1, 75])], [1, 75], 0.02, 3, options("ReshapeOptions"))
    z = m.op(
        "FULLY_CONNECTED",
        [z, m.weights([4, 75], 0, 4), m.bias(4)],
        [1, 4],
        0.07,
        -5,
        options("FullyConnectedOptions", fusedActivationFunction=NONE),
    )
    z = m.op("SOFTMAX", [z], [1, 4], 1 / 256, -128, options("SoftmaxOptions", beta=1.0))
    return m.file(x, z)


def one_row():
    """A row of samples that is expanded, reordered without moving, added to itself changed, pooled."""
    m = Maker(2)
    x = m.tensor([1, 21, 4], [0.03], -20)
    a = m.op("EXPAND_DIMS", [x, m.ints([1])], [1, 1, 21, 4], 0.03, -20, options("ExpandDimsOptions"))
    b = m.op(
        "DEPTHWISE_CONV_2D",
        [a, m.weights([1, 1, 5, 4], 3, 4), m.bias(4)],
        [1, 1, 21, 4],
        0.04,
        9,
        depthwise(SAME, [1, 1], NONE, 1),
    )
    c = m.op("ADD", [b, a], [1, 1, 21, 4], 0.045, -30, options("AddOptions", fusedActivationFunction=RELU))
    d = m.op("TRANSPOSE", [c, m.ints([0, 2, 1, 3])], [1, 21, 1, 4], 0.045, -30, options("TransposeOptions"))
    d = m.op("SQUEEZE", [d], [1, 21, 4], 0.045, -30, options("SqueezeOptions", squeezeDims=[2]))
    d = m.op("RESHAPE", [d, m.ints([1, 1, 21, 4])], [1, 1, 21, 4], 0.045, -30, options("ReshapeOptions"))
    d = m.op("AVERAGE_POOL_2D", [d], [1, 1, 7, 4], 0.045, -30, pool(VALID, [1, 2], NONE, [1, 8]))
    d = m.op(
        "CONV_2D",
        [d, m.weights([3, 1, 7, 4], 0, 3), m.bias(3)],
        [1, 1, 1, 3],
        0.1,
        0,
        conv(VALID, [5, 5], NONE),
    )
    return m.file(x, d)


NETWORKS = {"made-windows": windows, "made-one-row": one_row}
