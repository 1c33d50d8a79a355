"""Ask the TensorFlow Lite Micro interpreter for the codes of real networks, and of made ones.

    python3 -m venv ENV && ENV/bin/pip install tflite-micro==0.dev20261023182759
    ENV/bin/python tflm.py FOLDER... [--dump FOLDER]

Every FOLDER is searched for the files of NETWORKS; all of them must be found. The made ones come
from `tflm_made.py`, and the record holds their files. Writes `tests/vectors/tflm.json` and its checksum in the manifest. `--dump` also writes every int8 tensor
of the first input, as `NETWORK/TENSOR.bin`, to look for the first layer that differs.
"""

import argparse
import hashlib
import importlib.metadata
import json
from pathlib import Path

import numpy as np
from tflite_micro.python.tflite_micro import runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

import tflm_made

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
NETWORKS = [
    "person_detect",
    "speech",
    "sine",
    "vww_96_int8",
    "pretrainedResnet_quant",
    "kws_ref_model",
    "str_ww_ref_model",
    "ad01_int8",
    "tinyengine-vww",
]
N_INPUTS = 16
FORMULA = (
    "input 0: x[i] = (37 * i + 11) mod 256 - 128; input k > 0, in uint32 arithmetic: "
    "state = 2654435761 * k, then for every i: state = 1664525 * state + 1013904223, "
    "x[i] = ((state >> 24) - 128) >> (k mod 3), the last shift arithmetic"
)
# Starts of the answers to input 0 that were seen with this interpreter before this file was written.
KNOWN = {
    "person_detect": [66, -66],
    "speech": [-128, -122, -116, 110],
    "sine": [37],
    "vww_96_int8": [121, -121],
    "pretrainedResnet_quant": [-128, -128, -51, -128, -128, -128, -101, -128, 24, -128],
    "str_ww_ref_model": [-128, -128, 127],
    "ad01_int8": [-36, 10, 40, 56, 51, 52, 49, 66, 53, 51, 52, 46],
}


def codes_of(k, length):
    if k == 0:
        return ((37 * np.arange(length) + 11) % 256 - 128).astype(np.int8)
    state, codes = 2654435761 * k % 2**32, []
    for _ in range(length):
        state = (1664525 * state + 1013904223) % 2**32
        codes.append(((state >> 24) - 128) >> (k % 3))
    return np.asarray(codes, np.int8)


class Network:
    """A file, and the tensors at its rims that hold int8 codes."""

    def __init__(self, data):
        self.bytes = data
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(self.bytes, 0))
        self.graph = model.subgraphs[0]
        self.codes = [code.builtinCode or code.deprecatedBuiltinCode for code in model.operatorCodes]
        first, last = self.graph.operators[0], self.graph.operators[-1]
        self.input = first.outputs[0] if self.is_op(first, "QUANTIZE") else None
        self.softmax = None
        self.logits = self.graph.outputs[0]
        if self.is_op(last, "DEQUANTIZE"):
            self.logits = last.inputs[0]
        if self.is_op(last, "SOFTMAX"):
            self.softmax, self.logits = self.logits, last.inputs[0]
        self.interpreter = runtime.Interpreter.from_bytes(
            self.bytes,
            arena_size=16 << 20,
            intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
        )

    def is_op(self, operator, name):
        return self.codes[operator.opcodeIndex] == getattr(schema.BuiltinOperator, name)

    def tensor(self, index):
        return self.interpreter.GetTensor(int(index), 0)["tensor_data"]

    def run(self, k):
        details = self.interpreter.get_input_details(0)
        codes = codes_of(k, int(np.prod(details["shape"]))).reshape(details["shape"])
        if self.input is None:
            self.interpreter.set_input(codes, 0)
        else:
            quant = self.graph.tensors[self.input].quantization
            real = (codes.astype(np.float32) - np.float32(quant.zeroPoint[0])) * np.float32(quant.scale[0])
            self.interpreter.set_input(real, 0)
        self.interpreter.invoke()
        if self.input is not None:
            assert (self.tensor(self.input).reshape(-1) == codes.reshape(-1)).all()
        answer = {"logits": self.tensor(self.logits).reshape(-1).tolist()}
        if self.softmax is not None:
            answer["softmax"] = self.interpreter.get_output(0).reshape(-1).tolist()
        return answer

    def dump(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        for operator in self.graph.operators:
            for index in operator.outputs:
                if self.graph.tensors[index].type == schema.TensorType.INT8:
                    (folder / f"{index}.bin").write_bytes(self.tensor(index).tobytes())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="+", type=Path)
    parser.add_argument("--dump", type=Path)
    arguments = parser.parse_args()
    files = {}
    for name in NETWORKS:
        paths = [folder / f"{name}.tflite" for folder in arguments.folder]
        path = next((path for path in paths if path.exists()), None)
        if path is None:
            raise SystemExit(f"{name}.tflite is in none of the folders")
        files[name] = path.read_bytes()
    files |= {name: make() for name, make in tflm_made.NETWORKS.items()}
    networks = []
    for name, data in files.items():
        network = Network(data)
        answers = []
        for k in range(N_INPUTS):
            answers.append(network.run(k))
            if k == 0 and arguments.dump:
                network.dump(arguments.dump / name)
        found = answers[0].get("softmax", answers[0]["logits"])
        known = KNOWN.get(name, [])
        assert found[: len(known)] == known, f"{name}: {found} instead of {known}"
        if name == "kws_ref_model":
            assert found[11] == 127
        digest = hashlib.sha256(network.bytes).hexdigest()
        made = {"file": data.hex()} if name in tflm_made.NETWORKS else {}
        networks.append({"name": name, "sha256": digest, **made, "answers": answers})
        print(name, found[:12])
    record = {
        "generator": "tests/oracle/tflm.py",
        "interpreter": f"tflite-micro {importlib.metadata.version('tflite-micro')}",
        "input": FORMULA,
        "networks": networks,
    }
    data = json.dumps(record, separators=(",", ":")).encode() + b"\n"
    (VECTORS / "tflm.json").write_bytes(data)
    manifest_path = VECTORS / "manifest.json"
    manifest = json.loads(manifest_path.read_text())
    manifest["sha256"]["tflm.json"] = hashlib.sha256(data).hexdigest()
    manifest["sha256"] = dict(sorted(manifest["sha256"].items()))
    manifest_path.write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
