"""Tiles and votes of the orientation classifier."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shizi.engine import Session
from shizi.orientation import TILE, OrientationClassifier, densest, tiles, vote


@settings(max_examples=30)
@given(st.integers(1, 900), st.integers(1, 900))
def test_tiles_of_any_picture(h: int, w: int) -> None:
    out = tiles(np.full((h, w, 3), 200, np.uint8))
    assert 1 <= len(out) <= 6
    assert all(t.shape == (TILE, TILE, 3) for t in out)


def test_tiles_go_where_the_strokes_are() -> None:
    image = np.full((1280, 1280, 3), 255, np.uint8)
    image[900:1000:4, 1000:1150] = 0
    first = densest(image, 1)[0]
    assert (first == 0).any()


def test_the_majority_wins_and_empty_tiles_do_not_vote() -> None:
    sure, empty = np.array([0.02, 0.9, 0.02, 0.02, 0.04]), np.array([0.1, 0, 0, 0, 0.9])
    angle, score = vote(np.array([sure, sure, empty], np.float32))
    assert angle == 90
    assert score > 0.8
    assert vote(np.array([empty * [0, 0, 0, 0, 1]], np.float32)) == (0, 0.0)


def test_the_classifier_hands_tiles_to_its_session() -> None:
    def runtime(batch: np.ndarray) -> np.ndarray:
        return np.tile(np.array([0, 0, 99, 0, 0], np.float32), (len(batch), 1))

    angle, score = OrientationClassifier(Session(runtime))(np.zeros((300, 300, 3), np.uint8))
    assert (angle, score) == (180, 1.0)
