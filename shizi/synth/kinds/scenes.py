"""Signs, posters, product pictures, subtitles, and pictures that look like text but are not."""

from __future__ import annotations

import cv2
import numpy as np

from shizi.synth.chance import Rng, pick, weighted
from shizi.synth.kinds.clutter import distract, pictogram
from shizi.synth.kinds.drawing import PROSE, Box, Drawing, Pen, Style, make_pen
from shizi.synth.kinds.screens import place_free
from shizi.synth.paint import backgrounds as bg
from shizi.synth.paint import degrade
from shizi.synth.world import World

_SIGN = ("display", "display", "hei", "hei", "kai", "song")
_BOARD = {"word": 0.5, "english": 0.22, "data": 0.13, "sentence": 0.15}


def scene(world: World, rng: Rng, height: int, width: int) -> Drawing:
    """A street with boards, a poster, or a product picture; a fifth with tilted text."""
    kind = weighted(rng, {"street": 0.4, "poster": 0.3, "product": 0.3})
    if kind == "street":
        return _street(world, rng, height, width)
    if kind == "poster":
        return _poster(world, rng, height, width)
    return _product(world, rng, height, width)


def subtitle(world: World, rng: Rng, height: int, width: int) -> Drawing:
    """A film with one or two lines near its foot, at times a clock or a station's name."""
    drawing = Drawing(bg.window(rng, world.bank, height, width))
    distract(drawing, rng, int(rng.integers(0, 4)))
    size = max(12.0, min(height, width) * (0.04 + 0.04 * rng.random()))
    pen = make_pen(world, rng, ("hei", "hei", "kai", "song"), size)
    fill = pick(rng, ((255, 255, 255), (255, 255, 255), (250, 240, 90), (235, 235, 235)))
    style = Style(fill, (0, 0, 0), 0.05 + 0.05 * rng.random(), rng.random() < 0.3)
    y = height * (0.8 + 0.12 * rng.random())
    for kinds in ({"english": 1.0}, {"sentence": 1.0})[int(rng.random() < 0.6) :]:
        text = pen.words(kinds, width * 0.9)
        if text:
            ink = pen.ink(text)
            box = drawing.put(ink, (width - ink.right) / 2, y - pen.size, style)
            drawing.taken.append(box)
        y -= 1.4 * pen.size
    for _ in range(int(rng.integers(0, 3))):
        mark = pen.sized(pen.size * (0.5 + 0.4 * rng.random()))
        text = mark.words({"word": 0.5, "data": 0.5}, width * 0.3)
        if text:
            place_free(drawing, mark, text, style)
    return drawing


def blank(world: World, rng: Rng, height: int, width: int) -> Drawing:
    """A picture without text, full of what a detector may take for text."""
    drawing = Drawing(
        bg.window(rng, world.bank, height, width)
        if rng.random() < 0.7
        else bg.paper(rng, height, width)
    )
    distract(drawing, rng, int(rng.integers(3, 14)))
    return drawing


def _street(world: World, rng: Rng, height: int, width: int) -> Drawing:
    """Boards of several sizes on a photo-like ground."""
    drawing = Drawing(bg.window(rng, world.bank, height, width))
    tilt = float(rng.uniform(-30, 30)) if rng.random() < 0.2 else 0.0
    for k in range(int(rng.integers(1, 6))):
        wide = width * (0.15 + 0.65 * rng.random() ** (1 + k))
        upright = rng.random() < 0.18
        tall = min(
            height * 0.9,
            wide * (2 + 3 * rng.random()) if upright else wide * (0.1 + 0.5 * rng.random()),
        )
        wide = wide * 0.35 if upright else wide
        if tall < 16 or wide < 20:
            continue
        for _ in range(8):
            x, y = rng.random() * (width - wide), rng.random() * (height - tall)
            box = (x, y, x + wide, y + tall)
            if drawing.free(box):
                drawing.taken.append(box)
                if upright:
                    _upright_board(drawing, world, rng, box)
                else:
                    _board(drawing, world, rng, box)
                break
    distract(drawing, rng, int(rng.integers(0, 6)))
    return _turned(drawing, rng, tilt) if tilt else drawing


