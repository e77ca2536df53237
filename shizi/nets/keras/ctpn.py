"""CTPN in Keras 3: a backbone, a BiLSTM along each row, heads per anchor (Tian et al. 2016)."""

from __future__ import annotations

import keras
from keras import layers, ops

from shizi.nets.keras.backbone import Tensor, conv, gelu, lcnet, normalise
from shizi.nets.keras.crnn import bidirectional
from shizi.nets.keras.vgg import conv3, vgg
from shizi.nets.spec import NEVER, CTPNSpec, VGGCTPNSpec

Shape = tuple[int | None, ...]


class Rows(layers.Layer):
    """Each row of a grid becomes a sequence: (N, R, C, D) to (N R, C, D)."""

    def call(self, grid: Tensor) -> Tensor:
        _, _, columns, width = ops.shape(grid)
        return ops.reshape(grid, (-1, columns, width))

    def compute_output_shape(self, grid_shape: Shape) -> Shape:
        return (None, *grid_shape[2:])


class Grid(layers.Layer):
    """Inverse of :class:`Rows`: (N R, C, D) to (N, R, C, count, D / count).

    Args:
        count: parts that the D values are split into.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def call(self, rows: Tensor, grid: Tensor) -> Tensor:
        """Reshape ``rows`` as they were cut from ``grid`` (N, R, C, any)."""
        n, height, columns, _ = ops.shape(grid)
        return ops.reshape(rows, (n, height, columns, self.count, rows.shape[-1] // self.count))

    def compute_output_shape(self, rows_shape: Shape, grid_shape: Shape) -> Shape:
        width = rows_shape[-1]
        assert width is not None
        return (*grid_shape[:3], self.count, width // self.count)


def ctpn(spec: CTPNSpec) -> keras.Model:
    """Build the detector: images (N, H, W, 3) uint8 to (N, H / 8, W / 16, k, 7).

    H and W are multiples of 32; the 7 values are those of :class:`shizi.nets.torch.ctpn.CTPN`.
    """
    images = keras.Input((None, None, 3), dtype="uint8", name="images")
    fine, middle, coarse = lcnet(normalise(images), spec.backbone)
    c = spec.channels
    x = conv(fine, "fine", c, 3, (1, 2), 1)  # (N, H/8, W/16, C)
    x = x + layers.UpSampling2D((2, 1))(conv(middle, "middle", c, 1))
    x = x + layers.UpSampling2D((4, 2))(conv(coarse, "coarse", c, 1))
    x = gelu(conv(gelu(x), "mix", c, 3, pad=1))
    rows = Rows()(x)  # (N H/8, W/16, C)
    context = bidirectional(rows, "lstm", "lstm", spec.hidden)  # (N H/8, W/16, 2 H)
    y = gelu(layers.Dense(2 * c, name="fc")(ops.concatenate([context, rows], -1)))
    y = layers.Dense(7 * len(spec.heights), name="heads")(y)
    return keras.Model(images, Grid(len(spec.heights))(y, x), name="ctpn")


def vgg_ctpn(spec: VGGCTPNSpec) -> keras.Model:
    """Build CTPN as published (figure 1a): (N, H, W, 3) uint8 to (N, H / 16, W / 16, k, 7).

    H and W are multiples of 16. The paper cuts no lines, so the ends' logits are NEVER, and
    its one side-refinement offset stands for left and right.
    """
    images = keras.Input((None, None, 3), dtype="uint8", name="images")
    x = vgg(normalise(images, spec.backbone.mean), spec.backbone)
    x = layers.ReLU()(conv3(x, "window", spec.channels))  # (N, H/16, W/16, C)
    context = bidirectional(Rows()(x), "lstm", "lstm", spec.hidden)
    y = layers.Dense(spec.embed, "relu", name="fc")(context)  # (N H/16, W/16, E)
    k = len(spec.heights)
    score, vertical, side = (
        Grid(k)(layers.Dense(width * k, name=name)(y), x)
        for name, width in (("score", 2), ("vertical", 2), ("side", 1))
    )  # (N, H/16, W/16, k, 2), the same, (N, H/16, W/16, k, 1)
    text = score[..., 1:] - score[..., :1]
    never = ops.full_like(text, NEVER)
    output = ops.concatenate([text, vertical, never, never, side, side], -1)
    return keras.Model(images, output, name="vgg_ctpn")
