"""Convolutions in INT8, for OpenVINO: a quarter off a network's time on processors with VNNI.

After Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", section 2. What comes to a convolution is rounded to 256 steps
of a range that was measured, and of its kernels each to 255 steps of its own range. Files keep
their floating point: they are what training goes on from, and what other processors run. Their
kernels are rounded already (:mod:`shizi.train.measure`), so rounding them here changes nothing.

The stem, the depthwise convolutions, the gates of squeeze-and-excitation, recurrent layers and the
classifier stay as they are: little or nothing is gained by them, and a network whose gates, pooling
and input were counted in bytes too misread three times as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shizi.cpu import cpu_features

TINY = 1e-6
"""A range is not narrower, though all is nought."""

Range = tuple[float, float]
"""Least and greatest of what comes to a convolution."""


def multiplies_bytes() -> bool:
    """Say whether the processor sums products of bytes exactly, four at once, as this needs."""
    return not {"avx512_vnni", "avx_vnni", "amx_int8"}.isdisjoint(cpu_features())


def convolutions(model: Any) -> dict[str, Any]:
    """Return the nodes of a model that are worth it: those behind the stem that see many places.

    Returns:
        The nodes by their layer's name, as in a state of PyTorch's.
    """
    found, stem = {}, True
    for node in model.get_ordered_ops():
        stem = stem and node.get_type_name() != "GroupConvolution"  # blocks begin with one
        if stem or node.get_type_name() != "Convolution":
            continue
        rows = node.input(0).get_partial_shape()[2]
        if rows.is_dynamic or rows.get_length() > 1:  # else a gate's, which sees a mean
            found[_constant(node).get_friendly_name().removesuffix(".weight")] = node
    return found


def count_in_bytes(model: Any, ranges: Mapping[str, Range]) -> None:
    """Mark what is rounded to bytes in a model; OpenVINO then computes with them.

    Args:
        model: changed.
        ranges: of what comes to its convolutions, by layer; others stay as they are.
    """
    for name, node in convolutions(model).items():
        if name not in ranges:
            continue
        low, high = min(ranges[name][0], 0.0), max(ranges[name][1], TINY)
        step = (high - low) / 255
        low = round(low / step) * step  # nought is one of the steps, for the padding
        _round(node.input(0), node.input_value(0), low, low + 255 * step, 256)
        kernels = np.array(_constant(node).data, dtype=np.float32)  # (O, I, H, W)
        most = widest(kernels)
        source = _ops().constant(kernels, name=f"{name}.weight").output(0)
        _round(node.input(1), source, -most, most, 255)


def widest(kernels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far each of some kernels (O, I, H, W) reaches from nought, (O, 1, 1, 1)."""
    return np.asarray(np.abs(kernels).max((1, 2, 3), keepdims=True).clip(TINY), np.float32)


def tell(model: Any) -> list[str]:
    """Add three outputs to a model for each of its convolutions, of what comes to it.

    These are the least of all, the greatest of all, and the mean of each channel (C,).

    Returns:
        The layers' names, in the order of these outputs.
    """
    found, ops = convolutions(model), _ops()
    every, places = ops.constant(np.arange(4)), ops.constant(np.array([0, 2, 3]))
    for node in found.values():
        seen = node.input_value(0)  # (N, C, H, W)
        ends = [reduce(seen, every, False) for reduce in (ops.reduce_min, ops.reduce_max)]
        model.add_outputs([o.output(0) for o in (*ends, ops.reduce_mean(seen, places, False))])
    return list(found)


def _round(into: Any, source: Any, low: Any, high: Any, levels: int) -> None:
    """Put a rounding of ``source`` before an input of a node."""
    ends = [_ops().constant(np.asarray(end, dtype=np.float32)) for end in (low, high)]
    into.replace_source_output(_ops().fake_quantize(source, *ends, *ends, levels).output(0))


def _constant(convolution: Any) -> Any:
    """Return the node that holds a convolution's kernels, in half precision."""
    node = convolution.input_value(1).get_node()
    while node.get_type_name() != "Constant":
        node = node.input_value(0).get_node()
    return node


def _ops() -> Any:
    from openvino import opset13  # whoever has a model has imported it

    return opset13
