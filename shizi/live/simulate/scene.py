"""The moving picture of a simulated room, and what stands still on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.live.simulate.backdrop import Body, draw_host, draw_place
from shizi.live.simulate.script import Rng
from shizi.live.simulate.style import Floats
from shizi.page import Image
from shizi.synth.paint import backgrounds as bg
from shizi.synth.paint.fonts import Face
from shizi.synth.paint.ink import draw_text

_TABS, _HINT = "互动  榜单  贵宾", "发个弹幕聊聊吧"
_SAY, _HOST, _LIKES = "说点什么…", "好物推荐官", "1.2万本场点赞"
FLYING = (
    "前方高能", "哈哈哈哈哈哈", "这也太好看了吧", "来了来了", "6666", "主播加油", "求歌名",
    "第一次来 支持一下", "泪目", "名场面", "太强了", "空降成功", "这操作我服了", "啊啊啊啊啊",
)  # fmt: skip
WORDS = "".join((_TABS, _HINT, _SAY, _HOST, _LIKES, *FLYING))
"""Every character of the labels."""

TABS_END = 60
"""Height of what a panel begins with, pixels."""

_ROLL = 64
"""Pixels by which the noise of one frame may be shifted against that of another."""

SAY_HIGH = 90
"""Height of the input field below a portrait room's comments, pixels."""


@dataclass(frozen=True)
class Flight:
    """A comment that flies across the picture, from right to left.

    Attributes:
        picture: RGB (h, w, 3).
        mask: 0 or 1, (h, w).
        top: pixels of the frame.
        start: when it enters, seconds.
        speed: pixels a second.
    """

    picture: Image
    mask: Image
    top: int
    start: float
    speed: float


@dataclass(frozen=True)
class Scene:
    """A place before a camera that shakes and whose light changes, and somebody before it.

    Attributes:
        far: the place, larger than the frame.
        bodies: what moves before it.
        still: what stands still, laid over all: picture (H, W, 3) and mask (H, W), 0 or 1.
        width: of a frame, pixels.
        height: of a frame, pixels.
        phase: makes rooms move differently.
        shake: how far the camera goes astray, pixels.
        noise: of the camera, -128 to 127, larger than the frame.
        flights: comments over the picture.
        free: what they may fly over, left to right, pixels.
    """

    far: Image
    bodies: tuple[Body, ...]
    still: tuple[Image, Image]
    width: int
    height: int
    phase: float
    shake: float = 0.0
    noise: NDArray[np.int16] | None = None
    flights: tuple[Flight, ...] = ()
    free: int = 0

    def at(self, time: float) -> Image:
        """The frame at a time in seconds, (H, W, 3)."""
        sway = np.sin(np.array([0.31, 0.23]) * time + self.phase) * 0.5 + 0.5  # (2,)
        room = np.array([self.far.shape[1] - self.width, self.far.shape[0] - self.height])
        jolt = self.shake * np.sin(np.array([7.1, 9.3]) * time + 2 * self.phase)
        x, y = np.clip(sway * room + jolt, 0, room).astype(int)
        frame = self.far[y : y + self.height, x : x + self.width].copy()
        for body in self.bodies:
            _blend(frame, body.picture, body.mask, *body.at(time, self.phase))
        light = 1 + 0.07 * np.sin(0.5 * time + self.phase) + 0.03 * np.sin(3.1 * time)
        frame = np.asarray(cv2.convertScaleAbs(frame, alpha=light), np.uint8)
        if self.noise is not None:
            dx, dy = int(977 * time) % _ROLL, int(613 * time) % _ROLL
            part = self.noise[dy : dy + self.height, dx : dx + self.width, None]
            frame = np.asarray(np.clip(frame + part, 0, 255), np.uint8)
        for flight in self.flights:
            left = int(self.free - (time - flight.start) * flight.speed)
            if -flight.mask.shape[1] < left < self.free:
                _blend(frame[:, : self.free], flight.picture, flight.mask, left, flight.top)
        return np.asarray(cv2.copyTo(*self.still, frame), np.uint8)


