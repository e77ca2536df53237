"""Line crops: cutting a quad out of a page and fitting it into a width bucket.

A crop is stretched to the nearest of a few widths rather than padded: a line's text then
cannot depend on its neighbours in a batch, and memory stays bounded.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.geometry import rotate90, sides, warp
from shizi.page import Image

HEIGHT = 48
"""Height of every crop that the recogniser sees, pixels."""

GREY = 127
"""Padding that becomes about zero after normalisation."""


def _widths(first: int, last: int, ratio: float) -> tuple[int, ...]:
    widths = [first]
    while widths[-1] < last:
        widths.append(max(widths[-1] + 8, round(widths[-1] * ratio / 8) * 8))
    return tuple(widths)


WIDTHS = _widths(32, 1600, 2**0.25)
"""The width buckets, pixels: steps of about a fifth, so a crop is stretched by a tenth or so."""


def bucket(width: float) -> int:
    """Return the bucket nearest to ``width`` on a logarithmic scale."""
    ratios = np.abs(np.log(np.asarray(WIDTHS) / max(width, 1.0)))
    return WIDTHS[int(ratios.argmin())]


def cut(image: Image, quad: NDArray[np.float32]) -> Image:
    """Cut a quad (4, 2) out at its natural size; :func:`fit` shrinks it without aliasing."""
    width, height = (max(1, round(float(v))) for v in sides(quad))
    return warp(image, quad, width, height)


def fit(crop: Image, squeeze: float = 1.0) -> Image:
    """Scale a crop (h, w, 3) to HEIGHT and to its width bucket.

    Args:
        crop: a line, text from left to right.
        squeeze: factor on the width; below 1 the recogniser has less work.
    """
    h, w = crop.shape[:2]
    natural = w * HEIGHT / h * squeeze
    width = bucket(natural)
    inner = width if natural >= WIDTHS[0] else max(4, round(natural))
    shrinks = h > HEIGHT
    out = cv2.resize(
        crop, (inner, HEIGHT), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    )
    if inner < width:
        left = (width - inner) // 2
        out = cv2.copyMakeBorder(
            out, 0, 0, left, width - inner - left, cv2.BORDER_CONSTANT, value=(GREY,) * 3
        )
    return np.ascontiguousarray(out, dtype=np.uint8)


def lie_down(crop: Image) -> Image:
    """Turn a vertical line's crop by 90 degrees counter-clockwise, so its top is at the left."""
    return rotate90(crop, 90)
