"""Scores of live rooms: events found against the events that happened.

Each event that happened is matched with at most one that was found: of one kind, close in
time, alike in who and what. The matching maximises the total likeness and keeps nothing else
in mind, so a row that was told twice leaves one event over: a false one, counted as double.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from shizi.errors import DataError
from shizi.extras import needed
from shizi.live.event import KINDS, Event, Kind
from shizi.scores import TextRules

with needed("scoring live rooms"):
    from scipy.optimize import linear_sum_assignment

WINDOW = 3.0
"""Seconds by which the time of an event may be wrong."""

LEAST = 0.5
"""Least likeness of user and text of two events that may be one."""

RULES = TextRules(ignore_spaces=True, fold_width=True)
"""Spaces beside badges and full-width forms are no mistakes."""

SPOKEN: tuple[Kind, ...] = ("comment", "notice", "system")
"""Kinds whose text is compared."""


@dataclass(frozen=True)
class Hits:
    """Counts of one kind, or of all.

    Attributes:
        truth: events that happened.
        found: events told.
        right: pairs of both.
    """

    truth: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        """Share of what was told that happened; 1 where nothing was told."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of what happened that was told; 1 where nothing happened."""
        return self.right / self.truth if self.truth else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.right / (self.truth + self.found) if self.truth + self.found else 1.0


@dataclass(frozen=True)
class LiveScore:
    """How well the events of a room were told.

    Attributes:
        pairs: events that happened, each with the one told of it.
        missed: events that happened and were not told.
        false: events told that did not happen; doubles are among them.
        doubles: of these, how many tell once more of an event already paired.
    """

    pairs: tuple[tuple[Event, Event], ...]
    missed: tuple[Event, ...]
    false: tuple[Event, ...]
    doubles: int

    def hits(self, kind: Kind | None = None) -> Hits:
        """Counts of one kind, or of all."""
        pairs = sum(kind in (None, a.kind) for a, _ in self.pairs)
        missed = sum(kind in (None, e.kind) for e in self.missed)
        false = sum(kind in (None, e.kind) for e in self.false)
        return Hits(pairs + missed, pairs + false, pairs)

    @property
    def user_cer(self) -> float:
        """Character error rate of the nicknames of paired events."""
        return _cer([(a.user, b.user) for a, b in self.pairs])

    @property
    def text_cer(self) -> float:
        """Character error rate of what was said in paired events."""
        return _cer([(a.text, b.text) for a, b in self.pairs if a.kind in SPOKEN])

    @property
    def gifts(self) -> float:
        """Share of the paired gifts whose count is exact; 1 without gifts."""
        counts = [(a.gift, b.gift) for a, b in self.pairs if a.gift is not None]
        exact = sum(b is not None and a.count == b.count for a, b in counts)
        return exact / len(counts) if counts else 1.0

    @property
    def levels(self) -> float:
        """Share of paired events with a level, true or told, whose level is right; 1 without."""
        levels = [(a.level, b.level) for a, b in self.pairs if (a.level, b.level) != (None, None)]
        return sum(a == b for a, b in levels) / len(levels) if levels else 1.0

    @property
    def lag(self) -> float:
        """95th percentile of how much later than true the times of events are, seconds."""
        lags = [b.time - a.time for a, b in self.pairs]
        return float(np.quantile(lags, 0.95)) if lags else 0.0

    def summary(self) -> dict[str, float]:
        """The figures, by name."""
        everything = self.hits()
        figures = {
            "events": float(everything.truth),
            "precision": everything.precision,
            "recall": everything.recall,
            "f1": everything.f1,
            "user_cer": self.user_cer,
            "text_cer": self.text_cer,
            "gift_counts": self.gifts,
            "levels": self.levels,
            "doubles": float(self.doubles),
            "lag_p95": self.lag,
        }
        for kind in KINDS:
            if (hits := self.hits(kind)).truth:
                figures[f"f1_{kind}"] = hits.f1
        return {name: round(value, 4) for name, value in figures.items()}


def read_events(path: Path) -> list[Event]:
    """Events of a file, a JSON object a line, in order of time.

    Raises:
        DataError: the file or a line of it cannot be read.
    """
    events = []
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                try:
                    events.append(Event.from_dict(json.loads(line)))
                except (ValueError, AttributeError) as error:
                    raise DataError(f"{path}:{number}: {error}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    return sorted(events, key=lambda e: e.time)


def score_events(truth: Sequence[Event], found: Sequence[Event]) -> LiveScore:
    """Match events one to one and count.

    Args:
        truth: what happened.
        found: what was told.
    """
    fit = np.array([[_fit(a, b) for b in found] for a in truth]).reshape(len(truth), len(found))
    matched = matching(fit)
    hit, told = {i for i, _ in matched}, {j for _, j in matched}
    over = [j for j in range(len(found)) if j not in told]
    return LiveScore(
        pairs=tuple((truth[i], found[j]) for i, j in matched),
        missed=tuple(e for i, e in enumerate(truth) if i not in hit),
        false=tuple(found[j] for j in over),
        doubles=_doubles(fit, over),
    )


def matching(fit: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pair rows and columns one to one so that their likeness (N, M) is greatest together.

    Returns:
        Pairs whose likeness is above 0.
    """
    pairs = zip(*linear_sum_assignment(-fit), strict=True)
    return [(int(i), int(j)) for i, j in pairs if fit[i, j] > 0]


def _doubles(fit: NDArray[np.float64], over: Sequence[int]) -> int:
    """How many events left over fit one that happened."""
    return sum(bool((fit[:, j] > 0).any()) for j in over) if len(fit) else 0


def _fit(truth: Event, found: Event) -> float:
    """Likeness of two events; 0 where they cannot be one."""
    apart = abs(truth.time - found.time)
    # A notice stands for long: whenever it is told, it is the same.
    if truth.kind != found.kind or (apart > WINDOW and truth.kind != "notice"):
        return 0.0
    said = [truth.user, found.user] if truth.kind not in SPOKEN else _whole(truth, found)
    likeness = float(Levenshtein.normalized_similarity(*map(RULES, said)))
    if likeness < LEAST:
        return 0.0
    same_gift = truth.gift is None or found.gift is None or truth.gift.name == found.gift.name
    return likeness + 0.2 * same_gift + 0.1 * (1 - min(apart / WINDOW, 1.0)) + 0.01


def _whole(truth: Event, found: Event) -> list[str]:
    return [f"{e.user}:{e.text}" for e in (truth, found)]


def _cer(pairs: Sequence[tuple[str, str]]) -> float:
    edits = sum(Levenshtein.distance(RULES(a), RULES(b)) for a, b in pairs)
    return edits / max(1, sum(len(RULES(a)) for a, _ in pairs))
