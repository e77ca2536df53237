"""How a line of text looks: each look paints an Ink on a ground of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.page import Image
from shizi.synth.chance import pick
from shizi.synth.paint import backgrounds as bg
from shizi.synth.paint import degrade
from shizi.synth.paint.ink import Ink, Mask
from shizi.synth.world import World

Rng = np.random.Generator
Paint = Callable[[World, Rng, Ink], Image]
CHAT_COLOURS = ((255, 255, 255), (255, 216, 77), (140, 231, 255), (126, 231, 135),
                (255, 160, 122), (174, 214, 174), (255, 128, 0), (0, 255, 0), (238, 228, 178),
                (255, 182, 193))  # fmt: skip


def blend(
    ground: Image, colour: NDArray[np.generic] | Sequence[float], alpha: NDArray[np.generic]
) -> Image:
    """``colour`` over ``ground`` (H, W, 3) where ``alpha`` (H, W) or (H, W, 3) is 255."""
    weight = np.asarray(alpha, np.float32) * np.float32(1 / 255)
    if weight.ndim == 2:
        top = np.asarray(colour).astype(np.uint8)
        if top.shape != ground.shape:  # (3,) or (1, W, 3)
            top = np.tile(
                np.broadcast_to(top.reshape(-1, 3), (ground.shape[1], 3)).ravel(), (len(ground), 1)
            ).reshape(ground.shape)
        return np.asarray(cv2.blendLinear(top, ground, weight, 1 - weight), np.uint8)
    base = ground.astype(np.float32)
    return (base + (np.asarray(colour, np.float32) - base) * weight).astype(np.uint8)


def shifted(mask: Mask, dx: int, dy: int) -> Mask:
    """The mask moved right and down; what leaves is lost."""
    move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    return np.asarray(cv2.warpAffine(mask, move, (mask.shape[1], mask.shape[0])), np.uint8)


def neighbours(mask: Mask, rng: Rng, pitch: int) -> Mask:
    """Pieces of the lines above and below: the line's own ink, moved by a line pitch."""
    other = np.roll(mask, int(rng.integers(mask.shape[1])), axis=1)
    sides = [shifted(other, 0, d) for d in (-pitch, pitch) if rng.random() < 0.7]
    return np.asarray(np.maximum.reduce([mask, *sides]), np.uint8)


def document(world: World, rng: Rng, ink: Ink) -> Image:
    """Dark print on paper: clean, worn, heavy, grey, photographed, or scanned black and white."""
    mask = ink.mask
    h, w = mask.shape
    if rng.random() < 0.45:
        mask = neighbours(mask, rng, int(ink.size * (1.15 + 0.6 * rng.random())))
    scan = rng.random()
    if scan < 0.45:
        mask = degrade.press(
            mask, rng, float(rng.normal(0.05, 0.45)), 0.5 + ink.size / 70 * rng.random()
        )
    elif rng.random() < 0.3:
        mask = degrade.wear(mask, rng, 0.6 * rng.random())
    ground = (
        bg.paper(rng, h, w)
        if rng.random() < 0.85
        else bg.plain(bg.hsv(rng.random() * 180, 60 * rng.random(), 255), h, w)
    )
    dark = rng.random() * 110 if rng.random() < 0.85 else 150
    colour = (
        np.full(3, dark)
        if rng.random() < 0.85
        else np.asarray(bg.hsv(rng.random() * 180, 200, 120))
    )
    image = blend(ground, colour, mask)
    if rng.random() < 0.15:
        image = degrade.specks(image, rng, int(rng.integers(4, 60)))
    if rng.random() < 0.12:
        _rule(image, rng, ink, colour)
    if scan < 0.25:
        return degrade.bilevel(degrade.blur(image, 0.4 + 0.4 * rng.random()), rng)
    if scan < 0.5:
        return degrade.jpeg(image, int(rng.integers(50, 96)))
    if rng.random() < 0.3:
        image = degrade.shadow(image, rng, 0.5 * rng.random())
    return degrade.camera(image, rng, rng.random())


def _rule(image: Image, rng: Rng, ink: Ink, colour: Sequence[float] | NDArray[np.generic]) -> None:
    """Draw a table's rule or an underline just outside the ink, in place."""
    y = int(ink.bottom + 1 + rng.random() * 0.3 * ink.size)
    if rng.random() < 0.3:
        y = int(ink.top - 1 - rng.random() * 0.3 * ink.size)
    shade = tuple(float(v) for v in np.asarray(colour))
    cv2.line(image, (0, y), (image.shape[1], y), shade, 1 + int(ink.size > 36))


