"""Paper: prose in columns, titles, tables, forms, receipts, vertical print."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from shizi.page import Image
from shizi.synth.chance import Rng, weighted
from shizi.synth.kinds.drawing import PROSE, Box, Drawing, Pen, Style, make_pen
from shizi.synth.paint import backgrounds as bg
from shizi.synth.wording.text import stackable
from shizi.synth.world import World

_STYLES = ("song", "song", "kai", "hei")
_CELL = {"data": 0.6, "word": 0.3, "english": 0.1}


def document(world: World, rng: Rng, height: int, width: int) -> Drawing:
    """Print on paper: columns of prose, a table, a form, a receipt, or vertical columns."""
    drawing = Drawing(_paper(rng, height, width))
    kind = weighted(
        rng, {"prose": 0.48, "form": 0.14, "table": 0.13, "receipt": 0.1, "vertical": 0.22}
    )
    if kind == "vertical":
        _vertical(world, rng, drawing)
    elif kind == "receipt":
        _receipt(world, rng, drawing)
    else:
        _flow(world, rng, drawing, kind)
    return drawing


def _paper(rng: Rng, height: int, width: int) -> Image:
    if rng.random() < 0.5:
        return bg.plain((255 - int(20 * rng.random() ** 2),) * 3, height, width)
    return bg.paper(rng, height, width)


def _ink_style(rng: Rng) -> Style:
    dark = rng.random() * 90
    return Style((dark, dark, dark + 20 * rng.random()))


def _body_size(rng: Rng, height: int, width: int) -> float:
    share = 0.014 + 0.03 * float(rng.random()) ** 1.5
    return float(max(10.0, min(height, width) * share))


def _flow(world: World, rng: Rng, drawing: Drawing, kind: str) -> None:
    """Fill 1 to 3 columns from the top with titles, paragraphs, tables, forms and figures."""
    h, w = drawing.image.shape[:2]
    pen = make_pen(world, rng, _STYLES, _body_size(rng, h, w))
    style = _ink_style(rng)
    margin = w * (0.03 + 0.08 * rng.random())
    y = h * (0.02 + 0.06 * rng.random())
    if rng.random() < 0.4:  # running head and page number
        _line(drawing, pen.sized(pen.size * 0.8), margin, y, w - 2 * margin, style, {"word": 1.0})
        y += 2.2 * pen.size
    if rng.random() < 0.6:
        y = _title(drawing, pen, style, margin, y, w - 2 * margin)
    room = (w - 2 * margin) / pen.size
    columns = (
        1 if room < 24 or kind != "prose" else int(rng.integers(1, min(3, int(room // 12)) + 1))
    )
    gap = pen.size * (2 + 2 * rng.random())
    wide = (w - 2 * margin - gap * (columns - 1)) / columns
    bottom = h * (0.9 + 0.08 * rng.random())
    if rng.random() < 0.15:
        bottom = h * (0.4 + 0.4 * rng.random())
    for k in range(columns):
        left = margin + k * (wide + gap)
        _column(drawing, pen, style, (left, y, left + wide, bottom), kind)
        if k and rng.random() < 0.2:
            x = round(left - gap / 2)
            cv2.line(drawing.image, (x, round(y)), (x, round(bottom)), (120, 120, 120), 1)
    if rng.random() < 0.3:
        number = str(int(rng.integers(1, 400)))
        drawing.put(
            pen.ink(number),
            w * (0.1 + 0.8 * rng.random()),
            min(h - 1.4 * pen.size, bottom + pen.size),
            style,
        )


def _column(drawing: Drawing, pen: Pen, style: Style, box: Box, kind: str) -> None:
    rng = pen.rng
    x0, y, x1, bottom = box
    mix = {"paragraph": 0.6, "heading": 0.14, "list": 0.1, "figure": 0.08, "table": 0.08}
    if kind == "form":
        mix = {"form": 0.8, "heading": 0.1, "paragraph": 0.1}
    elif kind == "table":
        mix = {"table": 0.75, "heading": 0.1, "paragraph": 0.15}
    pitch = pen.size * (1.25 + 0.7 * rng.random())
    while y + pitch < bottom:
        part = weighted(rng, mix)
        area = (x0, y, x1, bottom)
        if part == "heading":
            big = pen.sized(pen.size * (1.1 + 0.6 * rng.random()))
            y = (
                _line(drawing, big, x0, y, x1 - x0, style, {"word": 0.6, "sentence": 0.4})
                + 0.6 * big.size
            )
        elif part == "figure":
            y = _figure(drawing, pen, style, area)
        elif part == "table":
            y = _table(drawing, pen, style, area)
        elif part == "form":
            y = _form_row(drawing, pen, style, area, pitch)
        else:
            indent = 2 * pen.size if part == "paragraph" else 0.0
            y = _paragraph(drawing, pen, style, area, pitch, indent)
        y += pen.size * 0.8 * rng.random()


def _paragraph(
    drawing: Drawing, pen: Pen, style: Style, area: Box, pitch: float, indent: float
) -> float:
    """Write running text; the last line is often short. Return the next free y."""
    x0, y, x1, bottom = area
    count = min(int((bottom - y) / pitch), int(pen.rng.integers(1, 9)))
    rows = pen.prose(x1 - x0, count, indent)
    for i, row in enumerate(rows):
        if i == len(rows) - 1 and pen.rng.random() < 0.7:
            row = row[: max(2, int(len(row) * pen.rng.random()))].rstrip()
        if row:
            drawing.put(pen.ink(row), x0 + (indent if i == 0 else 0), y, style)
        y += pitch
    return y


def _line(
    drawing: Drawing,
    pen: Pen,
    x: float,
    y: float,
    width: float,
    style: Style,
    kinds: dict[str, float],
) -> float:
    """Write one line left or centred; return its bottom."""
    text = pen.words(kinds, width)
    if not text:
        return y
    ink = pen.ink(text)
    if pen.rng.random() < 0.3:
        x += max(0.0, (width - (ink.right - ink.left)) / 2)
    return drawing.put(ink, x, y, style)[3]


def _title(drawing: Drawing, pen: Pen, style: Style, x: float, y: float, width: float) -> float:
    big = pen.sized(pen.size * (1.5 + 2 * pen.rng.random()), 0.4 * (pen.rng.random() < 0.2))
    text = big.words({"word": 0.5, "sentence": 0.4, "english": 0.1}, width)
    if not text:
        return y
    ink = big.ink(text)
    if pen.rng.random() < 0.2:
        style = Style(bg.hsv(pen.rng.random() * 180, 220, 150))
    bottom = drawing.put(ink, x + max(0.0, (width - ink.right) / 2), y, style)[3]
    if pen.rng.random() < 0.2:
        cv2.line(
            drawing.image,
            (round(x), round(bottom + 4)),
            (round(x + width), round(bottom + 4)),
            (60, 60, 60),
            1,
        )
    return bottom + big.size * 0.8


def _figure(drawing: Drawing, pen: Pen, style: Style, area: Box) -> float:
    """A picture with a caption below."""
    x0, y, x1, bottom = area
    height = min((x1 - x0) * (0.3 + 0.5 * pen.rng.random()), bottom - y - 3 * pen.size)
    if height < 3 * pen.size or x1 - x0 < 20:
        return y + pen.size
    left, top, right = round(x0), round(y), round(x1)
    drawing.image[top : top + int(height), left:right] = bg.window(
        pen.rng, pen.world.bank, int(height), right - left
    )
    caption = pen.sized(pen.size * 0.85)
    return (
        _line(
            drawing,
            caption,
            x0,
            y + height + 0.5 * pen.size,
            x1 - x0,
            style,
            {"word": 0.6, "sentence": 0.4},
        )
        + pen.size
    )


def _table(drawing: Drawing, pen: Pen, style: Style, area: Box) -> float:
    """Cells between rules, or in columns far apart; every cell is a line of its own."""
    rng = pen.rng
    x0, y, x1, bottom = area
    columns = int(rng.integers(2, max(3, min(7, int((x1 - x0) / pen.size / 5)) + 1)))
    pitch = pen.size * (1.5 + rng.random())
    rows = min(int((bottom - y) / pitch), int(rng.integers(2, 16)))
    if rows < 2:
        return y + pitch
    ruled = rng.random() < 0.7
    edges = np.linspace(x0, x1, columns + 1)
    edges[1:-1] += rng.uniform(-0.25, 0.25, columns - 1) * (x1 - x0) / columns
    shade = (int(rng.integers(0, 160)),) * 3
    if rng.random() < 0.3:
        drawing.fill((x0, y, x1, y + pitch), bg.hsv(rng.random() * 180, 60, 230))
    for r in range(rows + 1):
        if ruled or (r in (0, 1, rows) and rng.random() < 0.8):
            cv2.line(
                drawing.image,
                (round(x0), round(y + r * pitch)),
                (round(x1), round(y + r * pitch)),
                shade,
                1,
            )
    if ruled and rng.random() < 0.75:
        for x in edges:
            cv2.line(
                drawing.image, (round(x), round(y)), (round(x), round(y + rows * pitch)), shade, 1
            )
    pad = pen.size * (0.4 if ruled else 0.9)
    for r in range(rows):
        for a, b in pairwise(edges):
            text = pen.words(_CELL, b - a - 2 * pad) if rng.random() < 0.92 else ""
            if text:
                drawing.put(
                    pen.ink(text), a + pad, y + r * pitch + (pitch - 0.9 * pen.size) / 2, style
                )
    return y + rows * pitch + pen.size


def _form_row(drawing: Drawing, pen: Pen, style: Style, area: Box, pitch: float) -> float:
    """``label：value`` pairs, far apart, over dotted or drawn lines."""
    rng = pen.rng
    x0, y, x1, _ = area
    pairs = 1 if x1 - x0 < 20 * pen.size else int(rng.integers(1, 3))
    wide = (x1 - x0) / pairs
    for k in range(pairs):
        x = x0 + k * wide
        label = pen.words({"word": 1.0}, 5 * pen.size)
        if not label:
            continue
        box = drawing.put(pen.ink(label + ("：" if rng.random() < 0.7 else ":")), x, y, style)
        start = box[2] + pen.size * (1.8 + 2 * rng.random())
        room = x + wide - start - 2 * pen.size
        value = pen.words({"data": 0.6, "word": 0.4}, room) if rng.random() < 0.8 else ""
        if value:
            drawing.put(pen.ink(value), start, y, style)
        if rng.random() < 0.5 and room > 0:
            floor = round(y + 1.25 * pen.size)
            cv2.line(
                drawing.image,
                (round(start - pen.size), floor),
                (round(x + wide - 2 * pen.size), floor),
                (90, 90, 90),
                1,
            )
    return y + pitch


def _receipt(world: World, rng: Rng, drawing: Drawing) -> None:
    """Shop, items with prices on the right, totals."""
    h, w = drawing.image.shape[:2]
    size = max(10.0, min(w / (18 + 16 * rng.random()), h / 16))
    pen = make_pen(world, rng, ("mono", "song", "hei"), size)
    latin = world.book.draw_latin(rng, ("mono", "mono", "hei"), "0A")
    pen = Pen(world, rng, pen.face, latin, pen.size, 0.0, pen.smooth)
    style = Style((rng.random() * 110,) * 3)
    margin, y = w * (0.04 + 0.08 * rng.random()), h * 0.03
    pitch = pen.size * (1.2 + 0.5 * rng.random())
    kinds = (
        {"receipt": 0.9, "word": 0.1}
        if rng.random() < 0.6
        else {"word": 0.5, "receipt": 0.2, "data": 0.3}
    )
    head = pen.sized(pen.size * (1 + 0.8 * rng.random()))
    for used in (head, pen, pen, pen)[: int(rng.integers(2, 5))]:
        text = used.words(kinds, w - 2 * margin)
        if text:
            ink = used.ink(text)
            y = drawing.put(ink, max(margin, (w - ink.right) / 2), y, style)[3] + 0.4 * pen.size
    y += pitch
    while y < h * 0.95:
        chance = rng.random()
        if chance < 0.1:
            cv2.line(
                drawing.image,
                (round(margin), round(y)),
                (round(w - margin), round(y)),
                (110, 110, 110),
                1,
            )
            y += pitch * 0.6
            continue
        left = pen.words(kinds, (w - 2 * margin) * 0.6)
        if left:
            drawing.put(pen.ink(left), margin, y, style)
        if chance < 0.65:
            price = pen.ink(f"{rng.integers(1, 99999) / 100:.2f}")
            if left and w - margin - price.right > margin + pen.size * 1.6 + sum(
                map(pen.advance, left)
            ):
                drawing.put(price, w - margin - price.right, y, style)
        y += pitch


def _vertical(world: World, rng: Rng, drawing: Drawing) -> None:
    """Columns of Han from the right to the left, as old books are set."""
    h, w = drawing.image.shape[:2]
    pen = make_pen(
        world, rng, ("song", "kai"), max(14.0, min(h, w) * (0.022 + 0.04 * rng.random())), 0.0
    )
    pen = pen.sized(pen.size, float(rng.choice((0.0, 0.05, 0.15, 0.3))))
    style = _ink_style(rng)
    margin_x, margin_y = w * (0.04 + 0.08 * rng.random()), h * (0.04 + 0.08 * rng.random())
    pitch = pen.size * (1.4 + 0.9 * rng.random())
    room = h - 2 * margin_y
    halves = int(rng.integers(1, 3)) if room > 30 * pen.size else 1
    tall = room / halves - pen.size * (halves - 1)
    ruled = rng.random() < 0.25
    x = w - margin_x - pen.size
    while x > margin_x:
        for k in range(halves):
            text = _han(pen)
            count = int(tall / (pen.size * (1 + pen.spacing)))
            while len(text) < count:
                text += _han(pen)
            if rng.random() < 0.25:
                count = max(2, int(count * rng.random()))
            top = margin_y + k * (tall + 2 * pen.size)
            drawing.put(pen.column(text[:count]), x, top, style)
        if ruled:
            rule = round(x - (pitch - pen.size) / 2)
            cv2.line(
                drawing.image,
                (rule, round(margin_y)),
                (rule, round(h - margin_y)),
                (110, 110, 110),
                1,
            )
        x -= pitch


def _han(pen: Pen) -> str:
    """Text fit for vertical setting."""
    return stackable(pen.words(PROSE)) or "一"
