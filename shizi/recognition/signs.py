"""Signs that a line's other characters tell more of than the net sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shizi.page import Char

_WIDE, _NARROW = "（）", "()"
_OPENING, _CLOSING = "（(", "）)"

_PARTS = {
    "℃": "°C",
    "℉": "°F",
    "№": "NoOº°",
    "㎝": "c㏄",
    "㎏": "k",
    "㎎": "m",
    "㎜": "m",
    "㎞": "k",
    "㎡": "m²",
    "㎥": "m³",
}
"""Signs in one, and what they resemble a part of. No text has such a part right beside them."""


_DASHES = "—－–―"
_ONE_BEFORE = "季月年日个個条條章节節次号號级級等切些样樣起定直般旦共"
_ONE_AFTER = "周週第期拜"
"""What a 一 stands before, or after, that no dash does: 一季度, 周一."""


def without_parts(chars: Sequence[Char]) -> list[Char]:
    """Leave out parts of signs that were read beside them: °℃ is ℃.

    The net tells both at steps that follow each other, where each explains what it sees.
    """
    found: list[Char] = []
    for char in chars:
        if found and found[-1].text in _PARTS.get(char.text, ""):
            char = replace(char, start=found.pop().start)
        elif found and char.text in _PARTS.get(found[-1].text, ""):
            char = replace(found.pop(), end=char.end)
        found.append(char)
    return found


def paired(chars: Sequence[Char]) -> list[Char]:
    """Give brackets of a pair one width, that of the surer."""
    out, opened = list(chars), list[int]()
    for i, char in enumerate(chars):
        if char.text in _OPENING:
            opened.append(i)
        elif char.text in _CLOSING and opened:
            pair = opened.pop(), i
            surer = max(pair, key=lambda j: chars[j].score)
            width = _WIDE if chars[surer].text in _WIDE else _NARROW
            for j, text in zip(pair, width, strict=True):
                out[j] = replace(out[j], text=text)
    return out


def with_ones(chars: Sequence[Char]) -> list[Char]:
    """Read a dash at either end of a line as the 一 that its neighbour asks for.

    Between others a 一 is read as what it is; at an end a level stroke is either.
    """
    out = list(chars)
    if len(out) < 2:
        return out
    if out[0].text in _DASHES and out[1].text in _ONE_BEFORE:
        out[0] = replace(out[0], text="一")
    if out[-1].text in _DASHES and out[-2].text in _ONE_AFTER:
        out[-1] = replace(out[-1], text="一")
    return out
