"""A picture under construction with the lines that stand on it, and a pen to write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.page import Image
from shizi.synth.chance import Rng, weighted
from shizi.synth.looks import blend
from shizi.synth.paint import degrade
from shizi.synth.paint.fonts import Face
from shizi.synth.paint.ink import Ink, advance, draw_text, draw_vertical
from shizi.synth.world import World

Box = tuple[float, float, float, float]
MARGIN = 0.04  # room that labelled boxes leave around the ink, em
PROSE = {
    "sentence": 0.72,
    "word": 0.06,
    "data": 0.08,
    "english": 0.05,
    "common": 0.05,
    "diacritics": 0.04,
}


@dataclass(frozen=True, slots=True)
class PageLine:
    """One labelled line.

    Attributes:
        quad: float32 (4, 2), pixels, clockwise from the text's own top-left.
        text: what it says.
        ignore: too small or too much cut off to be read.
    """

    quad: NDArray[np.float32]
    text: str
    ignore: bool = False


@dataclass(frozen=True, slots=True)
class Style:
    """How ink is coloured.

    Attributes:
        fill: colour of the letters, or of every column of the ink (1, W, 3).
        edge: colour of an outline, or None.
        width: of the outline, em.
        shadow: a dark copy below the letters.
    """

    fill: Sequence[float] | NDArray[np.generic]
    edge: Sequence[float] | None = None
    width: float = 0.06
    shadow: bool = False


@dataclass
class Drawing:
    """A picture and its lines, written to in place.

    Attributes:
        image: RGB uint8 (H, W, 3).
        lines: so far.
        taken: boxes (x0, y0, x1, y1) where nothing more should stand.
    """

    image: Image
    lines: list[PageLine] = field(default_factory=list)
    taken: list[Box] = field(default_factory=list)

    def put(self, ink: Ink, x: float, y: float, style: Style) -> Box:
        """Write ink with its box's top-left corner at (x, y); return the labelled box."""
        left, top = round(x - ink.left), round(y - ink.top)
        self._colour(ink.mask, left, top, ink.size, style)
        m = MARGIN * ink.size
        box = (left + ink.left - m, top + ink.top - m, left + ink.right + m, top + ink.bottom + m)
        self._label(corners_of(box), ink.text)
        return box

    def put_turned(self, ink: Ink, x: float, y: float, angle: float, style: Style) -> None:
        """Write ink with its box's centre at (x, y), turned clockwise by ``angle`` degrees."""
        cx, cy = (ink.left + ink.right) / 2, (ink.top + ink.bottom) / 2
        m = MARGIN * ink.size
        quad = corners_of((ink.left - m, ink.top - m, ink.right + m, ink.bottom + m))
        turn = cv2.getRotationMatrix2D((cx, cy), -angle, 1.0)
        h, w = ink.mask.shape
        outline = corners_of((0, 0, w, h)) @ turn[:, :2].T + turn[:, 2]
        low = np.floor(outline.min(0))
        size = np.ceil(outline.max(0) - low).astype(int) + 1
        turn[:, 2] -= low
        mask = cv2.warpAffine(ink.mask, turn, (int(size[0]), int(size[1])), flags=cv2.INTER_LINEAR)
        offset = np.round([x - cx + low[0], y - cy + low[1]])
        self._colour(np.asarray(mask, np.uint8), int(offset[0]), int(offset[1]), ink.size, style)
        self._label(quad @ turn[:, :2].T + turn[:, 2] + offset, ink.text)

    def stamp(self, mask: NDArray[np.uint8], x: float, y: float, style: Style) -> Box:
        """Put a shape (h, w) that is no text with its top-left corner at (x, y)."""
        h, w = mask.shape
        self._colour(mask, round(x), round(y), h, style)
        return (x, y, x + w, y + h)

    def free(self, box: Box, gap: float = 4) -> bool:
        """True when the box lies inside the picture and off everything taken."""
        x0, y0, x1, y1 = box
        if x0 < 0 or y0 < 0 or x1 > self.image.shape[1] or y1 > self.image.shape[0]:
            return False
        return all(
            x1 + gap <= a or x0 >= c + gap or y1 + gap <= b or y0 >= d + gap
            for a, b, c, d in self.taken
        )

    def fill(self, box: Box, colour: Sequence[float], opacity: float = 1.0) -> None:
        """Colour a box, translucently if ``opacity`` < 1."""
        h, w = self.image.shape[:2]
        x0, y0, x1, y1 = (round(v) for v in box)
        x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, w), min(y1, h)
        if x1 <= x0 or y1 <= y0:
            return
        part = self.image[y0:y1, x0:x1]
        part[:] = blend(np.ascontiguousarray(part), colour, np.full(part.shape[:2], 255 * opacity))

    def ground(self, box: Box) -> tuple[float, float, float]:
        """Mean colour inside a box."""
        x0, y0, x1, y1 = (max(0, int(v)) for v in box)
        r, g, b, _ = cv2.mean(np.ascontiguousarray(self.image[y0 : y1 + 1, x0 : x1 + 1]))
        return r, g, b

    def _label(self, quad: NDArray[np.floating], text: str) -> None:
        self.lines.append(PageLine(quad.astype(np.float32), text))

    def _colour(self, mask: NDArray[np.uint8], x: int, y: int, size: int, style: Style) -> None:
        pad = int(np.ceil(style.width * size)) + 2 if style.edge is not None or style.shadow else 0
        if pad:
            mask = np.asarray(
                cv2.copyMakeBorder(mask, pad, pad, pad, pad, cv2.BORDER_CONSTANT), np.uint8
            )
            x, y = x - pad, y - pad
        h, w = self.image.shape[:2]
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + mask.shape[1], w), min(y + mask.shape[0], h)
        if x1 <= x0 or y1 <= y0:
            return
        mask = np.ascontiguousarray(mask[y0 - y : y1 - y, x0 - x : x1 - x])
        part = np.ascontiguousarray(self.image[y0:y1, x0:x1])
        if style.shadow:
            step = max(1, size // 18)
            part = blend(part, (0, 0, 0), np.roll(mask, (step, step), (0, 1)) * 0.7)
        if style.edge is not None:
            part = blend(part, style.edge, degrade.thicken(mask, max(0.8, style.width * size)))
        fill = np.asarray(style.fill)
        if fill.ndim == 3:
            fill = np.pad(fill, ((0, 0), (pad, pad), (0, 0)), "edge")[:, x0 - x : x1 - x]
        self.image[y0:y1, x0:x1] = blend(part, fill, mask)


def corners_of(box: Box) -> NDArray[np.float64]:
    """The corners of a box, clockwise from top-left, (4, 2)."""
    x0, y0, x1, y1 = box
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)


