"""The one PyTorch training loop: resumable, logged, best kept by validation."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any, Protocol, TypeVar

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from shizi.errors import DataError

T = TypeVar("T")


@dataclass(frozen=True)
class LoopOptions:
    """How to train; the same for every network.

    Attributes:
        out: run folder.
        steps: optimizer steps.
        minutes: time budget; 0: none.
        lr: peak learning rate.
        backbone_lr: the backbone's share of lr; 0 freezes it.
        classifier_lr: the last layer's share of lr; keep it low where its thousands of rows
            come from a teacher, for Adam moves rare ones as far as common ones.
        warmup: steps of linear warm-up.
        decay: AdamW weight decay.
        ema: decay of the averaged weights.
        seed: order of data, augmentation, initial weights.
        validate_every: steps between validations.
        resume: go on where the run folder stopped.
        device: auto, cpu or cuda.
        threads: CPU threads; 0: all cores.
    """

    out: Path = Path("runs/run")
    steps: int = 20_000
    minutes: float = 0.0
    lr: float = 1e-3
    backbone_lr: float = 0.2
    classifier_lr: float = 1.0
    warmup: int = 200
    decay: float = 0.01
    ema: float = 0.998
    seed: int = 1
    validate_every: int = 500
    resume: bool = False
    device: str = "auto"
    threads: int = 0


class Task(Protocol):
    """What the loop needs to know of a network: nothing but this."""

    metric: str
    """Key of the validation figure that decides which weights are best; higher is better."""

    @property
    def net(self) -> nn.Module:
        """The net to train."""

    def batches(self, seed: int) -> Iterator[Any]:
        """Yield batches for ever, in an order that depends only on the seed."""

    def loss(self, batch: Any, device: torch.device) -> dict[str, Tensor]:
        """Return named losses; their sum is minimised."""

    def validate(self, device: torch.device) -> dict[str, float]:
        """Return the figures of the net as it stands."""


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


def prefetch(items: Iterator[T], depth: int = 4) -> Generator[T, None, None]:
    """Run the iterator in a thread, at most ``depth`` items ahead; its error is raised here."""
    queue: Queue[tuple[T | None, BaseException | None]] = Queue(depth)
    stop = Event()

    def work() -> None:
        try:
            for item in items:
                if stop.is_set():
                    return
                queue.put((item, None))
            queue.put((None, StopIteration()))
        except BaseException as error:
            queue.put((None, error))

    Thread(target=work, daemon=True).start()
    try:
        while True:
            item, error = queue.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            assert item is not None
            yield item
    finally:
        stop.set()
        while not queue.empty():
            queue.get_nowait()


def fit(task: Task, options: LoopOptions) -> dict[str, float]:
    """Train ``task.net`` and return its best validation figures.

    The run folder holds options.json, metrics.jsonl, TensorBoard events, last.pt (all
    state, to resume) and best.safetensors (the averaged weights that validated best).

    Raises:
        DataError: the run folder already holds a run and ``resume`` is not given.
    """
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads or os.cpu_count() or 1)
    device = _device(options.device)
    out = options.out
    last = out / "last.pt"
    if last.exists() and not options.resume:
        raise DataError(f"{out} already holds a run; add --resume or choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    _write_json(
        out / "options.json",
        {"command": " ".join(sys.argv), **asdict(options), "commit": _commit()},
    )

    net = task.net.to(device)
    optimizer = torch.optim.AdamW(_groups(net, options), lr=options.lr)
    average = Average(net, options.ema)
    step, elapsed, best = 0, 0.0, dict[str, float]()
    if last.exists():
        state = torch.load(last, map_location=device, weights_only=True)
        net.load_state_dict(state["net"])
        average.state = state["average"]
        optimizer.load_state_dict(state["optimizer"])
        step, elapsed, best = state["step"], state["elapsed"], state["best"]

    def save() -> None:
        state = {
            "net": net.state_dict(),
            "average": average.state,
            "optimizer": optimizer.state_dict(),
            "step": step,
            "elapsed": elapsed,
            "best": best,
        }
        temporary = last.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(last)

    log = _Log(out, options.steps, step)
    batches = prefetch(task.batches(options.seed + step))
    batch = next(batches)  # preparing the data does not count against the budget
    with log, _Interrupt() as interrupt:
        clock = time.monotonic()
        progress = 0.0
        while progress < 1.0 and not interrupt.wanted:
            progress = _progress(step, elapsed, options)
            rate = _rate(progress, step, options)
            for group in optimizer.param_groups:
                group["lr"] = rate * group["share"]
            net.train()
            with torch.autocast(device.type, dtype=torch.bfloat16):
                losses = task.loss(batch, device)
            total = torch.stack(list(losses.values())).sum()
            optimizer.zero_grad(set_to_none=True)
            total.backward()
            norm = nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            if torch.isfinite(norm):
                optimizer.step()
                average.update(net, step)
            step += 1
            waited = time.monotonic()
            batch = next(batches)
            now = time.monotonic()
            waited = now - waited
            elapsed, clock = elapsed + now - clock, now
            log.step(step, {k: v.item() for k, v in losses.items()}, rate, elapsed, waited)
            progress = _progress(step, elapsed, options)
            if step % options.validate_every == 0 or progress >= 1.0 or interrupt.wanted:
                trained = {k: v.clone() for k, v in net.state_dict().items()}
                net.load_state_dict(average.state)
                net.eval()
                figures = task.validate(device)
                log.validation(step, figures, elapsed)
                if not best or figures[task.metric] > best[task.metric]:
                    best = figures
                    _save_weights(net, out / "best.safetensors")
                net.load_state_dict(trained)
                save()
                clock = time.monotonic()  # validation does not count against the budget
    batches.close()
    return best


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def _groups(net: nn.Module, options: LoopOptions) -> list[dict[str, Any]]:
    """Group parameters by their share of the learning rate; only matrices decay."""
    shares = {"backbone": options.backbone_lr, "classify": options.classifier_lr}
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        share = shares.get(name.partition(".")[0], 1.0)
        if share == 0:
            parameter.requires_grad_(False)
        else:
            groups.setdefault((share, parameter.ndim > 1), []).append(parameter)
    return [
        {"params": params, "share": share, "weight_decay": options.decay if matrix else 0.0}
        for (share, matrix), params in groups.items()
    ]


def _progress(step: int, elapsed: float, options: LoopOptions) -> float:
    by_time = elapsed / (60 * options.minutes) if options.minutes else 0.0
    return max(step / options.steps, by_time)


def _rate(progress: float, step: int, options: LoopOptions) -> float:
    """Linear warm-up, then cosine to one hundredth."""
    warm = min(1.0, (step + 1) / max(1, options.warmup))
    return options.lr * warm * (0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, progress))) / 2)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, default=str, ensure_ascii=False) + "\n")


def _save_weights(net: nn.Module, path: Path) -> None:
    temporary = path.with_suffix(".tmp")
    save_file({k: v.contiguous().cpu() for k, v in net.state_dict().items()}, temporary)
    temporary.replace(path)


def _commit() -> str:
    try:
        run = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return run.stdout.strip()


class _Interrupt:
    """Turns the first SIGINT or SIGTERM into a clean stop with a checkpoint."""

    def __init__(self) -> None:
        self.wanted = False

    def __enter__(self) -> _Interrupt:
        def note(*_: Any) -> None:
            self.wanted = True

        self._old = {s: signal.signal(s, note) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)


class _Log:
    """metrics.jsonl, TensorBoard, and a bar on a terminal."""

    def __init__(self, out: Path, steps: int, step: int) -> None:
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("train", total=steps, completed=step)
        self._file = (out / "metrics.jsonl").open("a")
        self._board = SummaryWriter(str(out))
        self._sums: dict[str, float] = {}
        self._count = 0

    def __enter__(self) -> _Log:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        self._file.close()
        self._board.close()

    def step(
        self, step: int, losses: dict[str, float], rate: float, elapsed: float, waited: float
    ) -> None:
        self._count += 1
        for key, value in {**losses, "wait": waited}.items():
            self._sums[key] = self._sums.get(key, 0.0) + value
        if self._count == 50:
            means = {k: v / self._count for k, v in self._sums.items()}
            self._write(step, {"lr": rate, **means}, elapsed)
            text = "  ".join(f"{k} {v:.3f}" for k, v in means.items() if k != "wait")
            self._bar.update(self._task, description=text)
            self._sums, self._count = {}, 0
        self._bar.update(self._task, completed=step)

    def validation(self, step: int, figures: dict[str, float], elapsed: float) -> None:
        self._write(step, figures, elapsed)
        text = "  ".join(f"{k} {v:.4f}" for k, v in figures.items())
        self._console.print(f"step {step}  {elapsed / 60:.1f} min  {text}", highlight=False)

    def _write(self, step: int, values: dict[str, float], elapsed: float) -> None:
        row = {
            "step": step,
            "time": round(elapsed, 1),
            **{k: round(v, 6) for k, v in values.items()},
        }
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        for key, value in values.items():
            self._board.add_scalar(key, value, step)
