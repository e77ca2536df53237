"""LCNet, the backbone of PP-OCRv6, in PyTorch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from shizi.nets.spec import Block, LCNetSpec


class Excite(nn.Module):
    """Squeeze-and-excitation (Hu et al. 2018) with a hard sigmoid."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(width, width // 4, 1)
        self.expand = nn.Conv2d(width // 4, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.expand(F.relu(self.reduce(x.mean((2, 3), keepdim=True))))  # (N, C, 1, 1)
        return x * F.hardsigmoid(gate)


class LCBlock(nn.Module):
    """Depthwise 3x3 (+ excite), then a residual pair of 1x1 convolutions with GELU.

    The residual is dropped where the block changes width.
    """

    def __init__(self, width_in: int, block: Block) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width_in, width_in, 3, block.stride, 1, groups=width_in)
        self.excite = Excite(width_in) if block.excite else nn.Identity()
        hidden = block.between(width_in)
        self.expand = nn.Conv2d(width_in, hidden, 1)
        self.project = nn.Conv2d(hidden, block.width, 1)
        self.residual = width_in == block.width

    def forward(self, x: Tensor) -> Tensor:
        x = self.excite(self.depthwise(x))
        y = self.project(F.gelu(self.expand(x)))
        return x + y if self.residual else y


class Stem(nn.Module):
    """Convolutions to stride 4, one branch pooled and one learnt."""

    def __init__(self, stem: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 3, 2, 1)
        self.conv2 = nn.Conv2d(stem, stem // 2, 2)
        self.conv3 = nn.Conv2d(stem // 2, stem, 2)
        self.conv4 = nn.Conv2d(2 * stem, stem, 3, 2, 1)
        self.conv5 = nn.Conv2d(stem, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(F.relu(self.conv1(x)), (0, 1, 0, 1))  # (N, S, H/2 + 1, W/2 + 1)
        pooled = F.max_pool2d(x, 2, 1)  # (N, S, H/2, W/2)
        learnt = F.pad(F.relu(self.conv2(x)), (0, 1, 0, 1))
        learnt = F.relu(self.conv3(learnt))  # (N, S, H/2, W/2)
        x = F.relu(self.conv4(torch.cat([pooled, learnt], 1)))  # (N, S, H/4, W/4)
        return F.relu(self.conv5(x))


class LCNet(nn.Module):
    """Stem and blocks; returns the feature maps that ``spec.taps`` names."""

    def __init__(self, spec: LCNetSpec) -> None:
        super().__init__()
        self.taps = spec.taps
        self.stem = Stem(spec.stem, spec.blocks[0].width)
        widths = [spec.blocks[0].width, *(b.width for b in spec.blocks)]
        self.blocks = nn.ModuleList(
            LCBlock(w, b) for w, b in zip(widths, spec.blocks, strict=False)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        out = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self.taps:
                out.append(x)
        return out


def normalise(images: Tensor, mean: tuple[float, float, float] | None = None) -> Tensor:
    """Turn RGB bytes (N, H, W, 3) into the nets' input (N, 3, H, W), -1 to 1.

    Nought is middle grey, or else the RGB value ``mean``.
    """
    x = images.permute(0, 3, 1, 2).float()
    if mean is None:
        return x / 127.5 - 1.0
    return (x - torch.tensor(mean, device=x.device)[:, None, None]) / 127.5
