"""How a simulated room writes a message: colours, badge, wrapping, the strip behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.live.event import Colour, Gift
from shizi.live.simulate.script import AMOUNTS, Act, Rng
from shizi.synth.paint.fonts import Face
from shizi.synth.paint.ink import ASCENT, advance, draw_text

Floats = NDArray[np.float32]

_NICKS = ((140, 231, 255), (255, 216, 77), (126, 231, 135), (255, 182, 193), (174, 198, 255))
_DARK_NICKS = ((30, 110, 200), (190, 90, 20), (20, 130, 90), (150, 60, 160))
_BADGES = ((74, 160, 255), (255, 140, 60), (240, 110, 160), (60, 180, 140), (140, 110, 240))
_GOLD = (255, 205, 70)
# Text wraps between words and Han characters, but no line begins with what closes another, and
# a count keeps its sign (Unicode Standard Annex 14, rule LB23).
_WORDS = re.compile(r"(?:×?[!-~]{1,16}|.)[，。：；！？、）】」…]{0,3}|\n")
_JOINS = (" 进入直播间", " 来了")
_DEEDS = {"follow": " 关注了主播", "like": " 为主播点赞了", "share": " 分享了直播间"}
_NOTICE, _GAVE = "公告：", "送出"
PICTOGRAMS = "🌸⭐🍀🔥💎"
"""Pictures in nicknames, which nobody has to read."""
_PICTURED = re.compile(f"([{PICTOGRAMS}])")
_PAINTS = ((255, 130, 170), (255, 200, 50), (70, 190, 90), (255, 110, 40), (90, 190, 255))
WORDS = "".join((*_JOINS, *_DEEDS.values(), _NOTICE, _GAVE, "×：:[Lv.]0123456789"))
"""Every character of the wordings."""


@dataclass(frozen=True, slots=True)
class Style:
    """How the rows of one room look.

    Attributes:
        face: of all text.
        size: pixels per em.
        width: of the comment area, pixels.
        badge: rows start with a badge: none, a filled pill, or ``[Lv.n]``.
        stacked: the nickname has a line of its own above what is said.
        strip: opacity of the strip behind a row; 0: none.
        light: dark text on a light panel.
        shadow: text has a dark edge.
        colon: between nickname and what is said; or a blank.
        nicks: colours of nicknames; each user keeps one.
        join: how a join is put.
        frames: badges are outlines rather than filled.
        banners: gifts are banners: the name above, the gift below, the count beside.
        hang: lines that wrap begin so much further right, pixels.
    """

    face: Face
    size: int
    width: int
    badge: Literal["none", "pill", "brackets"]
    stacked: bool
    strip: float
    light: bool
    shadow: bool
    colon: str
    nicks: tuple[Colour, ...]
    join: str
    frames: bool = False
    banners: bool = False
    hang: int = 0


@dataclass(frozen=True, slots=True)
class Sprite:
    """A picture with opacity.

    Attributes:
        colour: RGB times opacity, float32 (H, W, 3), 0 to 255.
        alpha: opacity, float32 (H, W, 1), 0 to 1.
    """

    colour: Floats
    alpha: Floats

    @property
    def height(self) -> int:
        """Pixels."""
        return len(self.alpha)


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    colour: Colour
    badge: Colour | None = None


def draw_style(rng: Rng, face: Face, size: int, width: int, portrait: bool) -> Style:
    """A random look; ``portrait``: rows float over the picture."""
    light = not portrait and rng.random() < 0.4
    nicks: tuple[Colour, ...] = _DARK_NICKS if light else _NICKS
    if rng.random() < 0.5:
        nicks = (nicks[int(rng.integers(len(nicks)))],)
    strip = float(rng.uniform(0.3, 0.55)) if portrait and rng.random() < 0.8 else 0.0
    badge: Literal["none", "pill", "brackets"] = "none"
    if rng.random() < 0.65:
        badge = "pill" if portrait or rng.random() < 0.5 else "brackets"
    return Style(
        face=face,
        size=size,
        width=width,
        badge=badge,
        stacked=not portrait and rng.random() < 0.3,
        strip=strip,
        light=light,
        shadow=portrait and (strip == 0 or rng.random() < 0.3),
        colon="：" if rng.random() < 0.75 else ":",
        nicks=nicks,
        join=_JOINS[int(rng.random() < 0.5)],
    )


def draw_row(style: Style, message: Act, gift: Gift | None = None) -> Sprite:
    """Draw a message; ``gift`` replaces the one it started with."""
    if message.gift is not None and message.text:
        return _draw_card(style, message.user, message.gift, message.text)
    if style.banners and message.gift is not None:
        return _draw_banner(style, message.user, gift or message.gift)
    rows = _wrap(style, _pieces(style, message, gift or message.gift))
    pitch = round(style.size * 1.36)
    pad = round(style.size * 0.32)
    height = pitch * len(rows) + 2 * pad
    begins = [pad * 2.0 + style.hang * (i > 0) for i in range(len(rows))]
    ends = [x + sum(_width(style, p) for p in row) for x, row in zip(begins, rows, strict=True)]
    width = min(style.width, round(max(ends)) + 3 * pad)
    colour = np.zeros((height, style.width, 3), np.float32)
    alpha = np.zeros((height, style.width, 1), np.float32)
    if style.strip:
        alpha[..., 0] = _box(height, style.width, width, round(style.size * 0.6)) * style.strip
    for i, row in enumerate(rows):
        x = begins[i]
        for piece in row:
            _paint(style, piece, colour, alpha, round(x), pad + i * pitch)
            x += _width(style, piece)
    return Sprite(colour, alpha)


def _draw_banner(style: Style, user: str, gift: Gift) -> Sprite:
    """A gift: a picture of who gives it, the name above, the gift below, the count beside."""
    size, small = style.size, replace(style, size=round(style.size * 0.8), shadow=False)
    large = replace(style, size=round(style.size * 1.5), shadow=True)
    tall = round(size * 2.7)
    head = round(size * 2.3)
    texts = _Piece(user, (255, 255, 255)), _Piece(f"{_GAVE} {gift.name}", _GOLD)
    wide = round(head + size * 0.9 + max(_width(small, p) for p in texts))
    colour = np.zeros((tall, style.width, 3), np.float32)
    alpha = np.zeros((tall, style.width, 1), np.float32)
    seed = sum(map(ord, user))
    plate = _BADGES[seed % len(_BADGES)]
    _over(colour, alpha, _box(tall, style.width, wide, tall // 2) * np.float32(0.7), plate, 0, 0)
    disc = _box(head, head, head, head // 2)
    _over(colour, alpha, disc, _NICKS[seed % len(_NICKS)], (tall - head) // 2, (tall - head) // 2)
    for piece, y in zip(texts, (0.25, 1.4), strict=True):
        _paint(small, piece, colour, alpha, head + round(size * 0.3), round(size * y))
    count = _Piece(f"×{gift.count}", _GOLD)
    _paint(large, count, colour, alpha, wide + round(size * 0.4), round(size * 0.5))
    return Sprite(colour, alpha)


def _draw_card(style: Style, user: str, gift: Gift, text: str) -> Sprite:
    """A card that was paid for: nickname and amount on one plate, what is said on a darker one."""
    size, pitch, pad = style.size, round(style.size * 1.36), round(style.size * 0.4)
    plain = replace(style, shadow=False)
    plate = _BADGES[AMOUNTS.index(gift.count)]
    said = _wrap(style, [_Piece(text, (255, 255, 255))])
    head = 2 * pitch + pad
    tall = head + len(said) * pitch + pad
    wide = style.width - size
    colour = np.zeros((tall, style.width, 3), np.float32)
    alpha = np.zeros((tall, style.width, 1), np.float32)
    box = np.ones((tall, wide), np.float32)
    _over(colour, alpha, box[:head], [min(255, v + 90) for v in plate], 0, 0)
    _over(colour, alpha, box[head:], [round(v * 0.7) for v in plate], 0, head)
    amount = f"{gift.name}{gift.count}"
    for i, name in enumerate((user, amount)):
        _paint(plain, _Piece(name, (30, 30, 40)), colour, alpha, pad * 2, pad // 2 + i * pitch)
    for i, row in enumerate(said):
        x = pad * 2.0
        for piece in row:
            _paint(plain, piece, colour, alpha, round(x), head + pad // 2 + i * pitch)
            x += _width(style, piece)
    return Sprite(colour, alpha)


def _pieces(style: Style, message: Act, gift: Gift | None) -> list[_Piece]:
    body: Colour = (40, 40, 44) if style.light else (255, 255, 255)
    quiet: Colour = (120, 120, 120) if style.light else (215, 215, 205)
    if message.kind == "system":
        return [_Piece(message.text, quiet)]
    if message.kind == "notice":
        return [_Piece(_NOTICE + message.text, (200, 90, 30) if style.light else _GOLD)]
    seed = sum(map(ord, message.user))
    nick = style.nicks[seed % len(style.nicks)]
    pieces = [_Piece(message.user, nick)]
    if message.level is not None and style.badge == "pill":
        pieces.insert(0, _Piece(str(message.level), (255, 255, 255), _BADGES[message.level // 13]))
    if message.level is not None and style.badge == "brackets":
        pieces.insert(0, _Piece(f"[Lv.{message.level}] ", quiet))
    match message.kind:
        case "comment":
            end = style.colon.rstrip(" ") + "\n" if style.stacked else style.colon
            pieces[-1] = _Piece(message.user + end, nick)
            pieces.append(_Piece(message.text, body))
        case "join":
            pieces.append(_Piece(style.join, quiet))
        case "gift" if gift is not None:
            shown = f" {_GAVE} {gift.name} ×{gift.count}"
            pieces.append(_Piece(shown, (200, 90, 30) if style.light else _GOLD))
        case _:
            pieces.append(_Piece(_DEEDS[message.kind], quiet))
    return pieces


def _width(style: Style, piece: _Piece) -> float:
    if piece.badge is not None:
        return style.size * 2.0
    return sum(_advance(style, c) for c in piece.text)


def _advance(style: Style, char: str) -> float:
    return 1.2 * style.size if char in PICTOGRAMS else advance(style.face, style.size, char)


def _wrap(style: Style, pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    """Break pieces into lines that fit the width; a piece's newline breaks too."""
    room = style.width - style.size * 1.7
    rows: list[list[_Piece]] = [[]]
    x = 0.0
    for piece in pieces:
        if piece.badge is not None:
            rows[-1].append(piece)
            x += _width(style, piece)
            continue
        for word in _WORDS.findall(piece.text):
            step = sum(_advance(style, c) for c in word.strip("\n"))
            if word == "\n" or (x + step > room and x):
                rows.append([])
                x = float(style.hang)
            if word != "\n":
                rows[-1].append(_Piece(word, piece.colour))
                x += step
    return rows


