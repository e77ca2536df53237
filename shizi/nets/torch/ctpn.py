"""CTPN in PyTorch: LCNet, a BiLSTM along each row, heads per anchor (Tian et al. 2016)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from shizi.nets.spec import CTPNSpec
from shizi.nets.torch.backbone import LCNet, normalise


class CTPN(nn.Module):
    """Pictures in, raw anchor outputs out.

    Shape:
        images: (N, H, W, 3) uint8, H and W multiples of 32.
        output: (N, H / 8, W / 16, k, 7): text logit, centre, log height (eq. 2 of the
            paper), left-end logit, right-end logit, left and right offset (eq. 4).
    """

    def __init__(self, spec: CTPNSpec) -> None:
        super().__init__()
        self.spec = spec
        fine, middle, coarse = spec.backbone.widths
        c = spec.channels
        self.backbone = LCNet(spec.backbone)
        self.fine = nn.Conv2d(fine, c, 3, (1, 2), 1)
        self.middle = nn.Conv2d(middle, c, 1)
        self.coarse = nn.Conv2d(coarse, c, 1)
        self.mix = nn.Conv2d(c, c, 3, 1, 1)
        self.lstm = nn.LSTM(c, spec.hidden, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(2 * spec.hidden + c, 2 * c)
        self.heads = nn.Linear(2 * c, 7 * len(spec.heights))

    def forward(self, images: Tensor) -> Tensor:
        fine, middle, coarse = self.backbone(normalise(images))
        x = self.fine(fine)  # (N, C, H/8, W/16)
        x = x + F.interpolate(self.middle(middle), scale_factor=(2.0, 1.0))
        x = x + F.interpolate(self.coarse(coarse), scale_factor=(4.0, 2.0))
        x = F.gelu(self.mix(F.gelu(x)))
        n, c, h, w = x.shape
        rows = x.permute(0, 2, 3, 1).reshape(n * h, w, c)  # a row of the grid is a sequence
        context, _ = self.lstm(rows)  # (N h, w, 2 H)
        x = F.gelu(self.fc(torch.cat([context, rows], -1)))  # (N h, w, 2 C)
        return self.heads(x).reshape(n, h, w, len(self.spec.heights), 7)
