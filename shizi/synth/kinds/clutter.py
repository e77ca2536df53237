"""What is not text and is easily taken for it: codes, lattices, pebbles, faces, pictograms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.page import Image
from shizi.synth.chance import Rng, pick
from shizi.synth.kinds.drawing import Drawing
from shizi.synth.paint import backgrounds as bg

Mask = NDArray[np.uint8]


def pictogram(rng: Rng, side: float) -> Mask:
    """Draw a random pictogram, ``side`` pixels high: alpha (H, W), 255 where there is ink."""
    size = max(8, round(side))
    mask = np.zeros((size, size), np.uint8)
    pick(rng, _KINDS)(rng, mask)
    wide = round(size * float(rng.choice((0.7, 1.0, 1.0, 1.4))))
    return np.asarray(cv2.resize(mask, (wide, size), interpolation=cv2.INTER_AREA), np.uint8)


def _polygon(mask: Mask, points: Sequence[tuple[float, float]], value: int = 255) -> None:
    """Fill a polygon of points in units of the side."""
    scaled = np.round(np.asarray(points) * len(mask)).astype(np.int32)
    cv2.fillPoly(mask, [scaled], value, cv2.LINE_AA)


def _disc(mask: Mask, x: float, y: float, radius: float, value: int = 255) -> None:
    side = len(mask)
    centre = (round(x * side), round(y * side))
    cv2.circle(mask, centre, max(1, round(radius * side)), value, -1, cv2.LINE_AA)


def _arrow(rng: Rng, mask: Mask) -> None:
    """An arrow that points one of eight ways: with a full head, an open one, or a head alone."""
    side = len(mask)
    thick = 0.06 + 0.1 * rng.random()
    head, half = 0.3 + 0.2 * rng.random(), 0.2 + 0.25 * rng.random()
    form = int(rng.integers(3))
    tip = 0.95 - (thick if form == 1 else 0)
    if form < 2:
        end = tip - (head if form == 0 else thick)
        shaft = ((0.05, 0.5 - thick), (end, 0.5 - thick), (end, 0.5 + thick), (0.05, 0.5 + thick))
        _polygon(mask, shaft)
    if form == 1:
        ends = [((tip - head) * side, (0.5 + s * half) * side) for s in (-1, 1)]
        path = np.round([ends[0], (tip * side, 0.5 * side), ends[1]]).astype(np.int32)
        cv2.polylines(mask, [path], False, 255, max(1, round(1.6 * thick * side)), cv2.LINE_AA)
    else:
        _polygon(mask, ((tip, 0.5), (tip - head, 0.5 - half), (tip - head, 0.5 + half)))
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), 45 * int(rng.integers(8)), 1.0)
    mask[:] = cv2.warpAffine(mask, turn, (side, side))


def _person(rng: Rng, mask: Mask) -> None:
    """The man or the woman of a restroom."""
    _disc(mask, 0.5, 0.13, 0.11)
    wide = 0.1 + 0.1 * rng.random()
    if rng.random() < 0.5:
        _polygon(mask, ((0.5 - wide, 0.28), (0.5 + wide, 0.28), (0.75, 0.72), (0.25, 0.72)))
    else:
        _polygon(mask, ((0.3, 0.28), (0.7, 0.28), (0.7, 0.65), (0.3, 0.65)))
    for x in (0.43, 0.57):
        _polygon(mask, ((x - 0.05, 0.6), (x + 0.05, 0.6), (x + 0.05, 0.98), (x - 0.05, 0.98)))


def _cup(rng: Rng, mask: Mask) -> None:
    """A bowl or cup, steaming."""
    side = len(mask)
    _polygon(mask, ((0.1, 0.5), (0.8, 0.5), (0.65, 0.92), (0.25, 0.92)))
    thick = max(1, side // 16)
    centre = (round(0.8 * side), round(0.62 * side))
    cv2.circle(mask, centre, round(0.12 * side), 255, thick, cv2.LINE_AA)
    for k in range(int(rng.integers(0, 4))):
        x = round((0.28 + 0.17 * k) * side)
        span = (round(0.05 * side), round(0.17 * side))
        cv2.ellipse(mask, (x, round(0.25 * side)), span, 0, 90, 270, 255, thick, cv2.LINE_AA)


def _phone(rng: Rng, mask: Mask) -> None:
    """A handset, or a telephone with its dial."""
    for x in (0.05, 0.7):
        _polygon(mask, ((x, 0.12), (x + 0.25, 0.12), (x + 0.25, 0.42), (x, 0.42)))
    _polygon(mask, ((0.05, 0.1), (0.95, 0.1), (0.85, 0.26), (0.15, 0.26)))
    if rng.random() < 0.6:
        _polygon(mask, ((0.3, 0.35), (0.7, 0.35), (0.95, 0.92), (0.05, 0.92)))
        _disc(mask, 0.5, 0.64, 0.15, 0)


def _star(rng: Rng, mask: Mask) -> None:
    """A star, a triangle, a lozenge, a polygon."""
    points = int(rng.integers(3, 7))
    inner = float(rng.choice((0.2, 0.45, 0.95)))
    angles = np.arange(2 * points) * np.pi / points - np.pi / 2
    radii = 0.48 * np.where(np.arange(2 * points) % 2, inner, 1.0)
    _polygon(
        mask,
        [(0.5 + r * np.cos(a), 0.5 + r * np.sin(a)) for r, a in zip(radii, angles, strict=True)],
    )


def _cross(rng: Rng, mask: Mask) -> None:
    """A plus, or a tick."""
    side = len(mask)
    thick = max(1, round((0.08 + 0.2 * rng.random()) * side))
    strokes: tuple[tuple[tuple[float, float], ...], ...] = (
        (((0.1, 0.5), (0.9, 0.5)), ((0.5, 0.1), (0.5, 0.9)))
        if rng.random() < 0.6
        else (((0.1, 0.55), (0.4, 0.85)), ((0.4, 0.85), (0.9, 0.15)))
    )
    for a, b in strokes:
        ends = [(round(x * side), round(y * side)) for x, y in (a, b)]
        cv2.line(mask, ends[0], ends[1], 255, thick, cv2.LINE_AA)


_PLAIN: tuple[Callable[[Rng, Mask], None], ...] = (
    _arrow, _arrow, _arrow, _arrow, _person, _cup, _phone, _star, _cross,
)  # fmt: skip


def _framed(rng: Rng, mask: Mask) -> None:
    """A smaller pictogram in a ring or box, or cut out of a disc or tile."""
    side = len(mask)
    inner = np.zeros((max(4, round(0.62 * side)),) * 2, np.uint8)
    pick(rng, _PLAIN)(rng, inner)
    at = (side - len(inner)) // 2
    thick = max(1, round((0.03 + 0.05 * rng.random()) * side)) if rng.random() < 0.6 else -1
    if rng.random() < 0.5:
        cv2.circle(mask, (side // 2, side // 2), round(0.46 * side), 255, thick, cv2.LINE_AA)
    else:
        corner = round(0.04 * side)
        cv2.rectangle(mask, (corner, corner), (side - corner, side - corner), 255, thick)
    window = mask[at : at + len(inner), at : at + len(inner)]
    window[:] = 255 - inner if thick < 0 else np.maximum(window, inner)


_KINDS = (*_PLAIN, _framed, _framed)


def distract(drawing: Drawing, rng: Rng, count: int) -> None:
    """Draw things that are not text where nothing stands yet."""
    h, w = drawing.image.shape[:2]
    for _ in range(count):
        dw, dh = int(w * (0.05 + 0.25 * rng.random())), int(h * (0.03 + 0.2 * rng.random()))
        x, y = int(rng.integers(max(1, w - dw))), int(rng.integers(max(1, h - dh)))
        box = (float(x), float(y), float(x + dw), float(y + dh))
        if dw < 8 or dh < 8 or not drawing.free(box):
            continue
        drawing.taken.append(box)
        part = drawing.image[y : y + dh, x : x + dw]
        pick(rng, _DISTRACTORS)(rng, part)


def _barcode(rng: Rng, part: Image) -> None:
    bars = np.repeat(rng.random(part.shape[1] // 2 + 1) < 0.5, 2)[: part.shape[1]]
    part[:] = np.where(bars, 20, 245).astype(np.uint8)[None, :, None]


def _matrix_code(rng: Rng, part: Image) -> None:
    side = min(part.shape[:2])
    cells = (rng.random((25, 25)) < 0.5).astype(np.uint8) * 235 + 10
    part[:side, :side] = cv2.resize(cells, (side, side), interpolation=cv2.INTER_NEAREST)[..., None]


def _lattice(rng: Rng, part: Image) -> None:
    step, colour, thick = int(rng.integers(5, 24)), bg.any_colour(rng), int(rng.integers(1, 4))
    h, w = part.shape[:2]
    if rng.random() < 0.7:
        for x in range(0, w, step):
            cv2.line(part, (x, 0), (x, h), colour, thick)
    for y in range(0, h, step):
        cv2.line(part, (0, y), (w, y), colour, thick)


def _blob(rng: Rng, part: Image) -> None:
    """A round face: head, eyes, mouth."""
    h, w = part.shape[:2]
    skin = bg.hsv(8 + 8 * rng.random(), 60 + 90 * rng.random(), 140 + 110 * rng.random())
    centre = (w // 2, h // 2)
    cv2.ellipse(part, centre, (w // 3, int(h / 2.2)), 0, 0, 360, skin, -1, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.circle(
            part,
            (w // 2 + side * w // 8, int(h * 0.42)),
            max(1, w // 30),
            (30, 20, 20),
            -1,
            cv2.LINE_AA,
        )
    cv2.ellipse(
        part,
        (w // 2, int(h * 0.65)),
        (w // 9, h // 18 + 1),
        0,
        0,
        180,
        (150, 50, 50),
        -1,
        cv2.LINE_AA,
    )


def _pebbles(rng: Rng, part: Image) -> None:
    """Rows of small discs, boxes or ticks: leaves, tiles, windows, stitches."""
    h, w = part.shape[:2]
    step, colour = int(rng.integers(6, 22)), bg.any_colour(rng)
    radius = max(1, int(step * (0.2 + 0.25 * rng.random())))
    form = int(rng.integers(3))
    for y in range(step, h - step // 2, step + int(rng.integers(0, 8))):
        for x in range(step, w - step // 2, step):
            jitter = int(rng.integers(-1, 2))
            if form == 0:
                cv2.circle(part, (x, y + jitter), radius, colour, -1, cv2.LINE_AA)
            elif form == 1:
                cv2.rectangle(part, (x - radius, y - radius), (x + radius, y + radius), colour, 1)
            else:
                cv2.line(
                    part, (x - radius, y + radius), (x + radius, y - radius), colour, 1, cv2.LINE_AA
                )


def _logo(rng: Rng, part: Image) -> None:
    h, w = part.shape[:2]
    corners = (rng.random((int(rng.integers(3, 8)), 2)) * (w, h)).astype(np.int32)
    cv2.fillPoly(part, [corners], bg.any_colour(rng), cv2.LINE_AA)
    cv2.circle(
        part,
        (w // 2, h // 2),
        min(w, h) // 4 + 1,
        bg.any_colour(rng),
        int(rng.integers(1, 5)),
        cv2.LINE_AA,
    )


_DISTRACTORS: tuple[Callable[[Rng, Image], None], ...] = (
    _barcode, _matrix_code, _lattice, _blob, _pebbles, _pebbles, _logo,
)  # fmt: skip
