"""What a viewer is worth to the room, now: a score with decay, and a tier.

In the spirit of RFM (recency, frequency, monetary value; Hughes 1994): everything that a viewer
does earns points in a term; each term halves over its own half-life, so what was done lately
counts most, and has a ceiling, so no one thing makes a good customer. The score is the sum of
the terms. The rules are data: see ``rules/value.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import inf
from typing import ClassVar, TypeVar

from shizi.live.event import KINDS, Event, Kind
from shizi.live.lookalikes import fold
from shizi.live.mean.intent import Topic, topics
from shizi.live.mean.learnt import load_learnt
from shizi.live.mean.settings import check, find, read_yaml

N = TypeVar("N", int, float)

SPOKEN: tuple[Kind, ...] = ("comment", "system")
"""Kinds of event that may be words of a viewer."""

_SAID = 20
"""Comments of a viewer that are remembered, to count equal ones once."""

_COUNTED = ("visit", "minute", "coin", *KINDS)


@dataclass(frozen=True)
class Term:
    """One part of the score.

    Attributes:
        earn: points for one of each: ``visit``, ``minute`` watched, ``coin`` spent, a kind of
            event (``comment``, ``follow`` …), or a topic of ``intent``.
        half_life: seconds in which the term falls to its half.
        most: it never holds more than this.
    """

    earn: Mapping[str, float]
    half_life: float
    most: float = inf

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    def __post_init__(self) -> None:
        if self.half_life <= 0 or self.most <= 0:
            raise ValueError("half_life and most must be above 0")


@dataclass(frozen=True)
class Tier:
    """One grade.

    Attributes:
        name: of the grade.
        score: least score.
        needs: least value of single terms, besides.
    """

    name: str
    score: float = 0.0
    needs: Mapping[str, float] | None = None

    __pydantic_config__: ClassVar = {"extra": "forbid"}


@dataclass(frozen=True)
class Rules:
    """How value is judged.

    Attributes:
        terms: by name.
        tiers: from the lowest, which asks for nothing, to the highest.
        intent: topics that comments are about, by name.
        asks: phrases that make a clause a question.
        learnt: what was learnt of topics from comments: ``comments`` is shipped; a path of your
            own; empty: only phrases tell.
        welcome: tiers whose viewers are announced when they come on another day, and when they
            ask.
        prices: coins that a gift is worth, by name.
        price: coins of a gift that is not in the table.
        gap: seconds without a sign of the viewer after which a new visit begins.
    """

    terms: Mapping[str, Term]
    tiers: tuple[Tier, ...]
    intent: Mapping[str, Topic]
    prices: Mapping[str, float]
    price: float = 1.0
    gap: float = 600.0
    asks: tuple[str, ...] = ("?",)
    learnt: str = ""
    welcome: tuple[str, ...] = ()

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    def __post_init__(self) -> None:
        known = {*_COUNTED, *self.intent}
        for name, term in self.terms.items():
            if wrong := sorted(set(term.earn) - known):
                raise ValueError(
                    f"terms.{name}.earn: unknown {' '.join(wrong)}; "
                    f"there are: {' '.join(sorted(known))}"
                )
        if both := sorted(set(_COUNTED) & set(self.intent)):
            raise ValueError(f"intent: {' '.join(both)} is counted already; choose another name")
        if not self.tiers or self.tiers[0].score > 0 or self.tiers[0].needs:
            raise ValueError("tiers: the first must ask for nothing: score 0 and no needs")
        for low, high in pairwise(self.tiers):
            if high.score < low.score:
                raise ValueError(f"tiers: {high.name} asks for less than {low.name} before it")
        for tier in self.tiers:
            if wrong := sorted(set(tier.needs or ()) - set(self.terms)):
                raise ValueError(f"tiers.{tier.name}.needs: no term {' '.join(wrong)}")
        if len({tier.name for tier in self.tiers}) < len(self.tiers):
            raise ValueError("tiers: two have the same name")
        if self.learnt:
            load_learnt(self.learnt)
        if wrong := sorted(set(self.welcome) - {tier.name for tier in self.tiers}):
            raise ValueError(f"welcome: no tier {' '.join(wrong)}")

    @cached_property
    def folded_prices(self) -> dict[str, float]:
        """The table of prices, by folded name."""
        return {fold(name): price for name, price in self.prices.items()}

    def worth(self, event: Event) -> float:
        """Coins that the event's gift is worth, 0 without one."""
        if event.gift is None:
            return 0.0
        return self.folded_prices.get(fold(event.gift.name), self.price) * event.gift.count

    def topics(self, text: str) -> tuple[str, ...]:
        """Topics that a text is about."""
        learnt = load_learnt(self.learnt).about(text) if self.learnt else frozenset()
        return topics(text, self.intent, self.asks, learnt)

    def states(self, event: Event) -> bool:
        """Whether an event states a topic that is told, an order, rather than asked."""
        about = self.topics(event.text) if event.kind in SPOKEN else ()
        return any(self.intent[topic].told for topic in about)

    def questions(self, event: Event) -> tuple[str, ...]:
        """Topics of an event that ask for an answer of the host."""
        if event.kind not in SPOKEN:
            return ()
        return tuple(t for t in self.topics(event.text) if not self.intent[t].told)


