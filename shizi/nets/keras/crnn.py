"""CRNN in Keras 3: convolutions, recurrent layers, CTC (Shi et al. 2015, section 2)."""

from __future__ import annotations

import keras
from keras import layers, ops

from shizi.nets.keras.backbone import Tensor, gelu, lcnet, normalise
from shizi.nets.keras.vgg import conv3
from shizi.nets.spec import CRNNSpec, VGGCRNNSpec


def crnn(spec: CRNNSpec) -> keras.Model:
    """Build the recogniser: images (N, height, W, 3) uint8 to logits (N, T, classes)."""
    images = keras.Input((spec.height, None, 3), dtype="uint8", name="images")
    (x,) = lcnet(normalise(images), spec.backbone)  # (N, height / 16, W / 4, C)
    x = layers.AveragePooling2D(spec.pool)(x)  # (N, 1, T, C)
    x = layers.Reshape((-1, x.shape[-1]))(x)  # (N, T, C)
    x = gelu(layers.Dense(spec.squeeze, name="squeeze")(x))  # (N, T, S)
    context = bidirectional(x, "gru", "gru", spec.hidden)
    x = layers.Dense(spec.embed, name="embed")(ops.concatenate([context, x], -1))
    return keras.Model(images, layers.Dense(spec.classes, name="classify")(x), name="crnn")


def vgg_crnn(spec: VGGCRNNSpec) -> keras.Model:
    """Build CRNN as published: (N, 32, W, 3) uint8 to logits (N, T, classes)."""
    images = keras.Input((spec.height, None, 3), dtype="uint8", name="images")
    x = convolutions(normalise(images), spec)  # (N, 1, T, C)
    x = layers.Reshape((-1, x.shape[-1]))(x)  # (N, T, C)
    for i in range(2):
        x = bidirectional(x, f"rnns-{i}", spec.rnn, spec.hidden)
    return keras.Model(images, layers.Dense(spec.classes, name="classify")(x), name="vgg_crnn")


def bidirectional(x: Tensor, name: str, kind: str, hidden: int) -> Tensor:
    """Read a sequence both ways: (N, T, C) to (N, T, 2 hidden). Gates as in PyTorch."""
    layer = {"lstm": layers.LSTM, "gru": layers.GRU}[kind]
    return layers.Bidirectional(layer(hidden, return_sequences=True), name=name)(x)


def convolutions(x: Tensor, spec: VGGCRNNSpec) -> Tensor:
    """Apply the seven convolutions of table 1: (N, 32, W, 3) to (N, 1, T, C)."""
    pools = {0: (2, 2), 1: (2, 2), 3: (2, 1), 5: (2, 1)}
    for i, width in enumerate(spec.widths):
        name = f"backbone-convs-{i}"
        last = i == len(spec.widths) - 1
        x = layers.Conv2D(width, 2, name=name)(x) if last else conv3(x, name, width)
        if i in spec.norms:
            # Momentum and epsilon of PyTorch's default.
            x = layers.BatchNormalization(
                momentum=0.9, epsilon=1e-5, name=f"backbone-norms-{spec.norms.index(i)}"
            )(x)
        x = layers.ReLU()(x)
        if spec.overlap and i in (3, 5):  # what ReLU leaves is never below the padding
            x = layers.MaxPooling2D(2, (2, 1))(layers.ZeroPadding2D((0, 1))(x))
        elif i in pools:
            x = layers.MaxPooling2D(pools[i])(x)
    return x
