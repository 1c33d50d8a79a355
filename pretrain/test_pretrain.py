"""Checks of the exact parts against plain loops: python3 -m unittest discover pretrain"""

import json
import unittest
from pathlib import Path

import numpy as np

import golden_forward
import make_data
import net
import quantize
import resample
import tensor_file
import topologies

HERE = Path(__file__).parent


def upscaled_pixel(image, oy, ox):
    """One output pixel, written out."""

    def taps(i):
        n = min(max((2 * i + 1) * 28 - 48, 0), 27 * 96)
        return n // 96, min(n // 96 + 1, 27), n % 96

    (y0, y1, fy), (x0, x1, fx) = taps(oy), taps(ox)
    p = [[int(image[y, x]) for x in (x0, x1)] for y in (y0, y1)]
    top = (96 - fx) * p[0][0] + fx * p[0][1]
    bottom = (96 - fx) * p[1][0] + fx * p[1][1]
    return ((96 - fy) * top + fy * bottom + 4608) // 9216


def convolution_by_loops(node, tensors, codes, parameters):
    """One sample through one convolution, with Python's own integers and one float32 product per value."""
    scale, zero_point = parameters
    weight, bias = tensors[node["weight"]], tensors[node["bias"]]
    outputs, kernel_height, kernel_width, inputs = weight.shape
    height, width, _ = codes.shape
    down, across = node["stride"]
    top, left, bottom, right = node["padding"]
    rows = (height + top + bottom - kernel_height) // down + 1
    columns = (width + left + right - kernel_width) // across + 1
    result = np.zeros((rows, columns, outputs), np.int8)
    for y, x, o in np.ndindex(*result.shape):
        total = int(bias[o])
        for ky, kx, i in np.ndindex(kernel_height, kernel_width, inputs):
            sy, sx = y * down + ky - top, x * across + kx - left
            if 0 <= sy < height and 0 <= sx < width:
                channel = o if node["depthwise"] else i
                total += (int(codes[sy, sx, channel]) - zero_point) * int(weight[o, ky, kx, i])
        factor = np.float32(float(scale) * float(tensors[node["weight_scale"]][o])
                            / float(np.float32(node["output_scale"])))
        rounded = round(float(np.float32(total) * factor))
        result[y, x, o] = min(max(rounded + node["output_zero_point"], -128), 127)
    return result


class Resample(unittest.TestCase):
    def test_equals_the_formula(self):
        image = make_data.formula_image()
        expected = [[upscaled_pixel(image, y, x) for x in range(48)] for y in range(48)]
        np.testing.assert_array_equal(resample.upscale(image), expected)

    def test_keeps_a_constant_image(self):
        for value in (0, 1, 254, 255):
            self.assertEqual(set(resample.upscale(np.full((28, 28), value, np.uint8)).flat), {value})


class TensorFile(unittest.TestCase):
    def test_reads_what_it_writes(self):
        tensors = {"a": np.arange(5, dtype=np.int8), "b": np.ones((2, 3), np.float32), "c": np.int32([7])}
        data = tensor_file.encode(tensors, {"key": "value"})
        self.assertEqual((8 + int.from_bytes(data[:8], "little")) % 16, 0)
        decoded, metadata = tensor_file.decode(data)
        self.assertEqual(metadata, {"key": "value"})
        self.assertEqual(set(decoded), set(tensors))
        for name, array in tensors.items():
            np.testing.assert_array_equal(decoded[name], array)


class Quantize(unittest.TestCase):
    def test_scales_read_back_exactly(self):
        for scale in np.random.default_rng(1).lognormal(-4, 3, 1000).astype(np.float32):
            self.assertEqual(np.float32(json.loads(json.dumps(quantize.shortest(scale)))), scale)

    def test_rounds_half_to_even(self):
        np.testing.assert_array_equal(quantize.half_even(np.float32([-1.5, -0.5, 0.5, 1.5, 2.5])), [-2, 0, 0, 2, 2])

    def test_forward_equals_loops(self):
        for model, data in (("keyboard", "keyboard-digits"), ("watch", "watch-person")):
            with self.subTest(model):
                self.check_forward(model, data)

    def check_forward(self, model, data):
        description, tensors = quantize.load(HERE / f"../static/models/{model}.safetensors")
        samples, _ = tensor_file.read(HERE / f"../static/data/{data}.safetensors.gz")
        codes = golden_forward.input_codes(samples["learn_x"][:1])
        _, values = quantize.forward(description, tensors, codes)
        values = [codes, *values]
        entry = description["input"]
        parameters = [(np.float32(entry["scale"]), entry["zero_point"])]
        for index, node in enumerate(description["nodes"][:-2]):
            parameters.append((np.float32(node["output_scale"]), node["output_zero_point"]))
            if node["op"] == "conv" and values[index + 1].size <= 4000:
                source = node["input"]
                expected = convolution_by_loops(node, tensors, values[source][0], parameters[source])
                np.testing.assert_array_equal(values[index + 1][0], expected, node["name"])


class Topology(unittest.TestCase):
    def test_fits_a_microcontroller(self):
        for topology, last in ((topologies.KEYBOARD, (2, 2)), (topologies.WATCH, (1, 8))):
            multiply_accumulates, extent = net.multiplies(topology)
            self.assertLessEqual(multiply_accumulates, 8_000_000)
            self.assertEqual(extent, last)


if __name__ == "__main__":
    unittest.main()