def _box(height: int, full: int, width: int, radius: int) -> Floats:
    """Opacity (height, full) of a box with round corners."""
    radius = min(radius, height // 2, width // 2)
    box = np.zeros((height, full), np.uint8)
    cv2.rectangle(box, (radius, 0), (width - radius, height), 255, -1)
    cv2.rectangle(box, (0, radius), (width, height - radius), 255, -1)
    for x in (radius, width - radius):
        for y in (radius, height - radius - 1):
            cv2.circle(box, (x, y), radius, 255, -1, cv2.LINE_AA)
    return _opacity(box)


def _opacity(mask: NDArray[Any]) -> Floats:
    """A mask of 0 to 255 as 0 to 1."""
    return np.asarray(mask, np.float32) / np.float32(255)


def _paint(style: Style, piece: _Piece, colour: Floats, alpha: Floats, x: int, y: int) -> None:
    """Draw a piece with the top of its em at (x, y)."""
    size = style.size
    if piece.badge is not None:
        wide, tall = round(size * 1.75), round(size * 0.95)
        box = _box(tall, wide, wide, tall // 2)
        if style.frames:
            inner = np.zeros_like(box)
            inner[2:-2, 2:-2] = _box(tall - 4, wide - 4, wide - 4, (tall - 4) // 2)
            box = box - inner
        _over(colour, alpha, box, piece.badge, x, y + round(size * 0.2))
        small = draw_text(piece.text, style.face, round(size * 0.72))
        left = x + round((wide - small.mask.shape[1]) / 2 + size * 0.3)
        top = y + round(size * (0.95 - ASCENT * 0.72))
        ink = piece.badge if style.frames else piece.colour
        _over(colour, alpha, _opacity(small.mask), ink, left, top)
        star = np.zeros((tall + size, wide), np.uint8)
        turns = np.arange(10) * np.pi / 5
        reach = size * np.where(np.arange(10) % 2, 0.12, 0.28)
        points = np.stack([np.sin(turns), -np.cos(turns)], 1) * reach[:, None]  # (10, 2)
        centre = (size * 0.45, size * 0.67)
        cv2.fillPoly(star, [(points + centre).round().astype(np.int32)], 255, cv2.LINE_AA)
        _over(colour, alpha, _opacity(star), ink if style.frames else (255, 240, 180), x, y)
        return
    for text in filter(None, _PICTURED.split(piece.text)):
        _write(style, replace(piece, text=text), colour, alpha, x, y)
        x += round(_width(style, replace(piece, text=text)))


def _write(style: Style, piece: _Piece, colour: Floats, alpha: Floats, x: int, y: int) -> None:
    """Write a text, or draw one pictogram."""
    size = style.size
    if piece.text in PICTOGRAMS:
        paint = _PAINTS[PICTOGRAMS.index(piece.text)]
        _over(colour, alpha, _pictogram(piece.text, size), paint, x + size // 10, y + size // 8)
        return
    if not piece.text.strip():
        return
    ink = draw_text(piece.text, style.face, size, pad=0)
    top = y + round(size * (1.06 - ASCENT))
    mask = _opacity(ink.mask)
    if style.shadow:
        edge = cv2.GaussianBlur(cv2.dilate(ink.mask, np.ones((3, 3), np.uint8)), (0, 0), 0.8)
        _over(colour, alpha, _opacity(edge) * np.float32(0.8), (0, 0, 0), x, top)
    _over(colour, alpha, mask, piece.colour, x, top)


def _pictogram(char: str, size: int) -> Floats:
    """A flower, a star, a clover, a flame or a gem, opacity (size, size)."""
    kind, picture = PICTOGRAMS.index(char), np.zeros((size, size), np.uint8)
    petals, depth = ((5, 0.25), (5, 0.55), (4, 0.35), (3, 0.3), (4, 0.0))[kind]
    turn = np.linspace(0, 2 * np.pi, 120)
    reach = size * 0.48 * (1 - depth * (0.5 + 0.5 * np.cos(petals * turn + np.pi)))
    points = size / 2 + np.stack([np.sin(turn), -np.cos(turn)], 1) * reach[:, None]  # (120, 2)
    cv2.fillPoly(picture, [points.round().astype(np.int32)], 255, cv2.LINE_AA)
    return _opacity(picture)


def _over(
    colour: Floats, alpha: Floats, mask: Floats, paint: Sequence[int], x: int, y: int
) -> None:
    """Lay paint over a sprite where mask (h, w) is 1; what leaves the sprite is cut off."""
    top, left = max(0, -y), max(0, -x)
    y, x = max(0, y), max(0, x)
    part = mask[top : top + len(alpha) - y, left : left + alpha.shape[1] - x, None]
    h, w = part.shape[:2]
    inside = (slice(y, y + h), slice(x, x + w))
    colour[inside] = colour[inside] * (1 - part) + np.asarray(paint, np.float32) * part
    alpha[inside] = alpha[inside] * (1 - part) + part