def _blend(frame: Image, picture: Image, mask: Floats | Image, left: int, top: int) -> None:
    """Lay a picture (h, w, 3) over a frame; what leaves the frame is cut off."""
    x, y = max(0, -left), max(0, -top)
    part = frame[top + y : top + len(mask), left + x : left + mask.shape[1]]
    h, w = part.shape[:2]
    weight = np.ascontiguousarray(mask[y : y + h, x : x + w], np.float32)
    over = np.ascontiguousarray(picture[y : y + h, x : x + w])
    part[:] = cv2.blendLinear(over, np.ascontiguousarray(part), weight, 1 - weight)


def draw_scene(
    rng: Rng, width: int, height: int, panel: tuple[int, bool] | None, face: Face, seconds: float
) -> Scene:
    """Draw a scene.

    Args:
        rng: source of chance.
        width: of a frame, pixels; even.
        height: of a frame, pixels; even.
        panel: left edge of an opaque panel that reaches to the right, and whether it is light.
        face: of the labels.
        seconds: for which it is shown.
    """
    far = draw_place(rng, round(height * 1.12), round(width * 1.12))
    edge = width if panel is None else panel[0]
    bodies = draw_host(rng, edge, height)
    picture = np.zeros((height, width, 3), np.uint8)
    mask = np.zeros((height, width), np.uint8)
    if panel is not None:
        left, light = panel
        level = rng.integers(236, 256) if light else rng.integers(16, 48)
        picture[:, left:], mask[:, left:] = int(level), 1
        ink = (40, 40, 40) if light else (230, 230, 230)
        _label(picture, mask, _TABS, face, 26, left + 20, 24, ink)
        _label(picture, mask, _HINT, face, 22, left + 20, height - 42, (130, 130, 130))
    else:
        _label(picture, mask, _SAY, face, 28, 40, height - SAY_HIGH, (235, 235, 235))
        _label(picture, mask, _HOST, face, 26, 90, 40, (255, 255, 255))
        _label(picture, mask, _LIKES, face, 20, 90, 76, (225, 225, 225))
    deviation = rng.uniform(1, 4)
    noise = rng.normal(0, deviation, (height + _ROLL, width + _ROLL)).astype(np.int16)
    flights: tuple[Flight, ...] = ()
    if rng.random() < 0.35:
        flights = tuple(_flight(rng, face, height) for _ in range(round(seconds / 2)))
        flights = tuple(replace(f, start=float(rng.uniform(-8, seconds))) for f in flights)
    phase, shake = float(rng.uniform(0, 6)), float(rng.uniform(0, 2.5))
    return Scene(far, bodies, (picture, mask), width, height, phase, shake, noise, flights, edge)


def _flight(rng: Rng, face: Face, height: int) -> Flight:
    """A comment as it flies: light letters with a dark edge, in the upper part of the picture."""
    size = int(rng.integers(24, 36))
    ink = draw_text(str(rng.choice(FLYING)), face, size)
    edge = np.asarray(cv2.dilate(ink.mask, np.ones((3, 3), np.uint8)) > 90, np.uint8)
    colour = (255, 255, 255) if rng.random() < 0.7 else bg.hsv(rng.uniform(0, 180), 150, 255)
    picture = np.zeros((*ink.mask.shape, 3), np.uint8)
    picture[ink.mask > 100] = colour
    top = round(height * 0.12 + int(rng.integers(0, 6)) * 1.5 * size)
    return Flight(picture, edge, top, 0.0, float(rng.uniform(90, 220)))


def _label(
    picture: Image, mask: Image, text: str, face: Face, size: int, x: int, y: int,
    colour: tuple[int, int, int],
) -> None:  # fmt: skip
    ink = draw_text(text, face, size).mask
    h, w = min(len(ink), len(mask) - y), min(ink.shape[1], mask.shape[1] - x)
    solid = ink[:h, :w] > 110
    mask[y : y + h, x : x + w][solid] = 1
    picture[y : y + h, x : x + w][solid] = colour
