"""The drawing shows boxes to the left and the text where it stood to the right."""

from __future__ import annotations

import numpy as np
import pytest

from shizi.formats import drawing as module
from shizi.formats.drawing import draw
from shizi.geometry import rotate90
from shizi.page import Image, Line, Page, Quad

GREY = np.full((120, 200, 3), 128, dtype=np.uint8)
BOX = [[20, 30], [180, 30], [180, 60], [20, 60]]


def line(
    points: list[list[float]], text: str = "识字 OCR", block: int = 0, vertical: bool = False
) -> Line:
    return Line(Quad.from_array(points), text, 0.9, block=block, vertical=vertical)


def drawn(*lines: Line, image: Image = GREY) -> tuple[Image, Image]:
    """Both halves of a drawing."""
    height, width = image.shape[:2]
    result = draw(Page("x", width, height, lines=lines), image)
    assert result.shape == (height, 2 * width, 3)
    assert result.dtype == np.uint8
    return result[:, :width], result[:, width:]


def ink(paper: Image) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is dark."""
    ys, xs = np.nonzero(paper.max(axis=2) < 110)
    return int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())


def test_no_text_leaves_the_picture_and_a_white_page() -> None:
    left, right = drawn()
    assert (left == GREY).all()
    assert (right == 255).all()


def test_text_fills_its_quad_and_nothing_else() -> None:
    left, right = drawn(line(BOX))
    x0, y0, x1, y1 = ink(right)
    assert 19 <= x0 < 30
    assert 140 < x1 <= 181
    assert 29 <= y0 < 45
    assert 48 < y1 <= 61
    outside = np.ones(right.shape[:2], bool)
    outside[28:63, 18:183] = False
    assert (right[outside] == 255).all()
    assert (left[outside] == 128).all()
    assert (left[30, 30:170] != 128).any(axis=1).all()  # the upper side of the box


def test_the_picture_given_is_not_painted_on() -> None:
    image = GREY.copy()
    drawn(line(BOX), image=image)
    assert (image == GREY).all()


def test_blocks_have_colours_of_their_own() -> None:
    colours = {tuple(drawn(line(BOX, block=b))[0][30, 100].tolist()) for b in range(4)}
    assert len(colours) == 4


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_turned_lines_are_drawn_turned(angle: int) -> None:
    upright = drawn(line(BOX, "上L"))[1]
    height, width = GREY.shape[:2]
    turned = np.array(BOX, np.float64)
    for _ in range(angle // 90):  # a quarter counter-clockwise: (x, y) goes to (y, width - x)
        turned = np.stack([turned[:, 1], width - turned[:, 0]], 1)
        height, width = width, height
    right = drawn(line(turned.tolist(), "上L"), image=rotate90(GREY, angle))[1]
    difference = np.abs(rotate90(right, -angle).astype(int) - upright)
    assert difference.mean() < 2


def test_tilted_text_stays_in_its_quad() -> None:
    _, right = drawn(line([[30, 20], [150, 80], [138, 104], [18, 44]]))
    x0, y0, x1, y1 = ink(right)
    assert x0 >= 17
    assert y0 >= 19
    assert x1 <= 151
    assert y1 <= 105
    assert x1 - x0 > 90


def test_vertical_text_is_stacked() -> None:
    tall = [[80, 10], [110, 10], [110, 110], [80, 110]]
    x0, y0, x1, y1 = ink(drawn(line(tall, "中文字", vertical=True))[1])
    assert x1 - x0 > 18  # as wide as the column, not a row squeezed into it
    assert y0 < 25
    assert y1 > 95


@pytest.mark.parametrize(
    "points",
    [
        [[-50, -50], [-10, -50], [-10, -20], [-50, -20]],
        [[500, 500], [600, 500], [600, 520], [500, 520]],
        [[5, 5], [5, 5], [5, 5], [5, 5]],
        [[10, 10], [190, 10], [190, 10.2], [10, 10.2]],
        [[-40, 10], [300, 10], [300, 40], [-40, 40]],
    ],
)
def test_odd_quads(points: list[list[float]]) -> None:
    drawn(line(points), line(points, ""), line(points, "直排", vertical=True))


def test_very_wide_picture() -> None:
    wide = np.full((50, 20_000, 3), 255, dtype=np.uint8)
    _, right = drawn(line([[0, 0], [20_000, 0], [20_000, 50], [0, 50]], "长" * 450), image=wide)
    assert ink(right)[2] > 15_000


def test_without_a_chinese_font_it_still_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_font_file", lambda: None)
    module.font.cache_clear()
    try:
        assert ink(drawn(line(BOX, "OCR 识字"))[1])[0] < 40
    finally:
        module.font.cache_clear()


def test_missing_font_file_is_passed_over() -> None:
    assert not module._has_chinese("/nowhere/font.ttc", 0)
