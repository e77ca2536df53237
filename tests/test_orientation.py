"""Lines and votes of the orientation classifier."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shizi.engine import Session
from shizi.geometry import box_to_quad, rotate90
from shizi.nets.spec import OrientationSpec
from shizi.orientation import LINES, OrientationClassifier, bearing, piece, pieces
from shizi.page import Image

SPEC = OrientationSpec()
SHAPE = (SPEC.height, SPEC.width, 3)


@settings(max_examples=30)
@given(st.integers(1, 300), st.integers(1, 900))
def test_a_piece_of_any_crop_has_one_shape(h: int, w: int) -> None:
    image, laid = piece(np.full((h, w, 3), 200, np.uint8), SPEC)
    assert image.shape == SHAPE
    assert laid == (h >= 1.5 * w)
    assert (image[:, 0] == 200).all()


def test_the_longest_lines_vote() -> None:
    boxes = np.array([(0, 20 * i, 30 + 5 * i, 20 * i + 10) for i in range(LINES + 3)], np.float32)
    picture = np.zeros((300, 200, 3), np.uint8)
    for i, (_, top, right, bottom) in enumerate(boxes.astype(int)):
        picture[top:bottom, :right] = 10 * i + 10
    found = pieces(picture, box_to_quad(boxes), SPEC)
    shades = [int(p.image[24, 0, 0]) for p in found]
    assert shades == [10 * i + 10 for i in range(LINES + 2, 2, -1)]


def test_lines_aslant_say_nothing_beside_others() -> None:
    level, upright = (
        box_to_quad(np.array([b], np.float32)) for b in ((0, 0, 90, 10), (0, 0, 10, 80))
    )
    t = np.deg2rad(45)
    turn = np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])
    aslant = (2 * level @ turn).astype(np.float32)
    assert bearing(np.concatenate([level, aslant, upright])).tolist() == [90, 0, 80]
    np.testing.assert_allclose(bearing(aslant), [180], rtol=1e-5)  # a sign, and nothing else


def says(quarter: int, probability: float = 1.0) -> OrientationClassifier:
    """A classifier that takes every piece for turned by so many quarters."""
    probs = np.full(4, (1 - probability) / 3, np.float32)
    probs[quarter] = probability
    logits = np.log(np.maximum(probs, 1e-9))
    return OrientationClassifier(Session(lambda batch: np.tile(logits, (len(batch), 1))))


def turned(angle: int) -> tuple[Image, np.ndarray]:
    """A picture and its one line, long, as it stands then."""
    picture = rotate90(np.zeros((100, 200, 3), np.uint8), -angle)
    h, w = picture.shape[:2]
    return picture, box_to_quad(np.array([[10, 10, w - 10, h - 10]], np.float32))


@pytest.mark.parametrize(
    ("stands", "quarter", "angle"),
    [(0, 0, 0), (0, 2, 180), (90, 0, 90), (90, 2, 270), (90, 3, 0), (90, 1, 180), (0, 1, 90)],
)
def test_a_line_that_runs_downwards_is_laid_down_first(
    stands: int, quarter: int, angle: int
) -> None:
    """Upright there, the page is turned; on its side, its characters stand one below the other."""
    assert says(quarter)(*turned(stands)) == (angle, pytest.approx(1.0))


def test_the_score_is_the_share_of_the_votes() -> None:
    angle, score = says(1, 0.7)(*turned(0))
    assert (angle, score) == (90, pytest.approx(0.7))


def test_where_no_line_was_found_nothing_votes() -> None:
    none = np.zeros((0, 4, 2), np.float32)
    assert says(2)(np.zeros((100, 100, 3), np.uint8), none) == (0, 0.0)
