"""Orientation classifiers in PyTorch: lines through LCNet or VGG16."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from shizi.nets.spec import OrientationSpec, VGGOrientationSpec
from shizi.nets.torch.backbone import LCNet, normalise
from shizi.nets.torch.vgg import VGG


class Orientation(nn.Module):
    """Pieces of lines in, logits of 0, 90, 180 and 270 degrees out.

    Shape:
        images: (N, height, width, 3) uint8.
        logits: (N, 4).
    """

    def __init__(self, spec: OrientationSpec) -> None:
        super().__init__()
        self.spec = spec
        width = spec.backbone.widths[-1]
        self.backbone = LCNet(spec.backbone)
        self.project = nn.Conv2d(width, spec.hidden, 3, 1, 1)
        self.attend = nn.Conv2d(spec.hidden, 1, 1)
        self.classify = nn.Linear(spec.hidden, spec.classes)

    def forward(self, images: Tensor) -> Tensor:
        (x,) = self.backbone(normalise(images))  # (N, C, height / 16, width / 16)
        x = F.gelu(self.project(x)).flatten(2)  # (N, D, cells)
        weight = self.attend(x.unsqueeze(-1)).flatten(2).softmax(-1)  # (N, 1, cells)
        return self.classify((x * weight).sum(-1))


class VGGOrientation(nn.Module):
    """Pieces of lines in, logits of 0, 90, 180 and 270 degrees out.

    Shape:
        images: (N, height, width, 3) uint8.
        logits: (N, 4).
    """

    def __init__(self, spec: VGGOrientationSpec) -> None:
        super().__init__()
        self.spec = spec
        self.backbone = VGG(spec.backbone)
        self.hidden = nn.Linear(spec.backbone.width, spec.hidden)
        self.classify = nn.Linear(spec.hidden, spec.classes)

    def early(self, images: Tensor) -> Tensor:
        """Return what all convolutions but those of the last stage say, (N, C, h, w)."""
        return self.backbone.early(normalise(images, self.spec.backbone.mean))

    def late(self, maps: Tensor) -> Tensor:
        """Go on from there to the logits."""
        x = self.backbone.late(maps).mean((2, 3))  # (N, C)
        return self.classify(F.relu(self.hidden(x)))

    def forward(self, images: Tensor) -> Tensor:
        return self.late(self.early(images))
