"""CTC decoding against brute force."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizi import ctc


def collapse(path: tuple[int, ...]) -> tuple[int, ...]:
    merged = [c for i, c in enumerate(path) if i == 0 or c != path[i - 1]]
    return tuple(c for c in merged if c)


def random_probs(seed: int, steps: int, classes: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0, 2, (steps, classes))
    exp = np.exp(logits)
    return (exp / exp.sum(1, keepdims=True)).astype(np.float32)


def ids(symbols: list[ctc.Symbol]) -> tuple[int, ...]:
    return tuple(s.id for s in symbols)


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(2, 4))
def test_greedy_is_the_collapsed_best_path(seed: int, steps: int, classes: int) -> None:
    probs = random_probs(seed, steps, classes)
    assert ids(ctc.greedy(probs)) == collapse(tuple(probs.argmax(1)))


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(2, 4))
def test_a_wide_beam_finds_the_most_probable_text(seed: int, steps: int, classes: int) -> None:
    probs = random_probs(seed, steps, classes)
    total: dict[tuple[int, ...], float] = defaultdict(float)
    for path in product(range(classes), repeat=steps):
        total[collapse(path)] += float(np.prod([probs[t, c] for t, c in enumerate(path)]))
    found = ids(ctc.beam(probs, width=200, top=classes))
    assert total[found] == pytest.approx(max(total.values()), rel=1e-4)


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_align_is_the_best_path_of_its_text(seed: int, steps: int) -> None:
    probs = random_probs(seed, steps, 3)
    best: dict[tuple[int, ...], float] = defaultdict(float)
    for path in product(range(3), repeat=steps):
        p = float(np.prod([probs[t, c] for t, c in enumerate(path)]))
        best[collapse(path)] = max(best[collapse(path)], p)
    for text, expected in best.items():
        path = ctc.align(probs, text)
        assert collapse(tuple(path)) == text
        assert float(np.prod(probs[np.arange(steps), path])) == pytest.approx(expected, rel=1e-3)


def test_align_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        ctc.align(random_probs(0, 2, 3), (1, 1))  # a repeat needs a blank between


@given(st.integers(0, 10_000), st.integers(1, 30))
def test_spans_are_ordered_and_inside(seed: int, steps: int) -> None:
    symbols = ctc.greedy(random_probs(seed, steps, 5))
    edges = [e for s in symbols for e in (s.start, s.end)]
    assert edges == sorted(edges)
    assert all(0 <= e <= steps for e in edges)
    assert all(0 < s.score <= 1 for s in symbols)


def test_restrict_reads_only_what_is_allowed() -> None:
    probs = np.array([[0.1, 0.6, 0.3], [0.0, 1.0, 0.0]], np.float32)
    allowed = np.array([False, False, True])
    kept = ctc.restrict(probs, allowed)
    assert ids(ctc.greedy(kept)) == (2,)
    assert ctc.greedy(kept)[0].score == pytest.approx(0.3)  # no surer than it was


def test_restrict_leaves_out_what_resembles_nothing_that_is_allowed() -> None:
    comma, digits = 1, np.array([False, False, True, True])
    probs = np.array(
        [[0.05, 0.0, 0.95, 0.0], [0.03, 0.95, 0.0, 0.02], [0.1, 0.0, 0.0, 0.9]], np.float32
    )
    assert ids(ctc.greedy(probs)) == (2, comma, 3)
    kept = ctc.restrict(probs, digits)
    assert ids(ctc.greedy(kept)) == (2, 3)
    assert ids(ctc.beam(kept)) == (2, 3)
    assert np.allclose(kept.sum(1), 1)


def test_nothing_to_decode() -> None:
    assert ctc.greedy(np.array([[1.0, 0.0]], np.float32)) == []
    assert ctc.beam(np.array([[1.0, 0.0]], np.float32)) == []


def gap(*spaces: float) -> np.ndarray:
    """Class 2, steps that are blank or class 1, a space, and class 3: (T, 4)."""
    rows = [(0.0, 0.0, 1.0, 0.0), *((1 - s, s, 0.0, 0.0) for s in spaces), (0.0, 0.0, 0.0, 1.0)]
    return np.array(rows, np.float32)


KINDS = np.array([0, 0, ctc.LETTER, ctc.SIGN], np.int8)


def test_a_space_that_is_likely_somewhere_in_a_gap_beside_a_sign_is_read() -> None:
    found = ctc.greedy(gap(0.05, 0.2, 0.15), 1, KINDS)
    assert ids(found) == (2, 1, 3)
    assert found[1].score == pytest.approx(0.2)
    assert found[1].start < 2.5 < found[1].end  # at its likeliest step
    assert ids(ctc.greedy(gap(0.05, 0.2, 0.15))) == (2, 3)
    assert ids(ctc.greedy(gap(0.05, 0.1, 0.05), 1, KINDS)) == (2, 3)
    assert ids(ctc.greedy(gap(), 1, KINDS)) == (2, 3)


def test_a_doubtful_space_is_put_nowhere_else() -> None:
    doubtful = gap(0.3, 0.3)
    for other in (0, ctc.LETTER):
        kinds = np.array([0, 0, ctc.LETTER, other], np.int8)
        assert ids(ctc.greedy(doubtful, 1, kinds)) == (2, 3)
    assert ids(ctc.greedy(gap(0.9, 0.3), 1, KINDS)) == (2, 1, 3)  # not beside one that is read
    assert ids(ctc.greedy(doubtful[:-1], 1, KINDS)) == (2,)  # nor at a line's end
    assert ids(ctc.greedy(doubtful[1:], 1, KINDS)) == (3,)
