"""The one PyTorch training loop: resumable to the step, logged, best kept by validation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Protocol

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from shizi.cpu import cores
from shizi.engine import MANY, Session
from shizi.errors import DataError
from shizi.nets.torch.runtime import ModuleRuntime
from shizi.page import Image
from shizi.train.loop.ranks import Ranks
from shizi.train.loop.run import RunFolder, checkpoint, forget_after, goes_on, plot_curves
from shizi.train.loop.schedule import (
    Interrupt,
    LoopOptions,
    Precision,
    better_than,
    check_astray,
    check_frozen,
    due,
    progress,
    rate,
    saving,
)
from shizi.train.loop.stream import Position, Sampler, batches, prefetch


class Task(Sampler, Protocol):
    """What the loop needs to know of a network: nothing but this."""

    metric: str
    """Key of the validation figure that decides which weights are best; higher is better.

    Figures may lack it, where there is nothing to validate on; the last weights count then.
    """

    @property
    def net(self) -> nn.Module:
        """The net to train."""

    def loss(self, batch: Any, device: torch.device) -> dict[str, Tensor]:
        """Return named losses; their sum is minimised."""

    def figures(self, session: Session) -> dict[str, float]:
        """Return the validation figures of a net."""

    def picture(self, session: Session) -> Image | None:
        """Show some validation samples: input, target and prediction, (H, W, 3)."""


class Average:
    """Exponential moving average of a net's floating-point state."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {k: v.detach().clone() for k, v in net.state_dict().items()}

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        """Move towards the net; faster in the first steps, so the start is forgotten."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for key, value in net.state_dict().items():
            if value.is_floating_point():
                self.state[key].lerp_(value, 1 - decay)
            else:
                self.state[key].copy_(value)


@dataclass
class Progress:
    """How far a run has come; kept in its checkpoint.

    Attributes:
        step: optimizer steps done.
        elapsed: seconds of training.
        best: figures of the best validation.
        stale: validations since then.
        position: of the data stream.
    """

    step: int
    elapsed: float
    best: dict[str, float]
    stale: int
    position: Position


State = dict[str, Tensor]
Settle = Callable[[State], State]


def _as_is(state: State) -> State:
    return state


class Trainer:
    """One run: a task, its optimizer and its checkpoint."""

    def __init__(self, task: Task, options: LoopOptions, settle: Settle = _as_is) -> None:
        self.task, self.options, self._settle = task, options, settle
        self.ranks = Ranks(options.device)
        self.device = self.ranks.device
        torch.manual_seed(options.seed)
        torch.set_num_threads(options.threads or cores())
        self.dtype = _dtype(options.precision, self.device)
        self.net = task.net.to(self.device)
        groups = _groups(self.net, options)
        self.parameters = [p for group in groups for p in group["params"]]
        self.optimizer = torch.optim.AdamW(groups, lr=options.lr)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)
        self.average = Average(self.net, options.ema)
        self.at = Progress(0, 0.0, {}, 0, Position())
        self._last = options.out / "last.pt"
        self._astray = 0  # steps in a row whose gradients were no numbers
        self._open()

    def _open(self) -> None:
        """Start the run folder, or go on where it stopped."""
        forget = 0
        if goes_on(self.options, self._last.name, "keras.safetensors"):
            state = _loaded(self._last, self.device)
            self.net.load_state_dict(state["net"])
            self.average.state = state["average"]
            self.optimizer.load_state_dict(state["optimizer"])
            self.scaler.load_state_dict(state["scaler"])
            torch.set_rng_state(state["rng"].cpu())
            drawn, waiting = state["positions"][self.ranks.rank]
            position = Position(drawn, tuple(waiting))
            self.at = Progress(
                state["step"], state["elapsed"], state["best"], state["stale"], position
            )
            forget = self.at.step
        if self.ranks.first:
            forget_after(self.options.out / "metrics.jsonl", forget)

    def save(self) -> None:
        """Write last.pt, whole or not at all."""
        at, positions = self.at, self.ranks.gather(self.at.position)
        if not self.ranks.first:
            return
        state = {
            "net": self.net.state_dict(),
            "average": self.average.state,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "rng": torch.get_rng_state(),
            "step": at.step,
            "elapsed": at.elapsed,
            "best": at.best,
            "stale": at.stale,
            "positions": [(p.next, list(p.waiting)) for p in positions],
        }
        with checkpoint(self._last) as part:
            torch.save(state, part)

    def step(self, stream: Iterator[tuple[Any, Position]]) -> dict[str, float]:
        """Take one optimizer step; return the losses and the seconds waited for data."""
        options, at = self.options, self.at
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * group["share"]
        self.net.train()
        sums: dict[str, float] = {}
        waited = 0.0
        for _ in range(options.accumulate):
            asked = time.monotonic()
            batch, at.position = next(stream)
            waited += time.monotonic() - asked
            with torch.autocast(self.device.type, self.dtype, self.dtype != torch.float32):
                losses = self.task.loss(batch, self.device)
            total = torch.stack(list(losses.values())).sum() / options.accumulate
            self.scaler.scale(total).backward()
            for key, value in losses.items():
                sums[key] = sums.get(key, 0.0) + value.item() / options.accumulate
        self.ranks.mean(self.parameters)
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.parameters, 5.0)
        self._astray = 0 if torch.isfinite(norm) else self._astray + 1
        check_astray(self._astray, at.step + 1)
        if torch.isfinite(norm) or self.scaler.is_enabled():
            self.scaler.step(self.optimizer)
            self.average.update(self.net, at.step)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        at.step += 1
        return {**sums, "wait": waited}

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0 to 1."""
        return progress(self.at.step, self.at.elapsed, self.options)

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        return rate(self.at.step, self.progress, self.options)

    def check(self, run: RunFolder | _Silent) -> None:
        """Validate the averaged weights, keep them if they are the best, save."""
        at, out = self.at, self.options.out
        if self.ranks.first:
            trained = {k: v.clone() for k, v in self.net.state_dict().items()}
            settled = self._settle(self.average.state)
            self.net.load_state_dict(settled)
            self.net.eval()
            session = Session(ModuleRuntime(self.net, self.device, self.dtype), MANY)
            figures = self.task.figures(session)
            run.validation(at.step, figures, at.elapsed, self.task.picture(session))
            better = better_than(at.best, figures, self.task.metric)
            at.stale = 0 if better else at.stale + 1
            if better:
                at.best = figures
                save_weights(settled, out / "best.safetensors")
            save_weights(settled, out / "last.safetensors")
            self.net.load_state_dict(trained)
        self.save()
        (stale,) = self.ranks.agree(float(at.stale))
        at.stale = int(stale)


