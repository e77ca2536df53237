"""Patches on sheets: each whole and apart from the others, on sheets of few sizes."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shizi.detection.canvas import SHEETS, cover
from shizi.detection.sheets import SPACE, lay
from shizi.detection.strokes import Patch

SIDES = st.tuples(st.integers(8, 300), st.integers(8, 1700))


def patches(*sizes: tuple[int, int]) -> list[Patch]:
    quad = np.zeros((4, 2), np.float32)
    return [Patch(np.full((*s, 3), i + 1, np.uint8), quad) for i, s in enumerate(sizes)]


@given(st.lists(SIDES, min_size=1, max_size=9))
def test_every_patch_is_whole_and_apart_from_the_others(sizes: list[tuple[int, int]]) -> None:
    sheets = lay(patches(*sizes))
    assert sorted(i for sheet in sheets for i in sheet.patches) == list(range(len(sizes)))
    for sheet in sheets:
        placed = list(zip(sheet.patches, sheet.corners, strict=True))
        for i, (x, y) in placed:
            h, w = sizes[i]
            shown = sheet.picture[y : y + h, x : x + w]
            assert shown.shape[:2] == (h, w) and (shown == i + 1).all()
            for j, (x2, y2) in placed:
                aside = abs(x2 - x) >= SPACE + (w if x2 > x else sizes[j][1])
                below = abs(y2 - y) >= SPACE + (h if y2 > y else sizes[j][0])
                assert i == j or aside or below


@given(st.lists(SIDES, min_size=1, max_size=5))
def test_a_sheet_is_looked_at_once(sizes: list[tuple[int, int]]) -> None:
    for sheet in lay(patches(*sizes)):
        assert all(side % 32 == 0 for side in sheet.picture.shape[:2])
        if sheet.picture.shape[:2] in SHEETS:
            assert cover(*sheet.picture.shape[:2], 10**7).tops == (0,)


def test_a_long_line_does_not_make_a_wide_sheet_of_a_high_one() -> None:
    sheets = lay(patches((31, 1065), (232, 168)))
    assert [s.picture.shape[:2] for s in sheets] == [(352, 288), (96, 1088)]
    assert sum(prod(s.picture.shape[:2]) for s in sheets) < 0.65 * (232 + SPACE + 31) * 1065


def test_what_two_looks_would_not_save_shares_one() -> None:
    (sheet,) = lay(patches((47, 277), (232, 168)))
    assert sheet.patches == [1, 0]
