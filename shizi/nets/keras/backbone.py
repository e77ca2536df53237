"""LCNet, the backbone of PP-OCRv6, in Keras 3 (any backend), channels last.

The nets are functional models. A layer is called as its PyTorch twin, ``-`` for ``.``:
``backbone-blocks-0-depthwise``. :mod:`shizi.nets.keras.convert` needs to know no more.
"""

from __future__ import annotations

from typing import Any

from keras import activations, layers, ops

from shizi.nets.spec import Block, LCNetSpec

Tensor = Any
"""A symbolic Keras tensor."""


def conv(
    x: Tensor,
    name: str,
    width: int,
    kernel: int,
    stride: tuple[int, int] = (1, 1),
    pad: int = 0,
) -> Tensor:
    """Convolve; pad as PyTorch does, the same on all sides, whatever the stride."""
    if pad:
        x = layers.ZeroPadding2D(pad)(x)
    return layers.Conv2D(width, kernel, stride, name=name)(x)


def gelu(x: Tensor) -> Tensor:
    """Exact GELU (Hendrycks & Gimpel 2016), with the error function."""
    return activations.gelu(x, approximate=False)


def normalise(images: Tensor, mean: tuple[float, float, float] | None = None) -> Tensor:
    """Turn RGB bytes (N, H, W, 3) into the nets' input, -1 to 1.

    Nought is middle grey, or else the RGB value ``mean``.
    """
    less = -1.0 if mean is None else [-value / 127.5 for value in mean]
    return layers.Rescaling(1 / 127.5, less, name="normalise")(images)


def excite(x: Tensor, name: str) -> Tensor:
    """Squeeze-and-excitation (Hu et al. 2018) with a hard sigmoid."""
    width = x.shape[-1]
    gate = ops.mean(x, (1, 2), keepdims=True)  # (N, 1, 1, C)
    gate = conv(ops.relu(conv(gate, f"{name}-reduce", width // 4, 1)), f"{name}-expand", width, 1)
    return x * ops.hard_sigmoid(gate)


def lcblock(x: Tensor, name: str, block: Block) -> Tensor:
    """Depthwise 3x3 (+ excite), then two 1x1, residual if the width stays."""
    width = x.shape[-1]
    x = layers.ZeroPadding2D(1)(x)
    # Strides differ down and across, which TensorFlow's depthwise convolution refuses.
    x = layers.Conv2D(width, 3, block.stride, groups=width, name=f"{name}-depthwise")(x)
    if block.excite:
        x = excite(x, f"{name}-excite")
    hidden = block.between(width)
    y = conv(gelu(conv(x, f"{name}-expand", hidden, 1)), f"{name}-project", block.width, 1)
    return x + y if width == block.width else y


def stem(x: Tensor, name: str, width_stem: int, width: int) -> Tensor:
    """Convolutions to stride 4, one branch pooled and one learnt."""
    after = layers.ZeroPadding2D(((0, 1), (0, 1)))  # right and below, for the even kernels
    x = after(ops.relu(conv(x, f"{name}-conv1", width_stem, 3, (2, 2), 1)))
    pooled = layers.MaxPooling2D(2, 1)(x)  # (N, H/2, W/2, S)
    learnt = after(ops.relu(conv(x, f"{name}-conv2", width_stem // 2, 2)))
    learnt = ops.relu(conv(learnt, f"{name}-conv3", width_stem, 2))  # (N, H/2, W/2, S)
    x = ops.concatenate([pooled, learnt], -1)
    x = ops.relu(conv(x, f"{name}-conv4", width_stem, 3, (2, 2), 1))  # (N, H/4, W/4, S)
    return ops.relu(conv(x, f"{name}-conv5", width, 1))


def lcnet(x: Tensor, spec: LCNetSpec) -> list[Tensor]:
    """Apply stem and blocks; return the feature maps that ``spec.taps`` names."""
    x = stem(x, "backbone-stem", spec.stem, spec.blocks[0].width)
    out = []
    for i, block in enumerate(spec.blocks):
        x = lcblock(x, f"backbone-blocks-{i}", block)
        if i in spec.taps:
            out.append(x)
    return out
