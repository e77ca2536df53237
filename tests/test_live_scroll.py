"""The shift of a panel: a known one is found, under noise and beside empty paper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shizi.live.see.tracking.scroll import Floats, Template, figure, fits_at, ink, likeness, vote
from shizi.page import Image

HEIGHT, WIDTH, TALL, PITCH = 400, 320, 24, 48


def picture(seed: int, tops: list[int]) -> Image:
    """Rows of random strokes (HEIGHT, WIDTH, 3) on black paper; row i looks as seed and i say."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for i, top in enumerate(tops):
        strokes = np.random.default_rng([seed, i]).random((TALL // 3, WIDTH // 4)) < 0.4
        row = np.kron(strokes, np.ones((3, 2)))[..., None] * 230  # (TALL, WIDTH // 2, 1)
        first, last = max(0, top), min(HEIGHT, top + TALL)
        if first < last:
            image[first:last, 8 : 8 + WIDTH // 2] = row[first - top : last - top]
    return image


def templates(panel: Floats, tops: list[int]) -> list[Template]:
    return [Template(panel[t : t + TALL, :42].copy(), t, 0) for t in tops]


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    shift=st.integers(-150, 0),
    noise=st.floats(0, 12),
)
def test_a_known_shift_is_found(seed: int, shift: int, noise: float) -> None:
    tops = [160 + PITCH * i for i in range(5)]
    rows = templates(figure(ink(picture(seed, tops))), tops)
    moved = picture(seed, [t + shift for t in tops]).astype(np.float64)
    moved += np.random.default_rng(seed).normal(0, noise, moved.shape)
    panel = figure(ink(moved.clip(0, 255).astype(np.uint8)))

    found, support = vote([likeness(panel, row) for row in rows], rows, HEIGHT)

    assert found == shift
    assert support > 0.8


def test_likeness_is_a_correlation_even_over_blank_paper() -> None:
    # Single precision sums made it 50,000 where a panel was empty below much text.
    tops = [10 + 26 * i for i in range(6)]
    panel = figure(ink(picture(3, tops)))
    panel[200:] = 1e-3
    for row in templates(panel, tops):
        curve = likeness(panel * 100, row)
        assert np.abs(curve).max() <= 1.001
        assert int(curve.argmax()) == row.top


def test_likeness_and_fits_at_agree() -> None:
    tops = [40, 100]
    panel = figure(ink(picture(5, tops)))
    row = templates(panel, tops)[0]
    curve = likeness(panel, row)
    assert [fits_at(panel, row, y) for y in (0, 40, 77)] == pytest.approx(
        curve[[0, 40, 77]], abs=1e-3
    )
    assert fits_at(panel, row, -1) == fits_at(panel, row, HEIGHT - 3) == 0.0


def test_nothing_in_common_has_no_support() -> None:
    tops = [160, 208, 256]
    rows = templates(figure(ink(picture(1, tops))), tops)
    panel = figure(ink(picture(2, tops)))
    assert vote([likeness(panel, row) for row in rows], rows, HEIGHT)[1] < 0.5
