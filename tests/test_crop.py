"""Crops: buckets, aspect, anti-aliasing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shizi.crop import HEIGHT, WIDTHS, bucket, cut, fit, lay_out, lie_down


@given(st.floats(WIDTHS[0], WIDTHS[-1]))
def test_a_bucket_stretches_by_less_than_a_sixth(width: float) -> None:
    assert 6 / 7 < bucket(width) / width < 7 / 6


@given(st.integers(1, 200), st.integers(1, 3000), st.sampled_from([0.6, 0.8, 1.0]))
def test_every_crop_fits_a_bucket(h: int, w: int, squeeze: float) -> None:
    out = fit(np.zeros((h, w, 3), np.uint8), squeeze)
    assert out.shape[0] == HEIGHT
    assert out.shape[1] in WIDTHS
    assert out.flags.c_contiguous


def test_widths_suit_the_nets_stride() -> None:
    assert all(w % 8 == 0 for w in WIDTHS)
    assert list(WIDTHS) == sorted(set(WIDTHS))


def test_a_narrow_crop_is_padded_not_stretched() -> None:
    crop = np.zeros((48, 10, 3), np.uint8)
    out = fit(crop)
    assert out.shape[1] == WIDTHS[0]
    assert (out[:, 0] == 127).all()
    assert (out[:, WIDTHS[0] // 2] == 0).all()


def test_large_text_is_averaged_not_aliased() -> None:
    image = np.zeros((400, 800, 3), np.uint8)
    image[::2] = 255  # a grid finer than the crop can show must become grey
    quad = np.array([[0, 0], [800, 0], [800, 400], [0, 400]], np.float32)
    crop = fit(cut(image, quad))
    assert abs(float(crop[4:-4, 4:-4].mean()) - 127.5) < 3
    assert float(crop[4:-4, 4:-4].std()) < 8


def test_a_vertical_line_lies_down_with_its_top_at_the_left() -> None:
    crop = np.zeros((30, 10, 3), np.uint8)
    crop[0] = 255
    assert (lie_down(crop)[:, 0] == 255).all()


def test_a_vertical_line_is_cut_between_its_characters() -> None:
    rng = np.random.default_rng(1)
    cells = [rng.integers(0, 256, (30, 40, 3), dtype=np.uint8) for _ in range(5)]
    gap = np.full((10, 40, 3), 200, np.uint8)
    line, edges = lay_out(np.concatenate([part for cell in cells for part in (cell, gap)]))
    assert line.shape == (40, 200, 3)
    middles = edges[1:-1] * 200 % 40  # pixels into the pitch of 40
    assert ((middles >= 30) | (middles < 1)).all()


@given(st.integers(1, 400), st.integers(10, 60), st.sampled_from((1.0, 0.57)))
def test_a_vertical_line_of_any_size_is_laid_out(h: int, w: int, pitch: float) -> None:
    line, edges = lay_out(np.zeros((h, w, 3), np.uint8), pitch)
    assert line.shape == (w, w * (len(edges) - 1), 3)
    assert edges[0] == 0
    assert edges[-1] == 1
    assert (np.diff(edges) > 0).all()


def test_a_low_line_is_resampled_once() -> None:
    rows = np.random.default_rng(2).integers(0, 256, 60, dtype=np.uint8)
    image = np.tile(rows[:, None, None], (1, 90, 3))
    low = np.array([[20, 20.4], [50, 20.4], [50, 32.9], [20, 32.9]], np.float32)
    crop = cut(image, low)
    assert crop.shape == (HEIGHT, round(30 * HEIGHT / 12.5), 3)
    middles = 20.4 + (np.arange(HEIGHT) + 0.5) / HEIGHT * 12.5 - 0.5
    expected = np.interp(middles, np.arange(60), rows)
    assert np.abs(crop[:, 10, 0] - expected).max() < 8  # OpenCV counts in 32nds of a pixel
