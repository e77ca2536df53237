"""The networks as ONNX graphs, written straight from their specs and weights.

Initializers keep the names of the PyTorch state (recurrent layers: ``.W .R .B`` in ONNX gate
order), so that a shipped file is also a checkpoint: :func:`load_state` reads it back.
Matrices are stored in half precision and cast when the file is loaded.
"""

from __future__ import annotations

from typing import Any

from shizi.nets.onnx.builder import State, load_state
from shizi.nets.onnx.crnn import crnn, vgg_crnn
from shizi.nets.onnx.ctpn import ctpn, vgg_ctpn
from shizi.nets.onnx.orientation import orientation, vgg_orientation
from shizi.nets.spec import (
    CRNNSpec,
    CTPNSpec,
    OrientationSpec,
    Spec,
    VGGCRNNSpec,
    VGGCTPNSpec,
    VGGOrientationSpec,
)

__all__ = ["build", "load_state"]


def build(spec: Spec, state: State) -> Any:
    """Return the ONNX model of a spec, filled with a state of PyTorch's names."""
    match spec:
        case OrientationSpec():
            return orientation(spec, state)
        case VGGOrientationSpec():
            return vgg_orientation(spec, state)
        case CTPNSpec():
            return ctpn(spec, state)
        case VGGCTPNSpec():
            return vgg_ctpn(spec, state)
        case CRNNSpec():
            return crnn(spec, state)
        case VGGCRNNSpec():
            return vgg_crnn(spec, state)
