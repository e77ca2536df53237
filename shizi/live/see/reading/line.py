"""A line of the panel and what was read on it, sighting by sighting."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shizi.live.event import Run
from shizi.live.lookalikes import BARE, fold
from shizi.live.see.reading.counting import COMBO, RISING, counted_up, prolonged
from shizi.live.see.reading.vote import Sighting, elect
from shizi.live.see.tracking.look import Imprint
from shizi.live.see.tracking.track import Track

_MARKS = re.compile(r"^\W+")
"""What is read of an icon before a line."""

_MORE = 1.1
"""How much higher a line is of which there is more to be seen."""


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
        grew: the latest reading is of more of the line than the ones before: it was coming in.
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
    grew: bool = False

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
    def said(self) -> tuple[str, str]:
        """What it says, and the same with its badge, which another reading takes for text."""
        text = self.best.text
        whole = fold("".join(run.text for run in self.badge) + text)
        return text, _MARKS.sub("", whole)

    @property
    def counting(self) -> bool:
        """It ends with a count that may rise: a digit changes too little for a tracker to see."""
        return COMBO.search(self.best.text) is not None

    @property
    def bare_count(self) -> bool:
        """It is nothing but such a count, with its mark."""
        return BARE.fullmatch(self.best.text) is not None

    @property
    def settled(self) -> bool:
        """It will not say anything else: without a count, rows that roll do not change."""
        grown = bool(np.abs(self.track.size - self.size).max() > 0.5)
        return self.track.rolls and not grown and RISING.search(self.best.text) is None

    def add(self, sighting: Sighting, time: float) -> bool:
        """Take in a reading of the line as it looks now; False: it has to be read once more."""
        said = sighting.text
        rose = bool(self.sightings) and counted_up(self.best.text, said)
        sure = said == self.doubted or counted_up(self.doubted, said)
        if rose and prolonged(self.best.text, said) and not sure:
            self.doubted, self.looked = said, time
            return False
        self.doubted = ""
        if self.version != self.track.version or rose:
            self.version, self.before, self.sightings = self.track.version, self.sightings, []
            self.previous = self.before
        if not self.sightings:
            self.since = time
        self.sightings.append(sighting)
        self.grew = bool(self.before) and self.track.height > _MORE * float(self.size[1])
        self.looked, self.size = time, self.track.size
        return True