def _plate(drawing: Drawing, rng: Rng, box: Box) -> tuple[tuple[float, float, float], bool]:
    """Draw a board; return its mean colour and whether letters need an outline."""
    if rng.random() < 0.15:
        return drawing.ground(box), True
    colour = bg.any_colour(rng)
    drawing.fill(box, colour, 1.0 if rng.random() < 0.75 else 0.75)
    x0, y0, x1, y1 = (round(v) for v in box)
    if rng.random() < 0.3:
        part = drawing.image[y0:y1, x0:x1]
        b = tuple(np.clip(np.asarray(colour) + rng.integers(-50, 50, 3), 0, 255))
        part[:] = bg.graded(colour, b, part.shape[0], part.shape[1], rng.random() < 0.6)
    if rng.random() < 0.35:
        inset = int(rng.integers(0, 5))
        corner, end = (x0 + inset, y0 + inset), (x1 - inset - 1, y1 - inset - 1)
        cv2.rectangle(drawing.image, corner, end, bg.any_colour(rng), int(rng.integers(1, 4)))
    return drawing.ground(box), False


def _sign_style(rng: Rng, ground: tuple[float, float, float], outlined: bool) -> Style:
    fill = bg.contrasting(rng, ground, 75 + 50 * rng.random())
    if outlined or rng.random() < 0.12:
        return Style(
            fill, (0, 0, 0) if bg.luma(fill) > 110 else (255, 255, 255), 0.04 + 0.06 * rng.random()
        )
    return Style(fill, shadow=rng.random() < 0.15)


def _board(drawing: Drawing, world: World, rng: Rng, box: Box) -> None:
    """One to five lines, the first the largest."""
    ground, outlined = _plate(drawing, rng, box)
    x0, y0, x1, y1 = box
    tall = y1 - y0
    rows = int(rng.integers(1, 1 + max(1, min(5, int(tall / 22)))))
    shares = np.array([1.0, *(0.25 + 0.5 * rng.random(rows - 1))])
    shares *= (0.62 + 0.2 * rng.random()) / shares.sum()
    gap = (1 - shares.sum()) / (rows + 1)
    y, centred = y0 + gap * tall, rng.random() < 0.7
    pen = make_pen(world, rng, _SIGN, 20)
    for share in shares:
        spread = float(rng.choice((0.0, 0.0, 0.1, 0.3)))
        used = pen.sized(min(200.0, share * tall), spread)
        text = used.words(_BOARD, (x1 - x0) * 0.92)
        if text and share * tall >= 9:
            ink = used.ink(text)
            slack = x1 - x0 - (ink.right - ink.left)
            x = x0 + (slack / 2 if centred else min(slack, 0.04 * (x1 - x0)))
            style = _sign_style(rng, ground, outlined)
            line = drawing.put(ink, x, y, style)
            if rng.random() < 0.4:
                _mark(drawing, rng, line, box, style)
        y += (share + gap) * tall


def _mark(drawing: Drawing, rng: Rng, line: Box, board: Box, style: Style) -> None:
    """Set a pictogram before or behind a line, where the board has room for it."""
    x0, y0, x1, y1 = line
    side = (y1 - y0) * (0.6 + 0.6 * rng.random())
    mask = pictogram(rng, side)
    h, w = mask.shape
    gap = side * (0.05 + 0.6 * rng.random() ** 2)
    x = x1 + gap if rng.random() < 0.65 else x0 - gap - w
    y = (y0 + y1 - h) / 2
    box = (x, y, x + w, y + h)
    inside = x >= board[0] and y >= board[1] and x + w <= board[2] and y + h <= board[3]
    others = [other for other in drawing.taken if other != board]
    if inside and Drawing(drawing.image, taken=others).free(box, 0):
        colour = style if rng.random() < 0.75 else Style(bg.any_colour(rng))
        drawing.taken.append(drawing.stamp(mask, x, y, colour))


