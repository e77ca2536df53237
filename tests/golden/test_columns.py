"""A page of vertical text, whichever way it lies."""

from __future__ import annotations

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest
from rapidfuzz.distance import Levenshtein

from shizi.formats.drawing import font
from shizi.geometry import rotate90
from shizi.page import Image
from shizi.reader import Reader, ReaderOptions

COLUMNS = (
    "白日依山盡黃河入海流",
    "欲窮千里目更上一層樓",
    "春眠不覺曉處處聞啼鳥",
    "夜來風雨聲花落知多少",
    "床前明月光疑是地上霜",
)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(ReaderOptions(threads=1))


@pytest.fixture(scope="module")
def poems() -> Image:
    """Five columns of characters 34 px high, 70 px apart, from right to left."""
    paper = PIL.Image.new("RGB", (420, 460), (244, 240, 230))
    pen = PIL.ImageDraw.Draw(paper)
    for i, column in enumerate(COLUMNS):
        for j, char in enumerate(column):
            pen.text((350 - i * 70, 30 + j * 40), char, fill=(40, 30, 30), font=font(34))
    return np.array(paper)


@pytest.mark.parametrize("angle", [0, 90, 180])
def test_columns_are_read_from_right_to_left(reader: Reader, poems: Image, angle: int) -> None:
    page = reader.read(rotate90(poems, -angle))
    assert page.angle == angle
    assert all(line.vertical for line in page.lines)
    assert len(page.lines) == len(COLUMNS)
    read = [line.text for line in page.lines]
    assert sum(map(Levenshtein.distance, read, COLUMNS)) <= 3
    for line in page.lines:  # its first point is the text's own top-left corner
        tl, tr, _, bl = rotated_back(line.quad.to_array(), angle)
        assert tl[0] < tr[0]
        assert tl[1] + 300 < bl[1]


def rotated_back(quad: np.ndarray, angle: int) -> np.ndarray:
    """Points (4, 2) turned counter-clockwise by the angle; only directions matter."""
    x, y = quad.T
    turned = {0: (x, y), 90: (y, -x), 180: (-x, -y)}[angle]
    return np.stack(turned, 1)
