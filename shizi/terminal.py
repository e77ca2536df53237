"""Texts of strangers, made harmless for a terminal."""

from __future__ import annotations

import re

_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, ends of lines, what turns the direction of writing, halves of characters."""


def harmless(text: str) -> str:
    """Return a text on one line; what a terminal would obey is shown as Python writes it."""
    return _HARMFUL.sub(lambda m: m[0].encode("unicode_escape").decode(), text)
