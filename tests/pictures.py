"""Pictures and documents that tests make."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.Image

from shizi.images.load import Picture, pages
from shizi.page import Image

# Left half red, right half blue, and white at the top left: shows mirrors, turns, swapped channels.
SAMPLE = np.zeros((24, 40, 3), dtype=np.uint8)
SAMPLE[:, :20] = (200, 0, 0)
SAMPLE[:, 20:] = (0, 0, 200)
SAMPLE[:8, :8] = 255


def encode(picture: np.ndarray | PIL.Image.Image, kind: str, **options: Any) -> bytes:
    if isinstance(picture, np.ndarray):
        picture = PIL.Image.fromarray(picture)
    file = io.BytesIO()
    picture.copy().save(file, kind, **options)
    return file.getvalue()


def near(a: np.ndarray, b: np.ndarray, tolerance: float = 0) -> bool:
    return a.shape == b.shape and float(np.abs(a.astype(int) - b.astype(int)).mean()) <= tolerance


def pdf_file(*sizes: tuple[int, int]) -> bytes:
    """A PDF whose pages have these sizes in points and are white with a black left half."""
    drawn = []
    for size in sizes:
        picture = PIL.Image.new("L", size, 255)
        picture.paste(0, (0, 0, size[0] // 2, size[1]))
        drawn.append(picture)
    return encode(drawn[0], "PDF", save_all=True, append_images=drawn[1:], resolution=72)


def good(source: Any, *args: Any, **named: Any) -> list[tuple[str, Image]]:
    """Names and pictures of all pages, none of which failed."""
    found = list(pages(source, *args, **named))
    assert all(isinstance(page, Picture) for page in found)
    return [(page.name, page.image) for page in found if isinstance(page, Picture)]
