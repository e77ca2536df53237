"""What the camera of a simulated room sees: a place, out of focus, and somebody before it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from shizi.live.simulate.script import Rng
from shizi.live.simulate.style import Floats
from shizi.page import Image
from shizi.synth.paint import backgrounds as bg
from shizi.synth.paint.backgrounds import Colour

_SKINS = ((246, 214, 190), (232, 190, 160), (214, 164, 130), (250, 224, 206))
_HAIRS = ((32, 26, 26), (58, 40, 30), (92, 60, 40), (20, 20, 28))


@dataclass(frozen=True)
class Body:
    """Something that moves before the place.

    Attributes:
        picture: RGB (h, w, 3).
        mask: opacity (h, w), 0 to 1.
        left: where it is at rest, pixels of the frame; it may begin outside.
        top: the same.
        reach: how far it goes from there, to the side and down, pixels.
        pace: how fast, radians a second.
    """

    picture: Image
    mask: Floats
    left: int
    top: int
    reach: tuple[float, float]
    pace: float

    def at(self, time: float, phase: float) -> tuple[int, int]:
        """Left and top at a time, seconds; ``phase`` makes rooms move differently."""
        x = np.sin(self.pace * time + phase) + 0.35 * np.sin(2.7 * self.pace * time + 2 * phase)
        y = np.sin(1.6 * self.pace * time + 3 * phase)
        return self.left + int(self.reach[0] * x), self.top + int(self.reach[1] * y)


def draw_place(rng: Rng, height: int, width: int) -> Image:
    """A place (height, width, 3): a wall with shelves or a window and lamps, and a table."""
    wall, floor = _muted(rng), _muted(rng)
    picture = bg.graded(
        wall, _shade(wall, rng.uniform(0.5, 0.9)), height, width, rng.random() < 0.5
    )
    edge = round(height * rng.uniform(0.62, 0.82))
    part = bg.graded(floor, _shade(floor, 0.6), height - edge, width, upright=True)
    picture[edge:] = part
    kind = rng.integers(3)
    if kind == 0:
        _shelves(rng, picture, edge)
    elif kind == 1:
        _window(rng, picture, edge)
    else:
        _studio(rng, picture, edge)
    soft = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(2.5, 6)), np.uint8)
    _table(rng, soft)
    grain = bg.clouds(rng, height, width, 9)[..., None] * 10
    return np.asarray(np.clip(soft + grain, 0, 255), np.uint8)


def draw_host(rng: Rng, width: int, height: int) -> tuple[Body, ...]:
    """Somebody in the middle of a frame who sways, and an arm that shows something."""
    tall = round(height * rng.uniform(0.55, 0.75))
    wide = round(tall * 0.8)
    skin, hair = _SKINS[rng.integers(len(_SKINS))], _HAIRS[rng.integers(len(_HAIRS))]
    shirt = bg.any_colour(rng)
    left = round(width * rng.uniform(0.4, 0.6) - wide / 2)
    body = _cut(*_figure(rng, tall, wide, skin, hair, shirt))
    arm = _cut(*_arm(rng, round(tall * 0.6), skin, shirt))
    pace = float(rng.uniform(0.5, 1.1))
    beside = left + round(wide * (0.55 if rng.random() < 0.5 else -0.05))
    return (
        Body(*body, left, height - tall + 8, (0.05 * width, 6.0), pace),
        Body(*arm, beside, height - round(tall * 0.75), (0.09 * width, 0.06 * height), 1.7 * pace),
    )


def _muted(rng: Rng) -> Colour:
    """A colour of walls and floors."""
    return bg.hsv(rng.uniform(0, 180), rng.uniform(10, 110), rng.uniform(60, 235))


def _shade(colour: Colour, share: float) -> Colour:
    r, g, b = (min(255, round(v * share)) for v in colour)
    return r, g, b


def _shelves(rng: Rng, picture: Image, edge: int) -> None:
    """Boards with goods on them."""
    width, rows = picture.shape[1], int(rng.integers(3, 6))
    board = _shade(_muted(rng), 0.7)
    for row in range(1, rows + 1):
        y = round(edge * row / (rows + 0.3))
        x = int(rng.integers(0, 30))
        while x < width:
            w, h = int(width * rng.uniform(0.02, 0.07)), int(edge / rows * rng.uniform(0.35, 0.8))
            colour = bg.any_colour(rng) if rng.random() < 0.3 else _muted(rng)
            cv2.rectangle(picture, (x, y - h), (x + w, y), colour, -1)
            cv2.rectangle(picture, (x, y - h), (x + max(2, w // 5), y), _shade(colour, 1.3), -1)
            if rng.random() < 0.5:  # its label
                cv2.rectangle(
                    picture,
                    (x + w // 6, y - h // 2),
                    (x + w - w // 6, y - h // 4),
                    (240, 240, 235),
                    -1,
                )
            x += w + int(width * rng.uniform(0.004, 0.03))
        cv2.rectangle(picture, (0, y), (width, y + max(4, edge // 60)), board, -1)


def _window(rng: Rng, picture: Image, edge: int) -> None:
    """A bright window with curtains, pictures on the wall, and a sofa."""
    width = picture.shape[1]
    x, y = int(width * rng.uniform(0.05, 0.5)), round(edge * 0.08)
    w, h = int(width * rng.uniform(0.25, 0.4)), round(edge * rng.uniform(0.5, 0.75))
    light = bg.hsv(rng.uniform(90, 120), rng.uniform(10, 60), 250)
    cv2.rectangle(picture, (x, y), (x + w, y + h), light, -1)
    for i in (1, 2):
        cv2.rectangle(
            picture, (x + i * w // 3 - 4, y), (x + i * w // 3 + 4, y + h), (90, 80, 75), -1
        )
    curtain = _muted(rng)
    for side in (x - w // 4, x + w - w // 6):
        for fold in range(6):
            a = side + fold * w // 14
            shade = _shade(curtain, 0.8 + 0.2 * (fold % 2))
            cv2.rectangle(picture, (a, 0), (a + w // 14, edge), shade, -1)
    for _ in range(3):
        a, b = int(width * rng.random()), int(edge * rng.uniform(0.1, 0.5))
        cv2.rectangle(picture, (a, b), (a + width // 9, b + width // 12), (60, 50, 44), -1)
        cv2.rectangle(
            picture, (a + 7, b + 7), (a + width // 9 - 7, b + width // 12 - 7), _muted(rng), -1
        )
    sofa = bg.any_colour(rng)
    cv2.rectangle(picture, (0, edge - edge // 6), (width, edge + edge // 10), _shade(sofa, 0.8), -1)
    for i in range(4):
        a = i * width // 4
        cv2.ellipse(
            picture,
            (a + width // 8, edge - edge // 8),
            (width // 9, edge // 9),
            0,
            0,
            360,
            sofa,
            -1,
        )


def _studio(rng: Rng, picture: Image, edge: int) -> None:
    """Tubes of light, screens and a lamp."""
    width = picture.shape[1]
    for _ in range(int(rng.integers(2, 5))):
        a, b = rng.integers(0, width, 2), rng.integers(0, edge, 2)
        glow = bg.hsv(rng.uniform(0, 180), 200, 255)
        cv2.line(picture, (int(a[0]), int(b[0])), (int(a[1]), int(b[1])), glow, edge // 40)
    for _ in range(2):
        x, y = int(rng.uniform(0, 0.8) * width), int(rng.uniform(0.2, 0.6) * edge)
        w, h = width // 5, width // 8
        cv2.rectangle(picture, (x - 6, y - 6), (x + w + 6, y + h + 6), (18, 18, 20), -1)
        part = picture[y : y + h, x : x + w]
        part[:] = bg.photo(rng, *part.shape[:2])
    centre = (int(rng.uniform(0.1, 0.9) * width), int(edge * 0.25))
    cv2.circle(picture, centre, edge // 7, (255, 250, 235), edge // 30)


def _table(rng: Rng, picture: Image) -> None:
    """A table before the host with a few things on it, nearly in focus."""
    height, width = picture.shape[:2]
    top = round(height * rng.uniform(0.8, 0.9))
    colour = _muted(rng)
    near = picture[top:].copy()
    near[:] = bg.graded(_shade(colour, 1.1), _shade(colour, 0.8), height - top, width, upright=True)
    for _ in range(int(rng.integers(2, 6))):
        x, w = int(rng.uniform(0, 0.95) * width), int(width * rng.uniform(0.03, 0.09))
        cv2.rectangle(near, (x, 0), (x + w, int((height - top) * 0.5)), bg.any_colour(rng), -1)
    picture[top:] = cv2.GaussianBlur(near, (0, 0), 2.0)


def _figure(
    rng: Rng, tall: int, wide: int, skin: Colour, hair: Colour, shirt: Colour
) -> tuple[Image, Image]:
    """Head, hair and shoulders: picture (tall, wide, 3) and mask (tall, wide)."""
    picture = np.zeros((tall, wide, 3), np.uint8)
    mask = np.zeros((tall, wide), np.uint8)
    cx, head = wide // 2, round(tall * 0.17)
    neck = round(tall * 0.4)

    def ellipse(x: int, y: int, a: int, b: int, colour: Colour) -> None:
        for target, paint in ((picture, colour), (mask, (255,))):
            cv2.ellipse(target, (x, y), (a, b), 0, 0, 360, paint, -1, cv2.LINE_AA)

    low = round(head * rng.uniform(1.3, 3.2))  # how far the hair comes down
    ellipse(cx, round(tall * 0.22) + low // 3, round(head * 1.05), head + low // 3, hair)
    ellipse(cx, round(tall * 0.78), round(wide * 0.46), round(tall * 0.36), shirt)
    ellipse(cx, round(tall * 0.95), round(wide * 0.44), round(tall * 0.4), _shade(shirt, 0.92))
    ellipse(cx, neck, round(head * 0.38), round(head * 0.6), _shade(skin, 0.88))
    ellipse(cx, round(tall * 0.22), round(head * 0.78), head, skin)
    cv2.ellipse(
        picture,
        (cx, round(tall * 0.14)),
        (round(head * 0.85), round(head * 0.55)),
        0,
        180,
        360,
        hair,
        -1,
    )
    for side in (-1, 1):
        eye = (cx + side * round(head * 0.33), round(tall * 0.22))
        cv2.ellipse(
            picture, eye, (round(head * 0.14), round(head * 0.08)), 0, 0, 360, (30, 24, 22), -1
        )
        brow = (eye[0], eye[1] - round(head * 0.22))
        cv2.ellipse(picture, brow, (round(head * 0.2), 3), 0, 0, 360, hair, -1)
    mouth = (cx, round(tall * 0.22 + head * 0.52))
    cv2.ellipse(
        picture, mouth, (round(head * 0.24), round(head * 0.1)), 0, 0, 180, (190, 70, 80), -1
    )
    shade = bg.clouds(rng, tall, wide, 4)[..., None] * 14
    return np.asarray(np.clip(picture + shade, 0, 255), np.uint8), mask


def _arm(rng: Rng, tall: int, skin: Colour, shirt: Colour) -> tuple[Image, Image]:
    """An arm with something in its hand: picture (tall, tall // 2, 3) and mask."""
    wide = tall // 2
    picture = np.zeros((tall, wide, 3), np.uint8)
    mask = np.zeros((tall, wide), np.uint8)
    goods = bg.any_colour(rng)
    for target, colours in ((picture, (shirt, skin, goods)), (mask, ((255,),) * 3)):
        cv2.line(
            target, (wide // 2, tall), (wide // 2, tall // 2), colours[0], wide // 4, cv2.LINE_AA
        )
        cv2.circle(target, (wide // 2, round(tall * 0.42)), wide // 5, colours[1], -1, cv2.LINE_AA)
        box = (wide // 4, round(tall * 0.08)), (wide * 3 // 4, round(tall * 0.36))
        cv2.rectangle(target, *box, colours[2], -1)
    label = (wide // 3, round(tall * 0.18)), (wide * 2 // 3, round(tall * 0.28))
    cv2.rectangle(picture, *label, (245, 240, 230), -1)
    return picture, mask


def _cut(picture: Image, mask: Image) -> tuple[Image, Floats]:
    """A picture a little out of focus, and its soft mask, 0 to 1."""
    inside = cv2.erode(mask, np.ones((7, 7), np.uint8))  # what is around it shines through nowhere
    soft = np.asarray(cv2.GaussianBlur(inside, (0, 0), 1.5) / np.float32(255), np.float32)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.2), np.uint8), soft
