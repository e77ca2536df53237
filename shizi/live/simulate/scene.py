"""The moving picture of a simulated room, and what stands still on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from shizi.live.simulate.script import Rng
from shizi.live.simulate.style import Floats
from shizi.page import Image
from shizi.synth import backgrounds as bg
from shizi.synth.fonts import Face
from shizi.synth.ink import draw_text

_TABS, _HINT = "互动  榜单  贵宾", "发个弹幕聊聊吧"
_SAY, _HOST, _LIKES = "说点什么…", "好物推荐官", "1.2万本场点赞"
WORDS = "".join((_TABS, _HINT, _SAY, _HOST, _LIKES))
"""Every character of the labels."""

TABS_END = 60
"""Height of what a panel begins with, pixels."""

SAY_HIGH = 90
"""Height of the input field below a portrait room's comments, pixels."""


@dataclass(frozen=True)
class Scene:
    """A picture that pans and sways, with bodies that move before it.

    Attributes:
        far: the picture, larger than the frame.
        bodies: pictures (h, w, 3) with their soft masks (h, w), 0 to 1.
        still: what stands still, laid over all: picture (H, W, 3) and mask (H, W), 0 or 1.
        width: of a frame, pixels.
        height: of a frame, pixels.
        phase: makes rooms move differently.
    """

    far: Image
    bodies: tuple[tuple[Image, Floats], ...]
    still: tuple[Image, Image]
    width: int
    height: int
    phase: float

    def at(self, time: float) -> Image:
        """The frame at a time in seconds, (H, W, 3)."""
        sway = np.sin(np.array([0.31, 0.23]) * time + self.phase) * 0.5 + 0.5  # (2,)
        dx, dy = sway * (self.far.shape[1] - self.width, self.far.shape[0] - self.height)
        x, y = int(dx), int(dy)
        frame = self.far[y : y + self.height, x : x + self.width].copy()
        for i, (body, mask) in enumerate(self.bodies):
            h, w = mask.shape[:2]
            swing = np.sin((0.9 + 0.37 * i) * time + i + self.phase)
            left = int((self.width - w) * (0.5 + 0.45 * swing))
            top = int((self.height - h) * (0.5 + 0.3 * np.sin((0.6 + 0.2 * i) * time + 2 * i)))
            part = frame[top : top + h, left : left + w]
            part[:] = cv2.blendLinear(body, part, mask, 1 - mask)
        return np.asarray(cv2.copyTo(*self.still, frame), np.uint8)


def draw_scene(
    rng: Rng, width: int, height: int, panel: tuple[int, bool] | None, face: Face
) -> Scene:
    """Draw a scene.

    Args:
        rng: source of chance.
        width: of a frame, pixels; even.
        height: of a frame, pixels; even.
        panel: left edge of an opaque panel that reaches to the right, and whether it is light.
        face: of the labels.
    """
    far = _soft(rng, round(height * 1.25), round(width * 1.25))
    bodies = tuple(_body(rng, width, height) for _ in range(3))
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
    return Scene(far, bodies, (picture, mask), width, height, float(rng.uniform(0, 6)))


def _soft(rng: Rng, height: int, width: int) -> Image:
    """A picture (height, width, 3) as a camera sees a room: little fine detail."""
    blur = float(rng.uniform(1.5, 5))
    return np.asarray(cv2.GaussianBlur(bg.photo(rng, height, width), (0, 0), blur), np.uint8)


def _body(rng: Rng, width: int, height: int) -> tuple[Image, Floats]:
    h, w = int(height * rng.uniform(0.25, 0.5)), int(width * rng.uniform(0.25, 0.5))
    mask = np.zeros((h, w), np.uint8)
    cv2.ellipse(mask, (w // 2, h // 2), (w // 2 - 8, h // 2 - 8), 0, 0, 360, 255, -1)
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), 4) / np.float32(255), np.float32)
    return _soft(rng, h, w), soft


def _label(
    picture: Image, mask: Image, text: str, face: Face, size: int, x: int, y: int,
    colour: tuple[int, int, int],
) -> None:  # fmt: skip
    ink = draw_text(text, face, size).mask
    h, w = min(len(ink), len(mask) - y), min(ink.shape[1], mask.shape[1] - x)
    solid = ink[:h, :w] > 110
    mask[y : y + h, x : x + w][solid] = 1
    picture[y : y + h, x : x + w][solid] = colour
