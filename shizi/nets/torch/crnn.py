"""CRNN in PyTorch: LCNet, one BiGRU, CTC (after Shi et al. 2015, section 2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from shizi.nets.spec import CRNNSpec
from shizi.nets.torch.backbone import LCNet, normalise


class CRNN(nn.Module):
    """Lines in, CTC logits out.

    Shape:
        images: (N, height, W, 3) uint8, W a multiple of 8.
        logits: (N, W / 8, classes); class 0 is the blank.
    """

    def __init__(self, spec: CRNNSpec) -> None:
        super().__init__()
        self.spec = spec
        width = spec.backbone.widths[-1]
        self.backbone = LCNet(spec.backbone)
        self.squeeze = nn.Linear(width, spec.squeeze)
        self.gru = nn.GRU(spec.squeeze, spec.hidden, bidirectional=True, batch_first=True)
        self.embed = nn.Linear(2 * spec.hidden + spec.squeeze, spec.embed)
        self.classify = nn.Linear(spec.embed, spec.classes)

    def features(self, images: Tensor) -> Tensor:
        """Return the backbone's output pooled to one row, (N, W / 8, C)."""
        (x,) = self.backbone(normalise(images))  # (N, C, height / 16, W / 4)
        x = F.avg_pool2d(x, (self.spec.height // 16, 2))  # (N, C, 1, W / 8)
        return x.squeeze(2).transpose(1, 2)

    def neck(self, features: Tensor) -> Tensor:
        """Return what the classifier sees, (N, T, embed)."""
        x = F.gelu(self.squeeze(features))  # (N, T, S)
        context, _ = self.gru(x)  # (N, T, 2 H)
        return self.embed(torch.cat([context, x], -1))

    def forward(self, images: Tensor) -> Tensor:
        return self.classify(self.neck(self.features(images)))
