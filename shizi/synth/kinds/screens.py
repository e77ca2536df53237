"""Screens: web pages, chat, settings, spreadsheets, and chat panels over a moving picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from shizi.synth.chance import Rng, pick, weighted
from shizi.synth.kinds.drawing import Box, Drawing, Pen, Style, make_pen
from shizi.synth.looks import CHAT_COLOURS, chat_colours
from shizi.synth.paint import backgrounds as bg
from shizi.synth.world import World

_UI = ("hei", "hei", "hei", "song", "mono")
_LABEL = {"word": 0.7, "sentence": 0.15, "data": 0.1, "english": 0.05}


def screen(world: World, rng: Rng, height: int, width: int) -> Drawing:
    """A user interface in light or dark colours."""
    dark = rng.random() < 0.3
    ground = (20 + int(rng.integers(25)),) * 3 if dark else (255 - int(rng.integers(16)),) * 3
    ink = (230, 230, 230) if dark else (30 + int(rng.integers(40)),) * 3
    drawing = Drawing(bg.plain(ground, height, width))
    size = max(11.0, min(24.0, width * (0.012 + 0.02 * rng.random())))
    pen = make_pen(world, rng, _UI, size)
    top = _bar(drawing, pen, ground)
    kind = weighted(rng, {"web": 0.35, "chat": 0.3, "settings": 0.15, "grid": 0.2})
    area = (0.0, top, float(width), float(height))
    {"web": _web, "chat": _chat, "settings": _settings, "grid": _grid}[kind](
        drawing, pen, area, ink
    )
    return drawing


def _bar(drawing: Drawing, pen: Pen, ground: Sequence[float]) -> float:
    """A title bar with a menu; return its lower edge."""
    rng, w = pen.rng, drawing.image.shape[1]
    if rng.random() < 0.2:
        return pen.size * 1.0
    height = pen.size * (2 + 1.5 * rng.random())
    colour = bg.any_colour(rng) if rng.random() < 0.6 else tuple(max(0, g - 20) for g in ground)
    drawing.fill((0, 0, w, height), colour)
    style = Style((255, 255, 255) if bg.luma(colour) < 140 else (20, 20, 20))
    x = float(pen.size)
    while x < w - 6 * pen.size:
        text = pen.words(_LABEL, min(6 * pen.size, w - x))
        if text:
            x = drawing.put(pen.ink(text), x, (height - 0.85 * pen.size) / 2, style)[2]
        x += pen.size * (1.8 + 3 * rng.random())
        if rng.random() < 0.15:
            break
    return height + pen.size


def _icon(drawing: Drawing, rng: Rng, x: float, y: float, side: float) -> None:
    """An avatar or icon: a picture, disc or box."""
    a, b, s = round(x), round(y), max(4, round(side))
    h, w = drawing.image.shape[:2]
    if a < 0 or b < 0 or a + s > w or b + s > h:
        return
    if rng.random() < 0.5:
        drawing.image[b : b + s, a : a + s] = bg.window(rng, [bg.photo(rng, 48, 48)], s, s)
    elif rng.random() < 0.5:
        cv2.circle(
            drawing.image, (a + s // 2, b + s // 2), s // 2, bg.any_colour(rng), -1, cv2.LINE_AA
        )
    else:
        cv2.rectangle(
            drawing.image,
            (a, b),
            (a + s, b + s),
            bg.any_colour(rng),
            -1 if rng.random() < 0.5 else 2,
        )


def _web(drawing: Drawing, pen: Pen, area: Box, ink: Sequence[float]) -> None:
    """Headlines, paragraphs, cards with pictures, buttons, links in columns."""
    rng = pen.rng
    x0, y, x1, bottom = area
    margin = (x1 - x0) * 0.04
    style = Style(ink)
    while y < bottom - 3 * pen.size:
        wide = x1 - x0 - 2 * margin
        part = weighted(rng, {"prose": 0.35, "cards": 0.3, "links": 0.2, "headline": 0.15})
        if part == "headline":
            big = pen.sized(pen.size * (1.3 + rng.random()))
            text = big.words({"sentence": 0.7, "word": 0.3}, wide)
            if text:
                y = drawing.put(big.ink(text), x0 + margin, y, style)[3] + pen.size
        elif part == "prose":
            pitch = pen.size * (1.4 + 0.4 * rng.random())
            for row in pen.prose(wide, min(6, max(1, int((bottom - y) / pitch) - 1))):
                drawing.put(pen.ink(row), x0 + margin, y, style)
                y += pitch
        elif part == "cards":
            y = _cards(drawing, pen, (x0 + margin, y, x1 - margin, bottom), style)
        else:
            link = Style((30, 90, 220) if bg.luma(ink) < 128 else (120, 180, 255))
            columns = int(rng.integers(1, 5))
            for k in range(columns):
                text = pen.words(_LABEL, wide / columns - 2 * pen.size)
                if text:
                    drawing.put(
                        pen.ink(text),
                        x0 + margin + k * wide / columns,
                        y,
                        link if rng.random() < 0.5 else style,
                    )
            y += pen.size * 1.8
        y += pen.size * rng.random()


def _cards(drawing: Drawing, pen: Pen, area: Box, style: Style) -> float:
    """A row of pictures, each with a caption and sometimes a button below."""
    rng = pen.rng
    x0, y, x1, bottom = area
    count = int(rng.integers(1, 5))
    wide = (x1 - x0) / count - pen.size
    tall = min(wide * (0.4 + 0.5 * rng.random()), bottom - y - 5 * pen.size)
    if tall < 2 * pen.size or wide < 6 * pen.size:
        return y + pen.size
    for k in range(count):
        x = x0 + k * (wide + pen.size)
        a, b, cw, ch = round(x), round(y), round(wide), round(tall)
        drawing.image[b : b + ch, a : a + cw] = bg.window(rng, pen.world.bank, ch, cw)[
            :, : drawing.image.shape[1] - a
        ]
        text = pen.words({"sentence": 0.5, "word": 0.5}, wide)
        if text:
            drawing.put(pen.ink(text), x, y + tall + 0.5 * pen.size, style)
        if rng.random() < 0.4:
            colour = bg.any_colour(rng)
            label = pen.ink(pen.words({"word": 1.0}, wide * 0.6) or "确定")
            top = y + tall + 1.8 * pen.size
            drawing.fill((x, top, x + label.right + pen.size, top + 1.7 * pen.size), colour)
            drawing.put(
                label,
                x + 0.5 * pen.size,
                top + 0.4 * pen.size,
                Style(bg.contrasting(rng, colour, 90)),
            )
    return y + tall + 4.2 * pen.size


def _chat(drawing: Drawing, pen: Pen, area: Box, ink: Sequence[float]) -> None:
    """Bubbles left and right with avatars and times."""
    rng = pen.rng
    x0, y, x1, bottom = area
    side = pen.size * 2.4
    colours = (
        (149, 236, 105) if bg.luma(ink) < 128 else (40, 120, 60),
        drawing.ground((0, 0, 1, 1)),
    )
    other = tuple(
        min(255.0, c + 25) if bg.luma(ink) > 128 else max(0.0, c - 18) for c in colours[1]
    )
    while y < bottom - 4 * pen.size:
        if rng.random() < 0.15:
            small = pen.sized(pen.size * 0.8)
            stamp = small.ink(f"{rng.integers(24)}:{rng.integers(60):02d}")
            y = drawing.put(stamp, (x1 - stamp.right) / 2, y, Style((140, 140, 140)))[3] + pen.size
        mine = rng.random() < 0.4
        _icon(drawing, rng, x1 - side - pen.size if mine else x0 + pen.size, y, side)
        wide = (x1 - x0) * (0.25 + 0.35 * rng.random())
        rows = pen.prose(wide, int(rng.integers(1, 4)))
        if len(rows) == 1:
            rows[0] = pen.cut(rows[0], wide * (0.2 + 0.8 * rng.random()))
        inks = [pen.ink(row) for row in rows if row]
        if not inks:
            continue
        long, pitch = max(i.right for i in inks), pen.size * 1.45
        left = x1 - side - 2.6 * pen.size - long if mine else x0 + side + 2.2 * pen.size
        fill = colours[0] if mine else other
        drawing.fill(
            (
                left - 0.7 * pen.size,
                y,
                left + long + 0.7 * pen.size,
                y + pitch * len(inks) + 0.7 * pen.size,
            ),
            fill,
        )
        for k, row in enumerate(inks):
            drawing.put(row, left, y + 0.55 * pen.size + k * pitch, Style(ink))
        y += max(side, pitch * len(inks) + 0.7 * pen.size) + pen.size * (0.6 + rng.random())


def _settings(drawing: Drawing, pen: Pen, area: Box, ink: Sequence[float]) -> None:
    """Rows with an icon and a label on the left, a value on the right, rules between."""
    rng = pen.rng
    x0, y, x1, bottom = area
    pitch = pen.size * (2.4 + 1.4 * rng.random())
    icons = rng.random() < 0.6
    while y < bottom - pitch:
        x = x0 + pen.size
        if icons:
            _icon(drawing, rng, x, y, pen.size * 1.4)
            x += pen.size * 2.2
        text = pen.words(_LABEL, (x1 - x0) * 0.5)
        if text:
            drawing.put(pen.ink(text), x, y + 0.2 * pen.size, Style(ink))
        value = (
            pen.words({"data": 0.6, "word": 0.4}, (x1 - x0) * 0.25) if rng.random() < 0.6 else ""
        )
        if value:
            mark = pen.ink(value)
            drawing.put(
                mark, x1 - pen.size - mark.right, y + 0.2 * pen.size, Style((140, 140, 140))
            )
        floor = round(y + pitch - 0.5 * pen.size)
        cv2.line(drawing.image, (round(x0), floor), (round(x1), floor), (150, 150, 150), 1)
        y += pitch


def _grid(drawing: Drawing, pen: Pen, area: Box, ink: Sequence[float]) -> None:
    """A spreadsheet or an editor's table."""
    rng = pen.rng
    x0, y, x1, bottom = area
    columns = int(rng.integers(3, max(4, min(10, int((x1 - x0) / pen.size / 5)))))
    edges = np.linspace(x0, x1, columns + 1)
    pitch = pen.size * (1.5 + 0.7 * rng.random())
    shade, full = (170, 170, 170), 0.5 + 0.5 * rng.random()
    while y < bottom - pitch:
        for a, b in pairwise(edges):
            text = (
                pen.words({"data": 0.6, "word": 0.4}, b - a - pen.size)
                if rng.random() < full
                else ""
            )
            if text:
                drawing.put(
                    pen.ink(text), a + 0.4 * pen.size, y + (pitch - 0.85 * pen.size) / 2, Style(ink)
                )
        y += pitch
        cv2.line(drawing.image, (round(x0), round(y)), (round(x1), round(y)), shade, 1)
    for x in edges[1:-1]:
        cv2.line(drawing.image, (round(x), round(area[1])), (round(x), round(y)), shade, 1)


