"""The run folder: what was asked, what was logged, and the curves."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from PIL import Image as Pillow
from safetensors import SafetensorError

from shizi.bar import bar
from shizi.errors import DataError
from shizi.extras import needed
from shizi.files import whole, write_text
from shizi.page import Image
from shizi.train.loop.schedule import LoopOptions

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_LOG = logging.getLogger("shizi.train")

LOG_EVERY = 50
"""Steps between rows of losses in metrics.jsonl."""


def goes_on(options: LoopOptions, own: str, other: str) -> bool:
    """Tell whether a run goes on with what its folder holds, and warn where there is nothing.

    Args:
        options: of the run.
        own: the file in which this framework keeps all state.
        other: that of the other framework.

    Raises:
        DataError: the folder holds a run that is not to be resumed, or one of the other framework.
    """
    out = options.out
    if (out / other).exists():
        raise DataError(f"{out} holds a run of the other framework; choose another --out")
    there = (out / own).exists()
    if there and not options.resume:
        raise DataError(f"{out} already holds a run; add --resume or choose another --out")
    if options.resume and not there:
        _LOG.warning("%s holds no run to go on with: one begins", out)
    return there


@contextmanager
def checkpoint(path: Path) -> Iterator[Path]:
    """Yield a path to write to, which takes the place of ``path`` at the end.

    Raises:
        DataError: it cannot be written, on a full disk for instance; ``path`` stays as it was.
    """
    try:
        with whole(path) as part:
            yield part
    except (OSError, RuntimeError, SafetensorError) as error:  # what frameworks make of it
        reason = textwrap.shorten(str(error), 120)
        raise DataError(
            f"cannot write {path} ({reason}); is the disk full? The run can be resumed"
        ) from error


PARTS = 1000
"""Of the progress bar."""


class RunFolder:
    """Writes options.json, metrics.jsonl, TensorBoard events, pictures and curves.

    A context manager; shows a progress bar on a terminal.

    Args:
        out: the folder.
        options: to be noted.
        done: share of the run that is done, by steps or by its time budget, 0 to 1.
    """

    def __init__(self, out: Path, options: Mapping[str, Any], done: float = 0.0) -> None:
        out.mkdir(parents=True, exist_ok=True)
        noted = {"command": " ".join(sys.argv), **options, "commit": commit()}
        write_text(out / "options.json", json.dumps(noted, indent=1, default=str) + "\n")
        self.out = out
        self._done = done
        self._open = ExitStack()
        self._file = (out / "metrics.jsonl").open("a", encoding="utf-8")
        self._board = board(out)
        self._sums: dict[str, float] = {}
        self._count = 0
        self._rate = 0.0

    def __enter__(self) -> RunFolder:
        self._bar = self._open.enter_context(bar(PARTS, "train", counted=False))
        self._bar.at(PARTS * self._done)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._file.close()
        self._board.close()

    def step(
        self, step: int, losses: Mapping[str, float], rate: float, elapsed: float, done: float
    ) -> None:
        """Note a step's losses; at every LOG_EVERY-th step their means become a row.

        Args:
            step: number of optimizer steps done.
            losses: by name; their sum is logged as ``loss``.
            rate: learning rate.
            elapsed: seconds of training.
            done: share of the run that is done.
        """
        self._count, self._rate = self._count + 1, rate
        for key, value in losses.items():
            self._sums[key] = self._sums.get(key, 0.0) + value
        if step % LOG_EVERY == 0:
            self._sum_up(step, elapsed)
        self._done = done
        self._bar.at(PARTS * done)

    def _sum_up(self, step: int, elapsed: float) -> None:
        """Write the mean losses since the last row, if there are any."""
        if not self._count:
            return
        means = {k: v / self._count for k, v in self._sums.items()}
        loss = sum(v for k, v in means.items() if k != "wait")
        self._write(step, {"loss": loss, "lr": self._rate, **means}, elapsed)
        self._bar.at(PARTS * self._done, f"step {step}, loss {loss:.3f}")
        self._sums, self._count = {}, 0

    def validation(
        self, step: int, figures: Mapping[str, float], elapsed: float, picture: Image | None
    ) -> None:
        """Note validation figures, and a picture of input, target and prediction.

        The losses until then become a row too, so that a run resumed here goes on with the rows
        that it would have written.
        """
        self._sum_up(step, elapsed)
        self._write(step, figures, elapsed)
        text = "  ".join(f"{k} {v:.5g}" for k, v in figures.items())
        with self._bar.hidden():
            print(f"step {step}  {elapsed / 60:.1f} min  {text}", file=sys.stderr)
        if picture is not None:
            folder = self.out / "samples"
            folder.mkdir(exist_ok=True)
            Pillow.fromarray(picture).save(folder / f"{step:07d}.png")
            self._board.add_image("samples", picture, step, dataformats="HWC")

    def _write(self, step: int, values: Mapping[str, float], elapsed: float) -> None:
        rounded = {k: float(f"{v:.6g}") for k, v in values.items()}
        row = {"step": step, "time": round(elapsed, 1), **rounded}
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        for key, value in values.items():
            self._board.add_scalar(key, value, step)


def board(out: Path) -> SummaryWriter:
    """Return a writer of TensorBoard events that leaves TensorFlow alone, which loads slowly.

    Raises:
        MissingExtraError: tensorboard is not installed.
    """
    # tensorboard takes its own small stand-in for TensorFlow where it finds this module.
    sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))
    with needed("training"):
        from torch.utils.tensorboard import SummaryWriter
    return SummaryWriter(str(out))


def forget_after(path: Path, step: int) -> None:
    """Drop rows of metrics.jsonl later than ``step``: a resumed run writes them again."""
    if path.exists():
        rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [row for row in rows if row.endswith("\n") and json.loads(row)["step"] <= step]
        write_text(path, "".join(kept))


def commit() -> str:
    """Return the git commit of this code, or ``unknown``."""
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


def plot_curves(out: Path) -> Path:
    """Draw metrics.jsonl as curves.png: losses and rate, and every validation figure.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with needed("curves.png"):
        from matplotlib.figure import Figure
    rows = [json.loads(row) for row in (out / "metrics.jsonl").read_text("utf-8").splitlines()]
    steps = [row for row in rows if "loss" in row]
    checks = [row for row in rows if "loss" not in row]
    figure = Figure(figsize=(12, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    drawn = any(row["loss"] > 0 for row in steps)
    for key in [k for k in (steps[0] if steps else {}) if k not in ("step", "time", "lr", "wait")]:
        left.plot([r["step"] for r in steps], [r[key] for r in steps], label=key)
    left.set(xlabel="step", ylabel="loss", yscale="log" if drawn else "linear")
    if steps:
        pace = left.twinx()
        pace.plot([r["step"] for r in steps], [r["lr"] for r in steps], "k:", alpha=0.5)
        pace.set(ylabel="learning rate (dotted)", ylim=(0, None))
    for key in [k for k in (checks[0] if checks else {}) if k not in ("step", "time", "left_out")]:
        right.plot([r["step"] for r in checks], [r[key] for r in checks], "o-", label=key)
    right.set(xlabel="step", ylabel="validation", ylim=(0, None))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8)
    path = out / "curves.png"
    figure.savefig(path, dpi=110)
    return path
