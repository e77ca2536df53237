"""Pauses that grow while something fails again and again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Waits:
    """Gives out pauses, each longer than the one before, up to the longest.

    Attributes:
        first: pause after the first failure, seconds.
        longest: no pause is longer, seconds.
        growth: how many times as long each is as the one before.
    """

    first: float
    longest: float
    growth: float = 2.0

    def __post_init__(self) -> None:
        """Begin with the first pause."""
        self.reset()

    def reset(self) -> None:
        """It went well: the next pause is the first one again."""
        self._next = self.first

    def take(self) -> float:
        """Return the next pause, seconds."""
        wait, self._next = self._next, min(self.longest, self.growth * self._next)
        return wait
