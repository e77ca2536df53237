"""How long and how fast to train: the same for every network and framework."""

from __future__ import annotations

import math
import re
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from shizi.cpu import cores
from shizi.errors import DataError, OptionError
from shizi.options import check_range

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "bf16", "fp16", "f32"]


@dataclass(frozen=True)
class LoopOptions:
    """How to train; the same for every network and framework.

    Attributes:
        out: run folder.
        framework: torch, or keras on the backend that KERAS_BACKEND names: tensorflow, jax or
            torch.
        steps: optimizer steps.
        time_budget: stop after so long, for example 30m or 2h; the learning rate follows it.
        lr: peak learning rate.
        backbone_lr: the backbone's share of lr; by default 1 from scratch, and 0.2 of weights that
            have learnt before.
        classifier_lr: the last layer's share of lr, by default 1; in stage tune, where only rows
            of new characters learn, 10. Keep it low where its thousands of rows come from a
            teacher, for Adam moves rare ones as far as common ones.
        freeze: parts of the net that do not learn, for example backbone, or of a VGG16
            backbone.stages.0 and backbone.stages.1, its first two stages.
        warmup: steps of linear warm-up; at most a tenth of the run.
        decay: AdamW weight decay; the last layer of a recogniser has none.
        ema: decay of the averaged weights.
        accumulate: batches whose gradients make one step.
        seed: order of data, augmentation, initial weights.
        validate_every: steps between validations; in PyTorch a time budget also brings ten.
        patience: stop after so many validations without a better one; 0: never.
        resume: go on where the run folder stopped.
        find_lr: look for a learning rate instead: 120 steps at rates that rise, a picture of the
            losses, and the rate to take.
        device: auto, cpu or cuda.
        precision: of the arithmetic; auto: bf16 where the hardware has it.
        threads: CPU threads; 0: as many as there are cores that the process may use.
        workers: processes that prepare data; 0: a thread. By default a thread, and where a GPU
            trains, which one thread would starve, as many as there are cores.
    """

    out: Path = Path("runs/run")
    framework: Literal["torch", "keras"] = "torch"
    steps: int = 20_000
    time_budget: str = ""
    lr: float = 1e-3
    backbone_lr: float | None = None
    classifier_lr: float | None = None
    freeze: tuple[str, ...] = ()
    warmup: int = 200
    decay: float = 0.01
    ema: float = 0.998
    accumulate: int = 1
    seed: int = 1
    validate_every: int = 500
    patience: int = 0
    resume: bool = False
    find_lr: bool = False
    device: Device = "auto"
    precision: Precision = "auto"
    threads: int = 0
    workers: int | None = None

    def __post_init__(self) -> None:
        whole = ("steps", "accumulate", "validate_every")
        check_range(self, **dict.fromkeys(whole, (1, math.inf)))
        counts = ("warmup", "decay", "patience", "threads")
        check_range(self, lr=(0, math.inf), ema=(0, 1), **dict.fromkeys(counts, (0, math.inf)))
        if self.workers is not None:
            check_range(self, workers=(0, math.inf))
        seconds(self.time_budget)

    def preparers(self, gpu: bool) -> int:
        """How many processes prepare data."""
        return (cores() if gpu else 0) if self.workers is None else self.workers

    def frozen(self, name: str) -> bool:
        """Tell whether a parameter, by its name in PyTorch, is of a part that does not learn."""
        return any(f"{name}.".startswith(f"{part}.") for part in self.freeze)

    @property
    def shares(self) -> dict[str, float]:
        """Shares of lr of the parts of a net that have their own; all others have the whole."""
        told = {"backbone": self.backbone_lr, "classify": self.classifier_lr}
        return {part: 1.0 if share is None else share for part, share in told.items()}


def check_frozen(options: LoopOptions, names: Iterable[str]) -> None:
    """Refuse to freeze what a net lacks.

    Args:
        options: that name the parts.
        names: of the net's layers or parameters, in PyTorch's form.

    Raises:
        DataError: ``freeze`` names a part that the net lacks.
    """
    known = [f"{name}." for name in names]
    lacking = [p for p in options.freeze if not any(name.startswith(f"{p}.") for name in known)]
    if lacking:
        parts = ", ".join(dict.fromkeys(name.partition(".")[0] for name in known))
        raise DataError(f"cannot freeze {', '.join(lacking)}; this net has {parts}")


def seconds(budget: str) -> float:
    """Read a time budget such as ``30m``, ``2h``, ``90s`` or ``1h30m``; empty is no limit.

    Raises:
        OptionError: it is none of these.
    """
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", budget.strip())
    if parts is None:
        raise OptionError(f"{budget!r} is no time budget; write it like 30m, 2h or 1h30m")
    hours, minutes, rest = (int(part or 0) for part in parts.groups())
    return float(hours * 3600 + minutes * 60 + rest) or math.inf


def progress(step: int, elapsed: float, options: LoopOptions) -> float:
    """Share of a run that is done after so many steps and seconds, 0 to 1."""
    return min(1.0, max(step / options.steps, elapsed / seconds(options.time_budget)))


def due(step: int, before: float, elapsed: float, options: LoopOptions) -> bool:
    """Tell whether to validate after a step that lasted from ``before`` to ``elapsed``, seconds."""
    tenth = seconds(options.time_budget) / 10
    return step % options.validate_every == 0 or before // tenth < elapsed // tenth


SAVED = 300.0
"""Seconds of training that a killed run loses at most."""


def saving(before: float, elapsed: float) -> bool:
    """Tell whether to save after a step that lasted from ``before`` to ``elapsed``, seconds."""
    return before // SAVED < elapsed // SAVED


def rate(step: int, done: float, options: LoopOptions) -> float:
    """Learning rate: linear warm-up, then cosine to one hundredth."""
    warm = min(1.0, max((step + 1) / max(1, options.warmup), 10 * done))
    return options.lr * warm * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)


def better_than(best: Mapping[str, float], figures: Mapping[str, float], metric: str) -> bool:
    """Tell whether a validation is better than the best; without the metric the last one is."""
    return metric not in figures or metric not in best or figures[metric] > best[metric]


ASTRAY = 100
"""Steps in a row without a number for a loss after which a run is given up."""


def check_astray(steps: int, at: int) -> None:
    """Give a run up that has long had no number for a loss; such steps change nothing.

    Args:
        steps: of this kind, in a row.
        at: number of the last of them, counted from 1.

    Raises:
        DataError: there were too many.
    """
    if steps >= ASTRAY:
        raise DataError(
            f"the loss has been no number since step {at - steps + 1}: begin another run with a "
            "lower learning rate"
        )


class Interrupt:
    """Turns the first SIGINT or SIGTERM into a clean stop with a checkpoint."""

    def __init__(self) -> None:
        self.wanted = False

    def __enter__(self) -> Interrupt:
        def note(*_: Any) -> None:
            self.wanted = True

        self._old = {s: signal.signal(s, note) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
