"""How certain a line is: the probability that all of it is right, from those of its characters."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fit:
    """Two numbers by which a recogniser's probabilities are set right; they stand on its card.

    Attributes:
        surprise: of a line that is as likely right as wrong; see :func:`surprise`.
        slope: how fast the odds turn with it.
    """

    surprise: float
    slope: float

    def __post_init__(self) -> None:
        """Check what was told.

        Raises:
            ValueError: a number is not above 0.
        """
        if not (0 < self.surprise < math.inf and 0 < self.slope < math.inf):
            raise ValueError(f"surprise {self.surprise} and slope {self.slope} must be above 0")


def surprise(probabilities: Iterable[float]) -> float:
    """How much it surprises that some characters are all right: -ln of their product."""
    return -sum(math.log(min(1.0, max(p, 1e-9))) for p in probabilities)


def certainty(probabilities: Iterable[float], fit: Fit | None) -> float:
    """Probability that some characters are all right, from the recogniser's of each of them.

    Their product is too sure of itself; without a fit that is all there is. A fit is the scaling
    of Platt, "Probabilistic outputs for support vector machines", 1999, of the logarithm of the
    surprise.
    """
    found = surprise(probabilities)
    if fit is None:
        return math.exp(-found)
    return float(1 / (1 + (found / fit.surprise) ** fit.slope))


def of_part(certain: float, part: float, whole: float) -> float:
    """Certainty of a part of a line: of the odds that it is wrong it has its share of the surprise.

    Args:
        certain: how certain the line is.
        part: surprise of the part.
        whole: surprise of the line.
    """
    if not whole:
        return certain
    wrong = (1 - certain) * part / whole
    return certain / (certain + wrong) if certain + wrong else 1.0
