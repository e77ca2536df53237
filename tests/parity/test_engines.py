"""PyTorch = ONNX Runtime = OpenVINO, on random weights and on the shipped ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch
from torch import nn

from shizi import weights
from shizi.nets import onnx as graphs
from shizi.nets.spec import CRNNSpec, CTPNSpec, OrientationSpec
from shizi.nets.torch import build as build_torch
from shizi.nets.torch.crnn import CRNN
from shizi.nets.torch.ctpn import CTPN
from shizi.nets.torch.orientation import Orientation
from shizi.weights import Network

SHAPES = {
    "crnn": [(1, 48, 64, 3), (3, 48, 320, 3)],
    "ctpn": [(1, 128, 192, 3), (3, 320, 64, 3)],
    "orientation": [(1, 48, 192, 3), (4, 48, 192, 3)],
}


def build(network: Network, classes: int) -> tuple[nn.Module, Any]:
    if network == "crnn":
        return CRNN(CRNNSpec(classes=classes)), graphs.crnn
    if network == "ctpn":
        return CTPN(CTPNSpec()), graphs.ctpn
    return Orientation(OrientationSpec()), graphs.orientation


def run_torch(net: nn.Module, batch: np.ndarray, network: Network) -> np.ndarray:
    with torch.inference_mode():
        output = net.eval()(torch.from_numpy(batch))
        return output.numpy()


def run_engines(path: Path, batch: np.ndarray) -> list[np.ndarray]:
    ort = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [ort.run(None, {"images": batch})[0], np.array(compiled([batch])[0])]


@pytest.mark.parametrize("network", weights.NETWORKS)
def test_random_weights(network: Network, tmp_path: Path) -> None:
    torch.manual_seed(1)
    net, graph = build(network, classes=300)
    state = {k: v.numpy() for k, v in net.state_dict().items()}
    path = tmp_path / "net.onnx"
    onnx.save(graph(net.spec, state), str(path))
    stored = graphs.load_state(path)  # half precision where the file says so
    assert stored.keys() == state.keys()
    for key, value in stored.items():
        assert np.allclose(value, state[key], atol=2e-3), key
    net.load_state_dict({k: torch.from_numpy(v) for k, v in stored.items()})
    rng = np.random.default_rng(0)
    for shape in SHAPES[network]:
        batch = rng.integers(0, 256, shape, dtype=np.uint8)
        expected = run_torch(net, batch, network)
        for got in run_engines(path, batch):
            assert np.abs(got - expected).max() < 1e-4


@pytest.mark.parametrize("network", weights.NETWORKS)
def test_shipped_weights(network: Network) -> None:
    net = build_torch(weights.spec(network))
    state = graphs.load_state(weights.file(network))
    net.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    rng = np.random.default_rng(1)
    for shape in SHAPES[network]:
        batch = rng.integers(0, 256, shape, dtype=np.uint8)
        expected = run_torch(net, batch, network)
        for got in run_engines(weights.file(network), batch):
            assert np.abs(got - expected).max() < 1e-3 * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("network", weights.NETWORKS)
def test_cards_fit_their_files(network: Network) -> None:
    weights.verify(network)
    card = weights.card(network)
    assert card.network == network
    assert card.initial
    assert card.data


def test_pictures_are_turned_while_they_are_bytes() -> None:
    """The detector takes an eighth less time so, for a picture of floats is four times as much."""
    nodes = onnx.load(str(weights.file("ctpn"))).graph.node
    assert [n.op_type for n in nodes if "images" in n.input] == ["Transpose"]
