"""The networks in PyTorch."""

from __future__ import annotations

from torch import nn

from shizi.nets.spec import (
    CRNNSpec,
    CTPNSpec,
    OrientationSpec,
    Spec,
    VGGCRNNSpec,
    VGGCTPNSpec,
    VGGOrientationSpec,
)
from shizi.nets.torch.crnn import CRNN, VGGCRNN
from shizi.nets.torch.ctpn import CTPN, VGGCTPN
from shizi.nets.torch.orientation import Orientation, VGGOrientation


def build(spec: Spec) -> nn.Module:
    """Return the net that a spec describes, with random weights."""
    match spec:
        case OrientationSpec():
            return Orientation(spec)
        case VGGOrientationSpec():
            return VGGOrientation(spec)
        case CTPNSpec():
            return CTPN(spec)
        case VGGCTPNSpec():
            return VGGCTPN(spec)
        case CRNNSpec():
            return CRNN(spec)
        case VGGCRNNSpec():
            return VGGCRNN(spec)
