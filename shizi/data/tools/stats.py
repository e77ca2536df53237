"""How much is in a set, how wide, how long, in which characters."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from shizi.charset import Charset
from shizi.crop import HEIGHT
from shizi.data import (
    BadRows,
    LineItem,
    Lines,
    PageItem,
    find_sets,
    is_pages,
    open_lines,
    open_pages,
)
from shizi.data.tools import tracked
from shizi.errors import DataError
from shizi.geometry import sides
from shizi.page import Quads

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class StatsOptions:
    """What to count and where to draw it.

    Attributes:
        out: folder for widths.png, lengths.png, characters.png and characters.tsv.
        charset: file that holds all characters on one line; without it, the charset of the
            shipped weights.
        measured: crops of a line set whose size is looked up, evenly over the set.
    """

    out: Path | None = None
    charset: Path | None = None
    measured: int = 20_000


@dataclass(frozen=True)
class Stats:
    """What one set, or all of them, holds.

    Attributes:
        name: of the set.
        pictures: line crops or pages.
        lines: those that count: the ignored ones are left out.
        sizes: shape (M, 2), width and height of lines that were measured, pixels.
        lengths: shape (N,), characters of each text.
        characters: how often each is met.
    """

    name: str
    pictures: int
    lines: int
    sizes: NDArray[np.float32]
    lengths: NDArray[np.int32]
    characters: Counter[str]

    def covered(self, charset: Charset) -> float:
        """Share of the characters, 0 to 1, that a charset can spell; 1 if there are none."""
        known = sum(n for c, n in self.characters.items() if c in charset)
        return known / total if (total := self.characters.total()) else 1.0


def stats(path: Path, options: StatsOptions) -> list[Stats]:
    """Count what each set at a path holds.

    Raises:
        DataError: there is no set.
    """
    bad = BadRows()
    found = []
    for labels in find_sets(path):
        where = labels.path.parent if labels.path.is_file() else labels.path
        if is_pages(labels):
            found.append(_of_pages(where.name, open_pages(labels.path, bad)))
        else:
            found.append(_of_lines(where.name, open_lines(labels.path, bad), options.measured))
    if not found:
        raise DataError(f"{path} holds no set: see docs/data.md for what is understood")
    return found


def _of_lines(name: str, lines: Lines, measured: int) -> Stats:
    lengths, characters = _count(tracked(lines.texts(), len(lines), name))
    chosen = lines[:: max(1, -(-len(lines) // measured))]
    sizes = [_size(item) for item in tracked(chosen, len(chosen), f"{name}: sizes")]
    known = np.array([size for size in sizes if size], np.float32).reshape(-1, 2)
    return Stats(name, len(lines), len(lines), known, lengths, characters)


def _of_pages(name: str, pages: Sequence[PageItem]) -> Stats:
    quads: list[Quads] = [page.quads[~page.ignore] for page in pages]
    kept = np.concatenate([np.zeros((0, 4, 2), np.float32), *quads])  # (N, 4, 2)
    texts = (t for p in pages for t, skip in zip(p.texts, p.ignore, strict=True) if t and not skip)
    lengths, characters = _count(texts)
    sizes = np.stack(sides(kept), 1).astype(np.float32)
    return Stats(name, len(pages), len(kept), sizes, lengths, characters)


def _count(texts: Iterable[str]) -> tuple[NDArray[np.int32], Counter[str]]:
    lengths, characters = [], Counter[str]()
    for text in texts:
        lengths.append(len(text))
        characters.update(text)
    return np.array(lengths, np.int32), characters


def _size(item: LineItem) -> tuple[int, int] | None:
    """Width and height from a picture's header; None where it cannot be read."""
    try:
        return PIL.Image.open(io.BytesIO(item.encoded())).size
    except (DataError, OSError):
        return None


def together(parts: Sequence[Stats]) -> Stats:
    """Add several sets up."""
    return Stats(
        "all",
        sum(part.pictures for part in parts),
        sum(part.lines for part in parts),
        np.concatenate([part.sizes for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        sum((part.characters for part in parts), Counter()),
    )


def write_plots(total: Stats, charset: Charset, folder: Path) -> list[Path]:
    """Draw the widths, the lengths and the characters of a set; list the characters too.

    Returns:
        The files written.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "widths.png": _histogram(
            HEIGHT * total.sizes[:, 0] / np.maximum(total.sizes[:, 1], 1),
            f"width of a line scaled to a height of {HEIGHT}, pixels",
        ),
        "lengths.png": _histogram(total.lengths, "characters in a line"),
        "characters.png": _ranks(total.characters, charset),
    }
    for name, figure in figures.items():
        figure.savefig(folder / name, dpi=120)
    rows = [f"{c}\t{n}\t{'' if c in charset else 'missing'}" for c, n in _ranked(total.characters)]
    characters = folder / "characters.tsv"
    characters.write_text("\n".join(["character\tcount\tcharset", *rows, ""]), encoding="utf-8")
    return [*(folder / name for name in figures), characters]


def _ranked(characters: Counter[str]) -> list[tuple[str, int]]:
    """Characters, the most frequent first, equals by code point; no white space."""
    plain = ((c, n) for c, n in characters.items() if not c.isspace())
    return sorted(plain, key=lambda pair: (-pair[1], pair[0]))


def _figure() -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(7, 4), layout="constrained")


def _histogram(values: NDArray[np.number], name: str) -> Figure:
    figure = _figure()
    axes = figure.subplots()
    if len(values):
        top = float(np.percentile(values, 99.5))  # a few giants would flatten the rest
        step = max(1, round(top / 60))  # of one or more whole characters, or pixels
        axes.hist(values, bins=np.arange(-0.5, top + step, step).tolist(), color="#33638d")
        axes.axvline(float(np.median(values)), color="#d1495b", label="median")
        axes.legend()
    axes.set(xlabel=name, ylabel="lines")
    return figure


def _ranks(characters: Counter[str], charset: Charset) -> Figure:
    figure = _figure()
    axes = figure.subplots()
    ranked = _ranked(characters)
    for known, colour, label in (
        (True, "#33638d", "in the charset"),
        (False, "#d1495b", "missing"),
    ):
        points = [(i, n) for i, (c, n) in enumerate(ranked, 1) if (c in charset) == known]
        if points:
            axes.plot(*zip(*points, strict=True), ".", color=colour, label=label)
    if ranked:
        axes.set(xscale="log", yscale="log")
        axes.legend()
    axes.set(xlabel="characters by frequency, rank", ylabel="count")
    return figure