@dataclass(frozen=True)
class Viewer:
    """What is known of a viewer, as of its latest event.

    Attributes:
        id: its identity.
        names: spellings of the nickname, and the sum of the scores of each.
        first: stream time of its first event, seconds.
        last: stream time of its latest event, seconds.
        level: on the badge, as last seen.
        visits: number of them; above 1 for somebody who came back.
        counts: number of events by kind.
        gifts: number of gifts, combos counted out.
        coins: worth of them.
        dwell: seconds watched, from event to event within a visit.
        asked: number of different comments by topic.
        said: the latest comments of this visit, folded; said again they earn nothing.
        terms: points by term, at time ``last``.
    """

    id: str
    names: Mapping[str, float]
    first: float
    last: float
    level: int | None
    visits: int
    counts: Mapping[str, int]
    gifts: int
    coins: float
    dwell: float
    asked: Mapping[str, int]
    said: tuple[str, ...]
    terms: Mapping[str, float]

    @property
    def name(self) -> str:
        """The spelling that was read most, and surest."""
        return max(self.names, key=lambda n: (self.names[n], n))


def load_rules(name: str = "value") -> Rules:
    """Load rules of value.

    Args:
        name: ``value`` for the shipped ones, or a path of a YAML file.

    Raises:
        RulesError: no such file, or a wrong entry, named as file:key.
    """
    path = find(name)
    return check(Rules, read_yaml(path), path)


def step(viewer: Viewer | None, event: Event, viewer_id: str, rules: Rules) -> Viewer:
    """Return the viewer after one more event; events come in order of time.

    Args:
        viewer: before, None for the first event.
        event: with a user.
        viewer_id: the viewer's identity.
        rules: of value.
    """
    pause = 0.0 if viewer is None else max(0.0, event.time - viewer.last)
    comes = viewer is None or pause > rules.gap
    watched = 0.0 if comes else pause
    old = viewer or _nobody(viewer_id, event.time)
    text = fold(event.text) if event.kind in SPOKEN else ""
    said = () if comes else old.said
    again = text in said
    about = rules.topics(event.text) if text and not again else ()
    coins = rules.worth(event)
    number = event.gift.count if event.gift else 0
    done = dict.fromkeys(about, 1.0)
    done |= {
        "visit": float(comes),
        "minute": watched / 60,
        "coin": coins,
        event.kind: float(not again),
    }
    return Viewer(
        id=viewer_id,
        names=_plus(old.names, event.user, event.score),
        first=old.first,
        last=max(old.last, event.time),
        level=old.level if event.level is None else event.level,
        visits=old.visits + comes,
        counts=_plus(old.counts, event.kind, 1),
        gifts=old.gifts + number,
        coins=old.coins + coins,
        dwell=old.dwell + watched,
        asked={**old.asked, **{t: old.asked.get(t, 0) + 1 for t in about}},
        said=(*said, text)[-_SAID:] if text and not again else said,
        terms=_earn(decayed(old, rules, old.last + pause), done, rules),
    )


def _nobody(viewer_id: str, time: float) -> Viewer:
    return Viewer(viewer_id, {}, time, time, None, 0, {}, 0, 0.0, 0.0, {}, (), {})


def decayed(viewer: Viewer, rules: Rules, now: float) -> dict[str, float]:
    """Return the points by term at stream time ``now``, seconds."""
    age = max(0.0, now - viewer.last)
    return {
        name: viewer.terms.get(name, 0.0) * 0.5 ** (age / term.half_life)
        for name, term in rules.terms.items()
    }


def score(viewer: Viewer, rules: Rules, now: float) -> float:
    """Return what the viewer is worth at stream time ``now``, seconds."""
    return sum(decayed(viewer, rules, now).values())


def tier(viewer: Viewer, rules: Rules, now: float) -> str:
    """Return the name of the highest tier whose demands the viewer meets at ``now``."""
    points = decayed(viewer, rules, now)
    total = sum(points.values())
    met = [
        t.name
        for t in rules.tiers
        if total >= t.score and all(points[k] >= least for k, least in (t.needs or {}).items())
    ]
    return met[-1]


def _earn(points: Mapping[str, float], done: Mapping[str, float], rules: Rules) -> dict[str, float]:
    return {
        name: min(
            term.most,
            points[name] + sum(done.get(what, 0.0) * each for what, each in term.earn.items()),
        )
        for name, term in rules.terms.items()
    }


def _plus(counts: Mapping[str, N], key: str, more: N) -> dict[str, N]:
    return {**counts, key: counts[key] + more if key in counts else more}
