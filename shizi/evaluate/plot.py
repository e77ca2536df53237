"""Pictures of evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shizi.evaluate.calibration import Judged, reliability
from shizi.extras import needed
from shizi.scores import ANGLES

_EDGES = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.985, 1.0)
_FEW = 10  # lines of a bin below which its share says nothing


def plot_reliability(sets: Mapping[str, Sequence[Judged]], path: Path) -> None:
    """Draw the share of right lines by their score, set by set and all together, as a picture.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with needed("drawing reliability"):
        from matplotlib.figure import Figure
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="--")
    together = [pair for judged in sets.values() for pair in judged]
    for name, judged in (*sets.items(), ("all", together)):
        bins = [b for b in reliability(judged, _EDGES) if b.lines >= _FEW]
        bold = name == "all"
        axes.plot(
            [b.score for b in bins],
            [1 - b.share_wrong for b in bins],
            color="black" if bold else None,
            linewidth=2.5 if bold else 1,
            marker="o",
            markersize=5 if bold else 3,
            label=name,
        )
    axes.set(xlabel="score", ylabel="share of lines that are right", xlim=(0, 1), ylim=(0, 1))
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=120)


def plot_confusion(counts: NDArray[np.int64], path: Path) -> None:
    """Draw counts of angles (4, 4), rows the truth, columns the answer, as a picture.

    Shades are shares of a row.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with needed("drawing the confusion"):
        from matplotlib.figure import Figure
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure = Figure(figsize=(4.6, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        shade = "white" if shares[row, column] > 0.5 else "black"
        text = f"{count}\n{100 * shares[row, column]:.1f} %"
        axes.text(column, row, text, ha="center", va="center", color=shade)
    names = [f"{angle}°" for angle in ANGLES]
    axes.set_xticks(range(len(ANGLES)), names)
    axes.set_yticks(range(len(ANGLES)), names)
    accuracy = counts.trace() / max(1, counts.sum())
    axes.set(xlabel="answer", ylabel="truth", title=f"accuracy {100 * accuracy:.2f} %")
    figure.savefig(path, dpi=120)
