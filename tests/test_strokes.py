"""Strokes that no line explains: strips, single characters, and the patches to see them by."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from quads import quad_iou

from shizi.detection.beside import in_line
from shizi.detection.filling import filling, with_filling
from shizi.detection.missed import second_looks, whole_mark
from shizi.detection.strokes import Patch, cut_patch, densest, slant, unexplained
from shizi.geometry import box_to_quad, sides
from shizi.page import Image

NONE = np.zeros((0, 4, 2), np.float32)


def page(height: int = 400, width: int = 600) -> Image:
    return np.full((height, width, 3), 255, np.uint8)


def written(image: Image, quad: np.ndarray) -> np.ndarray:
    """Draw strokes, like those of a line of text, into a quad (4, 2)."""
    a, b, c, d = quad
    for t in np.linspace(0, 1, max(2, int(np.linalg.norm(b - a) / 5))):
        top, low = a + t * (b - a), d + t * (c - d)
        cv2.line(image, top.astype(int).tolist(), low.astype(int).tolist(), (0, 0, 0), 2)
    return quad


def box(x: float, y: float, width: float, height: float) -> np.ndarray:
    return box_to_quad(np.array([x, y, x + width, y + height], np.float32))


def turned(quad: np.ndarray, degrees: float) -> np.ndarray:
    t = np.deg2rad(degrees)
    turn = np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])
    return ((quad - quad.mean(0)) @ turn + quad.mean(0)).astype(np.float32)


@pytest.mark.parametrize("degrees", [0, 30, -40, 90])
def test_a_line_that_nobody_saw_is_a_strip_whichever_way_it_runs(degrees: float) -> None:
    image = page()
    quad = written(image, turned(box(200, 190, 200, 20 if degrees else 6), degrees))
    strips = unexplained(image, NONE, NONE, NONE).strips
    assert len(strips) == 1
    assert quad_iou(strips[0], quad) > 0.45
    assert slant(strips)[0] == pytest.approx(abs(degrees), abs=3)
    assert sides(strips)[0] > sides(strips)[1]


def test_words_that_follow_each_other_are_one_strip() -> None:
    image = page()
    for y in (60, 120, 190):
        written(image, box(100, y, 24, 50))
    strips = unexplained(image, NONE, NONE, NONE).strips
    assert len(strips) == 1
    assert quad_iou(strips[0], box(124, 60, 180, -24)) >= 0  # a rectangle
    assert sides(strips)[0][0] == pytest.approx(180, abs=10)


def test_a_level_line_of_good_height_needs_no_second_look() -> None:
    image = page()
    written(image, box(100, 100, 300, 24))
    assert len(unexplained(image, NONE, NONE, NONE).strips) == 0


def test_strokes_of_known_lines_are_explained() -> None:
    image = page()
    known = written(image, box(100, 100, 300, 24))[None]
    left = unexplained(image, known, known, known)
    assert (len(left.strips), len(left.marks), left.largest, left.share) == (0, 0, 0, 0.0)
    written(image, box(100, 300, 300, 6))
    left = unexplained(image, known, known, known)
    assert len(left.strips) == 1
    assert left.share == pytest.approx(0.3, abs=0.1)


def test_an_outline_is_no_strip() -> None:
    image = page()
    cv2.rectangle(image, (100, 100), (500, 160), (0, 0, 0), 2)
    left = unexplained(image, NONE, NONE, NONE)
    assert len(left.strips) == 0
    assert left.largest > 50


def test_a_character_alone_on_plain_ground_is_a_mark_also_in_a_bubble() -> None:
    image = page()
    cv2.putText(image, "7", (100, 130), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 3)
    cv2.rectangle(image, (380, 80), (440, 150), (200, 200, 200), 2)
    cv2.putText(image, "2", (400, 128), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 3)
    marks = unexplained(image, NONE, NONE, NONE).marks
    assert sorted(marks.mean(1)[:, 0].round(-1).tolist()) == [110, 410]
    assert len(unexplained(image, NONE, NONE, marks).marks) == 0  # found already


def test_a_character_level_with_a_line_is_one_however_far_and_narrow() -> None:
    image = page()
    known = np.stack([written(image, box(40, y, 120, 20)) for y in (100, 122, 144)])
    cv2.line(image, (400, 102), (400, 118), (0, 0, 0), 2)  # a 1 in the first row,
    cv2.line(image, (400, 124), (400, 140), (0, 0, 0), 2)  # one that nearly touches it,
    cv2.line(image, (300, 90), (300, 170), (0, 0, 0), 2)  # a rule between columns,
    cv2.line(image, (500, 160), (502, 161), (0, 0, 0), 2)  # dirt,
    written(image, box(500, 100, 60, 20))  # and a word
    found = unexplained(image, known, known, known).beside
    assert sorted(found.mean(1).round().tolist()) == [[400, 110], [400, 132]]
    assert all(min(side) >= 17 for side in sides(found))  # as high as the row, and as wide
    assert not len(unexplained(image, known, known, np.concatenate([known, found])).beside)


def test_a_level_stroke_in_a_row_may_be_a_character_and_dashes_are_none() -> None:
    image = page()
    known = np.stack([written(image, box(40, 100, 120, 24))])
    cv2.line(image, (300, 112), (318, 112), (0, 0, 0), 3)  # 一
    cv2.line(image, (400, 112), (406, 112), (0, 0, 0), 3)  # too short,
    cv2.line(image, (460, 112), (520, 112), (0, 0, 0), 3)  # too long
    found = unexplained(image, known, known, known).beside
    np.testing.assert_allclose(found.mean(1), [[309, 112]], atol=1)


def test_a_slim_character_is_a_mark_and_no_strip() -> None:
    image = page()
    cv2.line(image, (100, 100), (100, 112), (0, 0, 0), 4)
    left = unexplained(image, NONE, NONE, NONE)
    assert (len(left.marks), len(left.strips)) == (1, 0)
    written(image, turned(box(300, 200, 90, 12), 90))  # a label on its side
    left = unexplained(image, NONE, NONE, NONE)
    assert len(left.strips) == 1


def test_a_patch_says_whether_it_holds_a_single_character() -> None:
    image = page()
    cv2.putText(image, "7", (100, 130), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 3)
    written(image, turned(box(300, 200, 90, 12), 90))
    looks = second_looks(image, image, unexplained(image, NONE, NONE, NONE), 2.0)
    assert [look.alone for look in looks] == [False, True]


def test_marks_stand_in_line_with_lines_of_their_height() -> None:
    marks = np.stack([box(100, 50, 8, 20), box(300, 101, 12, 20), box(380, 300, 12, 20)])
    lines = np.stack([box(100, 150, 90, 22), box(40, 100, 120, 22), box(380, 200, 200, 60)])
    assert in_line(marks, lines).tolist() == [True, True, False]
    assert not in_line(marks, lines[:0]).any()


def test_a_character_that_fills_a_picture_takes_the_place_of_what_was_taken_for_it() -> None:
    image = page(400, 400)
    cv2.putText(image, "E", (90, 320), cv2.FONT_HERSHEY_SIMPLEX, 11, (0, 0, 0), 30)
    (whole,) = filling(image)
    assert quad_iou(whole, box(105, 80, 190, 250)) > 0.7
    same, words = box(95, 70, 210, 270), box(105, 85, 190, 30)
    found, _ = with_filling(image, same[None], np.ones(1, np.float32))
    assert len(found) == 1
    assert quad_iou(found[0], same) < 1
    kept, _ = with_filling(image, words[None], np.ones(1, np.float32))  # a block of text
    np.testing.assert_allclose(kept, words[None])
    assert len(filling(page())) == 0


def test_a_frame_is_no_part_of_the_character_in_it() -> None:
    image = page(400, 400)
    cv2.rectangle(image, (20, 20), (380, 380), (0, 0, 0), 8)
    cv2.putText(image, "E", (90, 320), cv2.FONT_HERSHEY_SIMPLEX, 11, (0, 0, 0), 30)
    assert max(quad_iou(whole, box(105, 80, 190, 250)) for whole in filling(image)) > 0.7


def test_what_crosses_lines_is_no_character_that_fills_the_picture() -> None:
    image = page(400, 400)
    cv2.putText(image, "E", (90, 320), cv2.FONT_HERSHEY_SIMPLEX, 11, (0, 0, 0), 30)
    words = np.stack([box(105, 80, 290, 110), box(105, 210, 290, 110)])  # it is half of each
    kept, _ = with_filling(image, words, np.ones(2, np.float32))
    np.testing.assert_allclose(kept, words)


def test_a_small_word_of_two_characters_is_a_strip() -> None:
    image = page()
    for x in (100, 109):
        cv2.rectangle(image, (x, 100), (x + 6, 108), (0, 0, 0), 1)
    assert len(unexplained(image, NONE, NONE, NONE).strips) == 1


def test_on_rough_ground_nothing_stands_alone() -> None:
    image = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    cv2.putText(image, "7", (100, 130), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 3)
    assert len(unexplained(image, NONE, NONE, NONE).marks) == 0


def test_a_patch_knows_where_it_was_cut_out() -> None:
    quad = turned(box(200, 190, 200, 20), 30)
    patch = cut_patch(page(), quad, 2.0)
    assert patch.picture.shape == (40, 400, 3)
    corners = np.array([[0, 0], [400, 0], [400, 40], [0, 40]], np.float32)
    np.testing.assert_allclose(patch.back(corners), quad, atol=1e-3)


def test_the_densest_square_lies_where_strokes_are() -> None:
    image = page(1000, 1000)
    for y in range(600, 800, 30):
        written(image, box(620, y, 200, 20))
    x, y = densest(image, 256)
    assert 560 < x < 640
    assert 540 < y < 610


def test_a_character_looked_at_by_itself_keeps_the_bar_that_the_detector_cut_off() -> None:
    """A 7 without its bar is a 1."""
    room = np.array(
        [[90, 80, 130, 120]], np.float32
    )  # a mark of 20 x 20 px and half as much around
    patch = Patch(np.zeros((40, 40, 3), np.uint8), box_to_quad(room)[0], alone=True)
    cut, far = (
        box_to_quad(np.array([b], np.float32))[0] for b in ((99, 93, 121, 111), (91, 81, 99, 90))
    )
    assert whole_mark(cut, patch).tolist() == [[99, 90], [121, 90], [121, 111], [99, 111]]
    assert np.array_equal(whole_mark(far, patch), far)  # it is another one's
