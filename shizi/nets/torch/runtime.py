"""Reading with PyTorch alone: what an ONNX file gives, from a module."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from shizi.errors import OptionError, WeightsError
from shizi.nets.spec import Spec
from shizi.nets.torch import build


class ModuleRuntime:
    """A :class:`shizi.engine.Runtime` over a live module; sees its weights as they change.

    Args:
        net: a module in evaluation mode, on ``device``.
        device: where it runs.
        dtype: of the arithmetic, where that is safe.
    """

    def __init__(
        self, net: nn.Module, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> None:
        self._net = net
        self._device = device
        self._dtype = dtype

    @torch.inference_mode()
    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run RGB pictures of one shape (N, H, W, 3).

        Returns:
            Logits (N, ..., classes); of a detector its output (N, R, C, k, 7).
        """
        images = torch.from_numpy(batch).to(self._device)
        half = self._dtype != torch.float32
        with torch.autocast(self._device.type, self._dtype, enabled=half):
            output = self._net(images)
        return np.asarray(output.float().cpu().numpy())


class TorchRuntime(ModuleRuntime):
    """A runtime over a net of its own.

    Args:
        spec: what the net is made of.
        state: its weights.
        device: cpu, cuda, or auto: a GPU where there is one.
        threads: CPU threads of the whole process; 0 leaves the choice to PyTorch.

    Raises:
        OptionError: there is no GPU, and it must be one.
        WeightsError: the weights are of another net.
    """

    def __init__(
        self,
        spec: Spec,
        state: Mapping[str, NDArray[np.float32]],
        device: str = "auto",
        threads: int = 0,
    ) -> None:
        self.gpu = device != "cpu" and torch.cuda.is_available()
        if device == "cuda" and not self.gpu:
            raise OptionError("device cuda: PyTorch finds no GPU; use device cpu")
        if threads:
            torch.set_num_threads(threads)
        net = build(spec)
        try:
            net.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
        except RuntimeError as error:
            reason = textwrap.shorten(str(error), 300)
            raise WeightsError(f"weights of another net: {reason}") from error
        place = torch.device("cuda" if self.gpu else "cpu")
        super().__init__(net.to(place).eval(), place)