def _upright_board(drawing: Drawing, world: World, rng: Rng, box: Box) -> None:
    """Han from top to bottom on a tall board."""
    ground, outlined = _plate(drawing, rng, box)
    x0, y0, x1, y1 = box
    size = min((x1 - x0) * 0.75, 200.0)
    pen = make_pen(world, rng, _SIGN, size)
    pen = pen.sized(size, float(rng.choice((0.0, 0.1, 0.3))))
    text = "".join(c for c in pen.words({"word": 0.8, "sentence": 0.2}) if "一" <= c <= "鿿")
    count = int((y1 - y0 - 0.3 * size) / (size * (1 + pen.spacing)))
    if text[:count] and size >= 10:
        ink = pen.column(text[:count])
        x = (x0 + x1 - (ink.right - ink.left)) / 2
        y = y0 + max(0.0, y1 - y0 - (ink.bottom - ink.top)) / 2
        drawing.put(ink, x, y, _sign_style(rng, ground, outlined))


def _turned(drawing: Drawing, rng: Rng, tilt: float) -> Drawing:
    """The whole scene turned: signs seen by a tilted camera."""
    h, w = drawing.image.shape[:2]
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), -tilt, 0.75 + 0.4 * rng.random())
    image = cv2.warpAffine(drawing.image, turn, (w, h), borderMode=cv2.BORDER_REFLECT_101)
    black = cv2.warpAffine(np.full((h, w), 255, np.uint8), turn, (w, h))
    image = np.where(black[..., None] > 0, image, cv2.GaussianBlur(image[::-1], (0, 0), 9)).astype(
        np.uint8
    )
    lines = [
        type(line)((line.quad @ turn[:, :2].T + turn[:, 2]).astype(np.float32), line.text)
        for line in drawing.lines
    ]
    return Drawing(image, lines)


def _poster(world: World, rng: Rng, height: int, width: int) -> Drawing:
    """Blocks of text in several sizes and colours on one ground."""
    a = bg.any_colour(rng)
    if rng.random() < 0.6:
        image = bg.graded(a, bg.any_colour(rng) if rng.random() < 0.3 else a, height, width, True)
    else:
        image = bg.window(rng, world.bank, height, width)
    drawing = Drawing(image)
    distract(drawing, rng, int(rng.integers(0, 5)))
    outlined = rng.random() < 0.3 or image.std() > 35
    for k in range(int(rng.integers(2, 12))):
        size = min(
            200.0,
            min(height, width)
            * ((0.1 + 0.12 * rng.random()) if k < 2 else (0.025 + 0.05 * rng.random())),
        )
        pen = make_pen(world, rng, _SIGN if k < 2 else ("hei", "song", "kai"), size)
        if rng.random() < 0.25 and k >= 2:
            _block(drawing, pen, outlined)
            continue
        text = pen.words(_BOARD, width * 0.9)
        if not text:
            continue
        if rng.random() < 0.12:
            _tilted(drawing, pen, text, float(rng.uniform(-30, 30)))
        else:
            _free_line(drawing, pen, text, outlined)
    return drawing


def _free_line(drawing: Drawing, pen: Pen, text: str, outlined: bool) -> None:
    ink = pen.ink(text)
    h, w = drawing.image.shape[:2]
    wide, tall = ink.right - ink.left, ink.bottom - ink.top
    for _ in range(8):
        x, y = pen.rng.random() * (w - wide), pen.rng.random() * (h - tall)
        box = (x, y, x + wide, y + tall)
        if not drawing.free(box, pen.size * 0.5):
            continue
        ground = drawing.ground(box)
        if pen.rng.random() < 0.2:  # a label of its own colour
            pad = 0.3 * pen.size
            ground = bg.any_colour(pen.rng)
            drawing.fill((x - pad, y - pad, x + wide + pad, y + tall + pad), ground)
        style = _sign_style(pen.rng, ground, outlined)
        line = drawing.put(ink, x, y, style)
        drawing.taken.append(box)
        if pen.rng.random() < 0.25:
            _mark(drawing, pen.rng, line, (0.0, 0.0, float(w), float(h)), style)
        return


