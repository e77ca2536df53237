"""Stage head: the first stages of a VGG16 run but once over every picture."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from shizi.errors import DataError
from shizi.nets.torch.ctpn import VGGCTPN
from shizi.nets.torch.orientation import VGGOrientation


class Once:
    """A net of which all stages of convolutions but the last stay as they are.

    What they make of a picture is kept when it is first seen, in half precision.

    Args:
        net: whose last stage and head learn.
    """

    def __init__(self, net: VGGCTPN | VGGOrientation) -> None:
        self._net = net
        self._kept: dict[int, Tensor] = {}  # maps (C, h, w) by places

    def __call__(
        self, images: NDArray[np.uint8], places: NDArray[np.int64], device: torch.device
    ) -> Tensor:
        """Return what the net says of a batch.

        Args:
            images: shape (N, H, W, 3).
            places: shape (N,), a number for each different picture.
            device: where the net is.
        """
        numbers = places.tolist()
        new = [i for i, place in enumerate(numbers) if place not in self._kept]
        if new:
            with torch.no_grad():
                maps = self._net.early(torch.from_numpy(images[new]).to(device))
            for i, made in zip(new, maps.half().cpu(), strict=True):
                self._kept[numbers[i]] = made.clone()
        return self._net.late(torch.stack([self._kept[n].float() for n in numbers]).to(device))


def once(net: nn.Module, stage: Literal["whole", "head"]) -> Once | None:
    """Return what stage head trains; None: stage whole trains the net itself.

    Raises:
        DataError: the net has no such stage.
    """
    if stage == "whole":
        return None
    if not isinstance(net, VGGCTPN | VGGOrientation):
        raise DataError("stage head is for the published form; train with stage whole")
    return Once(net)
