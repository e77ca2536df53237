"""Comments that fly across the picture, from right to left: told once each, and of nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from shizi.geometry import box_to_quad
from shizi.live.event import Row
from shizi.live.frame import Area, Box, Frame
from shizi.live.see.reading.vote import Sighting, coloured, elect
from shizi.live.see.tracking.boxes import find_lines, shared
from shizi.page import GREY, Image, Quad, Quads
from shizi.recognition import Recognizer

_LOOK = 0.4
"""Seconds between two looks."""

_SLOW, _FAST = 0.04, 0.7
"""Widths of the picture that one flies in a second, at least and at most."""

_LEVEL, _ALIKE = 0.7, 0.3
"""Share of its height that a line keeps, and by how many heights its width may seem to change."""

_SEEN, _READ = 3, 2
"""Looks at which a line moved, and readings of the whole of it, before it is told."""

_LOST = 1.0
"""Seconds for which it may be hidden."""

_LEAST = 0.6
"""Least score of a reading."""

_EDGE = 4.0
"""Pixels within which a line at an edge of the picture may be cut off."""


@dataclass
class _Flight:
    """A line that may be flying: where it was first and last, pixels, and what was read on it."""

    first: float
    last: float
    box: Box
    seen: int = 1
    told: bool = False
    sightings: list[Sighting] = field(default_factory=list)

    def goes_on(self, box: Box, time: float, width: int) -> bool:
        """True when a line is this one, further left; one that comes in may have grown."""
        tall, gone = float(box[3] - box[1]), time - self.last
        speed = float(self.box[0] - box[0]) / gone / width
        grown = float(box[2] - box[0]) - float(self.box[2] - self.box[0])
        entering = self.box[2] > width - _EDGE or self.box[0] < _EDGE
        alike = entering or abs(grown) < _ALIKE * tall
        return bool(shared(self.box, box) > _LEVEL and _SLOW < speed < _FAST and alike)


@dataclass
class Flights:
    """Follows the comments that fly.

    Attributes:
        detect: finds text lines in a picture (H, W, 3): quads (N, 4, 2).
        recognizer: reads pictures of lines.
        number: gives out the number of the next row.
    """

    detect: Callable[[Image], Quads]
    recognizer: Recognizer
    number: Callable[[], int]
    _flights: list[_Flight] = field(default_factory=list)
    _looked: float = -np.inf

    def look(self, frame: Frame, area: Area | None) -> list[Row]:
        """Look at the next frame, but for the comment area; return what is to be told."""
        if frame.time - self._looked < _LOOK:
            return []
        self._looked = frame.time
        picture = frame.image
        if area == (0, 0, frame.width, frame.height):
            area = None  # they cross the rows
        if area is not None:
            picture = picture.copy()
            picture[area[1] : area[3], area[0] : area[2]] = GREY
        lines = find_lines(self.detect, picture, 0.0)
        flying = [f for box in lines if (f := self._seen(box, frame.time, frame.width))]
        self._flights = [f for f in self._flights if frame.time - f.last < _LOST]
        due = [f for f in flying if len(f.sightings) < _READ and _whole(f.box, frame.width, area)]
        self._read(picture, due)
        return [self._tell(f) for f in due if len(f.sightings) >= _READ and not f.told]

    def _seen(self, box: Box, time: float, width: int) -> _Flight | None:
        """The flight that a line goes on with; None where it is not sure yet that it flies."""
        for flight in self._flights:
            if flight.last < time and flight.goes_on(box, time, width):
                flight.box, flight.last, flight.seen = box, time, flight.seen + 1
                return flight if flight.seen >= _SEEN else None
        self._flights.append(_Flight(time, time, box))
        return None

    def _read(self, picture: Image, flights: Sequence[_Flight]) -> None:
        """Read the lines of flights where they are."""
        crops = [_crop(picture, flight.box) for flight in flights]
        readings = self.recognizer.read(crops) if crops else []
        for flight, crop, reading in zip(flights, crops, readings, strict=True):
            runs = coloured(crop, reading)
            if runs and reading.score >= _LEAST:
                flight.sightings.append(Sighting(runs, reading.score, 1.0))

    def _tell(self, flight: _Flight) -> Row:
        flight.told = True
        said = elect(flight.sightings)
        return Row(
            track=self.number(),
            revision=0,
            first=flight.first,
            last=flight.last,
            runs=said.runs,
            score=said.score,
            quad=Quad.from_array(box_to_quad(flight.box)),
            closed=True,
            flies=True,
        )


def _crop(picture: Image, box: Box) -> Image:
    x0, y0, x1, y1 = (round(float(v)) for v in box)
    return np.ascontiguousarray(picture[max(0, y0) : max(y0 + 4, y1), max(0, x0) : max(x0 + 4, x1)])


def _whole(box: Box, width: int, area: Area | None) -> bool:
    """True for a line that neither the picture nor the comment area cuts off."""
    inside = box[0] > _EDGE and box[2] < width - _EDGE
    beside = area is None or box[2] < area[0] - _EDGE or box[3] < area[1] or box[1] > area[3]
    return bool(inside and beside)