def _tilted(drawing: Drawing, pen: Pen, text: str, angle: float) -> None:
    """One line turned by ``angle`` degrees where its bounds are free."""
    ink = pen.ink(text)
    h, w = drawing.image.shape[:2]
    wide, tall = ink.right - ink.left, ink.bottom - ink.top
    sin, cos = abs(np.sin(np.radians(angle))), abs(np.cos(np.radians(angle)))
    rx, ry = (wide * cos + tall * sin) / 2, (wide * sin + tall * cos) / 2
    for _ in range(8):
        x, y = rx + pen.rng.random() * (w - 2 * rx), ry + pen.rng.random() * (h - 2 * ry)
        box = (x - rx, y - ry, x + rx, y + ry)
        if drawing.free(box):
            drawing.put_turned(ink, x, y, angle, _sign_style(pen.rng, drawing.ground(box), True))
            drawing.taken.append(box)
            return


def _block(drawing: Drawing, pen: Pen, outlined: bool) -> None:
    """A small paragraph."""
    h, w = drawing.image.shape[:2]
    wide = w * (0.25 + 0.4 * pen.rng.random())
    inks = [pen.ink(row) for row in pen.prose(wide, int(pen.rng.integers(2, 6))) if row]
    pitch = pen.size * (1.3 + 0.4 * pen.rng.random())
    for _ in range(6):
        x, y = pen.rng.random() * (w - wide), pen.rng.random() * (h - pitch * len(inks))
        box = (x, y, x + wide, y + pitch * len(inks))
        if drawing.free(box, pen.size * 0.5):
            style = _sign_style(pen.rng, drawing.ground(box), outlined)
            for k, ink in enumerate(inks):
                drawing.put(ink, x, y + k * pitch, style)
            drawing.taken.append(box)
            return


def _product(world: World, rng: Rng, height: int, width: int) -> Drawing:
    """A shop's picture: goods on a light ground, loud captions, a table of data."""
    light = bg.hsv(rng.random() * 180, 50 * rng.random(), 255 - 30 * rng.random())
    drawing = Drawing(bg.plain(light, height, width))
    gw, gh = int(width * (0.3 + 0.3 * rng.random())), int(height * (0.3 + 0.3 * rng.random()))
    gx, gy = int(rng.integers(width - gw)), int(rng.integers(height - gh))
    goods = bg.window(rng, world.bank, gh, gw)
    mask = np.zeros((gh, gw), np.uint8)
    cv2.ellipse(mask, (gw // 2, gh // 2), (gw // 2, gh // 2), 0, 0, 360, 255, -1)
    if rng.random() < 0.5:
        mask[:] = 255
    part = drawing.image[gy : gy + gh, gx : gx + gw]
    part[:] = np.where(degrade.blur(np.repeat(mask[..., None], 3, 2), 1.0) > 127, goods, part)
    if rng.random() < 0.7:
        drawing.taken.append((float(gx), float(gy), float(gx + gw), float(gy + gh)))
    for k in range(int(rng.integers(2, 10))):
        size = min(160.0, min(height, width) * (0.03 + 0.09 * rng.random() ** (1 + k / 4)))
        pen = make_pen(world, rng, _SIGN if k < 3 else ("hei", "song"), size)
        text = pen.words(_BOARD if rng.random() < 0.8 else PROSE, width * 0.8)
        if text and rng.random() < 0.1:
            _tilted(drawing, pen, text, float(rng.uniform(-30, 30)))
        elif text:
            _free_line(drawing, pen, text, rng.random() < 0.2)
    distract(drawing, rng, int(rng.integers(0, 3)))
    return drawing
