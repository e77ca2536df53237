"""What a line says, weighed over its sightings, and in which colours."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from shizi.live.colour import APART, felt
from shizi.live.event import Colour, Run
from shizi.live.see.reading.shapes import settle
from shizi.live.see.tracking.scroll import AROUND
from shizi.page import Char, Image
from shizi.recognition import Reading

_LEAST = 0.4
"""Least score of a character: what is less sure is an icon as often as not."""

_EDGE = 0.8
"""The same of a bracket that ends a line and closes nothing: edges of bubbles look like one."""

_DARK, _BRIGHT, _EDGED = 80, 160, 0.15
"""Luma below and above which strokes are dark or bright, and least share of each from which bright
ones have an edge that is none of the text."""

_AFTER_COUNT = re.compile(r"[x×]\s*\d{1,5}[-—_|)\]】」]$")
"""A stroke after a count is the edge of a bubble too."""

_COUNT = re.compile(r"[x×]\s*\d{1,5}$")

_THIN = frozenset("丶☆♡○◇")
"""Signs of so few strokes that their colour is that of what is around them."""

_BLANK, _INSIDE = 1.4, 0.6
"""How much more a difference counts where a blank parts two stretches, for colours change there,
and inside a word of letters, where they do not."""

_NEARER = 0.4
"""How much nearer to the brightness of nicknames than to that of what is said a nickname is, and
the other way round, as a share of how far the two are from each other."""

_PAPER = 0.35
"""Share of the usual contrast of a line's characters below which one shows no stroke of its own: a
span may lie beside what it is of."""


Palette = tuple[Colour, Colour]
"""Of nicknames, and of what is said."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One reading of a line.

    Attributes:
        runs: what it says in stretches of one colour.
        score: of the reading, 0 to 1.
        clarity: mean ink of the crop: half-hidden and fading lines have little.
        badge: what was read on the badge before it, where there was a number.
    """

    runs: tuple[Run, ...]
    score: float
    clarity: float
    badge: Sighting | None = None

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(run.text for run in self.runs)


def elect(sightings: Sequence[Sighting]) -> Sighting:
    """The sighting that agrees best with all of them: the median string, by weight.

    Kohonen, "Median strings", Pattern Recognition Letters 1985; the weight of a sighting is
    its score times its clarity.
    """
    if len(sightings) == 1:
        return sightings[0]
    votes: dict[str, float] = {}
    for s in sightings:
        votes[s.text] = votes.get(s.text, 0.0) + s.score * s.clarity + 1e-6
    support = {one: sum(w * near(one, text) ** 2 for text, w in votes.items()) for one in votes}
    return max(sightings, key=lambda s: (support[s.text], s.score * s.clarity))


def coloured(
    crop: Image, reading: Reading, usual: float = 0.0, palette: Palette | None = None
) -> tuple[Run, ...]:
    """Split a reading of a crop (h, w, 3) into stretches of one colour.

    Args:
        crop: picture of the line.
        reading: what it says.
        usual: height of lines, pixels: one with an icon beside it may be higher.
        palette: colours of nicknames and of what is said in this room, once they are known.
    """
    chars = [char for char in reading.chars if char.score >= _LEAST]
    kinds = [unicodedata.category(char.text[0]) for char in chars]
    loose = kinds[-1:] == ["Pe"] and "Ps" not in kinds and chars[-1].score < _EDGE
    if loose or _AFTER_COUNT.search("".join(char.text for char in chars)):
        chars.pop()
    if not chars:
        return ()
    meant = settle("".join(char.text for char in chars))
    strokes, weight = _strokes(crop)
    runs: list[tuple[str, NDArray[np.float32], float]] = []
    seen = [_colour(strokes, weight, char) for char in chars]
    clear = [contrast for _, mass, contrast in seen if mass]
    least = _PAPER * float(np.median(clear)) if clear else 0.0
    for text, (colour, mass, contrast) in zip(meant, seen, strict=True):
        if mass > 0 and not (runs and (_thin(text) or contrast < least)):
            runs.append((text, colour, mass))
        elif runs:
            runs[-1] = (runs[-1][0] + text, *runs[-1][1:])
    if len(runs) > 1 and _thin(runs[0][0]) and not runs[0][0][0].isspace():
        runs[:2] = [(runs[0][0] + runs[1][0], *runs[1][1:])]
    parts = _merge(runs, min(usual or np.inf, len(crop)))
    if palette and not any(text[-1].isspace() for text, _, _ in parts[:-1]):
        parts = _halved(runs, palette) or parts
    if len(parts) > 1 and parts[-1][0].isdigit() and _COUNT.search(parts[-2][0]):
        parts.pop()  # the digits of a count have one colour
    return tuple(Run(text, _rgb(colour)) for text, colour, _ in parts)


def _thin(text: str) -> bool:
    """Too few strokes to tell a colour by: it takes that of what it follows."""
    return all(c in _THIN or unicodedata.category(c)[0] in "PZ" for c in text)


def _strokes(crop: Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colours (h, w, 3) and how far each pixel stands out from its surroundings (h, w)."""
    pixels = crop.astype(np.float32)
    wide = max(AROUND, len(crop) // 2)
    around = cv2.blur(pixels, (wide, wide))
    weight = np.asarray(np.abs(pixels - around).sum(2), np.float32)
    luma = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    clear = luma[weight >= np.quantile(weight, 0.94)]
    if min((clear < _DARK).mean(), (clear > _BRIGHT).mean()) > _EDGED:
        weight[luma < (_DARK + _BRIGHT) // 2] = 0  # bright text with a dark edge
    return pixels, weight


def _colour(
    pixels: NDArray[np.float32], weight: NDArray[np.float32], char: Char
) -> tuple[NDArray[np.float32], float, float]:
    """Median colour of a character's strokes, their mass, 0 for a blank, and their contrast."""
    w = pixels.shape[1]
    a, b = int(char.start * w), max(int(char.start * w) + 2, int(np.ceil(char.end * w)))
    part, stand_out = pixels[:, a:b].reshape(-1, 3), weight[:, a:b].ravel()
    if char.text.isspace() or not len(part):
        return np.zeros(3, np.float32), 0.0, 0.0
    # Strokes are the extreme pixels; the surroundings stand out the other way, but less.
    rank = int(0.94 * (len(stand_out) - 1))
    bar = np.partition(stand_out, rank)[rank]
    core = part[stand_out >= bar]
    middle = np.sort(core, axis=0)[len(core) // 2]
    return np.asarray(middle, np.float32), float(b - a), float(bar)


def _merge(
    runs: list[tuple[str, NDArray[np.float32], float]], tall: float
) -> list[tuple[str, NDArray[np.float32], float]]:
    """Join neighbours, the most alike first, until all that are left differ.

    The longer two runs are, the surer is a small difference (Ward, "Hierarchical grouping to
    optimize an objective function", JASA 1963).
    """
    runs = list(runs)
    seem = [felt(colour) for _, colour, _ in runs]

    def cost(i: int) -> float:
        m, n = runs[i][2], runs[i + 1][2]
        apart = math.dist(seem[i], seem[i + 1]) * _weight(runs[i][0][-1], runs[i + 1][0][0])
        return apart * math.sqrt(2 * m * n / (m + n) / tall)

    costs = [cost(i) for i in range(len(runs) - 1)]
    while costs and min(costs) <= APART:
        i = costs.index(min(costs))
        (ta, ca, ma), (tb, cb, mb) = runs[i], runs[i + 1]
        mean = np.asarray((ca * ma + cb * mb) / (ma + mb), np.float32)
        runs[i : i + 2], seem[i : i + 2] = [(ta + tb, mean, ma + mb)], [felt(mean)]
        del costs[i]
        for k in (i - 1, i):
            if 0 <= k < len(costs):
                costs[k] = cost(k)
    return runs


def _halved(
    runs: list[tuple[str, NDArray[np.float32], float]], palette: Palette
) -> list[tuple[str, NDArray[np.float32], float]]:
    """Part a line at the blank before which it has the colour of nicknames; empty without one.

    Where only the brightness differs, as of grey and black, a few letters alone tell too little.
    """
    lumas = np.array([felt(colour)[0] for _, colour, _ in runs])
    name, said = (felt(colour)[0] for colour in palette)
    nearer = np.abs(lumas - said) - np.abs(lumas - name)  # (n,): how much more like a nickname
    for i in range(1, len(runs)):
        sides = nearer[:i].mean(), -nearer[i:].mean()
        if runs[i - 1][0][-1].isspace() and min(sides) > _NEARER * abs(name - said):
            halves = (runs[:i], runs[i:])
            return [
                (
                    "".join(text for text, _, _ in half),
                    np.mean([colour for _, colour, _ in half], axis=0, dtype=np.float32),
                    sum(mass for _, _, mass in half),
                )
                for half in halves
            ]
    return []


def _weight(before: str, after: str) -> float:
    """How much a difference counts between two characters that follow each other."""
    if before.isspace():
        return _BLANK
    word = before.isascii() and before.isalpha() and after.isascii() and after.islower()
    return _INSIDE if word else 1.0


def _rgb(colour: NDArray[np.float32]) -> Colour:
    r, g, b = (int(v) for v in np.clip(colour, 0, 255))
    return r, g, b


def near(a: str, b: str) -> float:
    """Likeness of two texts, 0 to 1."""
    return float(Levenshtein.normalized_similarity(a, b))


def nearest(a: Sequence[str], b: Sequence[str]) -> float:
    """Likeness of two lines, 0 to 1, by that of the ways to say them that are most alike."""
    return max(near(one, other) for one, other in zip(a, b, strict=True))
