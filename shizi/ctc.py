"""CTC decoding (Graves et al. 2006): what a net says over time to text with a span per character.

Class 0 is the blank. Logits and probabilities have shape (T, C); rows of ``probs`` sum to one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shizi.charset import BLANK
from shizi.nets.logits import probability, softmax

Logits = NDArray[np.float32]
Probs = NDArray[np.float32]


class Symbol(NamedTuple):
    """One decoded class with its probability and its span, in time steps [start, end)."""

    id: int
    score: float
    start: float
    end: float


def steps_needed(label: Sequence[object]) -> int:
    """Time steps that a label needs: one a class, one more for the blank between equal ones."""
    return len(label) + sum(a == b for a, b in pairwise(label))


class Spaces(NamedTuple):
    """Where :func:`greedy` may put doubtful spaces.

    Attributes:
        id: class of the space.
        kinds: of the classes (C,): :data:`LETTER`, :data:`SIGN`, or 0 for those that have no
            doubtful space beside them.
    """

    id: int
    kinds: NDArray[np.int8]


LETTER, SIGN = 1, 2


def greedy(
    logits: Logits, allowed: NDArray[np.bool_] | None = None, spaces: Spaces | None = None
) -> list[Symbol]:
    """Best path: most probable class a step, repeats merged, blanks dropped.

    Args:
        logits: shape (T, C).
        allowed: the classes (C,) that may be read, see :func:`restrict`; None: all.
        spaces: where to look for doubtful ones, see :func:`spaced`; None: nowhere.
    """
    path = logits.argmax(1)  # (T,)
    if spaces is not None:
        ahead = logits[:, spaces.id] - logits[:, BLANK]  # not at steps that are blank
        path = spaced(path, np.exp(np.minimum(ahead, 0)), spaces)
    sure = np.ones(len(path), np.float32)
    told = np.flatnonzero(path != BLANK)  # two steps of three are blank, however likely that is
    if allowed is None:
        sure[told] = probability(logits[told], path[told])
    else:
        probs = restrict(softmax(logits[told]), allowed)
        path[told] = probs.argmax(1)
        sure[told] = probs.max(1)
    return _symbols(path, sure)


SPACED = 0.3
"""Probability from which on a gap beside a sign holds a space."""


def spaced(path: NDArray[np.intp], odds: Probs, spaces: Spaces) -> NDArray[np.intp]:
    """Put spaces into the gaps beside signs where one is likely at some step or other.

    A space has no shape by which to tell at which step it stands: it may be less likely than the
    blank at each of them and yet be in the gap.

    Args:
        path: class of every step, (T,).
        odds: of the space against the blank at every step, (T,).
        spaces: it goes between two signs, or a sign and a letter.
    """
    found = path.copy()
    told = np.flatnonzero(path != BLANK)
    hints = np.flatnonzero((path == BLANK) & (odds > _HARDLY))
    for i in np.unique(np.searchsorted(told, hints)):
        beside = spaces.kinds[path[told[i - 1 : i + 1]]]
        if 0 < i < len(told) and beside.all() and SIGN in beside:
            gap = odds[told[i - 1] + 1 : told[i]]
            if 1 - np.prod(1 / (1 + gap)) > SPACED:
                found[told[i - 1] + 1 + int(gap.argmax())] = spaces.id
    return found


_HARDLY = 0.01
"""Odds of a space that are not worth a thought."""

LIKELY = 0.05
"""Probability from which an allowed class may stand for one that is not: a 0 for an O."""


def restrict(probs: Probs, allowed: NDArray[np.bool_]) -> Probs:
    """Leave out the classes that are not allowed (C,).

    Where an allowed class is likely too, it is read, at its own probability. Where none is,
    nothing is: a comma among digits is dropped, not taken for the digit that it is least
    unlike. The blank is always allowed.
    """
    kept = np.where(allowed, probs, 0).astype(np.float32)
    kept[:, BLANK] = probs[:, BLANK]
    unlikely = np.where(allowed, probs, 0)[:, BLANK + 1 :].max(1) < LIKELY  # (T,)
    kept[unlikely, BLANK] += 1 - kept[unlikely].sum(1)
    return kept


def beam(
    logits: Logits, width: int = 8, top: int = 16, allowed: NDArray[np.bool_] | None = None
) -> list[Symbol]:
    """Prefix beam search (Hannun et al. 2014, algorithm 1), without a language model.

    Args:
        logits: shape (T, C).
        width: prefixes kept after each step.
        top: classes considered a step.
        allowed: as for :func:`greedy`.
    """
    probs = softmax(logits)
    if allowed is not None:
        probs = restrict(probs, allowed)
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (1.0, 0.0)}  # ends in blank, not
    top = min(top, probs.shape[1])
    for row in probs:
        candidates = np.argpartition(-row, top - 1)[:top]
        grown: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [0.0, 0.0])
        for prefix, (in_blank, in_char) in beams.items():
            both = in_blank + in_char
            grown[prefix][0] += both * float(row[BLANK])
            if prefix:
                grown[prefix][1] += in_char * float(row[prefix[-1]])
            for c in candidates:
                char = int(c)
                if char == BLANK:
                    continue
                before = in_blank if prefix and char == prefix[-1] else both
                grown[(*prefix, char)][1] += before * float(row[char])
        best = sorted(grown.items(), key=lambda kv: -sum(kv[1]))[:width]
        total = sum(sum(p) for _, p in best) or 1.0  # rescaled each step against underflow
        beams = {prefix: (p[0] / total, p[1] / total) for prefix, p in best}
    ids = max(beams.items(), key=lambda kv: sum(kv[1]))[0]
    path = align(probs, ids)
    return _symbols(path, probs[np.arange(len(path)), path])


def align(probs: Probs, ids: tuple[int, ...]) -> NDArray[np.intp]:
    """Most probable path (T,) that spells ``ids`` (Viterbi over the CTC lattice).

    Raises:
        ValueError: the text does not fit into T steps.
    """
    states = np.zeros(2 * len(ids) + 1, dtype=np.intp)  # blank, c1, blank, c2, …, blank
    states[1::2] = ids
    skip = np.zeros(len(states), dtype=bool)  # a state that may be entered past a blank
    skip[3::2] = states[3::2] != states[1:-2:2]
    log = np.log(np.maximum(probs[:, states], 1e-30))  # (T, S)
    score = np.full(len(states), -np.inf)
    score[:2] = log[0, :2]
    back = np.zeros(log.shape, dtype=np.int8)
    for t in range(1, len(log)):
        options = np.full((3, len(states)), -np.inf)
        options[0] = score
        options[1, 1:] = score[:-1]
        options[2, 2:] = np.where(skip[2:], score[:-2], -np.inf)
        back[t] = options.argmax(0)
        score = options.max(0) + log[t]
    state = int(np.argmax(score[-2:])) + max(0, len(states) - 2)
    if not np.isfinite(score[state]):
        raise ValueError(f"{len(ids)} characters do not fit into {len(log)} steps")
    path = np.empty(len(log), dtype=np.intp)
    for t in range(len(log) - 1, -1, -1):
        path[t] = states[state]
        state -= int(back[t, state])
    return path


def _symbols(path: NDArray[np.intp], sure: Probs) -> list[Symbol]:
    """Merge repeats and drop blanks; a span reaches halfway to its neighbours.

    Args:
        path: a class a step, (T,).
        sure: its probability, (T,).
    """
    if not path.any():  # blanks alone, or nothing
        return []
    edges = np.concatenate([[0], np.flatnonzero(path[1:] != path[:-1]) + 1, [len(path)]])
    keep = path[edges[:-1]] != BLANK
    starts, ends = edges[:-1][keep], edges[1:][keep]
    scores = np.maximum.reduceat(sure, edges[:-1])[keep]
    centres = (starts + ends) / 2
    pitch = median(np.diff(centres).tolist()) if len(centres) > 1 else len(path)
    reach = np.maximum(pitch / 2 * 1.2, (ends - starts) / 2)
    low = np.maximum(centres - reach, 0)
    high = np.minimum(centres + reach, len(path))
    middle = (centres[1:] + centres[:-1]) / 2
    low[1:] = np.maximum(low[1:], middle)
    high[:-1] = np.minimum(high[:-1], middle)
    columns = (path[starts], scores, low, high)
    return list(map(Symbol, *(column.tolist() for column in columns)))