def overlay(world: World, rng: Rng, height: int, width: int) -> Drawing:
    """Chat rows or game messages, small and bright, on dark panels over a picture."""
    drawing = Drawing(bg.window(rng, world.bank, height, width))
    pen = make_pen(world, rng, ("hei", "hei", "hei", "song"), 11 + 8 * rng.random())
    for _ in range(int(rng.integers(1, 4))):
        wide = min(width, pen.size * (10 + 18 * rng.random()))
        tall = min(height, pen.size * (3 + 20 * rng.random()))
        x = 0.0 if width - wide < 8 else rng.random() * (width - wide)
        y = (height - tall) * (0.4 + 0.6 * rng.random())
        if drawing.free((x, y, x + wide, y + tall), 0):
            _panel(drawing, pen, (x, y, x + wide, y + tall))
            drawing.taken.append((x, y, x + wide, y + tall))
    for _ in range(int(rng.integers(0, 8))):  # names, numbers and buttons strewn about
        mark = pen.sized(pen.size * (0.9 + 1.2 * rng.random()))
        text = mark.words(_LABEL, width * 0.4)
        if text:
            place_free(drawing, mark, text, _hud_style(rng))
    return drawing


def _hud_style(rng: Rng) -> Style:
    return Style(pick(rng, CHAT_COLOURS), (0, 0, 0), 0.07, rng.random() < 0.3)


