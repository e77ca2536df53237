"""Pictures of what a net makes of validation samples."""

from __future__ import annotations

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw

from shizi.formats.drawing import font
from shizi.page import Image, Quads

RIGHT, WRONG, TRUTH = (20, 130, 60), (200, 30, 30), (90, 90, 90)
_WIDE, _HIGH = 720, 48  # a line's crop, and the texts beside it


def read_line(crop: Image, truth: str, read: str) -> Image:
    """Show a line, beside it the truth, and below that the text read, red where it is wrong."""
    scale = min(_HIGH / crop.shape[0], _WIDE / crop.shape[1])
    size = max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale))
    sheet = np.full((_HIGH, 2 * _WIDE, 3), 255, np.uint8)
    sheet[: size[1], : size[0]] = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    drawn = PIL.Image.fromarray(sheet)
    pen = PIL.ImageDraw.Draw(drawn)
    face = font(_HIGH // 3)  # a face is half as high again as its size
    colours = TRUTH, RIGHT if read == truth else WRONG
    for text, colour, middle in zip(
        (truth, read), colours, (_HIGH // 4, 3 * _HIGH // 4), strict=True
    ):
        pen.text((_WIDE + 8, middle), text, fill=colour, font=face, anchor="lm")
    return np.asarray(drawn)


def found_lines(image: Image, truth: Quads, found: Quads, side: int = 640) -> Image:
    """Show a page with the true lines in green and those found in red."""
    scale = side / max(image.shape[:2])
    out = np.ascontiguousarray(
        cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if scale < 1
        else image
    )
    scale = min(scale, 1.0)
    for quads, colour, width in ((truth, RIGHT, 2), (found, WRONG, 1)):
        polygons = [(quad * scale).round().astype(np.int32) for quad in quads]
        cv2.polylines(out, polygons, True, colour, width, cv2.LINE_AA)
    return out


def answered(image: Image, answer: str, right: bool, side: int = 200) -> Image:
    """Show a picture, small, with an answer written on it, red where it is wrong."""
    scale = side / max(image.shape[:2])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    out = np.full((side, side, 3), 255, np.uint8)
    out[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    drawn = PIL.Image.fromarray(out)
    pen = PIL.ImageDraw.Draw(drawn)
    pen.rectangle((0, 0, 64, 28), fill=RIGHT if right else WRONG)
    pen.text((6, 2), answer, fill=(255, 255, 255), font=font(20))
    return np.asarray(drawn)


def grid(pictures: list[Image], columns: int = 1, gap: int = 4) -> Image:
    """Lay pictures out in columns on white, (H, W, 3)."""
    rows = [pictures[i : i + columns] for i in range(0, len(pictures), columns)]
    height = sum(max(p.shape[0] for p in row) + gap for row in rows)
    width = max(sum(p.shape[1] + gap for p in row) for row in rows)
    sheet = np.full((height, width, 3), 255, np.uint8)
    y = 0
    for row in rows:
        x = 0
        for picture in row:
            sheet[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
            x += picture.shape[1] + gap
        y += max(p.shape[0] for p in row) + gap
    return sheet
