"""Set a text in one or two faces as an alpha mask, with the place of every character."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageDraw

from shizi.synth.paint.fonts import Face

Mask = NDArray[np.uint8]
ASCENT = 1.2  # the baseline's distance from the mask's top, in em: room for stacked accents
HEIGHT = 1.7  # of a mask, in em
_LETTERS = r" -~\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff\u207f"
_LATIN_RUN = re.compile(f"[{_LETTERS}]+|[^{_LETTERS}]+")
ACCENTED = re.compile(r"[\u00c0-\u036f\u1e00-\u1eff\u207f]")


@dataclass(frozen=True, slots=True)
class Ink:
    """A text as drawn.

    Attributes:
        text: what it says.
        mask: alpha (H, W), 255 where there is ink.
        edges: left edge of every character and the end of the last, pixels, length len(text) + 1.
        size: pixels per em.
        top: upper end of what a reader would box as the line, pixels from the mask's top.
        bottom: its lower end.
        left: first column with ink.
        right: one past the last column with ink.
    """

    text: str
    mask: Mask
    edges: tuple[float, ...]
    size: int
    top: float
    bottom: float
    left: float
    right: float


def draw_text(
    text: str,
    face: Face,
    size: int,
    latin: Face | None = None,
    spacing: float = 0.0,
    smooth: bool = True,
    pad: int = 2,
) -> Ink:
    """Draw one horizontal line.

    Args:
        text: one line.
        face: for everything that ``latin`` does not write.
        size: pixels per em.
        latin: face for runs of Latin letters, digits and ASCII punctuation.
        spacing: extra room after every character, em.
        smooth: antialias.
        pad: empty columns at both ends, pixels.
    """
    pieces = _pieces(text, face, size, latin, spacing)
    edges = [pad + x for _, _, xs in pieces for x in xs[:-1]] + [pad + pieces[-1][2][-1]]
    canvas = PilImage.new("L", (int(edges[-1]) + 1 + pad, round(HEIGHT * size)), 0)
    draw = ImageDraw.Draw(canvas)
    draw.fontmode = "L" if smooth else "1"
    baseline = round(ASCENT * size)
    for run, used, xs in pieces:
        font = used.at(size)
        if spacing:
            for char, x in zip(run, xs, strict=False):
                draw.text((pad + x, baseline), char, fill=255, font=font, anchor="ls")
        else:
            draw.text((pad + xs[0], baseline), run, fill=255, font=font, anchor="ls")
    return measured(text, np.asarray(canvas), tuple(edges), size)


def _pieces(
    text: str, face: Face, size: int, latin: Face | None, spacing: float
) -> list[tuple[str, Face, list[float]]]:
    """Runs of one face with the x of every character and of the run's end."""
    runs = [text] if latin is None else _LATIN_RUN.findall(text)
    pieces, x = [], 0.0
    for run in runs:
        used = latin if latin is not None and run[0] < "⺀" and latin.covers(run) else face
        font = used.at(size)
        xs = [x]
        for char in run:
            step = advance(used, size, char)
            if unicodedata.combining(char):
                step = 0.0
            elif spacing:
                step += spacing * size
            x += step
            xs.append(x)
        if not spacing:  # kerning may make the run shorter than the sum of its characters
            length = font.getlength(run)
            scale = length / max(xs[-1] - xs[0], 1e-6)
            xs = [xs[0] + (v - xs[0]) * scale for v in xs]
            x = xs[-1]
        pieces.append((run, used, xs))
    return pieces


def draw_vertical(text: str, face: Face, size: int, spacing: float = 0.0) -> Ink:
    """Draw Han one below the other; ``edges`` then run down, and the box is the column's."""
    step = size * (1 + spacing)
    pad = max(2, size // 8)
    canvas = PilImage.new(
        "L", (size + 2 * pad + size // 4, int(len(text) * step) + size // 2 + 2 * pad)
    )
    draw = ImageDraw.Draw(canvas)
    font = face.at(size)
    for i, char in enumerate(text):
        x = pad + (size - advance(face, size, char)) / 2
        y = pad + i * step + 0.88 * size
        if char in "、。，":  # stand in the cell's upper right
            x, y = x + 0.55 * size, y - 0.55 * size
        draw.text((x, y), char, fill=255, font=font, anchor="ls")
    mask = np.asarray(canvas)
    rows, cols = _inked(mask)
    edges = tuple(pad + i * step for i in range(len(text) + 1))
    body = (pad + 0.1 * size, pad + 0.9 * size)
    if not len(rows):
        return Ink(text, mask, edges, size, 0.0, edges[-1], *body)
    return Ink(text, mask, edges, size, float(rows[0]), float(rows[-1]) + 1,
               min(float(cols[0]), body[0]), max(float(cols[-1]) + 1, body[1]))  # fmt: skip


def _inked(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns that hold ink."""
    rows = cv2.reduce(mask, 1, cv2.REDUCE_MAX).ravel() > 96
    cols = cv2.reduce(mask, 0, cv2.REDUCE_MAX).ravel() > 96
    return np.flatnonzero(rows), np.flatnonzero(cols)


@lru_cache(maxsize=1 << 17)
def advance(face: Face, size: int, char: str) -> float:
    """Width of a character, pixels (cached)."""
    return face.at(size).getlength(char)


def measured(text: str, mask: Mask, edges: Sequence[float], size: int) -> Ink:
    """Find the line's box: the ink's, but at least a lower-case (Han: a Han) body high."""
    rows, cols = _inked(mask)
    baseline = ASCENT * size
    han = any(c >= "⺀" for c in text)
    body = (
        (baseline - 0.76 * size, baseline + 0.04 * size)
        if han
        else (baseline - 0.5 * size, baseline)
    )
    if not len(rows):
        return Ink(text, mask, tuple(edges), size, *body, 0.0, float(mask.shape[1]))
    top, bottom = min(float(rows[0]), body[0]), max(float(rows[-1]) + 1, body[1])
    return Ink(text, mask, tuple(edges), size, top, bottom, float(cols[0]), float(cols[-1]) + 1)
