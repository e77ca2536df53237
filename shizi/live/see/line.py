"""A line of the panel and what was read on it, sighting by sighting."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shizi.live.event import Run
from shizi.live.fold import fold
from shizi.live.see.look import Imprint
from shizi.live.see.track import Track
from shizi.live.see.vote import Sighting, elect, near

_COUNT = re.compile(r"\d{1,4}(?!.*\d)")
_COMBO = re.compile(r"(?:^|[x×X✕*])\s*(\d{1,5})\s*个?\s*$")
_RISING = re.compile(_COMBO.pattern + r"|\d\s*[个人次位]")
BARE_COUNT = re.compile(r"\s*[x×X✕*]\s*\d{1,5}\s*个?\s*")
"""A count that stands alone, with its mark."""
_TELLING = 6  # letters of which an equal end tells


@dataclass(slots=True)
class SeenLine:
    """A track and what was read on it.

    Attributes:
        track: where it is.
        sightings: readings since its look last changed.
        version: of the look that they show.
        before: readings of the look before, until it is clear what became of them.
        previous: the same, for good.
        imprint: how it looked at the last reading; None: to be read anew.
        looked: time of the last reading, seconds.
        size: of the line at the last reading, width and height, pixels (2,).
        since: time of the first reading that said what it says now, seconds.
        doubted: a reading whose count had a digit more, until another one says so too.
    """

    track: Track
    sightings: list[Sighting] = field(default_factory=list)
    version: int = 0
    before: list[Sighting] = field(default_factory=list)
    previous: list[Sighting] = field(default_factory=list)
    imprint: Imprint | None = None
    looked: float = 0.0
    size: NDArray[np.float32] = field(default_factory=lambda: np.zeros(2, np.float32))
    since: float = 0.0
    doubted: str = ""

    @property
    def best(self) -> Sighting:
        """The elected sighting."""
        return elect(self.sightings)

    @property
    def badge(self) -> tuple[Run, ...]:
        """Number on its badge, as a run; empty where none was read."""
        badges = [s.badge for s in self.sightings if s.badge is not None]
        return elect(badges).runs if badges else ()

    @property
    def counting(self) -> bool:
        """It ends with a count that may rise: a digit changes too little for a tracker to see."""
        return _COMBO.search(self.best.text) is not None

    @property
    def bare_count(self) -> bool:
        """It is nothing but such a count, with its mark."""
        return BARE_COUNT.fullmatch(self.best.text) is not None

    @property
    def settled(self) -> bool:
        """It will not say anything else: without a count, rows that roll do not change."""
        grown = bool(np.abs(self.track.size - self.size).max() > 0.5)
        return self.track.rolls and not grown and _RISING.search(self.best.text) is None

    def add(self, sighting: Sighting, time: float) -> bool:
        """Take in a reading of the line as it looks now; False: it has to be read once more."""
        said = sighting.text
        rose = bool(self.sightings) and counted_up(self.best.text, said)
        sure = said == self.doubted or counted_up(self.doubted, said)
        if rose and _prolonged(self.best.text, said) and not sure:
            self.doubted, self.looked = said, time
            return False
        self.doubted = ""
        if self.version != self.track.version or rose:
            self.version, self.before, self.sightings = self.track.version, self.sightings, []
            self.previous = self.before
        if not self.sightings:
            self.since = time
        self.sightings.append(sighting)
        self.looked, self.size = time, self.track.size
        return True


def counts(text: str) -> list[str]:
    """All numbers in a text."""
    return re.findall(r"\d+", text)


def counted_up(old: str, new: str) -> bool:
    """True when a text is the old one with a larger count at its end."""
    a, b = _COMBO.search(old), _COMBO.search(new)
    if a is None or b is None or int(b[1]) <= int(a[1]):
        return False
    return near(old[: a.start()], new[: b.start()]) > 0.9


def _prolonged(old: str, new: str) -> bool:
    """True when a count that rose is the one before with more digits, as by a stroke beside it."""
    a, b = _COMBO.search(old), _COMBO.search(new)
    if a is None or b is None:
        return False
    return len(b[1]) > len(a[1]) and b[1].startswith(a[1])


def same_message(old: str, new: str) -> bool:
    """True when a changed text is the old one with a count that rose, or a better reading."""
    old, new = fold(old), fold(new)
    long = min(len(old), len(new))
    if long >= _TELLING and near(old[-long:], new[-long:]) > 0.9:
        return True  # a badge was taken for text
    if (combo := _COMBO.search(new)) and combo.start() and near(old, new[: combo.start()]) > 0.9:
        return True  # a count came up beside it
    a, b = _COUNT.search(old), _COUNT.search(new)
    if a is None or b is None:
        return near(old, new) > 0.8
    head = near(old[: a.start()], new[: b.start()])
    tail = near(old[a.end() :], new[b.end() :])
    return head > 0.8 and tail > 0.7 and int(b.group()) >= int(a.group())
