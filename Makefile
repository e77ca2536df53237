# Everything runs in .venv, which the targets make when it is missing. Start with: make help
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(if $(shell command -v uv 2>/dev/null),uv pip install --python $(BIN)/python,$(BIN)/python -m pip install --disable-pip-version-check -q)
READ   := $(BIN)/shizi read

# The CPU build of PyTorch is a third of the size of the CUDA build. Where the package index
# has only the CUDA build under this version, it works on a CPU as well.
TORCH       ?= torch==2.13.0
TORCH_INDEX ?=

# OpenVINO is the faster engine; where it has no build, ONNX Runtime reads.
ENGINE ?= $(if $(filter Darwin-x86_64,$(shell uname -s)-$(shell uname -m)),onnx,openvino)

.DEFAULT_GOAL := help
.PHONY: help demo test soak cluster floors small lint setup-cpu setup-gpu setup-dev wheel clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup-cpu ## read the samples, print their text, write annotated pictures to demo/
	$(READ) samples --draw demo
	@echo
	@echo "Annotated pictures: $(CURDIR)/demo"

test: setup-dev ## ruff, mypy and pytest
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest

soak: setup-dev ## long runs on damaged files, odd pictures and many threads: about an hour
	$(BIN)/python tests/soak.py

cluster: setup-dev ## a batch on a Ray cluster while machines of it die: one or two minutes, Ray takes 240 MB
	$(PIP) -e '.[dev,ray]'
	$(BIN)/python -m pytest tests/batch_ray.py

floors: ## reading with the oldest versions that pyproject.toml allows (needs uv)
	tests/floors.sh

small: ## reading in the smallest environment, under 350 MB (needs uv)
	tests/small.sh

lint: setup-dev ## ruff and mypy
	$(BIN)/ruff check shizi tests
	$(BIN)/mypy

setup-cpu: $(VENV)/.cpu ## reading on a CPU: no torch
setup-gpu: $(VENV)/.gpu ## training and reading, PyTorch with CUDA
setup-dev: $(VENV)/.dev ## tests and training on a CPU

wheel: $(BIN)/python ## dist/*.whl, the weights inside
	rm -rf build dist
	if command -v uv >/dev/null; then uv build --wheel; else $(BIN)/python -m pip wheel -q --no-deps -w dist .; fi
	@ls -l dist

clean: ## remove what the other targets made, .venv included
	rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find shizi tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	if command -v uv >/dev/null; then uv venv --python $(PYTHON) $(VENV); else $(PYTHON) -m venv $(VENV); fi

# A stamp a set of extras: rebuilt when the project's dependencies change.
$(VENV)/.cpu: pyproject.toml | $(BIN)/python
	$(PIP) -e '.[$(ENGINE),pdf]'
	touch $@

$(VENV)/.gpu: pyproject.toml | $(BIN)/python
	$(PIP) $(TORCH)
	$(PIP) -e '.[$(ENGINE),pdf,train,bench]'
	$(BIN)/python -c 'import torch; print("CUDA:", torch.cuda.get_device_name() if torch.cuda.is_available() else "not available here")'
	touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(PIP) $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	$(PIP) -e '.[dev]'
	touch $@