def fit(
    task: Task, options: LoopOptions, judge_first: bool = False, settle: Settle = _as_is
) -> dict[str, float]:
    """Train ``task.net`` and return its best validation figures.

    Args:
        task: the net, its data and its loss.
        options: how to train.
        judge_first: validate the first weights too, so that the best are no worse than these.
        settle: makes of the averaged weights those that are validated and kept.

    The run folder holds options.json, metrics.jsonl, TensorBoard events, sample pictures,
    curves.png, last.pt (all state, to resume), last.safetensors and best.safetensors (the
    averaged weights, the latest and those that validated best).

    Raises:
        DataError: the run folder already holds a run and ``resume`` is not given.
    """
    trainer = Trainer(task, options, settle)
    ranks, at = trainer.ranks, trainer.at
    seed = options.seed + 1_000_003 * ranks.rank  # every process draws its own samples
    workers = options.preparers(trainer.device.type == "cuda")
    made = prefetch(batches(task, seed, at.position, workers))
    with ranks, closing(made) as stream, _folder(trainer) as run, Interrupt() as interrupt:
        source = chain([next(stream)], stream)  # preparing does not count against the budget
        if judge_first and at.step == 0:
            trainer.check(run)
        clock = time.monotonic()
        done = trainer.progress >= 1
        while not done:
            losses = trainer.step(source)
            now = time.monotonic()
            before, at.elapsed, clock = at.elapsed, at.elapsed + now - clock, now
            run.step(at.step, losses, trainer.rate, at.elapsed, trainer.progress)
            at.elapsed, stop = ranks.agree(at.elapsed, float(interrupt.wanted))
            done = bool(stop) or trainer.progress >= 1
            if done or due(at.step, before, at.elapsed, options):
                trainer.check(run)
                done |= 0 < options.patience <= at.stale
                clock = time.monotonic()  # validation does not count against the budget
            elif saving(before, at.elapsed):
                trainer.save()
    if ranks.first:
        plot_curves(options.out)
    return at.best


def _loaded(file: Path, device: torch.device) -> dict[str, Any]:
    """Read all state of a run.

    Raises:
        DataError: the file is damaged.
    """
    try:
        state: dict[str, Any] = torch.load(file, map_location=device, weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
        raise DataError(
            f"{file} is damaged; begin another run from {file.parent}/last.safetensors"
        ) from error
    return state


def _folder(trainer: Trainer) -> RunFolder | _Silent:
    """Open the run folder; only the first process writes."""
    options = trainer.options
    if not trainer.ranks.first:
        return _Silent()
    return RunFolder(options.out, asdict(options), trainer.progress)


class _Silent:
    """The run folder of every process but the first."""

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def step(self, *_: object) -> None:
        """Write nothing."""

    def validation(self, *_: object) -> None:
        """Write nothing."""


def _dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Type of the arithmetic; half precision only where the hardware has it."""
    match precision:
        case "bf16":
            return torch.bfloat16
        case "fp16":
            return torch.float16
        case "f32":
            return torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    fast = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if fast else torch.float32


def _groups(net: nn.Module, options: LoopOptions) -> list[dict[str, Any]]:
    """Group parameters by their share of the learning rate; only matrices decay.

    The classifier does not: rows of rare characters have little else to move them.

    Raises:
        DataError: ``freeze`` names a part that the net lacks.
    """
    check_frozen(options, (name for name, _ in net.named_parameters()))
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        part = name.partition(".")[0]
        share = 0.0 if options.frozen(name) else options.shares.get(part, 1.0)
        parameter.requires_grad_(share > 0)
        if share:
            decays = parameter.ndim > 1 and part != "classify"
            groups.setdefault((share, decays), []).append(parameter)
    return [
        {"params": params, "share": share, "weight_decay": options.decay if decays else 0.0}
        for (share, decays), params in groups.items()
    ]


def save_weights(state: Mapping[str, Tensor], path: Path) -> None:
    """Write a state as safetensors, whole or not at all."""
    with checkpoint(path) as part:
        save_file({k: v.contiguous().cpu() for k, v in state.items()}, part)
