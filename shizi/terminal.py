"""Names and texts of strangers, made fit for a terminal."""

from __future__ import annotations

import re

# Control characters (ESC begins what moves the cursor or renames the window), ends of lines and
# paragraphs, what turns the direction of writing, and halves of characters.
_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    r"""Return the text with what a terminal would obey spelt out, such as ``\x1b`` or ``\n``."""
    return _UNFIT.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """Return the text on one line, fit for a terminal."""
    return printable(" ".join(text.split()))
