"""The comment area in one frame, and where things are in it.

Tracks stand in pixels of the frame, so that nothing has to be moved when the area is found to
begin higher; what is looked at are pictures of the area. The way from one to the other is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shizi.live.frame import Box
from shizi.live.see.tracking.look import View, view_of
from shizi.live.see.tracking.scroll import (
    Floats,
    Template,
    figure,
    fits_at,
    fits_near,
    ink,
    likeness,
    template_of,
)
from shizi.page import Image


@dataclass(frozen=True)
class Panel:
    """The comment area in one frame.

    A template's ``top`` is a row of the frame, its ``left`` a column of the panel's ink.

    Attributes:
        image: RGB (H, W, 3).
        left: column of the frame at which it begins, pixels.
        top: row of the frame at which it begins, pixels.
    """

    image: Image
    left: int = 0
    top: int = 0

    @property
    def height(self) -> int:
        """Pixels."""
        return len(self.image)

    @cached_property
    def strokes(self) -> Floats:
        """Its ink (H, W // CELL)."""
        return ink(self.image)

    @cached_property
    def figure(self) -> Floats:
        """What tells its lines apart (H, W // CELL)."""
        return figure(self.strokes)

    def inside(self, box: Box) -> Box:
        """A box of the frame in pixels of the panel."""
        return np.asarray(box - self._corner, np.float32)

    def outside(self, box: Box) -> Box:
        """A box of the panel in pixels of the frame."""
        return box + self._corner

    def holds(self, row: Template) -> bool:
        """True when a row begins in the panel."""
        return self.top <= row.top < self.top + self.height

    def view(self, box: Box, usual: float) -> View:
        """The picture of a line; ``usual``: height of lines, pixels."""
        return view_of(self.image, self.inside(box), usual)

    def template(self, box: Box) -> Template:
        """The figure of a line."""
        row = template_of(self.figure, self.inside(box))
        return row._replace(top=row.top + self.top)

    def shown(self, row: Template) -> tuple[Floats, Floats]:
        """Figure and strokes (h, w) where a row stands now; cut off at the edges."""
        (h, w), top = row.ink.shape, row.top - self.top
        here = np.s_[top : top + h, row.left : row.left + w]
        return self.figure[here], self.strokes[here]

    def fits(self, row: Template) -> float:
        """How well a row fits where it stands, -1 to 1."""
        return fits_at(self.figure, row, row.top - self.top)

    def fits_near(self, row: Template, top: int, reach: int) -> tuple[float, int]:
        """How well it fits within some pixels of a row of the frame, and where."""
        fit, at = fits_near(self.figure, row, top - self.top, reach)
        return fit, at + self.top

    def likeness(self, row: Template) -> Floats:
        """How well it fits at every height, from the top of the panel on (H - h + 1,)."""
        return likeness(self.figure, row)

    @property
    def _corner(self) -> Box:
        # In double precision: what goes outside and comes back in is the same to the last bit.
        return np.array([self.left, self.top, self.left, self.top], np.float64)
