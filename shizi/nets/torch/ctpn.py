"""CTPN in PyTorch: a backbone, a BiLSTM along each row, heads per anchor (Tian et al. 2016)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from shizi.nets.spec import NEVER, CTPNSpec, VGGCTPNSpec
from shizi.nets.torch.backbone import LCNet, normalise
from shizi.nets.torch.vgg import VGG, conv3


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


class VGGCTPN(nn.Module):
    """CTPN as published (Tian et al. 2016, figure 1a); the same output as :class:`CTPN`.

    Shape:
        images: (N, H, W, 3) uint8, H and W multiples of 16.
        output: (N, H / 16, W / 16, k, 7). The paper cuts no lines, so the ends' logits are
            NEVER, and its one side-refinement offset stands for left and right.
    """

    def __init__(self, spec: VGGCTPNSpec) -> None:
        super().__init__()
        self.spec = spec
        k = len(spec.heights)
        self.backbone = VGG(spec.backbone)
        self.window = conv3(spec.backbone.width, spec.channels)
        self.lstm = nn.LSTM(spec.channels, spec.hidden, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(2 * spec.hidden, spec.embed)
        self.score = nn.Linear(spec.embed, 2 * k)
        self.vertical = nn.Linear(spec.embed, 2 * k)
        self.side = nn.Linear(spec.embed, k)

    def heads(self, images: Tensor) -> Tensor:
        """Return what the paper's layers say, (N, H / 16, W / 16, k, 5).

        The last axis: logits of "not text" and "text", centre, log height (eq. 2), offset
        of the line's nearer end (eq. 4).
        """
        return self.late(self.early(images))

    def early(self, images: Tensor) -> Tensor:
        """Return what all convolutions but those of the last stage say, (N, C, h, w)."""
        return self.backbone.early(normalise(images, self.spec.backbone.mean))

    def late(self, maps: Tensor) -> Tensor:
        """Go on from there to what :meth:`heads` returns."""
        x = F.relu(self.window(self.backbone.late(maps)))  # (N, C, h, w)
        n, c, h, w = x.shape
        rows = x.permute(0, 2, 3, 1).reshape(n * h, w, c)  # a row of the grid is a sequence
        context, _ = self.lstm(rows)  # (N h, w, 2 H)
        x = F.relu(self.fc(context))  # (N h, w, E)
        grid = (n, h, w, len(self.spec.heights), -1)
        parts = [layer(x).reshape(grid) for layer in (self.score, self.vertical, self.side)]
        return torch.cat(parts, -1)

    def forward(self, images: Tensor) -> Tensor:
        no, yes, centre, height, offset = self.heads(images).unbind(-1)  # each (N, h, w, k)
        never = torch.full_like(no, NEVER)
        return torch.stack([yes - no, centre, height, never, never, offset, offset], -1)
