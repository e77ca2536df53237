"""Datasets on disk: line sets (``labels.tsv``) and page sets (``labels.jsonl``)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.errors import DataError
from shizi.page import Image, Quads


@dataclass(frozen=True)
class LineItem:
    """A line crop on disk and what it says."""

    path: Path
    text: str


@dataclass(frozen=True)
class PageItem:
    """A picture on disk and its lines.

    Attributes:
        path: of the picture.
        quads: shape (N, 4, 2), pixels.
        texts: what each line says; empty where illegible.
        ignore: shape (N,), true where a line must neither be learnt nor scored.
    """

    path: Path
    quads: Quads
    texts: tuple[str, ...]
    ignore: np.ndarray[tuple[int], np.dtype[np.bool_]]


def read_lines(folder: Path) -> list[LineItem]:
    """Read ``labels.tsv``: a row an image, ``image<TAB>text``.

    Raises:
        DataError: the file is missing, or a row has no tab (named as file:line).
    """
    items = []
    for where, row in _rows(folder / "labels.tsv"):
        name, tab, text = row.partition("\t")
        if not tab:
            raise DataError(f"{where}: expected image<TAB>text")
        items.append(LineItem(folder / name, text))
    return items


def read_pages(folder: Path) -> list[PageItem]:
    """Read ``labels.jsonl``: ``{"image", "lines": [{"quad", "text", "ignore"}]}`` a row.

    Raises:
        DataError: the file is missing, or a row is not of that form (named as file:line).
    """
    items = []
    for where, row in _rows(folder / "labels.jsonl"):
        try:
            data = json.loads(row)
            lines = data["lines"]
            quads = np.array([line["quad"] for line in lines], np.float32).reshape(-1, 4, 2)
            ignore = np.array([line.get("ignore", False) for line in lines], bool)
            texts = tuple(line.get("text", "") for line in lines)
            items.append(PageItem(folder / data["image"], quads, texts, ignore))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{where}: not a page label ({error})") from error
    return items


def join_words(item: PageItem) -> PageItem:
    """Join word quads that continue each other into line quads.

    Two words continue each other when they are of like height, on one baseline, and less
    than a line height apart.
    """
    quads = [quad.astype(np.float64) for quad in item.quads]
    texts, ignore = item.texts, item.ignore.tolist()
    following = {i: next_word(quads, ignore, i) for i in range(len(quads))}
    follows = set(following.values())
    lines: list[tuple[Quads, str, bool]] = []
    for first in range(len(quads)):
        if first in follows:
            continue
        chain = [first]
        while (after := following[chain[-1]]) is not None and after not in chain:
            chain.append(after)
        ends = quads[chain[0]], quads[chain[-1]]
        quad = np.stack([ends[0][0], ends[1][1], ends[1][2], ends[0][3]]).astype(np.float32)
        lines.append((quad, " ".join(texts[i] for i in chain), bool(ignore[first])))
    return PageItem(
        item.path,
        np.array([line[0] for line in lines], np.float32).reshape(-1, 4, 2),
        tuple(line[1] for line in lines),
        np.array([line[2] for line in lines], bool),
    )


def next_word(quads: Sequence[NDArray[np.float64]], ignore: Sequence[bool], i: int) -> int | None:
    """Return the index of the word that continues word ``i`` to the right, if there is one."""
    a = quads[i]
    height = float(np.linalg.norm(a[2] - a[1]))
    along = (a[1] - a[0]) / max(float(np.linalg.norm(a[1] - a[0])), 1e-6)
    best, best_gap = None, height
    for j, b in enumerate(quads):
        if j == i or ignore[j] != ignore[i]:
            continue
        other = float(np.linalg.norm(b[3] - b[0]))
        gap = (b[0] + b[3] - a[1] - a[2]) / 2  # from the end of a to the start of b
        ahead = float(gap @ along)
        aside = abs(float(gap[0] * along[1] - gap[1] * along[0]))
        alike = min(height, other) > 0.6 * max(height, other)
        if alike and aside < 0.35 * height and -0.3 * height < ahead < best_gap:
            best, best_gap = j, ahead
    return best


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    for number, row in enumerate(text.split("\n"), 1):
        if row.strip():
            yield f"{path}:{number}", row.rstrip("\r")


def load_image(path: Path) -> Image:
    """Read a training picture as RGB (H, W, 3).

    Raises:
        DataError: it cannot be decoded.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"{path}: cannot be read as an image")
    return np.ascontiguousarray(image[:, :, ::-1])


def shuffled(count: int, seed: int) -> Iterator[int]:
    """Yield 0..count-1 for ever, each epoch in another order."""
    rng = np.random.default_rng(seed)
    while True:
        yield from map(int, rng.permutation(count))
