"""What detection can be told."""

from __future__ import annotations

import math
from dataclasses import dataclass

from shizi.options import check_range


@dataclass(frozen=True)
class DetectionOptions:
    """How lines are found. Pixels are those of the scaled picture that the net sees.

    Attributes:
        pixels: area that a picture is scaled to.
        most_pixels: area above which a picture is looked at in strips.
        enlarge: most that a picture is enlarged.
        least_height: text lower than this is looked at again, enlarged.
        line_score: least mean score of a line.
        margin: by how much of its height a line's quad is grown on every side.
    """

    pixels: int = 540_000
    most_pixels: int = 1_300_000
    enlarge: float = 2.0
    least_height: float = 12.0
    line_score: float = 0.75
    margin: float = 0.06

    def __post_init__(self) -> None:
        """Check what was told.

        Raises:
            OptionError: something is out of range.
        """
        check_range(
            self,
            pixels=(1024, math.inf),
            most_pixels=(1024, math.inf),
            enlarge=(0.1, 10),
            least_height=(0, 100),
            line_score=(0, 1),
            margin=(0, 1),
        )
