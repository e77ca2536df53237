"""Pictures of evaluations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shizi.extras import needed
from shizi.scores import ANGLES


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
