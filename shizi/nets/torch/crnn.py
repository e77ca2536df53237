"""CRNN in PyTorch: convolutions, recurrent layers, CTC (Shi et al. 2015, section 2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from shizi.nets.spec import CRNNSpec, VGGCRNNSpec
from shizi.nets.torch.backbone import LCNet, normalise
from shizi.nets.torch.vgg import conv3, he


class CRNN(nn.Module):
    """Lines in, CTC logits out: LCNet and one BiGRU.

    Shape:
        images: (N, height, W, 3) uint8, W a multiple of the spec's step.
        logits: (N, T, classes), T = W / step; class 0 is the blank.
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
        """Return the backbone's output pooled to one row, (N, T, C)."""
        (x,) = self.backbone(normalise(images))  # (N, C, height / 16, W / 4)
        x = F.avg_pool2d(x, self.spec.pool)  # (N, C, 1, T)
        return x.squeeze(2).transpose(1, 2)

    def neck(self, features: Tensor) -> Tensor:
        """Return what the classifier sees, (N, T, embed)."""
        x = F.gelu(self.squeeze(features))  # (N, T, S)
        context, _ = self.gru(x)  # (N, T, 2 H)
        return self.embed(torch.cat([context, x], -1))

    def encode(self, images: Tensor) -> Tensor:
        """Return what the classifier sees, (N, T, embed)."""
        return self.neck(self.features(images))

    def forward(self, images: Tensor) -> Tensor:
        return self.classify(self.encode(images))


class Convolutions(nn.Module):
    """The seven convolutions of Shi et al. 2015, table 1.

    Shape:
        x: (N, 3, 32, W), W a multiple of 4.
        output: (N, C, 1, T), T = W / 4 - 1, or W / 4 + 1 where pooling overlaps.
    """

    def __init__(self, spec: VGGCRNNSpec) -> None:
        super().__init__()
        widths = spec.widths
        ins = (3, *widths)
        self.convs = nn.ModuleList(conv3(a, b) for a, b in zip(ins, widths[:-1], strict=False))
        self.convs.append(he(nn.Conv2d(widths[-2], widths[-1], 2)))
        self.norms = nn.ModuleList(nn.BatchNorm2d(widths[i]) for i in spec.norms)
        self._normed = {conv: norm for norm, conv in enumerate(spec.norms)}
        self._overlap = spec.overlap

    def forward(self, x: Tensor) -> Tensor:
        for i, conv in enumerate(self.convs):
            x = conv(x)
            if i in self._normed:
                x = self.norms[self._normed[i]](x)
            x = F.relu(x)
            if i in (0, 1):
                x = F.max_pool2d(x, 2)  # (N, 64, 16, W / 2), (N, 128, 8, W / 4)
            elif i in (3, 5):  # (N, 256, 4, W / 4), (N, 512, 2, W / 4)
                x = F.max_pool2d(x, 2, (2, 1), (0, 1)) if self._overlap else F.max_pool2d(x, (2, 1))
        return x


class VGGCRNN(nn.Module):
    """CRNN as published (Shi et al. 2015, table 1): two recurrent layers on seven convolutions.

    Shape:
        images: (N, 32, W, 3) uint8, W a multiple of 4.
        logits: (N, W / 4 - 1, classes); class 0 is the blank.
    """

    def __init__(self, spec: VGGCRNNSpec) -> None:
        super().__init__()
        self.spec = spec
        layer = {"lstm": nn.LSTM, "gru": nn.GRU}[spec.rnn]
        self.backbone = Convolutions(spec)
        self.rnns = nn.ModuleList(
            layer(width, spec.hidden, bidirectional=True, batch_first=True)
            for width in (spec.widths[-1], 2 * spec.hidden)
        )
        self.classify = nn.Linear(2 * spec.hidden, spec.classes)

    def encode(self, images: Tensor) -> Tensor:
        """Return what the classifier sees, (N, W / 4 - 1, 2 H)."""
        x = self.backbone(normalise(images))  # (N, C, 1, T)
        x = x.squeeze(2).transpose(1, 2)  # (N, T, C)
        for rnn in self.rnns:
            x, _ = rnn(x)  # (N, T, 2 H)
        return x

    def forward(self, images: Tensor) -> Tensor:
        return self.classify(self.encode(images))
