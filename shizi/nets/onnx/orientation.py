"""The orientation classifiers as ONNX graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from shizi.nets.onnx.builder import AROUND, Builder, State
from shizi.nets.spec import OrientationSpec, VGGOrientationSpec


def orientation(spec: OrientationSpec, state: State) -> Any:
    """Return the classifier: lines (N, height, width, 3) uint8 to logits (N, classes)."""
    b = Builder(state)
    (x,) = b.lcnet(spec.backbone, b.input())
    x = b.op("Gelu", b.conv("project", x, pads=AROUND))
    weight = b.reshape(b.conv("attend", x), [0, 1, -1])
    weight = b.op("Softmax", weight, axis=-1)  # (N, 1, cells)
    x = b.op("Mul", b.reshape(x, [0, spec.hidden, -1]), weight)
    x = b.op("ReduceSum", x, b.constant(np.array([2])), keepdims=0)  # (N, D)
    return b.model(b.linear("classify", x), ["n", spec.height, spec.width, 3], ["n", spec.classes])


def vgg_orientation(spec: VGGOrientationSpec, state: State) -> Any:
    """Return the classifier: lines (N, height, width, 3) uint8 to logits (N, classes)."""
    b = Builder(state)
    x = b.op("GlobalAveragePool", b.vgg(spec.backbone, b.input(spec.backbone.mean)))
    x = b.reshape(x, [0, spec.backbone.width])  # (N, C)
    x = b.op("Relu", b.linear("hidden", x))
    return b.model(b.linear("classify", x), ["n", spec.height, spec.width, 3], ["n", spec.classes])
