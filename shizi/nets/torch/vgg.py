"""VGG16, the backbone of the published nets, in PyTorch (Simonyan & Zisserman 2015)."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from shizi.nets.spec import VGGSpec


class VGG(nn.Module):
    """Stages of 3x3 convolutions with ReLU, the first ``spec.pools`` of them max-pooled.

    Shape:
        x: (N, 3, H, W).
        output: (N, spec.width, H / 2**pools, W / 2**pools), rounded down.
    """

    def __init__(self, spec: VGGSpec) -> None:
        super().__init__()
        self.pools = spec.pools
        self.stages = nn.ModuleList()
        width = 3
        for channels, count in spec.stages:
            widths = [width, *[channels] * count]
            self.stages.append(nn.ModuleList(conv3(a, b) for a, b in pairwise(widths)))
            width = channels

    def early(self, x: Tensor) -> Tensor:
        """Apply all stages but the last."""
        return self._run(x, 0, len(self.stages) - 1)

    def late(self, x: Tensor) -> Tensor:
        """Apply the last stage."""
        return self._run(x, len(self.stages) - 1, len(self.stages))

    def forward(self, x: Tensor) -> Tensor:
        return self.late(self.early(x))

    def _run(self, x: Tensor, first: int, end: int) -> Tensor:
        for index in range(first, end):
            for conv in self.stages[index].children():
                x = F.relu(conv(x))
            if index < self.pools:
                x = F.max_pool2d(x, 2)
        return x


def conv3(width_in: int, width: int) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps the size, ready for ReLU."""
    return he(nn.Conv2d(width_in, width, 3, 1, 1))


def he(conv: nn.Conv2d) -> nn.Conv2d:
    """Initialise a convolution before ReLU (He et al. 2015, eq. 10).

    Without it thirteen layers without normalisation do not learn from scratch.
    """
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv
