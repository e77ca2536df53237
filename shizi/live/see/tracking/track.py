"""A line of text on its way through the panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shizi.live.frame import Box
from shizi.live.see.tracking.look import View
from shizi.live.see.tracking.panel import Panel
from shizi.live.see.tracking.scroll import Floats, Template


@dataclass(slots=True, eq=False)
class Track:
    """One line of text on its way through the panel. Only the tracker changes it.

    Attributes:
        id: rises in the order of birth.
        first: time of the first sighting, seconds.
        last: time of the latest one.
        box: left, top, right, bottom at the latest sighting, pixels of the frame.
        template: its figure, averaged over sightings, with paper to its right.
        strokes: its ink, the same way.
        view: its picture at the latest sighting at which it was clear, or one was wanted.
        clarity: mean ink of that picture.
        since: time at which its look last changed: birth, growth or an update in place.
        wanted: it has not been read since it last changed.
        version: rises when its look changes.
        seen: number of sightings.
        fit: likeness at the latest look.
        moved: pixels that it scrolled.
        stayed: pixels that others scrolled while it stood still.
        moving: it moved between the two latest sightings.
        owed: pixels that the others went further than it in the latest step, as in a torn picture.
        doubt: consecutive sightings that looked changed.
        refused: what was read where it stands was no text; what comes there later is another line.
        came: when the motion began that brought it in, seconds; its first sighting where nothing
            moved.
        final: what it says is known and will not change.
        fleeting: it was seen once, and a moment later it was not there.
        whole: it was looked at since it came in; until then some of it may be missing.
    """

    id: int
    first: float
    last: float
    box: Box
    template: Template
    strokes: Floats
    view: View
    clarity: float
    since: float
    wanted: bool = True
    version: int = 0
    seen: int = 1
    fit: float = 1.0
    moved: float = 0.0
    stayed: float = 0.0
    moving: bool = False
    owed: int = 0
    doubt: int = 0
    refused: bool = False
    final: bool = False
    fleeting: bool = False
    whole: bool = True
    came: float = np.inf

    def __post_init__(self) -> None:
        """Without another word it was there at once."""
        self.came = min(self.came, self.first)

    @property
    def height(self) -> float:
        """Pixels."""
        return float(self.box[3] - self.box[1])

    @property
    def size(self) -> NDArray[np.float32]:
        """Width and height, pixels (2,)."""
        return np.asarray(self.box[2:] - self.box[:2], np.float32)

    @property
    def rolls(self) -> bool:
        """It scrolls with the others; what does not has a place, and may take turns in it."""
        return self.moved > self.height

    @property
    def pinned(self) -> bool:
        """It stood still while others scrolled by."""
        return self.stayed > 2 * self.height and self.moved == 0

    def move(self, pixels: int) -> None:
        """Put it so much lower."""
        self.box = self.box + np.array([0, pixels, 0, pixels], np.float32)
        self.template = self.template._replace(top=self.template.top + pixels)

    def reshape(self, box: Box, panel: Panel) -> None:
        """Give it the box of a line that is larger than it first looked: it was still coming in."""
        self.box, self.template = box, panel.template(box)
        self.strokes = panel.shown(self.template)[1].copy()


def torn(found: Sequence[Track]) -> bool:
    """True where the upper lines moved and the lower ones did not: one may be shown twice."""
    free = [(float(t.box[1]), t.moving) for t in found if not t.pinned]
    moved, stood = ([top for top, moves in free if moves is way] for way in (True, False))
    return bool(moved and stood) and max(moved) < min(stood)
