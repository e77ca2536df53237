"""Training on several GPUs: the processes that ``torchrun`` starts."""

from __future__ import annotations

import os
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import nn

from shizi.errors import OptionError
from shizi.train.loop.schedule import Device
from shizi.train.loop.stream import Position


def present(name: Device) -> Literal["cpu", "cuda"]:
    """Settle where to train.

    Raises:
        OptionError: there is no CUDA device, and it must be one.
    """
    cuda = torch.cuda.is_available()
    if name == "cuda" and not cuda:
        raise OptionError("device cuda: PyTorch finds none here; choose cpu, or auto")
    return "cuda" if cuda and name != "cpu" else "cpu"


class Ranks:
    """The processes that ``torchrun`` started, or this one alone.

    Gradients are averaged by hand after the backward pass: the losses call parts of the net,
    which DistributedDataParallel's hooks would not see.
    """

    def __init__(self, name: Device) -> None:
        self.rank = int(os.environ.get("RANK", "0"))
        self.first = self.rank == 0
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        name = present(name)
        self.device = torch.device(name)
        if name == "cuda":
            self.device = torch.device(name, int(os.environ.get("LOCAL_RANK", "0")))
        if self.count > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if name == "cuda" else "gloo")

    def __enter__(self) -> Ranks:
        return self

    def __exit__(self, *_: object) -> None:
        if self.count > 1:
            dist.destroy_process_group()

    def mean(self, parameters: list[nn.Parameter]) -> None:
        """Average the gradients over all processes."""
        if self.count == 1:
            return
        for parameter in parameters:  # a part that this batch did not use has none
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        grads = [p.grad for p in parameters if p.grad is not None]
        flat = nn.utils.parameters_to_vector(grads)
        dist.all_reduce(flat)
        nn.utils.vector_to_parameters(flat / self.count, grads)

    def agree(self, *values: float) -> tuple[float, ...]:
        """Return the greatest of each value over all processes."""
        if self.count == 1:
            return values
        shared = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(shared, dist.ReduceOp.MAX)
        return tuple(shared.tolist())

    def gather(self, position: Position) -> list[Position]:
        """Return every process's position."""
        if self.count == 1:
            return [position]
        positions: list[Any] = [None] * self.count
        dist.all_gather_object(positions, tuple(position))
        return [Position(*p) for p in positions]
