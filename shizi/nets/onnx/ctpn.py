"""The detectors as ONNX graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper

from shizi.nets.onnx.builder import AROUND, Builder, State
from shizi.nets.spec import NEVER, CTPNSpec, VGGCTPNSpec


def ctpn(spec: CTPNSpec, state: State) -> Any:
    """Return the detector: pictures (N, H, W, 3) uint8 to (N, H/8, W/16, k, 7)."""
    b = Builder(state)
    fine, middle, coarse = b.lcnet(spec.backbone, b.input())
    x = b.conv("fine", fine, (1, 2), AROUND)
    for name, tap, scales in (("middle", middle, (1, 1, 2, 1)), ("coarse", coarse, (1, 1, 4, 2))):
        up = b.op(
            "Resize",
            b.conv(name, tap),
            "",
            b.constant(np.array(scales, dtype=np.float32)),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        x = b.op("Add", x, up)
    maps = b.op("Gelu", b.conv("mix", b.op("Gelu", x), pads=AROUND))  # (N, C, h, w)
    x = b.op("Transpose", maps, perm=[3, 0, 2, 1])  # (w, N, h, C)
    x = b.reshape(x, [0, -1, spec.channels])  # (w, N h, C)
    context = b.recurrent("LSTM", "lstm", x)
    x = b.op("Gelu", b.linear("fc", b.op("Concat", context, x, axis=2)))
    x = b.op("Transpose", b.linear("heads", x), perm=[1, 0, 2])  # (N h, w, 7 k)
    k = len(spec.heights)
    return b.model(_grid(b, x, maps, k, 7), ["n", "h", "w", 3], ["n", "rows", "columns", k, 7])


def vgg_ctpn(spec: VGGCTPNSpec, state: State) -> Any:
    """Return the detector: pictures (N, H, W, 3) uint8 to (N, H/16, W/16, k, 7)."""
    b = Builder(state)
    k = len(spec.heights)
    maps = b.conv_relu("window", b.vgg(spec.backbone, b.input(spec.backbone.mean)))  # (N, C, h, w)
    x = b.op("Transpose", maps, perm=[3, 0, 2, 1])  # (w, N, h, C)
    x = b.recurrent("LSTM", "lstm", b.reshape(x, [0, -1, spec.channels]))
    x = b.op("Relu", b.linear("fc", b.op("Transpose", x, perm=[1, 0, 2])))  # (N h, w, E)
    score, vertical, side = (
        _grid(b, b.linear(name, x), maps, k, width)
        for name, width in (("score", 2), ("vertical", 2), ("side", 1))
    )
    no, yes = (b.op("Gather", score, b.constant(np.array([i])), axis=4) for i in (0, 1))
    logit = helper.make_tensor("never", TensorProto.FLOAT, [1], [NEVER])
    never = b.op("ConstantOfShape", b.op("Shape", side), value=logit)
    output = b.op("Concat", b.op("Sub", yes, no), vertical, never, never, side, side, axis=4)
    return b.model(output, ["n", "h", "w", 3], ["n", "rows", "columns", k, 7])


def _grid(b: Builder, rows: str, maps: str, anchors: int, width: int) -> str:
    """Part rows (N h, w, anchors * width) of maps (N, C, h, w) by picture, row and anchor."""
    shape = b.op("Shape", maps)
    n, h, w = (b.op("Gather", shape, b.constant(np.array([i]))) for i in (0, 2, 3))
    rest = b.constant(np.array([anchors, width], dtype=np.int64))
    return b.op("Reshape", rows, b.op("Concat", n, h, w, rest, axis=0))
