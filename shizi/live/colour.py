"""Colours of text: how different they look."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from shizi.live.event import Colour

APART = 32.0
"""Distance of two colours from which text counts as coloured differently."""

_NOISE, _FAINT = 4.0, 20.0
"""Chroma that what moves behind a text lends to it, and, above that, the one at which a colour
counts as half as colourful as can be."""


def felt(colour: Colour | NDArray[np.float32]) -> tuple[float, float, float]:
    """A colour where distances are as large as they look: luma and two chromas of Rec. 601.

    Hue counts most: a codec keeps it, while it washes out the saturation and the luma of
    strokes thinner than its chroma samples.
    """
    r, g, b = (float(v) for v in colour)
    luma = 0.299 * r + 0.587 * g + 0.114 * b
    blue, red = 0.5 * b - 0.169 * r - 0.331 * g, 0.5 * r - 0.419 * g - 0.081 * b
    chroma = math.hypot(blue, red)
    sure = max(0.0, chroma - _NOISE)
    scale = 100 * sure / (sure + _FAINT) / max(1.0, chroma)
    return 0.3 * luma, scale * blue, scale * red


def alike(a: Colour, b: Colour) -> bool:
    """True when two colours count as the same."""
    return math.dist(felt(a), felt(b)) < APART


def other_hue(a: Colour, b: Colour) -> bool:
    """True when two colours differ in more than brightness."""
    return math.dist(felt(a)[1:], felt(b)[1:]) >= APART
