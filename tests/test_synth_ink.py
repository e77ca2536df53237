"""Drawn text: its box holds its ink, also turned, warped, and beside what is not text."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from shizi.synth import pages as pages_module
from shizi.synth.kinds import scenes as scenes_module
from shizi.synth.kinds.clutter import pictogram
from shizi.synth.kinds.drawing import Drawing, Style
from shizi.synth.paint import backgrounds as bg
from shizi.synth.paint.fonts import Face
from shizi.synth.paint.ink import draw_text, draw_vertical

BLACK = Style((0, 0, 0))


def dark(image: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Pixels (x, y) darker than mid grey, (N, 2)."""
    ys, xs = np.nonzero(image[..., 0] < 110)
    return np.stack([xs, ys], 1)


def all_inside(points: NDArray[np.intp], quad: NDArray[np.float32], slack: float) -> bool:
    contour = quad.reshape(-1, 1, 2)
    centres = [(float(x) + 0.5, float(y) + 0.5) for x, y in points]
    return all(cv2.pointPolygonTest(contour, c, True) >= -slack for c in centres)


def test_a_space_is_a_gap_and_edges_follow_the_characters(face: Face) -> None:
    ink = draw_text("识 字", face, 32)
    assert len(ink.edges) == 4
    assert all(a < b for a, b in pairwise(ink.edges))
    columns = ink.mask.max(0)
    gap = columns[round(ink.edges[1]) : round(ink.edges[2])]
    assert len(gap) >= 6
    assert not gap.any()
    assert columns[round(ink.edges[0]) : round(ink.edges[1])].any()
    assert columns[round(ink.edges[2]) : round(ink.edges[3])].any()


@pytest.mark.parametrize("spacing", [0.0, 0.3])
def test_ink_box_holds_the_ink(face: Face, spacing: float) -> None:
    ink = draw_text("识字Ag一", face, 40, spacing=spacing)
    rows, cols = np.flatnonzero(ink.mask.max(1) > 96), np.flatnonzero(ink.mask.max(0) > 96)
    assert ink.top <= rows[0]
    assert ink.bottom >= rows[-1] + 1
    assert (ink.left, ink.right) == (cols[0], cols[-1] + 1)
    assert 0.7 * 40 < ink.bottom - ink.top < 1.4 * 40


def test_vertical_ink_stands(face: Face) -> None:
    ink = draw_vertical("识字读书", face, 30)
    assert ink.bottom - ink.top > 3 * (ink.right - ink.left)
    assert len(ink.edges) == 5


@pytest.mark.parametrize("vertical", [False, True])
def test_a_drawing_labels_where_it_writes(face: Face, vertical: bool) -> None:
    drawing = Drawing(bg.plain((255, 255, 255), 240, 320))
    ink = (draw_vertical if vertical else draw_text)("识字读书", face, 32)
    drawing.put(ink, 40, 30, BLACK)
    (line,) = drawing.lines
    points = dark(drawing.image)
    assert len(points) > 200
    assert all_inside(points, line.quad, 0.0)
    low, high = line.quad.min(0), line.quad.max(0)
    assert (points.min(0) - low < 8).all(), "the box is loose"
    assert (high - points.max(0) < 8).all(), "the box is loose"
    assert line.quad[0] == pytest.approx(low)
    assert line.quad[2] == pytest.approx(high)


def _written(face: Face, angle: float = 0.0) -> Drawing:
    drawing = Drawing(bg.plain((255, 255, 255), 300, 400))
    drawing.put_turned(draw_text("识字读书看报", face, 36), 200, 150, angle, BLACK)
    return drawing


@pytest.mark.parametrize("angle", [-30.0, -7.0, 12.0, 30.0])
def test_turned_text_stays_in_its_quad(face: Face, angle: float) -> None:
    drawing = _written(face, angle)
    quad = drawing.lines[0].quad
    assert len(dark(drawing.image)) > 400
    assert all_inside(dark(drawing.image), quad, 1.0)
    along = quad[1] - quad[0]
    assert np.degrees(np.arctan2(along[1], along[0])) == pytest.approx(angle, abs=0.1)


def test_warping_moves_ink_and_quads_alike(face: Face) -> None:
    rng = np.random.default_rng(4)
    for _ in range(5):
        matrix = pages_module._homography(rng, 300, 400, 0.05, 0.9, 8.0)
        warped = pages_module._warped(_written(face), matrix, (400, 300), None)
        assert all_inside(dark(warped.image), warped.lines[0].quad, 1.0)
        curled = pages_module._curled(_written(face), rng)
        assert all_inside(dark(curled.image), curled.lines[0].quad, 2.5)
        turned = scenes_module._turned(_written(face), rng, 20.0)
        inside = cv2.contourArea(turned.lines[0].quad)
        assert inside > 0
        assert all_inside(dark(turned.image), turned.lines[0].quad, 1.5)


@pytest.mark.parametrize("seed", range(40))
def test_a_pictogram_has_ink_and_no_label(seed: int) -> None:
    mask = pictogram(np.random.default_rng(seed), 40)
    assert len(mask) == 40
    assert 0.02 < (mask > 127).mean() < 0.98
    drawing = Drawing(np.full((60, 80, 3), 255, np.uint8))
    x0, y0, x1, y1 = (round(v) for v in drawing.stamp(mask, 5, 8, BLACK))
    assert not drawing.lines
    black = np.argwhere(drawing.image[..., 0] < 128)
    assert (black >= (y0, x0)).all()
    assert (black < (y1, x1)).all()
