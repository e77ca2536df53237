"""Emoji among text: pictures that a recogniser must pass over in silence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from shizi.page import Image
from shizi.synth.chance import Rng, pick
from shizi.synth.paint.ink import Ink

ROOM = "\u3000"
"""Stands in a drawn text where an emoji will be: a blank of one em."""

_STRIKE = 109  # the only size, in pixels, of Noto's bitmaps
_CHARS = (
    "😀😁😂🤣😃😄😅😆😉😊😋😎😍😘🥰😗😙😚🙂🤗🤩🤔😐😑😶🙄😏😣😥😮🤐😯😪😫😴😌😛😜😝🤤😒😓😔😕🙃🤑😲😖😞😟😤😢"
    "😭😦😧😨😩🤯😬😰😱😳🤪😵😡😠🤬😷🤒🤕🤢🤮🤧😇🤠🤡🥳🥺🤥🤫🤭🧐🤓😈👿💀👻👽🤖💩🐶🐱🐭🐰🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵🐔"
    "🐧🐦🦄🐝🐛🦋🐌🐞🐢🐍🐙🦐🐠🐟🐬🐳🐕🐈🌹🌷🌸🌺🌻🍀🍁🍂🌲🌵🌙⭐🌟✨⚡🔥💥🌈⛅💧🌊🍎🍊🍋🍌🍉🍇🍓🍑🍒🍍🥑🍅🌽🍞🍗🍔"
    "🍟🍕🍜🍣🍦🍩🍪🎂🍰🍫🍬🍭☕🍵🍺🍻🥂🍷⚽🏀🏈⚾🎾🎮🎲🎯🎤🎧🎵🎶🎸🎹🎁🎈🎉🎊🎄🎃🏆🥇🚗🚕🚌🚀🚢🏠🏫🏥⏰⌚📱💻📷📺"
    "💡📚📖✏📌📍✂🔒🔑🔨💰💵💎🎀👑💍👏🙏👍👎👊✊✌🤞🤟👌👈👉👆👇✋👋💪❤🧡💛💚💙💜🖤💔💕💖💗💘💯💢💤✅❌❗❓🆕🆒🔴🔵🔔📢"
)


def load_emoji(fonts: Iterable[Path]) -> tuple[NDArray[np.uint8], ...]:
    """Draw emoji, RGBA (128, 136, 4) each, if Noto Color Emoji is among the fonts."""
    path = next((p for p in fonts if p.stem == "NotoColorEmoji"), None)
    if path is None:
        return ()
    font = ImageFont.truetype(str(path), _STRIKE)
    pictures = []
    for char in _CHARS:
        canvas = PilImage.new("RGBA", (136, 128))
        ImageDraw.Draw(canvas).text((0, 0), char, font=font, embedded_color=True)
        pictures.append(np.asarray(canvas))
    return tuple(p for p in pictures if p[..., 3].any())


def make_room(rng: Rng, text: str) -> str:
    """Put one to three rooms for emoji at an end of a text, or into it."""
    rooms = ROOM * int(rng.choice((1, 2, 3), p=(0.6, 0.25, 0.15)))
    where = rng.random()
    cut = len(text) if where < 0.55 else 0 if where < 0.75 else int(rng.integers(len(text) + 1))
    return text[:cut].rstrip() + rooms + text[cut:].lstrip()


def widened(ink: Ink) -> Ink:
    """Count rooms at the ends of a drawn text as ink."""
    rooms = [i for i, char in enumerate(ink.text) if char == ROOM]
    if not rooms:
        return ink
    left, right = ink.edges[rooms[0]], ink.edges[rooms[-1] + 1]
    return replace(ink, left=min(ink.left, left), right=max(ink.right, right))


def without_rooms(text: str) -> str:
    """What a text with rooms says."""
    return " ".join(text.replace(ROOM, "").split())


def paste(image: Image, ink: Ink, rng: Rng, pictures: Sequence[NDArray[np.uint8]]) -> Image:
    """Put an emoji into every room of a painted line."""
    out = image.copy()
    same = pick(rng, pictures)
    for i, char in enumerate(ink.text):
        if char != ROOM:
            continue
        picture = same if rng.random() < 0.5 else pick(rng, pictures)
        side = max(8, round(ink.size * (0.9 + 0.25 * rng.random())))
        x = round((ink.edges[i] + ink.edges[i + 1] - side) / 2)
        y = round((ink.top + ink.bottom - side) / 2)
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        x0, y0, x1, y1 = max(0, x), max(0, y), min(out.shape[1], x + side), min(len(out), y + side)
        part = small[y0 - y : y1 - y, x0 - x : x1 - x].astype(np.float32)
        alpha = part[..., 3:] / 255
        under = out[y0:y1, x0:x1].astype(np.float32)
        out[y0:y1, x0:x1] = (under + (part[..., :3] - under) * alpha).astype(np.uint8)
    return out