def place_free(drawing: Drawing, pen: Pen, text: str, style: Style) -> None:
    """Write text somewhere free, or nowhere after a few tries."""
    ink = pen.ink(text)
    h, w = drawing.image.shape[:2]
    wide, tall = ink.right - ink.left, ink.bottom - ink.top
    for _ in range(6):
        x, y = pen.rng.random() * (w - wide), pen.rng.random() * (h - tall)
        box = (x, y, x + wide, y + tall)
        if drawing.free(box, pen.size * 0.8):
            drawing.taken.append(drawing.put(ink, x, y, style))
            return


def _panel(drawing: Drawing, pen: Pen, area: Box) -> None:
    """A translucent panel, or a strip a row, with chat rows in one or two colours."""
    rng = pen.rng
    x0, y, x1, y1 = area
    opacity, strips = 0.3 + 0.7 * rng.random(), rng.random() < 0.3
    bare = rng.random() < 0.2
    if not strips and not bare:
        drawing.fill(area, tuple(rng.integers(0, 40, 3)), max(0.55, opacity))
    pitch = pen.size * (1.3 + 0.7 * rng.random())
    edged = bare or rng.random() < 0.3
    y += pen.size * 0.5
    while y + pitch <= y1:
        kinds = {"chat": 0.7, "data": 0.1, "sentence": 0.2}
        text = pen.words(kinds, x1 - x0 - pen.size)
        if text:
            ink = pen.ink(text)
            x = x0 + 0.5 * pen.size
            if strips:
                strip = (
                    x0,
                    y - 0.25 * pen.size,
                    x + ink.right + 0.5 * pen.size,
                    y + 1.1 * pen.size,
                )
                drawing.fill(strip, (10, 10, 10), max(0.5, opacity))
            drawing.put(
                ink, x, y, Style(chat_colours(rng, ink), (0, 0, 0) if edged else None, 0.07)
            )
        y += pitch
