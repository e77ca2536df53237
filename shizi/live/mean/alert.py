"""Word of viewers who matter: they came in, or they ask."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Alert:
    """A viewer of a high tier wants attention.

    Attributes:
        id: stable: the same alert has the same id when it is told again.
        time: stream time, seconds.
        kind: ``enters``, told once a day of somebody known from another day; ``asks``, of each
            question.
        viewer: its identity.
        user: its nickname.
        tier: the one that it is known by.
        text: what it asks; empty for ``enters``.
    """

    id: str
    time: float
    kind: Literal["enters", "asks"]
    viewer: str
    user: str
    tier: str
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "time": round(self.time, 3)}
