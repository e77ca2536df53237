"""All six nets: Keras says what PyTorch says, on every backend; weights go both ways.

In this process Keras runs on the backend that KERAS_BACKEND names, or on PyTorch; a second
process runs the default line nets on TensorFlow.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import pytest
import torch
from tiny import SPECS

from shizi import ctc, weights
from shizi.errors import WeightsError
from shizi.nets.keras import build as build_keras
from shizi.nets.keras.convert import from_keras, to_keras
from shizi.nets.keras.runtime import KerasRuntime
from shizi.nets.onnx import load_state
from shizi.nets.spec import CRNNSpec, CTPNSpec, OrientationSpec, Spec, VGGCRNNSpec, VGGCTPNSpec
from shizi.nets.torch import build as build_torch
from shizi.nets.torch.runtime import TorchRuntime
from shizi.weights import Network

# Keras 3.15 hands its variables to NumPy 2 by the old protocol.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def random_state(spec: Spec) -> dict[str, np.ndarray]:
    """Weights of a PyTorch net, the batch norms' statistics too."""
    torch.manual_seed(1)
    state = build_torch(spec).state_dict()
    for key, value in state.items():
        if key.endswith("running_mean"):
            value.normal_(0, 0.1)
        if key.endswith("running_var"):
            value.uniform_(0.5, 2)
    return {k: v.numpy() for k, v in state.items()}


def pictures(spec: Spec, width: int) -> np.ndarray:
    match spec:
        case CRNNSpec() | VGGCRNNSpec():
            size = (3, spec.height, width, 3)
        case CTPNSpec() | VGGCTPNSpec():
            size = (1, 96, width, 3)
        case OrientationSpec():
            size = (3, spec.height, spec.width, 3)
        case _:
            size = (3, spec.height, spec.width, 3)
    return np.random.default_rng(2).integers(0, 256, size, np.uint8)


@pytest.mark.parametrize("name", SPECS)
def test_keras_says_what_pytorch_says(name: str) -> None:
    spec = SPECS[name]
    state = random_state(spec)
    ours, theirs = KerasRuntime(spec, state), TorchRuntime(spec, state)
    for width in (64, 96):
        images = pictures(spec, width)
        said, expected = ours(images), theirs(images)
        assert said.shape == expected.shape
        assert np.allclose(said, expected, atol=1e-4)
        assert np.ptp(said) > 1e-3  # or all nets would be alike


@pytest.mark.parametrize("name", SPECS)
def test_weights_come_back_as_they_went(name: str) -> None:
    spec = SPECS[name]
    state = {k: v for k, v in random_state(spec).items() if "num_batches" not in k}
    model = build_keras(spec)
    to_keras(state, model)
    back = from_keras(model)
    assert back.keys() == state.keys()
    for key, value in state.items():
        if "bias_ih" in key and "gru" not in name and not name.startswith("crnn"):  # an LSTM's
            other = key.replace("bias_ih", "bias_hh")
            assert np.array_equal(back[key], value + state[other])
            assert not back[other].any()
        elif "bias_hh" not in key or "gru" in name or name.startswith("crnn"):
            assert np.array_equal(back[key], value), key
    build_torch(spec).load_state_dict({k: torch.from_numpy(v) for k, v in back.items()})
    to_keras(back, model)
    again = from_keras(model)
    assert all(np.array_equal(back[key], again[key]) for key in back)


def test_weights_of_another_net_are_refused() -> None:
    spec = SPECS["crnn"]
    state = random_state(spec)
    with pytest.raises(WeightsError, match="squeeze does not fit"):
        to_keras(state, build_keras(replace(spec, squeeze=20)))
    model = build_keras(spec)
    with pytest.raises(WeightsError, match=r"it has no neck\.weight"):
        to_keras({**state, "neck.weight": np.zeros(1)}, model)
    del state["embed.weight"]
    with pytest.raises(WeightsError, match="embed does not fit"):
        to_keras(state, model)


@pytest.mark.parametrize("network", ["orientation", "ctpn", "crnn"])
def test_the_shipped_weights_read_the_same(network: Network) -> None:
    spec, state = weights.spec(network), load_state(weights.file(network))
    images = pictures(spec, 160)[:1]
    said = KerasRuntime(spec, state)(images)
    expected = TorchRuntime(spec, state)(images)
    assert np.allclose(said, expected, atol=1e-4)
    if network == "crnn":
        read, wanted = ([s.id for s in ctc.greedy(p[0])] for p in (said, expected))
        assert read == wanted


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="is the second process")
@pytest.mark.skipif(not importlib.util.find_spec("tensorflow"), reason="needs TensorFlow")
def test_the_same_on_tensorflow() -> None:
    tests = [f"{__file__}::test_keras_says_what_pytorch_says[{name}]" for name in ("crnn", "ctpn")]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
