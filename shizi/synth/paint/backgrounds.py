"""Pictures without text to put text on: plain, graded, paper, and photo-like ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.errors import DataError
from shizi.page import Image

Rng = np.random.Generator
Colour = tuple[int, int, int]
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def any_colour(rng: Rng) -> Colour:
    """A colour; half of them saturated."""
    hue, value = rng.random() * 180, 255 * (1 - rng.random() ** 2 * 0.9)
    saturation = 255 * (rng.random() if rng.random() < 0.5 else 0.6 + 0.4 * rng.random())
    return hsv(hue, saturation, value)


def _muted(rng: Rng) -> Colour:
    """A colour as most of the world has: rarely saturated."""
    saturation = 255 * rng.random() ** 2 if rng.random() < 0.85 else 255 * rng.random()
    return hsv(rng.random() * 180, saturation, 255 * rng.random())


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Hue 0 to 180, saturation and value 0 to 255, as RGB."""
    r, g, b = cv2.cvtColor(np.array([[[hue, saturation, value]]], np.uint8), cv2.COLOR_HSV2RGB)[
        0, 0
    ]
    return int(r), int(g), int(b)


def luma(colour: Sequence[float] | NDArray[np.generic]) -> float:
    """Brightness of a colour as Rec. 601 weighs it, 0 to 255."""
    return float(np.dot((0.299, 0.587, 0.114), np.asarray(colour, np.float64)))


def contrasting(
    rng: Rng, ground: Sequence[float] | NDArray[np.generic], least: float = 70
) -> Colour:
    """A random colour whose brightness differs from ``ground`` by ``least`` or more."""
    for _ in range(12):
        colour = any_colour(rng)
        if abs(luma(colour) - luma(ground)) >= least:
            return colour
    return (255, 255, 255) if luma(ground) < 128 else (0, 0, 0)


def plain(colour: Sequence[float] | NDArray[np.generic], height: int, width: int) -> Image:
    """One colour, shape (height, width, 3)."""
    row = np.tile(np.asarray(colour).astype(np.uint8), width)
    return np.asarray(np.tile(row, (height, 1)).reshape(height, width, 3), np.uint8)


def graded(a: Sequence[float], b: Sequence[float], height: int, width: int, upright: bool) -> Image:
    """A linear gradient from ``a`` to ``b``, downwards if ``upright``, else to the right."""
    ramp = np.linspace(0, 1, height if upright else width, dtype=np.float32)[:, None]
    row = np.asarray(a, np.float32) * (1 - ramp) + np.asarray(b, np.float32) * ramp  # (n, 3)
    row = row.astype(np.uint8)
    return np.ascontiguousarray(
        np.broadcast_to(row[:, None] if upright else row[None], (height, width, 3))
    )


