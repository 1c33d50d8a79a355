"""Shared parts of the records of where everything that ships comes from, static/models/PROVENANCE.json."""

import hashlib
import json
import subprocess
from pathlib import Path

import net

STATIC = Path(__file__).parent.parent / "static"


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def debian_version(package):
    query = ["dpkg-query", "--showformat=${Version}", "--show", package]
    return subprocess.run(query, check=True, capture_output=True, text=True).stdout


def tools(packages):
    return {package: debian_version(package) for package in packages}


def topology_rows(topology):
    rows = []
    for op in net.operators(topology):
        if isinstance(op, net.Conv):
            size = f"{op.kernel[0]}x{op.kernel[1]}"
            kind = f"{'depthwise' if op.depthwise else 'conv'} {size} stride {max(op.stride)}"
            activation = "relu6" if op.relu6 else "linear"
            rows.append(f"{op.name}: {kind}, {op.inputs} -> {op.outputs}, {activation}")
        else:
            rows.append(f"{op.name}: output of {op.shortcut} + output of the line above")
    _, (height, width) = net.multiplies(topology)
    return [
        *rows,
        f"pool: average over {height}x{width}",
        f"classifier: {topology.features} -> {len(topology.classes)}, float32",
    ]


def network_facts(topology, tensors):
    """What is derived from the topology and the quantized tensors."""
    return {
        "topology": topology_rows(topology),
        "multiply_accumulates": net.multiplies(topology)[0],
        "int8_weights": sum(array.size for array in tensors.values() if array.dtype == "int8"),
        "quantization": "after training, batch normalization folded; weights symmetric per output channel,"
                        " activations asymmetric per tensor; classifier float32",
    }


def update(static, sections):
    """Put sections in the place of those of the same name, and list all files anew."""
    target = static / "models/PROVENANCE.json"
    record = json.loads(target.read_text()) if target.exists() else {}
    files = [p for part in ("models", "data") for p in sorted((static / part).iterdir()) if p != target]
    record |= sections
    record["files"] = {
        f"{path.parent.name}/{path.name}": {"bytes": path.stat().st_size, "sha256": sha256(path)} for path in files
    }
    ordered = {"files": record.pop("files")} | record
    target.write_text(json.dumps(ordered, indent=2, ensure_ascii=False) + "\n")
