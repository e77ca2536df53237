"""The recognisers as ONNX graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from shizi.nets.onnx.builder import AROUND, Builder, State
from shizi.nets.spec import CRNNSpec, VGGCRNNSpec


def crnn(spec: CRNNSpec, state: State) -> Any:
    """Return the recogniser: images (N, height, W, 3) uint8 to logits (N, T, classes)."""
    b = Builder(state)
    (x,) = b.lcnet(spec.backbone, b.input())
    x = b.op("AveragePool", x, kernel_shape=spec.pool, strides=spec.pool)  # (N, C, 1, T)
    x = b.op("Squeeze", x, b.constant(np.array([2])))
    x = b.op("Transpose", x, perm=[2, 0, 1])  # (T, N, C)
    x = b.op("Gelu", b.linear("squeeze", x))
    context = b.recurrent("GRU", "gru", x)
    x = b.linear("embed", b.op("Concat", context, x, axis=2))
    x = b.op("Transpose", x, perm=[1, 0, 2])  # (N, T, E)
    return b.model(b.linear("classify", x), ["n", spec.height, "w", 3], ["n", "t", spec.classes])


def vgg_crnn(spec: VGGCRNNSpec, state: State) -> Any:
    """Return the recogniser: images (N, 32, W, 3) uint8 to logits (N, T, classes)."""
    b = Builder(state)
    x = b.input()
    for i in range(len(spec.widths)):
        x = b.conv(f"backbone.convs.{i}", x, pads=AROUND if i < 6 else (0, 0, 0, 0))
        if i in spec.norms:
            x = b.norm(f"backbone.norms.{spec.norms.index(i)}", x)
        x = b.op("Relu", x)
        if i in (0, 1):
            x = b.pool(x, 2, 2)
        elif i in (3, 5) and spec.overlap:
            x = b.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 1], pads=[0, 1, 0, 1])
        elif i in (3, 5):
            x = b.pool(x, 2, 1)  # (N, C, 1, T) after the last convolution
    x = b.op("Squeeze", x, b.constant(np.array([2])))
    x = b.op("Transpose", x, perm=[2, 0, 1])  # (T, N, C)
    for i in (0, 1):
        x = b.recurrent(spec.rnn.upper(), f"rnns.{i}", x)
    x = b.op("Transpose", x, perm=[1, 0, 2])  # (N, T, 2 H)
    return b.model(b.linear("classify", x), ["n", spec.height, "w", 3], ["n", "t", spec.classes])
