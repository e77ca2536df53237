#!/usr/bin/env bash
# Reading with the oldest versions that pyproject.toml allows: make floors (needs uv).
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uv venv -q "$folder/venv"
uv pip install -q --python "$folder/venv/bin/python" --resolution lowest-direct \
    '.[openvino,onnx,pdf,eval]' 'pytest>=8.3' 'hypothesis>=6.130'
"$folder/venv/bin/python" -m pytest -q -p no:cacheprovider \
    tests/golden tests/cli tests/test_image.py tests/test_image_damage.py tests/test_pages.py tests/test_pages_pdf.py \
    tests/test_formats.py tests/test_detection.py tests/test_recognition.py
