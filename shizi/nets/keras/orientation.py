"""Orientation classifiers in Keras 3: lines through LCNet or VGG16."""

from __future__ import annotations

import keras
from keras import layers, ops

from shizi.nets.keras.backbone import conv, gelu, lcnet, normalise
from shizi.nets.keras.vgg import vgg
from shizi.nets.spec import OrientationSpec, VGGOrientationSpec


def orientation(spec: OrientationSpec) -> keras.Model:
    """Build the classifier: lines (N, height, width, 3) uint8 to logits (N, classes)."""
    images = keras.Input((spec.height, spec.width, 3), dtype="uint8", name="images")
    (x,) = lcnet(normalise(images), spec.backbone)  # (N, height / 16, width / 16, C)
    x = gelu(conv(x, "project", spec.hidden, 3, pad=1))
    weight = layers.Reshape((-1, 1))(conv(x, "attend", 1, 1))  # (N, cells, 1)
    x = layers.Reshape((-1, spec.hidden))(x) * ops.softmax(weight, 1)  # (N, cells, D)
    x = ops.sum(x, 1)  # (N, D)
    return keras.Model(images, layers.Dense(spec.classes, name="classify")(x), name="orientation")


def vgg_orientation(spec: VGGOrientationSpec) -> keras.Model:
    """Build the published form: lines (N, height, width, 3) uint8 to logits (N, classes)."""
    images = keras.Input((spec.height, spec.width, 3), dtype="uint8", name="images")
    x = vgg(normalise(images, spec.backbone.mean), spec.backbone)
    x = layers.GlobalAveragePooling2D()(x)  # (N, C)
    x = layers.Dense(spec.hidden, "relu", name="hidden")(x)
    y = layers.Dense(spec.classes, name="classify")(x)
    return keras.Model(images, y, name="vgg_orientation")
