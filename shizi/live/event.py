"""What crosses the borders inside a live room: tracked rows and the events they tell of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from shizi.page import Quad

Kind = Literal["join", "comment", "gift", "follow", "like", "share", "notice", "system"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Colour = tuple[int, int, int]
"""RGB, 0 to 255."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a row in one colour: nicknames often differ from what follows.

    Attributes:
        text: what it says.
        colour: of its strokes.
    """

    text: str
    colour: Colour


@dataclass(frozen=True, slots=True)
class Row:
    """One message of the comment area, however many sightings and printed lines it had.

    Attributes:
        track: number of its track; rises in the order of first sight, never used twice.
        revision: 0 when first reported, higher when its text was corrected or updated.
        first: stream time at which it was first visible, seconds.
        last: stream time of the latest sighting, seconds.
        runs: the voted text in stretches of one colour; joined, they are the whole text.
        score: mean probability of its characters, 0 to 1.
        quad: place in the frame at the latest sighting, pixels.
        pinned: it stands still while others scroll: a banner or a pinned notice.
        closed: no further revision will come.
        rolled: it scrolled with others.
        head: characters of its first line where that ended though there was room for more, as
            that of a nickname which stands above what is said; 0: it did not.
        flies: it crossed the picture, so nobody is named.
    """

    track: int
    revision: int
    first: float
    last: float
    runs: tuple[Run, ...]
    score: float
    quad: Quad
    pinned: bool = False
    closed: bool = False
    rolled: bool = True
    head: int = 0
    flies: bool = False

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True)
class Gift:
    """What was given, and how often."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in the room.

    Attributes:
        id: stable: the room and the track; the same event seen again has the same id.
        revision: of the row that it was parsed from; a later one replaces an earlier one.
        time: stream time at which its row was first visible, seconds.
        kind: what happened.
        user: nickname, without badge and level; empty where nobody is named.
        text: what was said; empty for a bare join, follow or like.
        score: how sure, 0 to 1.
        level: number on the user's badge.
        gift: for kind ``gift``.
        closed: no further revision will come.
    """

    id: str
    revision: int
    time: float
    kind: Kind
    user: str
    text: str
    score: float
    level: int | None = None
    gift: Gift | None = None
    closed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: ``level`` and ``gift`` only where known, no bookkeeping."""
        data: dict[str, Any] = {
            "id": self.id,
            "time": round(self.time, 3),
            "kind": self.kind,
            "user": self.user,
            "text": self.text,
            "score": round(self.score, 4),
        }
        if self.level is not None:
            data["level"] = self.level
        if self.gift is not None:
            data["gift"] = {"name": self.gift.name, "count": self.gift.count}
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Event:
        """Read the JSON form back, as revision 0, closed.

        Raises:
            ValueError: a field is missing or of a wrong kind.
        """
        try:
            if data["kind"] not in KINDS:
                raise ValueError(f"unknown kind {data['kind']!r}")
            gift = data.get("gift")
            return cls(
                id=str(data["id"]),
                revision=0,
                time=float(data["time"]),
                kind=data["kind"],
                user=str(data["user"]),
                text=str(data["text"]),
                score=float(data.get("score", 1.0)),
                level=None if data.get("level") is None else int(data["level"]),
                gift=None if gift is None else Gift(str(gift["name"]), int(gift["count"])),
                closed=True,
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an event: {error!r}") from error
