#!/bin/sh
# Make the Watch network and its windows in static/models and static/data again.
# usage: pretrain/build_watch.sh seglearn-1.2.5-py3-none-any.whl [work directory]
set -eu

here=$(dirname "$(readlink -f "$0")")
wheel=$1
work=${2:-$(mktemp -d)}
python=${PYTHON:-/usr/bin/python3}
model=$here/../static/models/watch.safetensors
data=$here/../static/data/watch-person.safetensors.gz

# Waiting threads must not spin when other programs use the processor too.
export OMP_WAIT_POLICY=passive PYTHONDONTWRITEBYTECODE=1

"$python" "$here/make_watch_data.py" "$wheel" --output "$data"
"$python" "$here/train_watch.py" "$wheel" --output "$model" --work "$work"
"$python" "$here/golden_forward.py" --model "$model" --data "$data" --output "$here/golden-forward-watch.json"
"$python" "$here/provenance_watch.py" "$wheel" --work "$work"
