"""Learn what comments are about, from labelled ones (:mod:`shizi.live.mean.learnt`)."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shizi.errors import DataError
from shizi.live.mean.intent import plain
from shizi.live.mean.learnt import Floats, Learnt, features

_EACH = 40
"""Comments drawn from one wording with alternatives, at most."""

_FEWEST = 3
"""Comments that a feature is in, at least."""

_STEPS, _RATE, _SHRINK = 300, 0.3, 1e-6
"""Of Adam (Kingma and Ba, ICLR 2015), its rate at the start, and the weight of the squares."""

_ASIDE = 0.3
"""Weight of a comment from elsewhere against a labelled one: one or another may have a topic."""

_BY_HAND = 8.0
"""Weight of a comment as it stands against one that was drawn from a wording."""


class Comment(NamedTuple):
    """A labelled comment.

    Attributes:
        topics: that it is about.
        text: what is said.
        weight: how much it teaches.
    """

    topics: frozenset[str]
    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class Found:
    """How well a topic was told.

    Attributes:
        topic: its name; empty: all together.
        true: comments that are about it.
        told: those of which it was told.
        right: both.
    """

    topic: str
    true: int
    told: int
    right: int

    @property
    def precision(self) -> float:
        """Share of what was told that is so; 1 where nothing was told."""
        return self.right / self.told if self.told else 1.0

    @property
    def recall(self) -> float:
        """Share of what is so that was told; 1 where nothing is."""
        return self.right / self.true if self.true else 1.0


def read_labelled(path: Path) -> list[Comment]:
    """Read labelled comments: topics, a tab, a comment; a minus stands for no topic.

    ``(a/b)`` in a comment is one of several wordings, from which some are drawn, always the same.
    What begins with ``#`` and a space is a remark.

    Raises:
        DataError: the file cannot be read, or a line of it is something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read comments from {path}: {error}") from error
    comments: list[Comment] = []
    for number, line in enumerate(lines, 1):
        topics, tab, text = line.partition("\t")
        if not line.strip() or line.startswith("# "):
            continue
        if not (tab and topics.strip() and text.strip()):
            raise DataError(f"{path}:{number}: write the topics, a tab and the comment")
        about = frozenset(topics.split()) - {"-"}
        try:
            comments += _drawn(about, text, random.Random(number))
        except ValueError as error:
            raise DataError(f"{path}:{number}: {error}") from error
    return comments


def read_others(path: Path) -> list[Comment]:
    """Read comments of rooms that sell nothing, one a line: hardly any has a topic.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read comments from {path}: {error}") from error
    return [Comment(frozenset(), line, _ASIDE) for line in lines if line.strip()]


def learn(comments: Sequence[Comment], others: Sequence[Comment] = ()) -> Learnt:
    """Learn from labelled comments, and from others that have no topic.

    Raises:
        DataError: no comment has a topic.
    """
    topics = tuple(dict.fromkeys(t for c in comments for t in sorted(c.topics)))
    if not topics:
        raise DataError("no comment has a topic, so nothing can be learnt")
    count = Counter(one for c in comments for one in features(c.text))
    known = sorted(one for one, times in count.items() if times >= _FEWEST)
    places = {one: i for i, one in enumerate(known)}
    every = [*comments, *others]
    rows = [[places[one] for one in features(c.text) if one in places] for c in every]
    kept = [i for i, row in enumerate(rows) if row]
    sparse = _Sparse.of([rows[i] for i in kept])
    labels = np.array([[t in every[i].topics for t in topics] for i in kept], np.float32)
    weight = np.array([every[i].weight for i in kept], np.float32)
    weights, bias = _fit(sparse, labels, weight / weight.sum(), len(places))
    return Learnt(topics, places, weights, bias)


def check(learnt: Learnt, comments: Sequence[Comment]) -> list[Found]:
    """Tell how well comments are told that nothing was learnt from; all topics together last."""
    told = [learnt.about(c.text) for c in comments]
    found = [
        Found(
            topic,
            sum(topic in c.topics for c in comments),
            sum(topic in about for about in told),
            sum(topic in c.topics & about for c, about in zip(comments, told, strict=True)),
        )
        for topic in learnt.topics
    ]
    sums = (sum(getattr(f, what) for f in found) for what in ("true", "told", "right"))
    return [*found, Found("", *sums)]


def without(comments: Sequence[Comment], held: Sequence[Comment]) -> list[Comment]:
    """Return the comments that say nothing which is held back."""
    known = {plain(c.text) for c in held}
    return [c for c in comments if plain(c.text) not in known]


def _drawn(topics: frozenset[str], text: str, rng: random.Random) -> Iterator[Comment]:
    drawn = {_draw(text, rng) for _ in range(_EACH)}
    weight = _BY_HAND if len(drawn) == 1 else 1.0
    return (Comment(topics, one, weight) for one in sorted(drawn) if one.strip())


def _draw(text: str, rng: random.Random) -> str:
    """Put one of several wordings in the place of each pair of brackets, from inside out."""
    while found := re.search(r"\(([^()]*)\)", text):
        text = text[: found.start()] + rng.choice(found[1].split("/")) + text[found.end() :]
    if "(" in text or ")" in text:
        raise ValueError("the brackets of a comment must close")
    return text


@dataclass(frozen=True)
class _Sparse:
    """Which features each comment has: columns (K,), row of each (K,), first of each row (N,)."""

    columns: NDArray[np.intp]
    rows: NDArray[np.intp]
    first: NDArray[np.intp]
    scale: Floats  # of a row, (N, 1)

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> _Sparse:
        long = np.array([len(row) for row in rows])
        first = np.concatenate([[0], long.cumsum()[:-1]])
        columns = np.array([one for row in rows for one in row], np.intp)
        scale = (1 / np.sqrt(long))[:, None].astype(np.float32)
        return cls(columns, np.repeat(np.arange(len(rows)), long), first, scale)


def _fit(x: _Sparse, labels: Floats, weight: Floats, count: int) -> tuple[Floats, Floats]:
    """Weights (count, T) and bias (T,) of least cross-entropy; labels (N, T), weight (N,)."""
    state = np.zeros((count + 1, labels.shape[1]))  # the last row is the bias
    state[-1] = -2.0
    mean, square = np.zeros_like(state), np.zeros_like(state)
    for step in range(1, _STEPS + 1):
        told = np.add.reduceat(state[x.columns], x.first) * x.scale + state[-1]
        apart = (1 / (1 + np.exp(-told)) - labels) * weight[:, None]  # (N, T)
        spread = apart * x.scale
        slopes = [np.bincount(x.columns, one[x.rows], count) for one in spread.T]
        slope = np.concatenate([np.stack(slopes, 1), apart.sum(0)[None]])
        slope[:-1] += _SHRINK * state[:-1]
        mean += 0.1 * (slope - mean)
        square += 0.001 * (slope * slope - square)
        size = np.sqrt(square / (1 - 0.999**step)) + 1e-10
        state -= _RATE * (1 - step / _STEPS) * mean / (1 - 0.9**step) / size
    return state[:-1].astype(np.float32), state[-1].astype(np.float32)
