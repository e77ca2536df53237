"""Lines of a live room that were read, for those who test what becomes of them."""

from __future__ import annotations

import numpy as np

from shizi.live.event import Run
from shizi.live.see.messages.wrap import Typography
from shizi.live.see.reading.line import SeenLine
from shizi.live.see.reading.vote import Sighting
from shizi.live.see.tracking.scroll import template_of
from shizi.live.see.tracking.track import Track
from shizi.page import Quads

WHITE, BLUE = (255, 255, 255), (80, 160, 255)
TALL = 30


def line(
    number: int, top: float, *texts: str, right: float = 200.0, time: float = 1.0, badge: str = ""
) -> SeenLine:
    """A line that was read, its runs in turns of two colours."""
    box = np.array([20, top, right, top + TALL], np.float32)
    figure = np.zeros((600, 100), np.float32)
    crop = np.zeros((TALL, 180, 3), np.uint8)
    track = Track(number, time, time, box, template_of(figure, box), figure, crop, 30.0, time)
    track.moved = 2 * TALL
    runs = tuple(Run(text, (BLUE, WHITE)[i % 2]) for i, text in enumerate(texts))
    level = Sighting((Run(badge, BLUE),), 0.98, 30.0) if badge else None
    out = SeenLine(track)
    out.add(Sighting(runs, 0.98, 30.0, level), time)
    return out


def nothing(_: object) -> Quads:
    return np.zeros((0, 4, 2), np.float32)


def spaced(pitch: float) -> Typography:
    """A room that sets its messages so many line heights apart."""
    typography = Typography()
    for i in range(6):
        above = line(i, 0, "小鱼：", "在吗", right=400)
        typography.note(above, line(i, pitch * TALL, "老王：", "来了", right=400), joins=False)
    return typography
