"""VGG16, the backbone of the published nets, in Keras 3 (Simonyan & Zisserman 2015)."""

from __future__ import annotations

from keras import layers

from shizi.nets.keras.backbone import Tensor
from shizi.nets.spec import VGGSpec


def conv3(x: Tensor, name: str, width: int) -> Tensor:
    """Convolve 3x3, size kept, He-initialised (He et al. 2015, eq. 10)."""
    return layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal", name=name)(x)


def vgg(x: Tensor, spec: VGGSpec) -> Tensor:
    """Apply the stages: (N, H, W, 3) to (N, H / 2**pools, W / 2**pools, spec.width)."""
    for s, (width, count) in enumerate(spec.stages):
        for i in range(count):
            x = layers.ReLU()(conv3(x, f"backbone-stages-{s}-{i}", width))
        if s < spec.pools:
            x = layers.MaxPooling2D(2)(x)
    return x
