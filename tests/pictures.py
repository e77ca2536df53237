"""Pictures that tests make."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.Image

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
