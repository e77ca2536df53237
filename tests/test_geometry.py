"""Geometry: round trips and properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from quads import quad_iou

from shizi.geometry import (
    alike,
    area,
    box_iou,
    box_to_quad,
    distinct,
    level,
    map_back,
    order_quad,
    quad_to_box,
    rotate90,
    sides,
    warp,
)

ANGLES = st.sampled_from([0, 90, 180, 270])
BOXES = st.builds(
    lambda x, y, w, h: (x, y, x + w, y + h),
    *[st.floats(0, 100, width=32)] * 2,
    *[st.floats(1, 50, width=32)] * 2,
)


@given(st.integers(1, 20), st.integers(1, 20), ANGLES)
def test_map_back_finds_every_pixel_of_the_rotated_image(h: int, w: int, angle: int) -> None:
    image = np.arange(h * w * 3, dtype=np.uint32).reshape(h, w, 3).astype(np.uint8)
    image[..., 0], image[..., 1] = np.mgrid[:h, :w]
    turned = rotate90(image, angle)
    y, x = np.mgrid[: turned.shape[0], : turned.shape[1]]
    centres = np.stack([x, y], -1) + 0.5
    back = np.floor(map_back(centres, angle, w, h)).astype(int)
    assert (back[..., 0] == turned[..., 1]).all()
    assert (back[..., 1] == turned[..., 0]).all()


def test_angle_is_clockwise() -> None:
    upright = np.zeros((2, 3, 3), np.uint8)
    upright[0, 0] = 255  # a mark at the top left
    stood = np.rot90(upright, k=-1)  # rotated clockwise by 90: the mark is at the top right
    assert stood[0, -1, 0] == 255
    assert (rotate90(stood, 90) == upright).all()


@given(st.permutations(range(4)), st.floats(-40, 40))
def test_order_quad_undoes_any_order(order: list[int], degrees: float) -> None:
    t = np.deg2rad(degrees)
    turn = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    quad = np.array([[-30, -10], [30, -10], [30, 10], [-30, 10]]) @ turn.T + 100
    assert np.allclose(order_quad(quad[order]), quad, atol=1e-3)


@given(BOXES, BOXES)
def test_quad_iou_agrees_with_box_iou(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    boxes = np.array([a, b], np.float32)
    quads = box_to_quad(boxes)
    expected = float(box_iou(boxes[:1], boxes[1:])[0, 0])
    assert quad_iou(quads[0], quads[1]) == pytest.approx(expected, abs=2e-3)


def test_quad_iou_of_edges_that_all_but_coincide() -> None:
    box = box_to_quad(np.array([153.37076, 179.89362, 255.11392, 220.5909]))
    turned = box + np.array([[0, 0], [0, 1e-4], [-4e-5, -2e-5], [-5e-5, -1e-4]], np.float32)
    assert quad_iou(box, turned) > 0.999
    assert quad_iou(turned[[0, 3, 2, 1]], box) > 0.999  # whichever way the corners run


@given(arrays(np.float32, (5, 4), elements=st.floats(0, 100, width=32)))
def test_boxes_and_quads_round_trip(raw: np.ndarray) -> None:
    boxes = np.concatenate([raw[:, :2], raw[:, :2] + np.abs(raw[:, 2:])], 1)
    assert np.array_equal(quad_to_box(box_to_quad(boxes)), boxes)


@given(st.lists(BOXES, min_size=1, max_size=12), st.floats(0.1, 0.9))
def test_distinct_lines_of_like_height_share_little(
    boxes: list[tuple[float, ...]], most: float
) -> None:
    quads = box_to_quad(np.array(boxes, np.float32))
    height, areas = np.minimum(*sides(quads)), area(quads)
    kept = distinct(quads, np.ones(len(boxes)), most).tolist()

    def drops(i: int, j: int) -> bool:
        """Whether line i makes j superfluous, by the slow way over the shapes' IoU."""
        iou = quad_iou(quads[i], quads[j])
        shared = iou / (1 + iou) * (areas[i] + areas[j])
        alike = abs(np.log(height[i] / height[j])) < 0.6
        return bool(alike and areas[i] >= areas[j] and shared > most * areas[j] + 1e-2)

    assert not any(drops(i, j) for i in kept for j in kept if i != j and areas[i] > areas[j])
    low, high = quads.min(1), quads.max(1)
    for j in set(range(len(boxes))) - set(kept):
        assert any((low[i] < high[j]).all() and (high[i] > low[j]).all() for i in kept)


def test_a_part_of_a_line_is_dropped_and_small_print_over_large_letters_is_kept() -> None:
    line, part, caption = (10, 10, 200, 40), (12, 11, 90, 39), (20, 20, 80, 30)
    quads = box_to_quad(np.array([part, line, caption], np.float32))
    assert distinct(quads, np.array([0.99, 0.9, 0.9])).tolist() == [1, 2]


def test_warp_of_an_upright_box_is_the_slice() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    quad = box_to_quad(np.array([10, 5, 50, 25]))
    assert np.array_equal(warp(image, quad, 40, 20), image[5:25, 10:50])


def test_sides_and_area_of_a_tilted_rectangle() -> None:
    quad = np.array([[0, 0], [3, 4], [-5, 10], [-8, 6]], np.float32)
    width, height = sides(quad)
    assert (width, height) == (pytest.approx(5), pytest.approx(10))
    assert area(quad) == pytest.approx(50)


def test_lines_are_level_where_their_middles_and_their_heights_are_nearly_the_same() -> None:
    own = box_to_quad(np.array([[0, 0, 50, 20]], np.float32))
    boxes = [[90, 5, 99, 25], [90, 7, 99, 27], [0, 0, 50, 32], [0, 0, 50, 34]]
    others = box_to_quad(np.array(boxes, np.float32))
    assert level(own, others).tolist() == [[True, False, False, False]]
    assert level(own, others[:0]).shape == (1, 0)


def test_sizes_are_alike_whichever_is_named_first() -> None:
    sizes = np.array([10.0, 16.4, 16.6, 0.0], np.float32)
    assert alike(sizes, sizes[:1]).tolist() == [True, True, False, False]
    assert alike(sizes[:1], sizes).tolist() == [True, True, False, False]
