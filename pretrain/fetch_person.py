"""Copy the Person network out of the archive of the package microflow, and write down where it comes from.

    cargo fetch && python3 fetch_person.py [--crate microflow-0.1.3.crate] [--static DIR]

Without --crate, the archive is looked for where `cargo fetch` puts it. Archive and network must have the SHA-256 that
stands here; that of the archive is the one in Cargo.lock.
"""

import argparse
import hashlib
import os
import tarfile
from pathlib import Path

import provenance

PACKAGE = "microflow-0.1.3"
PACKAGE_SHA256 = "bc27eac83de61698f5dcb17066637ec3734afe40f0f5cb69987bfaf6726763ee"
NETWORK_SHA256 = "808cfdfc0cf3a6fa6f6fa26bfa379ea97c16d5db7334637766e39c3408502e9d"

NOTICE = """\
person.tflite is the file models/person_detect.tflite of the package microflow 0.1.3 (crates.io), unchanged: the person
detector of TensorFlow Lite Micro, Copyright The TensorFlow Authors, Apache License 2.0. microflow, Copyright (c) 2024
Matteo Carnelos, is licensed under MIT or Apache-2.0, at your option. Both licences follow.

"""


def cached():
    """The archive in cargo's cache."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    found = sorted(home.glob(f"registry/cache/*/{PACKAGE}.crate"))
    if not found:
        raise SystemExit(f"{PACKAGE}.crate is not in {home}/registry/cache; run `cargo fetch` in the repository first.")
    return found[0]


def checked(what, data, expected):
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise SystemExit(f"{what} has the SHA-256 {found}, not {expected}; nothing was written.")
    return data


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crate", type=Path)
    parser.add_argument("--static", type=Path, default=provenance.STATIC)
    options = parser.parse_args()
    archive = options.crate or cached()
    checked(archive.name, archive.read_bytes(), PACKAGE_SHA256)
    with tarfile.open(archive) as files:
        network, mit, apache = (
            files.extractfile(f"{PACKAGE}/{name}").read()
            for name in ("models/person_detect.tflite", "LICENSE-MIT", "LICENSE-APACHE")
        )
    checked("models/person_detect.tflite", network, NETWORK_SHA256)
    models = options.static / "models"
    (models / "person.tflite").write_bytes(network)
    (models / "person.LICENSE.txt").write_bytes(NOTICE.encode() + mit + b"\n" + apache)
    provenance.update(options.static, {
        "person": {
            "file": "models/person.tflite",
            "task": "whether a person is in a grey image of 96x96; its classifier is replaced by a new one",
            "recipe": "pretrain/fetch_person.py, which changes nothing",
            "input": "96x96x1, grey; code = pixel - 128",
            "topology": "MobileNetV1, width 0.25: 27 convolutions, average pooling, classifier",
            "sources": [
                {
                    "package": "crates.io microflow",
                    "version": "0.1.3",
                    "sha256": PACKAGE_SHA256,
                    "data": "models/person_detect.tflite, byte-identical to the person detector of TensorFlow Lite"
                            " Micro, trained on Visual Wake Words",
                    "licence": "MIT or Apache-2.0, as the package; Apache-2.0, as TensorFlow Lite Micro",
                },
            ],
            "licence": "Apache-2.0; static/models/person.LICENSE.txt",
        },
    })


if __name__ == "__main__":
    main()
