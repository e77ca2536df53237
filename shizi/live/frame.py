"""A picture of a stream, and places in it: what the halves of a live room share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.page import Image

Area = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels of the frame."""

Box = NDArray[np.floating[Any]]
"""Left, top, right, bottom, pixels, shape (4,)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a stream.

    Attributes:
        time: on the stream's clock, seconds from its start.
        index: number of the frame among all that were decoded.
        width: pixels.
        height: pixels.
        picture: the decoder's frame or an RGB array; read it by :meth:`crop`.
    """

    time: float
    index: int
    width: int
    height: int
    picture: Any

    @property
    def image(self) -> Image:
        """The whole frame, RGB (H, W, 3)."""
        return self.crop(0, 0, self.width, self.height)

    def crop(self, x0: int, y0: int, x1: int, y1: int) -> Image:
        """A part of the frame, RGB (y1 - y0, x1 - x0, 3); only that part is converted."""
        if isinstance(self.picture, np.ndarray):
            return np.ascontiguousarray(self.picture[y0:y1, x0:x1])
        if self.picture.format.name not in ("yuv420p", "yuvj420p"):
            return np.ascontiguousarray(self.picture.to_ndarray(format="rgb24")[y0:y1, x0:x1])
        return _from_yuv(self.picture, x0, y0, x1, y1)


def _from_yuv(picture: Any, x0: int, y0: int, x1: int, y1: int) -> Image:
    left, top = x0 // 2 * 2, y0 // 2 * 2  # chroma is at half size
    right, low = x1 + (x1 - left) % 2, y1 + (y1 - top) % 2
    parts = []
    for i, plane in enumerate(picture.planes):
        a = 1 if i == 0 else 2
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        part = rows[top // a : low // a, left // a : min(right // a, plane.width)]
        want = ((low - top) // a, (right - left) // a)
        missing = (want[0] - part.shape[0], want[1] - part.shape[1])  # frames of odd size
        if any(missing):
            part = np.pad(part, ((0, missing[0]), (0, missing[1])), "edge")
        parts.append(part.ravel())
    stacked = np.concatenate(parts).reshape(-1, right - left)  # (1.5 h, w), I420
    rgb = cv2.cvtColor(stacked, cv2.COLOR_YUV2RGB_I420)
    return np.ascontiguousarray(rgb[y0 - top : y1 - top, x0 - left : x1 - left], np.uint8)
