"""New lines are looked for where nothing known explains the strokes, and not too often."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizi.live.frame import Box
from shizi.live.see.tracking.search import Search, Stripe, alone, stacked, unexplained, unstacked

WIDE, HIGH, TALL = 60, 300, 20


def panel(*runs: tuple[int, int]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Ink of a panel with strokes between some heights."""
    strokes = np.zeros((HIGH, WIDE), np.float32)
    for top, low in runs:
        strokes[top:low, 5:40] = 80
    return strokes


def line(top: float, tall: float = TALL) -> Box:
    return np.array([20, top, 160, top + tall], np.float32)


def test_a_known_line_is_no_reason_to_look_and_the_stripe_ends_there() -> None:
    strokes = panel((40, 60), (76, 96), (200, 220))
    assert unexplained(strokes, [line(40), line(76), line(200)], TALL, 0) == []
    assert unexplained(strokes, [line(40), line(200)], TALL, 0) == [(60, 122)]
    assert unexplained(strokes, [line(76)], TALL, 0) == [(14, 76), (174, 246)]
    assert unexplained(strokes, [], TALL, 0) == [(14, 122), (174, 246)]


def test_what_is_too_low_for_a_line_is_seen_with_others_only() -> None:
    strokes = panel((40, 50), (200, 220))
    assert unexplained(strokes, [line(200)], TALL, 0.6 * TALL) == []
    assert len(unexplained(strokes, [line(200)], TALL, 0)) == 1
    assert len(unexplained(strokes, [], TALL, 0.6 * TALL)) == 2
    assert unexplained(panel((40, 46)), [], TALL, 0) == []


def test_a_stroke_that_stands_alone_where_lines_begin_is_taken_for_a_character() -> None:
    strokes = panel((40, 60), (120, 140))
    strokes[68:82, 5:7] = 80  # a 1 below a nickname
    (box,) = alone(strokes, [line(40), line(120)], TALL)
    assert box[0] < 20 and box[2] > 28 and box[1] < 68 and 82 < box[3] < 92
    beside, elsewhere, low, edge = (strokes.copy() for _ in range(4))
    edge[68:82, 5:7], edge[68:82, 0:2] = 0, 80
    beside[70:74, 15:17] = 80
    elsewhere[68:82, 5:7], elsewhere[68:82, 30:32] = 0, 80
    low[76:82, 5:7] = 0
    for other in (beside, elsewhere, low, edge):
        assert alone(other, [line(40), line(120)], TALL) == []
    assert alone(strokes, [line(40), line(66), line(120)], TALL) == []


def test_a_space_between_two_lines_is_looked_at_twice_unless_it_grows() -> None:
    search = Search()
    strokes = panel((40, 60), (66, 78), (90, 110))
    lines = {1: line(40), 2: line(90)}
    looks = [search.stripes(strokes, lines, set(), TALL, 2.0 * i) for i in range(3)]
    assert [len(found) for found in looks] == [1, 1, 0]
    later = panel((40, 60), (66, 78), (100, 120))
    assert search.stripes(later, {1: line(40), 2: line(100)}, set(), TALL, 8.0)


def test_a_line_that_may_go_on_beside_its_box_is_looked_at() -> None:
    search = Search()
    assert search.stripes(panel((40, 60)), {1: line(40)}, {1}, TALL, 0.0) == [(14, 86)]
    assert search.stripes(panel((40, 60)), {1: line(40)}, set(), TALL, 2.0) == []


@pytest.mark.parametrize(
    ("moved", "sliding", "least"), [(True, False, 0.2), (True, True, 0.4), (False, False, 0.4)]
)
def test_one_looks_soon_after_a_jump_and_waits_for_the_end_of_a_slide(
    moved: bool, sliding: bool, least: float
) -> None:
    search = Search()
    assert search.due(0.0, moved, sliding)
    search.stripes(panel(), {}, set(), TALL, 0.0)
    assert not search.due(least - 0.05, moved, sliding)
    assert search.due(least + 0.05, moved, sliding)


@given(
    st.lists(st.integers(10, 60), min_size=2, max_size=8),
    st.lists(st.integers(0, 40), min_size=8, max_size=8),
    st.data(),
)
def test_what_is_found_in_stacked_stripes_is_where_it_was(
    sizes: list[int], gaps: list[int], data: st.DataObject
) -> None:
    stripes: list[Stripe] = []
    at = 0
    for size, gap in zip(sizes, gaps, strict=False):
        stripes.append((at + gap, at + gap + size))
        at += gap + size
    image = np.repeat(np.arange(at, dtype=np.int64)[:, None, None], 3, 2)  # each row its number
    seen = stacked(image.astype(np.uint16), stripes, 10.0)
    assert len(seen) in (40, 60, 80, 120, 160, 240) or len(seen) > 240
    top, low = data.draw(st.sampled_from(stripes))
    a = data.draw(st.integers(top, low - 2))
    b = data.draw(st.integers(a + 1, low - 1))
    where = [int(np.flatnonzero(seen[:, 0, 0] == row)[0]) for row in (a, b)]
    box = unstacked(np.array([3, where[0], 9, where[1] + 1], np.float32), stripes)
    assert box.tolist() == [3, a, 9, b + 1]


def test_a_count_beside_a_banner_does_not_hide_a_line_to_its_left() -> None:
    strokes = panel((40, 60), (66, 86))
    count = np.array([150, 46, 190, 84], np.float32)
    assert unexplained(strokes, [line(40), count], TALL, 0.5 * TALL)
    assert not unexplained(strokes, [line(40), line(66), count], TALL, 0.5 * TALL)
