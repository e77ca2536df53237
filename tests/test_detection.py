"""The detector's decoding: what the targets say must come back as quads."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quads import quad_iou

from shizi.detection import DetectionOptions
from shizi.detection.canvas import OVERLAP, cover, padded
from shizi.detection.columns import cells, in_row, stack
from shizi.detection.ends import completed
from shizi.detection.missed import merge, one_line
from shizi.detection.slices import build_quads
from shizi.geometry import box_to_quad, quad_to_box
from shizi.nets.spec import CTPNSpec
from shizi.train.targets import Targets, assign, slice_quads

SPEC = CTPNSpec()
SIZE = 512
TIGHT = DetectionOptions(margin=0.0)


def perfect(quads: np.ndarray, size: int = SIZE) -> np.ndarray:
    """What a net without errors would say, (R, C, K, 7)."""
    slices = slice_quads(quads, np.zeros(len(quads), bool), size // 16, 16)
    t: Targets = assign(slices, size // 8, size // 16, SPEC)
    score = np.where(t.label == 1, 6.0, -6.0)[..., None]
    parts = [score, t.vertical, t.ends * 12 - 6, t.offsets]
    return np.concatenate(parts, -1).astype(np.float32)


def tilted(x: float, y: float, w: float, h: float, degrees: float) -> np.ndarray:
    t = np.deg2rad(degrees)
    turn = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2
    return (corners @ turn.T + (x, y)).astype(np.float32)


@settings(max_examples=60)
@given(
    st.floats(200, 312),
    st.floats(200, 312),
    st.floats(60, 300),
    st.floats(12, 60),
    st.floats(-30, 30),
)
def test_a_line_tilted_up_to_30_degrees_comes_back(
    x: float, y: float, w: float, h: float, degrees: float
) -> None:
    quad = tilted(x, y, max(w, 2.5 * h), h, degrees)
    found, scores = build_quads(perfect(quad[None]), SPEC, TIGHT)
    assert len(found) == 1
    assert quad_iou(found[0], quad) > 0.75
    assert scores[0] > 0.9


def test_an_anchor_belongs_to_the_line_that_it_fits_best() -> None:
    quads = box_to_quad(np.array([[0, 100, 64, 130], [0, 105, 64, 134]]))
    slices = slice_quads(quads, np.zeros(2, bool), 4, 16)
    swapped = slice_quads(quads[::-1], np.zeros(2, bool), 4, 16)
    one, other = (assign(s, 32, 4, SPEC) for s in (slices, swapped))
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a, b)
    row, anchor = 14, SPEC.heights.index(min(SPEC.heights, key=lambda h: abs(h - 30)))
    centre = (row + 0.5) * SPEC.row  # 116: nearer to the first line's 115 than to 119.5
    assert one.label[row, 1, anchor] == 1
    moved = one.vertical[row, 1, anchor, 0] * SPEC.heights[anchor]
    assert centre + moved == pytest.approx(115)


def test_ignored_text_does_not_matter_but_where_a_line_is() -> None:
    quads = box_to_quad(np.array([[0, 100, 64, 130], [32, 100, 96, 130]]))
    slices = slice_quads(quads, np.array([False, True]), 6, 16)
    label = assign(slices, 32, 6, SPEC).label
    assert (label[:, :4] == 1).any((0, 2)).all()
    assert (label[:, 2:] == -1).any()
    assert not (label[:, 4:] == 1).any()


def test_lines_in_a_row_stay_apart_however_near() -> None:
    quads = np.stack([tilted(100, 100, 120, 20, 0), tilted(226, 100, 120, 20, 0)])  # 6 px apart
    found, _ = build_quads(perfect(quads), SPEC, TIGHT)
    assert len(found) == 2
    for quad in quads:
        assert max(quad_iou(f, quad) for f in found) > 0.8


def test_dense_rows_stay_apart() -> None:
    quads = np.stack([tilted(250, 40 + 13 * i, 400, 10, 0) for i in range(30)])
    found, _ = build_quads(perfect(quads), SPEC, TIGHT)
    assert len(found) == 30


def test_a_line_cut_by_the_edge_ends_there() -> None:
    quad = np.array([[-200, 100], [200, 100], [200, 130], [-200, 130]], np.float32)
    found, _ = build_quads(perfect(quad[None]), SPEC, TIGHT)
    assert len(found) == 1
    assert found[0][:, 0].min() == pytest.approx(0, abs=2)


def below(count: int, x: float = 100, pitch: float = 40) -> np.ndarray:
    """Upright characters, 36 px high, one below the other."""
    boxes = [(x, 50 + pitch * i, x + 36, 86 + pitch * i) for i in range(count)]
    return box_to_quad(np.array(boxes, np.float32))


def words(count: int, pitch: float = 40) -> np.ndarray:
    quads = below(count, 200, pitch)
    quads[:, 1:3, 0] += 60
    return quads


def stacked(quads: np.ndarray) -> int:
    return len(stack(quads, np.ones(len(quads), np.float32))[0])


def test_characters_below_each_other_are_one_line() -> None:
    assert stacked(below(6)) == 1
    assert stacked(np.concatenate([below(6), below(6, 180)])) == 2


@pytest.mark.parametrize("degrees", [0, 3])
def test_cells_level_with_words_are_not_joined_downwards(degrees: float) -> None:
    table = np.concatenate([below(6), words(6), below(6, 400)])
    t = np.deg2rad(degrees)
    turn = np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])
    assert stacked((table @ turn).astype(np.float32)) == 18


def test_the_column_tells_where_its_rows_are_not_each_slanting_word() -> None:
    askew = words(6)
    askew[:, 1:3, 1] += 4  # a short word's slope says little, and it stands far away
    askew[:, :, 0] += 400
    assert stacked(np.concatenate([below(6), askew])) == 12


def test_cells_that_are_spread_are_level_with_cells_of_any_kind() -> None:
    digits = below(6, 400, 60)
    digits[:, 2:, 1] -= 12  # lower than the characters
    some = [0, 1, 3, 5]  # the others were not seen
    assert stacked(np.concatenate([below(6, pitch=60), words(6, 60)[1:], digits[some]])) == 15


def test_lines_have_others_of_like_height_in_their_row() -> None:
    rows = np.concatenate([below(2), below(1, 300), box_to_quad(np.array([[0, 86, 9, 146]]))])
    assert in_row(rows.astype(np.float32)).tolist() == [True, False, True, False]


def test_pieces_far_apart_are_no_line() -> None:
    pieces = box_to_quad(np.array([[60, 0, 100, 20], [0, 2, 50, 20]], np.float32))
    np.testing.assert_allclose(one_line(pieces), box_to_quad(np.array([[0, 0, 100, 20]])))
    assert len(one_line(pieces + np.array([[[30, 0]], [[0, 0]]], np.float32))) == 0


def test_a_column_beside_a_paragraph_is_still_joined() -> None:
    assert stacked(np.concatenate([below(8), words(4, 55)])) == 5


def test_a_line_of_a_second_look_takes_the_place_of_its_pieces() -> None:
    line = box_to_quad(np.array([100, 20, 130, 220], np.float32))
    piece = box_to_quad(np.array([[102, 60, 128, 90]], np.float32))
    words = box_to_quad(np.array([[200, 60, 300, 90]], np.float32))
    given = np.concatenate([piece, words])
    quads, scores = merge(given, np.array([0.8, 0.9], np.float32), line, 1.0)
    np.testing.assert_allclose(quads, np.stack([words[0], line]))
    np.testing.assert_allclose(scores, [0.9, 1.0])


def test_a_second_look_adds_nothing_to_what_is_known() -> None:
    known = box_to_quad(np.array([[100, 20, 300, 50], [400, 20, 430, 220]], np.float32))
    for found in ((110, 20, 200, 50), (402, 30, 428, 130)):
        line = box_to_quad(np.array(found, np.float32))
        quads, _ = merge(known, np.ones(2, np.float32), line, 1.0)
        np.testing.assert_allclose(quads, known)


def test_characters_spread_evenly_are_one_line_but_rows_of_three_are_a_grid() -> None:
    assert stacked(below(4, pitch=60)) == 1
    assert stacked(np.concatenate([below(4, 100, 60), below(4, 180, 60), below(4, 260, 60)])) == 12


def test_entries_of_a_list_are_no_column_where_a_word_follows_in_step() -> None:
    entries = below(4, 100, 60)
    step, height = 60.0, float(np.ptp(entries[0, :, 1]))
    left, top = entries[0, 0]
    word = box_to_quad(np.array([left, top - step, left + 120, top - step + height], np.float32))
    assert stacked(np.concatenate([word[None], entries])) == 5
    off = word - np.array([0, 25], np.float32)  # a title, which keeps another distance
    assert stacked(np.concatenate([off[None], entries])) == 2
    aside = word + np.array([-50, 0], np.float32)
    assert stacked(np.concatenate([aside[None], entries])) == 2


def test_pieces_of_a_steep_line_give_way_to_the_whole_and_level_lines_do_not() -> None:
    level = box_to_quad(np.array([0, 0, 90, 30], np.float32))
    t = np.deg2rad(-40)
    turn = np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])
    steep = (level @ turn + np.array([100, 200])).astype(np.float32)
    along = (steep[1] - steep[0]) / 90
    whole = steep.copy()
    whole[1:3] += 200 * along  # goes on
    quads, _ = merge(steep[None], np.ones(1, np.float32), whole, 1.0)
    np.testing.assert_allclose(quads, whole[None])
    words = box_to_quad(np.array([[0, 0, 60, 14]], np.float32)) + whole.mean(0) - [30, 7]
    kept, _ = merge(words.astype(np.float32), np.ones(1, np.float32), whole, 1.0)
    np.testing.assert_allclose(kept, words)


def test_nothing_comes_of_nothing() -> None:
    output = np.full((8, 4, len(SPEC.heights), 7), -6, np.float32)
    quads, scores = build_quads(output, SPEC, TIGHT)
    assert quads.shape == (0, 4, 2)
    assert scores.shape == (0,)


def test_targets_against_a_slow_reference() -> None:
    rng = np.random.default_rng(3)
    quads = np.stack(
        [
            tilted(*rng.uniform(100, 400, 2), rng.uniform(50, 200), rng.uniform(12, 50), 0)
            for _ in range(5)
        ]
    )
    slices = slice_quads(quads, np.zeros(5, bool), SIZE // 16, 16)
    got = assign(slices, SIZE // 8, SIZE // 16, SPEC)
    for r in range(0, SIZE // 8, 3):
        for c in range(SIZE // 16):
            for k, h in enumerate(SPEC.heights):
                cy = r * 8 + 4
                best = 0.0
                for m in np.flatnonzero(slices.column == c):
                    a, b = slices.centre[m], slices.height[m]
                    inter = min(cy + h / 2, a + b / 2) - max(cy - h / 2, a - b / 2)
                    best = max(best, max(inter, 0) / (h + b - max(inter, 0)))
                if best > 0.7:
                    assert got.label[r, c, k] == 1
                if best < 0.5:  # text only as the best anchor of its slice
                    assert got.label[r, c, k] == 0 or best > 0.25


@given(st.integers(1, 300), st.integers(1, 300))
def test_padding_keeps_the_picture_and_adds_grey(h: int, w: int) -> None:
    image = np.full((h, w, 3), 9, np.uint8)
    out = padded(image)
    assert out.shape[0] % 64 == 0
    assert out.shape[1] % 64 == 0
    assert (out[:h, :w] == 9).all()
    assert (out[h:] == 127).all()


@given(st.integers(1, 9000), st.integers(1, 5000))
def test_a_canvas_covers_every_row_with_overlap(height: int, width: int) -> None:
    canvas = cover(height, width, 2_000_000)
    assert canvas.width >= width
    assert canvas.width % 32 == canvas.height % 32 == 0
    ends = [top + canvas.height for top in canvas.tops]
    assert canvas.tops[0] == 0
    assert ends[-1] >= height
    assert all(end - top >= OVERLAP for end, top in zip(ends, canvas.tops[1:], strict=False))
    if len(canvas.tops) > 1:
        assert ends[-1] == height  # a strip shows no padding


def test_pictures_of_all_sizes_share_few_canvases() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(200, 2000, (500, 2)) * 0.5
    assert len({cover(round(h), round(w), 2_000_000)[:2] for h, w in sizes}) < 80


@pytest.mark.parametrize(("height", "width"), [(8, 40_000), (40, 100_000), (600, 30_000)])
def test_a_long_thin_picture_is_given_no_more_than_its_width_needs(height: int, width: int) -> None:
    canvas = cover(height, width, 1_300_000)
    least = min(height, 3 * OVERLAP)
    assert canvas.height * canvas.width <= max(1_300_000, (least + 31) * (width + 31))


def test_thousands_of_characters_are_compared_in_little_memory() -> None:
    n = 3000
    corner = 20.0 * np.stack([np.arange(n) % 60, np.arange(n) // 60], 1)  # (n, 2)
    boxes = np.concatenate([corner, corner + 17], 1).astype(np.float32)
    tracemalloc.start()
    cells(box_to_quad(boxes))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * n * n  # bytes: less than one table of all pairs


def test_marks_at_the_ends_of_a_line_belong_to_it() -> None:
    strokes = np.zeros((80, 300), np.uint8)
    for x in (104, 112, 120):  # three low strokes beyond its end, as quotes are
        strokes[32:38, x : x + 3] = 1
    strokes[20:60, 14:16] = 1  # a rule before it
    strokes[30:50, 190:300] = 1  # what goes on for long is no mark
    line = box_to_quad(np.array([[20, 30, 101, 50]], np.float32))
    assert quad_to_box(completed(strokes, line)).tolist() == [[20, 30, 123, 50]]
    mirrored = box_to_quad(np.array([[199, 30, 280, 50]], np.float32))
    assert quad_to_box(completed(strokes[:, ::-1], mirrored)).tolist() == [[177, 30, 280, 50]]
    long = box_to_quad(np.array([[130, 30, 188, 50]], np.float32))
    assert quad_to_box(completed(strokes, long))[0, 2] == 188
