"""Write down where the Watch network and its windows come from.

    python3 provenance_watch.py seglearn-1.2.5-py3-none-any.whl --work DIR [--static DIR]

DIR is the work directory of train_watch.py.
"""

import argparse
import json
from pathlib import Path

import golden_forward
import make_watch_data
import provenance
import quantize
import tensor_file
import topologies
import watch_data


def source(wheel):
    return {
        "package": "PyPI seglearn",
        "version": "1.2.5",
        "sha256": provenance.sha256(wheel),
        "data": "part of SPAR (smart-watch recordings of shoulder exercises), David M. Burns et al.",
        "licence": "BSD-3-Clause, as the wheel",
        "citation": "D. M. Burns, N. Leung, M. Hardisty, C. M. Whyne, P. Henry, S. McLachlin: Shoulder physiotherapy"
                    " exercise recognition: machine learning the inertial signals from a smartwatch. Physiological"
                    " Measurement 39(7) (2018) 075007, doi:10.1088/1361-6579/aacfd9",
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--static", type=Path, default=provenance.STATIC)
    options = parser.parse_args()
    report = json.loads((options.work / "watch-report.json").read_text())
    description, tensors = quantize.load(options.static / "models/watch.safetensors")
    samples, metadata = tensor_file.read(options.static / "data/watch-person.safetensors.gz")
    described = json.loads(metadata[make_watch_data.METADATA_KEY])
    people = ", ".join(map(str, watch_data.PRETRAINING_PEOPLE))
    accuracy = report.pop("accuracy")
    logits, _ = quantize.forward(description, tensors, golden_forward.input_codes(samples["test_x"]))
    right = int((logits.argmax(1) == samples["test_y"]).sum())
    kept = "nobody above person 8 was used anywhere"
    sections = {
        "watch": {
            "file": "models/watch.safetensors",
            "task": f"seven shoulder exercises by the right arms of people {people}; left arms are new to the network:"
                    " none was used for training or calibration",
            "choice_of_recipe": "one recipe was tried; it was judged by the right arm of person"
                                f" {watch_data.VALIDATION_PERSON}, and update policy and learning rates were chosen by"
                                " this person's left arm",
            "recipe": "pretrain/build_watch.sh",
            "input": f"1x{watch_data.WINDOW}x{len(watch_data.CHANNELS)}, {watch_data.RATE_HZ} Hz; code ="
                     " 32 * (value - mean) / deviation of its channel, half to even, clamped",
            "channels": described["channels"],
            **provenance.network_facts(topologies.WATCH, tensors),
            "training": report,
            "accuracy": accuracy,
            "sources": [source(options.wheel)],
            "tools": provenance.tools(("python3", "python3-numpy", "python3-torch")),
        },
        "watch-person": {
            "file": "data/watch-person.safetensors.gz",
            "recipe": "pretrain/make_watch_data.py",
            "contents": f"left arm of person {watch_data.SHIPPED_PERSON}: learn: {len(samples['learn_y'])} windows, the"
                        f" first {watch_data.LEARN_WINDOWS} of each exercise; test: {len(samples['test_y'])} windows of"
                        f" the rest of the same recordings; {kept}",
            "before_learning": {"windows": len(logits), "right_answers": right},
            "sources": [source(options.wheel)],
            "licence": "BSD-3-Clause, as the wheel; static/data/watch-person.LICENSE.txt",
        },
    }
    provenance.update(options.static, sections)
    print(json.dumps(accuracy, indent=2))


if __name__ == "__main__":
    main()
