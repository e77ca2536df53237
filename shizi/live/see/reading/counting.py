"""Counts at the end of a line: when two texts are one event whose count rose, ×1, ×2, ×3."""

from __future__ import annotations

import re

from shizi.live.lookalikes import fold
from shizi.live.see.reading.vote import near

_COUNT = re.compile(r"\d{1,4}(?!.*\d)")

COMBO = re.compile(r"(?:^|[x×X✕*])\s*(\d{1,5})\s*个?\s*$")
"""A count that ends a line."""

RISING = re.compile(COMBO.pattern + r"|\d\s*[个人次位]")
"""A count that may rise."""

_SIGNS = re.compile("[★☆●○◆◇♥♡❤✿❀✦✧]")
"""What is read of a picture in a nickname at one time, and not at another."""

_TELLING = 6  # letters of which an equal end tells


def counts(text: str) -> list[str]:
    """All numbers in a text."""
    return re.findall(r"\d+", text)


def counted_up(old: str, new: str) -> bool:
    """True when a text is the old one with a larger count at its end."""
    a, b = COMBO.search(old), COMBO.search(new)
    if a is None or b is None or int(b[1]) <= int(a[1]):
        return False
    return near(old[: a.start()], new[: b.start()]) > 0.9


def prolonged(old: str, new: str) -> bool:
    """True when a count that rose is the one before with more digits, as by a stroke beside it."""
    a, b = COMBO.search(old), COMBO.search(new)
    if a is None or b is None:
        return False
    return len(b[1]) > len(a[1]) and b[1].startswith(a[1])


def same_message(old: str, new: str) -> bool:
    """True when a changed text is the old one with a count that rose, or a better reading."""
    old, new = _SIGNS.sub("", fold(old)), _SIGNS.sub("", fold(new))
    long = min(len(old), len(new))
    if long >= _TELLING and near(old[-long:], new[-long:]) > 0.9:
        return True  # a badge was taken for text
    if (combo := COMBO.search(new)) and combo.start() and near(old, new[: combo.start()]) > 0.9:
        return True  # a count came up beside it
    a, b = _COUNT.search(old), _COUNT.search(new)
    if a is None or b is None:
        return near(old, new) > 0.8
    head = near(old[: a.start()], new[: b.start()])
    tail = near(old[a.end() :], new[b.end() :])
    return head > 0.8 and tail > 0.7 and int(b.group()) >= int(a.group())
