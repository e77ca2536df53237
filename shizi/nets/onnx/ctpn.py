"""The detectors as ONNX graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper

from shizi.nets.onnx.builder import AROUND, Builder, State
from shizi.nets.spec import NEVER, CTPNSpec, VGGCTPNSpec


def ctpn(spec: CTPNSpec, state: State) -> Any:
    """Return the detector: one picture (1, H, W, 3) uint8 to (H/8, W/16, k, 7)."""
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
    x = b.op("Gelu", b.conv("mix", b.op("Gelu", x), pads=AROUND))  # (1, C, h, w)
    x = b.op("Transpose", x, perm=[3, 0, 2, 1])  # (w, 1, h, C)
    x = b.reshape(x, [0, -1, spec.channels])
    context = b.recurrent("LSTM", "lstm", x)
    x = b.op("Gelu", b.linear("fc", b.op("Concat", context, x, axis=2)))
    x = b.op("Transpose", b.linear("heads", x), perm=[1, 0, 2])  # (h, w, 7 k)
    k = len(spec.heights)
    return b.model(b.reshape(x, [0, 0, k, 7]), [1, "h", "w", 3], ["rows", "columns", k, 7])


def vgg_ctpn(spec: VGGCTPNSpec, state: State) -> Any:
    """Return the detector: one picture (1, H, W, 3) uint8 to (H/16, W/16, k, 7)."""
    b = Builder(state)
    k = len(spec.heights)
    x = b.conv_relu("window", b.vgg(spec.backbone, b.input(spec.backbone.mean)))  # (1, C, h, w)
    x = b.op("Transpose", x, perm=[3, 0, 2, 1])  # (w, 1, h, C)
    x = b.recurrent("LSTM", "lstm", b.reshape(x, [0, -1, spec.channels]))
    x = b.op("Relu", b.linear("fc", b.op("Transpose", x, perm=[1, 0, 2])))  # (h, w, E)
    score, vertical, side = (
        b.reshape(b.linear(name, x), [0, 0, k, width])
        for name, width in (("score", 2), ("vertical", 2), ("side", 1))
    )
    no, yes = (b.op("Gather", score, b.constant(np.array([i])), axis=3) for i in (0, 1))
    logit = helper.make_tensor("never", TensorProto.FLOAT, [1], [NEVER])
    never = b.op("ConstantOfShape", b.op("Shape", side), value=logit)
    output = b.op("Concat", b.op("Sub", yes, no), vertical, never, never, side, side, axis=3)
    return b.model(output, [1, "h", "w", 3], ["rows", "columns", k, 7])
