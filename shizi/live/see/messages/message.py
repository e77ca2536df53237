"""A message of the panel: the lines that belong together, and the rows told of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shizi.geometry import box_to_quad
from shizi.live.colour import alike
from shizi.live.event import Row, Run
from shizi.live.see.messages.wrap import PAID, beside, ends_early
from shizi.live.see.reading.line import SeenLine
from shizi.live.see.reading.vote import Sighting
from shizi.page import Quad

_WORD_ENDS, _WORD_BEGINS = re.compile(r"[A-Za-z,.!?;]$"), re.compile(r"[A-Za-z]")


@dataclass(slots=True, eq=False)
class Message:
    """One or more lines that belong together.

    Attributes:
        id: number of its row.
        lines: from top to bottom; a count beside them comes last.
        first: when it was first seen, seconds.
        revision: of the last row given out; -1: none yet.
        told: what was last given out.
        lost: when its last line was gone, seconds.
    """

    id: int
    lines: list[SeenLine]
    first: float
    revision: int = -1
    told: tuple[str, float, bool, int] = ("", 0.0, False, 0)
    lost: float | None = None

    @property
    def count_beside(self) -> bool:
        """A count stands beside the other lines."""
        return len(self.lines) > 1 and any(beside(x, self.lines[-1]) for x in self.lines[:-1])

    @property
    def written(self) -> list[SeenLine]:
        """The lines without a count beside them."""
        return self.lines[:-1] if self.count_beside else self.lines

    def row(self, closed: bool, right: float = 0.0) -> Row | None:
        """The next revision, or None where nothing changed.

        Args:
            closed: it is the last one.
            right: where the room wraps its lines, pixels.
        """
        best = [line.best for line in self.lines]
        runs = (*self.lines[0].badge, *_in_a_row(best))
        score = float(np.average([s.score for s in best], weights=[len(s.text) for s in best]))
        pinned = self.lines[0].track.pinned
        head = self._head(right)
        told = ("".join(r.text for r in runs), round(score, 2), pinned, head)
        if told == self.told and not closed:
            return None
        self.told = told
        self.revision += 1
        boxes = np.stack([line.track.box for line in self.lines])  # (n, 4)
        low, high = boxes.min(0), boxes.max(0)
        box = np.array([low[0], low[1], high[2], high[3]])
        return Row(
            track=self.id,
            revision=self.revision,
            first=self.first,
            last=max(line.track.last for line in self.lines),
            runs=runs,
            score=score,
            quad=Quad.from_array(box_to_quad(box)),
            pinned=pinned,
            closed=closed,
            rolled=any(line.track.rolls for line in self.lines),
            head=head,
        )

    def _head(self, right: float) -> int:
        """Characters of the first line, with its badge, where it ended before it had to."""
        if len(self.written) < 2:
            return 0
        first, second = self.written[:2]
        badge = sum(len(run.text) for run in first.badge)
        return badge + len(first.best.text) if ends_early(first, second, right) else 0


def _in_a_row(lines: Sequence[Sighting]) -> tuple[Run, ...]:
    """Runs of lines, one after the other; those that go on in one colour below are made one.

    Words of letters have a space where the text wraps.
    """
    runs: list[Run] = []
    for line in lines:
        first, *rest = line.runs
        if runs and _WORD_ENDS.search(runs[-1].text) and _WORD_BEGINS.match(first.text):
            first = Run(" " + first.text, first.colour)
        paid = runs and PAID.search(runs[-1].text)  # what is said on a card is parted from it
        if runs and alike(runs[-1].colour, first.colour) and not paid:
            first = Run(runs[-1].text + first.text, runs.pop().colour)
        runs += [first, *rest]
    return tuple(runs)