def screen(world: World, rng: Rng, ink: Ink) -> Image:
    """Flat user interface text, dark on light or light on dark, at times with subpixel colours."""
    h, w = ink.mask.shape
    dark_mode = rng.random() < 0.3
    ground = np.full(3, 20 + 40 * rng.random() if dark_mode else 255 - 25 * rng.random() ** 2)
    if rng.random() < 0.3:
        ground = np.asarray(bg.any_colour(rng), np.float64)
    near = abs(bg.luma(ground) - 128) > 60
    grey = np.full(3, 255 - 90 * rng.random() if bg.luma(ground) < 128 else 130 * rng.random())
    colour = grey if near and rng.random() < 0.75 else np.asarray(bg.contrasting(rng, ground, 80))
    image = bg.plain(tuple(ground), h, w)
    if rng.random() < 0.3:
        image = blend(image, colour, subpixel(ink.mask))
    else:
        image = blend(image, colour, ink.mask)
    if rng.random() < 0.15:
        _rule(image, rng, ink, colour)
    if rng.random() < 0.4:
        image = degrade.jpeg(image, int(rng.integers(40, 96)))
    return image


def subpixel(mask: Mask) -> NDArray[np.uint8]:
    """Alpha of the three stripes of a pixel (H, W, 3), as ClearType filters them."""
    wide = cv2.resize(mask, None, fx=3, fy=1, interpolation=cv2.INTER_LINEAR)
    wide = cv2.blur(wide, (3, 1))
    h, w = mask.shape
    return np.ascontiguousarray(wide.reshape(h, w, 3))


def overlay(world: World, rng: Rng, ink: Ink) -> Image:
    """Chat or game text on a dark translucent panel over a moving picture, after a video codec."""
    h, w = ink.mask.shape
    image = bg.window(rng, world.bank, h, w)
    chance = rng.random()
    if chance < 0.8:
        panel = rng.integers(0, 40, 3) + np.array([0, 0, rng.integers(12)])
        opacity = 1.0 if chance < 0.3 else 0.45 + 0.55 * rng.random()
        opacity = max(opacity, 1 - 90 / max(bg.luma(cv2.mean(image)[:3]), 1))
        image = blend(image, panel, np.full((h, w), 255 * opacity))
    if chance > 0.65:
        image = blend(image, (0, 0, 0), degrade.thicken(ink.mask, 1 + rng.random()) * 0.85)
    if rng.random() < 0.35:
        image = blend(image, (0, 0, 0), shifted(ink.mask, 1, 1))
    mask = ink.mask if rng.random() < 0.75 else ink.mask * 0.85
    image = blend(image, chat_colours(rng, ink), mask)
    if rng.random() < 0.15:
        image[min(h - 1, int(ink.bottom + 1)), int(ink.left) : int(ink.right)] = CHAT_COLOURS[8]
    if rng.random() < 0.6:
        scale = 1 + 1.5 * rng.random() if ink.size < 22 else 0.7 + 0.6 * rng.random()
        image = np.asarray(
            cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR), np.uint8
        )
        image = degrade.jpeg(image, int(rng.integers(30, 90)))
        return np.asarray(cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA), np.uint8)
    return degrade.codec(image, rng, ink.size) if rng.random() < 0.7 else image


def chat_colours(rng: Rng, ink: Ink) -> NDArray[np.float32]:
    """Colour of every column (1, W, 3): nickname in one, message in another."""
    first, second = (np.asarray(pick(rng, CHAT_COLOURS), np.float32) for _ in range(2))
    row = np.empty((1, ink.mask.shape[1], 3), np.float32)
    row[:] = first
    cut = max(ink.text.find("："), ink.text.find(":"), ink.text.find(" "))
    if 0 <= cut < len(ink.text) - 1 and rng.random() < 0.75:
        row[:, int(ink.edges[cut + 1]) :] = (255, 255, 255) if rng.random() < 0.7 else second
    return row


