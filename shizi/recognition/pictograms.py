"""Emoji and the rims of badges: pictures in a line that are taken for characters.

A recogniser knows nothing but characters, so it finds the one that a picture is least unlike. It is
never sure of it, and the picture is more colourful than the text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shizi.page import Char, Image

DOUBT = 0.85
"""Probability of a character below which it may be a picture."""

MORE = 60.0
"""By how much more colourful than the text a picture is, grey levels."""

MOST = 0.97
"""Share of a character's pixels that are no more colourful than it."""


def without_pictograms(crop: Image, chars: Sequence[Char]) -> list[Char]:
    """Leave out doubtful characters that are more colourful than all the others.

    A figure is kept, for levels stand on badges.

    Args:
        crop: of the line, RGB (h, w, 3).
        chars: what was read in it.
    """
    signs = [c for c in chars if not c.text.isspace()]
    doubted = [c for c in signs if c.score < DOUBT and not c.text.isnumeric()]
    vivid = [c for c in doubted if _colourful(crop, c) > MORE]
    sure = [c for c in signs if c not in doubted]
    if not (vivid and sure):  # most lines cost next to nothing
        return list(chars)
    most = max(_colourful(crop, c) for c in sure) + MORE
    pictures = [c for c in vivid if _colourful(crop, c) > most]
    return [c for c in chars if c not in pictures]


def _colourful(crop: Image, char: Char) -> float:
    """How colourful a character of a crop (h, w, 3) is: the chroma of its most vivid pixels."""
    width = crop.shape[1]
    first, last = round(char.start * width), round(char.end * width)
    part = crop[::2, first : max(last, first + 1) : 2].reshape(-1, 3)
    chroma = np.sort(part.max(1) - part.min(1))
    return float(chroma[int(MOST * (len(chroma) - 1))])
