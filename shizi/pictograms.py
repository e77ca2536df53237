"""Emoji and the rims of badges: pictures in a line that are taken for characters.

A recogniser knows nothing but characters, so it finds the one that a picture is least unlike. It is
never sure of it, and the picture is more colourful than the text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shizi.page import Char, Image

DOUBT = 0.85
"""Probability of a character below which it may be a picture."""

MORE = 60.0
"""By how much more colourful than the text a picture is, grey levels."""

MOST = 97
"""Percentile of a character's pixels that tells how colourful it is."""


def without_pictograms(crop: Image, chars: Sequence[Char]) -> list[Char]:
    """Leave out doubtful characters that are more colourful than all the others.

    A figure is kept, for levels stand on badges.

    Args:
        crop: of the line, RGB (h, w, 3).
        chars: what was read in it.
    """
    doubted = [c.score < DOUBT and not (c.text.isspace() or c.text.isnumeric()) for c in chars]
    if not any(doubted) or all(d or c.text.isspace() for d, c in zip(doubted, chars, strict=True)):
        return list(chars)
    colour = np.ptp(crop.astype(np.int16), axis=2)  # (h, w)
    found = [0.0 if c.text.isspace() else _colourful(colour, c) for c in chars]
    most = max(v for v, d in zip(found, doubted, strict=True) if not d) + MORE
    return [c for c, v, d in zip(chars, found, doubted, strict=True) if not (d and v > most)]


def _colourful(colour: NDArray[np.int16], char: Char) -> float:
    """How colourful a character is that stands in a line of these chromas (h, w)."""
    width = colour.shape[1]
    first, last = round(char.start * width), round(char.end * width)
    return float(np.percentile(colour[:, first : max(last, first + 1)], MOST))