def subtitle(world: World, rng: Rng, ink: Ink) -> Image:
    """White or yellow with a dark outline over a film."""
    h, w = ink.mask.shape
    image = bg.window(rng, world.bank, h, w)
    if rng.random() < 0.4:
        image = degrade.light(image, 0.3 + 0.6 * rng.random(), 0)
    edge = degrade.thicken(ink.mask, ink.size * (0.03 + 0.06 * rng.random()))
    if rng.random() < 0.3:
        edge = cv2.GaussianBlur(edge, (0, 0), 1.0)
    if rng.random() < 0.12:
        image = bg.plain((0, 0, 0), h, w)
    border = (0, 0, 0) if rng.random() < 0.75 else bg.hsv(rng.random() * 180, 220, 90)
    image = blend(image, border, edge)
    fill = pick(
        rng,
        (
            (255, 255, 255),
            (255, 255, 255),
            (250, 240, 90),
            (235, 235, 235),
            (255, 220, 40),
            (120, 230, 255),
        ),
    )
    image = blend(image, fill, ink.mask)
    return (
        degrade.codec(image, rng, ink.size)
        if rng.random() < 0.75
        else degrade.camera(image, rng, 0.5)
    )


def sign(world: World, rng: Rng, ink: Ink) -> Image:
    """Shop signs, posters, product pictures, LED boards and neon, photographed."""
    h, w = ink.mask.shape
    form = rng.random()
    if form < 0.1:
        return _led(rng, ink)
    if form < 0.18:
        return _neon(world, rng, ink)
    ground, image = _sign_ground(world, rng, h, w)
    colour = np.asarray(bg.contrasting(rng, ground, 75 + 50 * rng.random()), np.float32)
    edge = rng.random() < 0.35 or form > 0.85
    if edge:
        border = bg.contrasting(rng, tuple(colour), 80)
        image = blend(
            image, border, degrade.thicken(ink.mask, ink.size * (0.03 + 0.07 * rng.random()))
        )
    if rng.random() < 0.2:  # raised letters throw a shadow
        d = max(1, ink.size // 16)
        image = blend(image, np.asarray(ground) * 0.3, shifted(ink.mask, d, d) * 0.8)
    fill: NDArray[np.generic] = colour
    if rng.random() < 0.15:
        end = np.clip(colour + rng.integers(-70, 70, 3), 0, 255)
        fill = bg.graded(tuple(colour), tuple(end), h, w, rng.random() < 0.7).astype(np.float32)
    mask = ink.mask
    if edge and rng.random() < 0.12:  # hollow letters
        mask = cv2.erode(mask, np.ones((3, 3), np.uint8))
        fill = np.asarray(ground, np.float32)
    if rng.random() < 0.1:
        mask = degrade.wear(mask, rng, 0.7 * rng.random())
    image = blend(image, fill, mask)
    if rng.random() < 0.25:
        image = degrade.light(image, 0.35 + 0.5 * rng.random(), 0)  # dusk
    if rng.random() < 0.25:
        image = degrade.shadow(image, rng, 0.6 * rng.random())
    return degrade.camera(image, rng, rng.random())


def _sign_ground(world: World, rng: Rng, h: int, w: int) -> tuple[tuple[float, ...], Image]:
    """A board: flat, graded, textured, or a dimmed or bright part of a picture."""
    a = bg.any_colour(rng)
    form = rng.random()
    if form < 0.5:
        image = bg.plain(a, h, w)
    elif form < 0.7:
        b = tuple(np.clip(np.asarray(a) + rng.integers(-60, 60, 3), 0, 255))
        image = bg.graded(a, b, h, w, rng.random() < 0.5)
    else:
        part = bg.window(rng, world.bank, h, w)
        strength = 255 * (0.2 + 0.6 * rng.random())
        image = blend(part, a, np.full((h, w), strength))
    return tuple(float(v) for v in cv2.mean(image)[:3]), image


def _led(rng: Rng, ink: Ink) -> Image:
    """A board of lamps: the ink sampled by a grid of dots."""
    h, w = ink.mask.shape
    colour = np.asarray(
        pick(rng, ((255, 40, 30), (255, 60, 20), (60, 255, 80), (255, 190, 40), (250, 250, 250)))
    )
    step = max(2, round(ink.size / 20))
    dots = np.full((step, step), 0.25, np.float32)
    dots[: max(1, step - 1), : max(1, step - 1)] = 1.0
    grid = np.tile(dots, (h // step + 1, w // step + 1))[:h, :w]
    image = bg.plain(tuple(rng.integers(0, 30, 3)), h, w)
    glow = cv2.GaussianBlur(ink.mask, (0, 0), step * 1.2)
    image = blend(image, colour * 0.6, glow * 0.5)
    image = blend(image, colour, ink.mask * grid)
    return degrade.camera(image, rng, 0.7)


def _neon(world: World, rng: Rng, ink: Ink) -> Image:
    """Glowing letters in the dark."""
    h, w = ink.mask.shape
    colour = np.asarray(bg.hsv(rng.random() * 180, 150 + 105 * rng.random(), 255), np.float32)
    image = degrade.light(bg.window(rng, world.bank, h, w), 0.15 + 0.2 * rng.random(), 0)
    glow = cv2.GaussianBlur(
        degrade.thicken(ink.mask, 1), (0, 0), ink.size * (0.06 + 0.12 * rng.random())
    )
    image = blend(image, colour, glow * 0.8)
    core = colour + (255 - colour) * (0.3 + 0.7 * rng.random())
    return degrade.camera(blend(image, core, ink.mask), rng, 0.6)


def receipt(world: World, rng: Rng, ink: Ink) -> Image:
    """Thermal or dot-matrix print, faint, on a curled grey strip."""
    mask = ink.mask
    h, w = mask.shape
    if rng.random() < 0.4:
        mask = neighbours(mask, rng, int(ink.size * (1.05 + 0.4 * rng.random())))
    if rng.random() < 0.5:
        mask = degrade.press(
            mask, rng, float(rng.normal(0, 0.35)), 0.5 + ink.size / 80 * rng.random()
        )
    elif rng.random() < 0.6:
        mask = degrade.wear(mask, rng, 0.7 * rng.random())
    dots = rng.random((h, w), np.float32) < 0.75 + 0.25 * rng.random()
    mask = cv2.GaussianBlur(mask * dots.astype(np.uint8), (0, 0), 0.4 + 0.4 * rng.random())
    grey = rng.integers(0, 130) if rng.random() < 0.8 else rng.integers(120, 150)
    image = blend(
        bg.paper(rng, h, w), np.full(3, float(grey)) + np.array([0, 0, rng.random() * 40]), mask
    )
    if rng.random() < 0.2:
        return degrade.bilevel(image, rng)
    if rng.random() < 0.4:
        image = degrade.shadow(image, rng, 0.45 * rng.random())
    return degrade.camera(image, rng, 0.8 * rng.random())


@dataclass(frozen=True, slots=True)
class Look:
    """What goes with a look.

    Attributes:
        paint: draws it.
        styles: of the Chinese face.
        sizes: least and most pixels per em.
        texts: kind of text -> weight.
    """

    paint: Paint
    styles: tuple[str, ...]
    sizes: tuple[int, int]
    texts: dict[str, float]


_PROSE = {"sentence": 0.4, "word": 0.08, "common": 0.12, "uniform": 0.22, "data": 0.07,
          "english": 0.04, "diacritics": 0.03, "punctuation": 0.04, "marked": 0.09,
          "taiwanese": 0.05}  # fmt: skip
LOOKS: dict[str, Look] = {
    "document": Look(document, ("song", "song", "kai", "kai", "hei"), (18, 52), _PROSE),
    "screen": Look(screen, ("hei", "hei", "song", "mono"), (10, 36),
                   {**_PROSE, "data": 0.15, "english": 0.08, "uniform": 0.15}),
    "overlay": Look(overlay, ("hei", "hei", "hei", "song", "kai"), (11, 28),
                    {"chat": 0.45, "sentence": 0.2, "data": 0.15, "uniform": 0.12, "word": 0.05,
                     "english": 0.03}),
    "subtitle": Look(subtitle, ("hei", "hei", "kai", "song"), (20, 48),
                     {"sentence": 0.7, "uniform": 0.15, "common": 0.05, "english": 0.1}),
    "sign": Look(sign, ("display", "display", "hei", "kai", "song"), (20, 64),
                 {"word": 0.3, "sentence": 0.2, "uniform": 0.2, "data": 0.12, "english": 0.15,
                  "common": 0.03}),
    "receipt": Look(receipt, ("mono", "hei", "song"), (16, 36),
                    {"receipt": 0.7, "data": 0.2, "uniform": 0.1}),
}  # fmt: skip
