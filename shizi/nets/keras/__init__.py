"""The networks in Keras 3; ``KERAS_BACKEND`` chooses tensorflow, jax or torch."""

from __future__ import annotations

import keras

from shizi.nets.keras.crnn import crnn, vgg_crnn
from shizi.nets.keras.ctpn import ctpn, vgg_ctpn
from shizi.nets.keras.orientation import orientation, vgg_orientation
from shizi.nets.spec import (
    CRNNSpec,
    CTPNSpec,
    OrientationSpec,
    Spec,
    VGGCRNNSpec,
    VGGCTPNSpec,
    VGGOrientationSpec,
)


def build(spec: Spec) -> keras.Model:
    """Return the net that a spec describes, with random weights.

    A functional model: RGB pictures (N, H, W, 3) uint8 to what the PyTorch module gives.
    """
    match spec:
        case OrientationSpec():
            return orientation(spec)
        case VGGOrientationSpec():
            return vgg_orientation(spec)
        case CTPNSpec():
            return ctpn(spec)
        case VGGCTPNSpec():
            return vgg_ctpn(spec)
        case CRNNSpec():
            return crnn(spec)
        case VGGCRNNSpec():
            return vgg_crnn(spec)