def clouds(rng: Rng, height: int, width: int, cells: int) -> NDArray[np.float32]:
    """Smooth noise with about ``cells`` cells along the longer side, -1 to 1, (height, width)."""
    longer = max(height, width)
    grid = (max(2, height * cells // longer), max(2, width * cells // longer))
    coarse = rng.random(grid, dtype=np.float32) * 2 - 1
    return np.asarray(
        cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32
    )


def paper(rng: Rng, height: int, width: int) -> Image:
    """White, off-white or yellowed paper with uneven light and fibres."""
    kind = rng.random()
    if kind < 0.45:
        base = np.full(3, 245 + 10 * rng.random())
    elif kind < 0.8:
        base = 225 + 25 * rng.random(3) * (1, 1, 0.8)
    else:
        base = np.array([235, 220, 180]) + rng.integers(-20, 15, 3)
    shade = np.zeros((height, width), np.float32)
    if rng.random() < 0.7:
        shade += clouds(rng, height, width, 5) * rng.random() * 14
    if rng.random() < 0.5:
        shade += clouds(rng, height, width, max(4, max(height, width) // 3)) * rng.random() * 7
    tinted = base.astype(np.float32) + shade[..., None]
    return np.asarray(np.clip(tinted, 0, 255), np.uint8)


def photo(rng: Rng, height: int, width: int) -> Image:
    """A photo-like picture: sky-to-ground gradient, noise of many scales, shapes, blur."""
    image = graded(_muted(rng), _muted(rng), height, width, rng.random() < 0.7)
    image = image.astype(np.float32)
    for cells in (3, 8, 24, 70):
        tint = ((rng.random(3) - 0.5) * 0.6 + rng.random() * 0.8).astype(np.float32)
        image += clouds(rng, height, width, cells)[..., None] * tint * (90 / cells**0.5)
    canvas = np.clip(image, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(3, 22))):
        _shape(rng, canvas)
        if rng.random() < 0.5:
            _texture(rng, canvas)
    if rng.random() < 0.4:
        canvas = cv2.GaussianBlur(canvas, (0, 0), 0.4 + 1.6 * rng.random())
    grain = rng.standard_normal((height, width, 1), np.float32) * (2 + 6 * rng.random())
    return np.clip(canvas + grain, 0, 255).astype(np.uint8)


def _texture(rng: Rng, canvas: Image) -> None:
    """Foliage, stone, bricks or cloth inside a random disc or box: fine detail that is no text."""
    h, w = canvas.shape[:2]
    th, tw = int(rng.integers(40, h)), int(rng.integers(40, w))
    y, x = int(rng.integers(h - th + 1)), int(rng.integers(w - tw + 1))
    if rng.random() < 0.3:  # courses of bricks or tiles
        relief = np.ones((th, tw), np.float32)
        course, long = int(rng.integers(6, 26)), int(rng.integers(12, 60))
        for k, row in enumerate(range(0, th, course)):
            relief[row : row + 1 + course // 10] = -1
            relief[row : row + course, (k % 2) * long // 2 :: long] = -1
        relief *= 0.6
    else:
        cells = (int(rng.integers(20, 60)), int(rng.integers(60, 240)))
        layers = [clouds(rng, th, tw, c) for c in cells]
        relief = 1.4 * np.abs(layers[0]) - 0.7 + layers[1] * rng.random()
    tint = np.asarray(_muted(rng), np.float32) * 0.6 + 20
    mask = np.zeros((th, tw), np.uint8)
    if rng.random() < 0.6:
        cv2.ellipse(mask, (tw // 2, th // 2), (tw // 2, th // 2), 0, 0, 360, 255, -1)
    else:
        mask[:] = 255
    soft = cv2.GaussianBlur(mask, (0, 0), 3)[..., None] / np.float32(255)
    drawn = np.clip(tint + relief[..., None] * (25 + 50 * rng.random()), 0, 255)
    part = canvas[y : y + th, x : x + tw]
    part[:] = (part * (1 - soft) + drawn * soft).astype(np.uint8)


def _shape(rng: Rng, canvas: Image) -> None:
    """Draw a box, disc, polygon, line or row of bars."""
    h, w = canvas.shape[:2]
    colour = _muted(rng)
    x, y = int(rng.integers(w)), int(rng.integers(h))
    rx, ry = int(rng.integers(4, w // 3 + 5)), int(rng.integers(4, h // 3 + 5))
    match int(rng.integers(6)):
        case 0:
            cv2.rectangle(canvas, (x, y), (x + rx, y + ry), colour, -1)
        case 1:
            cv2.ellipse(
                canvas, (x, y), (rx, ry), rng.random() * 180, 0, 360, colour, -1, cv2.LINE_AA
            )
        case 2:
            corners = rng.integers(-max(rx, ry), max(rx, ry), (5, 2)) + np.array([x, y])
            cv2.fillPoly(canvas, [corners.astype(np.int32)], colour, cv2.LINE_AA)
        case 3:
            end = (int(rng.integers(w)), int(rng.integers(h)))
            cv2.line(canvas, (x, y), end, colour, int(rng.integers(1, 8)), cv2.LINE_AA)
        case 4:  # bars: windows, fences, shelves
            step, thick = int(rng.integers(6, 40)), int(rng.integers(1, 12))
            for k in range(0, rx, step):
                cv2.rectangle(canvas, (x + k, y), (x + k + thick, y + ry), colour, -1)
        case _:
            cv2.circle(
                canvas, (x, y), max(rx, ry) // 2, colour, int(rng.integers(1, 6)), cv2.LINE_AA
            )


def load_folder(folder: Path, limit: int = 400, side: int = 800) -> list[Image]:
    """Read up to ``limit`` text-free pictures, shrunk to at most ``side`` pixels.

    Raises:
        DataError: the folder has no readable picture.
    """
    images = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)[:limit]:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            continue
        scale = min(1.0, side / max(image.shape[:2]))
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        images.append(
            cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
        )
    if not images:
        raise DataError(f"no readable picture in the background folder {folder}")
    return images


def make_bank(count: int, seed: int, side: int = 720) -> list[Image]:
    """Draw ``count`` photo-like pictures, (side, side, 3) each."""
    return [photo(np.random.default_rng([seed, i]), side, side) for i in range(count)]


def window(rng: Rng, bank: Sequence[Image], height: int, width: int) -> Image:
    """A random part of a random picture of the bank, scaled to (height, width, 3)."""
    source = bank[int(rng.integers(len(bank)))]
    h, w = source.shape[:2]
    scale = 0.6 + 0.9 * rng.random()  # enlarged little, so that it is as sharp as the text
    ch, cw = max(1, int(height * scale)), max(1, int(width * scale))
    y, x = int(rng.integers(max(1, h - ch + 1))), int(rng.integers(max(1, w - cw + 1)))
    part = source[y : y + ch, x : x + cw]
    if part.shape[:2] != (ch, cw):  # larger than the picture: mirror it
        low, right = ch - part.shape[0], cw - part.shape[1]
        part = cv2.copyMakeBorder(part, 0, low, 0, right, cv2.BORDER_REFLECT)
    if rng.random() < 0.5:
        part = part[:, ::-1]
    part = np.ascontiguousarray(part)
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
