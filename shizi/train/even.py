"""First weights that fit the data: a net from random numbers soon tells pictures apart.

Random convolutions make of a bright page large numbers that are alike wherever one looks, the more
so the deeper the net, and CTC then says nothing but blanks for thousands of steps. Looking at one
batch mends it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

FLAT = 1e-4
"""A channel that varies less than this has nothing to be made even of."""


@torch.no_grad()
def even_out(net: nn.Module, convolutions: Sequence[nn.Conv2d], images: NDArray[np.uint8]) -> None:
    """Give the output of convolutions mean 0 and deviation 1 in every channel.

    Deviation and mean of a batch go into weight and bias, layer after layer in one pass
    (Krähenbühl et al. 2016, "Data-dependent initializations of convolutional neural networks",
    section 3.1; Salimans & Kingma 2016, section 3).

    Args:
        net: they belong to.
        convolutions: that begin with random numbers.
        images: one batch as the net takes them, (N, H, W, 3).
    """

    def settle(layer: nn.Module, _: object, seen: Tensor) -> Tensor:
        assert isinstance(layer, nn.Conv2d) and layer.bias is not None
        mean = seen.mean((0, 2, 3))  # (C,)
        spread = seen.std((0, 2, 3), correction=0)
        spread = torch.where(spread > FLAT, spread, 1.0)
        layer.weight /= spread[:, None, None, None]
        layer.bias.sub_(mean).div_(spread)
        return (seen - mean[:, None, None]) / spread[:, None, None]

    hooks = [layer.register_forward_hook(settle) for layer in convolutions]
    training = net.training
    try:
        net.eval()(torch.from_numpy(images))
    finally:
        net.train(training)
        for hook in hooks:
            hook.remove()
