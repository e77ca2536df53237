"""The picture of a room with what is seen on it."""

from __future__ import annotations

import cv2
import numpy as np

from shizi.live.frame import Area, Box
from shizi.page import Image

_BLUE, _YELLOW = (77, 171, 247), (255, 200, 87)


def marked(image: Image, area: Area | None, boxes: list[Box]) -> Image:
    """Draw the comment area and the rows (x0, y0, x1, y1) in it."""
    out = np.array(image)
    wide = max(1, round(max(out.shape) / 500))
    for box in boxes:
        x0, y0, _, y1 = (int(v) for v in box)
        beside = max(0, x0 - 3 * wide)  # not over what it says
        cv2.rectangle(out, (beside, y0), (beside + wide, y1), _YELLOW, cv2.FILLED)
    if area is not None:
        cv2.rectangle(out, area[:2], area[2:], _BLUE, wide + 1, cv2.LINE_AA)
    return out
