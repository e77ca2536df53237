"""Characters of one shape that only their neighbours tell apart.

The recogniser sees one stroke for 一, a dash and the ー of Katakana, and one for I and l. In
comments what stands beside it settles which one it is.
"""

from __future__ import annotations

import re

_HAN, _KATAKANA = "\u4e00-\u9fff", "\u30a1-\u30fe"
_RULES = (
    (re.compile("\u3035"), "丶"),  # a kana sign that is all but unused
    (re.compile(f"(?<=[{_KATAKANA}])[一—](?![{_HAN}])"), "ー"),
    (re.compile(f"(?<![—-])—(?=[{_HAN}])|(?<=[{_HAN}])—(?![—-])"), "一"),
    (re.compile(r"\bl(?=[tfn]\b|'(?:m|d|ll|ve)\b)"), "I"),
)


def settle(text: str) -> str:
    """Return a text of the same length, with what cannot be meant changed to what is."""
    for pattern, meant in _RULES:
        text = pattern.sub(meant, text)
    return text
