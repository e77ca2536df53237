"""Weights between PyTorch and Keras: the same numbers, other names and layouts.

A Keras layer is called as the PyTorch module, with ``-`` for ``.``; the kind of layer tells how
its arrays lie:

============== ================================== ===================================
layer          PyTorch                            Keras
============== ================================== ===================================
convolution    weight (out, in, h, w)             kernel (h, w, in, out)
linear         weight (out, in)                   kernel (in, out)
batch norm     weight, bias, running_mean, _var   gamma, beta, moving_mean, _variance
GRU            gates r z n, two biases            gates z r n, bias (2, 3 H)
LSTM           gates i f g o, two biases          gates i f g o, one bias: their sum
============== ================================== ===================================

Every array survives the way there and back, but for the LSTM's two biases, of which only the sum
counts: PyTorch gets it as ``bias_ih``, and zeros as ``bias_hh``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from shizi.errors import WeightsError

Array = NDArray[np.float32]
State = Mapping[str, Array]

NORM = ("weight", "bias", "running_mean", "running_var")
"""A PyTorch batch norm's arrays, in the order of Keras."""


def to_keras(state: State, model: keras.Model) -> None:
    """Give a model the weights of its PyTorch twin.

    Args:
        state: PyTorch names and layouts; a batch norm's step count is not needed.
        model: of :func:`shizi.nets.keras.build`.

    Raises:
        WeightsError: the state is of another net.
    """
    used: set[str] = set()
    for name, layer in _weighted(model):
        try:
            own = {k: np.asarray(state[k], np.float32) for k in _keys(name, layer)}
            layer.set_weights(_pack(name, layer, own))
        except (KeyError, ValueError) as error:
            raise WeightsError(f"weights of another net: {name} does not fit ({error})") from error
        used.update(own)
    left = {k for k in state if not k.endswith("num_batches_tracked")} - used
    if left:
        raise WeightsError(f"weights of another net: it has no {', '.join(sorted(left)[:3])}")


def from_keras(model: keras.Model) -> dict[str, Array]:
    """Return a model's weights by the names and in the layouts of its PyTorch twin."""
    state: dict[str, Array] = {}
    for name, layer in _weighted(model):
        arrays = [keras.ops.convert_to_numpy(v) for v in layer.weights]
        state.update(_unpack(name, layer, arrays))
    return state


def _weighted(model: keras.Model) -> Iterator[tuple[str, Any]]:
    for layer in model.layers:
        if layer.weights:
            yield layer.name.replace("-", "."), layer


def _keys(name: str, layer: Any) -> list[str]:
    match layer:
        case layers.BatchNormalization():
            return [f"{name}.{part}" for part in NORM]
        case layers.Bidirectional():
            parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            return [f"{name}.{p}_l0{end}" for end in ("", "_reverse") for p in parts]
        case _:
            return [f"{name}.{part}" for part in ("weight", "bias")]


def _pack(name: str, layer: Any, state: State) -> list[Array]:
    """Arrange a layer's arrays as ``layer.set_weights`` wants them."""
    arrays = [state[key] for key in _keys(name, layer)]
    match layer:
        case layers.Bidirectional():
            gru = isinstance(layer.forward_layer, layers.GRU)
            return [a for one in (arrays[:4], arrays[4:]) for a in _pack_direction(one, gru)]
        case layers.BatchNormalization():
            return arrays
        case _:
            weight, bias = arrays
            return [weight.T if weight.ndim == 2 else weight.transpose(2, 3, 1, 0), bias]


def _unpack(name: str, layer: Any, arrays: list[Array]) -> dict[str, Array]:
    """Inverse of :func:`_pack`."""
    match layer:
        case layers.Bidirectional():
            gru = isinstance(layer.forward_layer, layers.GRU)
            values = [a for one in (arrays[:3], arrays[3:]) for a in _unpack_direction(one, gru)]
        case layers.BatchNormalization():
            values = arrays
        case _:
            kernel, bias = arrays
            values = [kernel.T if kernel.ndim == 2 else kernel.transpose(3, 2, 0, 1), bias]
    keys = _keys(name, layer)
    return {k: np.ascontiguousarray(v) for k, v in zip(keys, values, strict=True)}


def _pack_direction(arrays: list[Array], gru: bool) -> list[Array]:
    """Turn weight_ih, weight_hh, bias_ih, bias_hh into kernel, recurrent kernel, bias."""
    if gru:
        arrays = [_swap(a) for a in arrays]
    weight_ih, weight_hh, bias_ih, bias_hh = arrays
    bias = np.stack([bias_ih, bias_hh]) if gru else bias_ih + bias_hh
    return [weight_ih.T, weight_hh.T, bias]


def _unpack_direction(arrays: list[Array], gru: bool) -> list[Array]:
    """Inverse of :func:`_pack_direction`, but for the LSTM's biases."""
    kernel, recurrent, bias = arrays
    if gru:
        return [_swap(a) for a in (kernel.T, recurrent.T, *bias)]
    return [kernel.T, recurrent.T, bias, np.zeros_like(bias)]


def _swap(gates: Array) -> Array:
    """Exchange the first two gates of a GRU's array: r z n to z r n, and back."""
    first, second, third = np.split(gates, 3)
    return np.concatenate([second, first, third])