@dataclass(frozen=True)
class Pen:
    """Writes in one face and size.

    Attributes:
        world: texts and fonts.
        rng: source of chance.
        face: for Han.
        latin: for letters, or None to use ``face``.
        size: pixels per em.
        spacing: between characters, em.
        smooth: antialias.
    """

    world: World
    rng: Rng
    face: Face
    latin: Face | None
    size: int
    spacing: float = 0.0
    smooth: bool = True

    def sized(self, size: float, spacing: float = 0.0) -> Pen:
        """The same face at another size."""
        return Pen(
            self.world, self.rng, self.face, self.latin, max(9, round(size)), spacing, self.smooth
        )

    def words(self, kinds: dict[str, float], width: float = 1e9) -> str:
        """A text of one of the kinds that the face writes, cut to ``width`` pixels; maybe empty."""
        text = self.world.texts.make(self.rng, weighted(self.rng, kinds), self.world.texts.chars)
        return self.cut(" ".join(self.face.keep(text).split()), width)

    def cut(self, text: str, width: float) -> str:
        """The longest beginning of ``text`` that is at most ``width`` pixels long."""
        room = width - self.size * 0.2
        for i, char in enumerate(text):
            room -= self.advance(char)
            if room < 0:
                return text[:i].rstrip()
        return text

    def advance(self, char: str) -> float:
        """Width of a character, pixels, spacing included."""
        used = (
            self.latin
            if self.latin is not None and char < "⺀" and self.latin.covers(char)
            else self.face
        )
        return advance(used, self.size, char) + self.spacing * self.size

    def ink(self, text: str) -> Ink:
        """Draw a line."""
        return draw_text(text, self.face, self.size, self.latin, self.spacing, self.smooth)

    def column(self, text: str) -> Ink:
        """Draw a vertical line."""
        return draw_vertical(text, self.face, self.size, self.spacing)

    def prose(self, width: float, lines: int, indent: float = 0.0) -> list[str]:
        """Running text broken into at most ``lines`` lines of ``width`` pixels.

        The first line is shorter by ``indent`` pixels.
        """
        rows: list[str] = []
        row, room = "", width - indent
        while len(rows) < lines:
            for char in self.words(PROSE) + ("，" if self.rng.random() < 0.7 else "。"):
                step = self.advance(char)
                if step > room:
                    if row.strip():
                        rows.append(row.strip())
                    row, room = "", width
                row, room = row + char, room - step
        return rows[:lines]


def make_pen(
    world: World, rng: Rng, styles: Sequence[str], size: float, spacing: float = 0.0
) -> Pen:
    """A pen with a random face of the styles and, half the time, another for letters."""
    face = world.book.draw(rng, styles, "，。：识" if rng.random() < 0.6 else "") or world.any_face(
        rng
    )
    latin = world.book.draw_latin(rng, ("hei", "song"), "êāế") if rng.random() < 0.5 else None
    size = max(9, round(size))
    return Pen(world, rng, face, latin, size, spacing, size > 24 or rng.random() > 0.1)
