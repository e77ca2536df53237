#!/usr/bin/env bash
# Reading pictures in the smallest environment, under 350 MB: make small (needs uv).
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uv venv -q "$folder/venv"
uv pip install -q --python "$folder/venv/bin/python" '.[onnx]'
megabytes=$(du -sm "$folder/venv" | cut -f1)
echo "$megabytes MB"
((megabytes < 350))
text=$("$folder/venv/bin/shizi" read samples/sign.jpg)
echo "$text"
grep -qF '營業時間' <<<"$text"
