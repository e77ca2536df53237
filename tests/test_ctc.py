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


def log(probs: object) -> np.ndarray:
    """Logits whose softmax these are."""
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(probs, np.float32))


def ids(symbols: list[ctc.Symbol]) -> tuple[int, ...]:
    return tuple(s.id for s in symbols)


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(2, 4))
def test_greedy_is_the_collapsed_best_path(seed: int, steps: int, classes: int) -> None:
    probs = random_probs(seed, steps, classes)
    assert ids(ctc.greedy(log(probs))) == collapse(tuple(probs.argmax(1)))


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(2, 4))
def test_a_score_is_what_its_class_has_of_all(seed: int, steps: int, classes: int) -> None:
    logits = log(random_probs(seed, steps, classes))
    assert ctc.greedy(logits) == ctc.greedy(logits, np.ones(classes, bool))


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(2, 4))
def test_a_wide_beam_finds_the_most_probable_text(seed: int, steps: int, classes: int) -> None:
    probs = random_probs(seed, steps, classes)
    total: dict[tuple[int, ...], float] = defaultdict(float)
    for path in product(range(classes), repeat=steps):
        total[collapse(path)] += float(np.prod([probs[t, c] for t, c in enumerate(path)]))
    found = ids(ctc.beam(log(probs), width=200, top=classes))
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
    probs = random_probs(seed, steps, 5)
    symbols = ctc.greedy(log(probs))
    edges = [e for s in symbols for e in (s.start, s.end)]
    assert edges == sorted(edges)
    assert all(0 <= e <= steps for e in edges)
    assert all(0 < s.score <= 1 for s in symbols)


def test_a_score_is_the_greatest_probability_of_its_steps() -> None:
    probs = np.array([[0.3, 0.7, 0], [0.1, 0.9, 0], [0.6, 0.3, 0.1], [0.4, 0, 0.6]], np.float32)
    symbols = ctc.greedy(log(probs) + 7)  # as a net says it
    assert ids(symbols) == (1, 2)
    assert [s.score for s in symbols] == pytest.approx([0.9, 0.6])


def test_restrict_reads_only_what_is_allowed() -> None:
    probs = np.array([[0.1, 0.6, 0.3], [0.0, 1.0, 0.0]], np.float32)
    allowed = np.array([False, False, True])
    read = ctc.greedy(log(probs), allowed)
    assert ids(read) == (2,)
    assert read[0].score == pytest.approx(0.3)  # no surer than it was


def test_restrict_leaves_out_what_resembles_nothing_that_is_allowed() -> None:
    comma, digits = 1, np.array([False, False, True, True])
    probs = np.array(
        [[0.05, 0.0, 0.95, 0.0], [0.03, 0.95, 0.0, 0.02], [0.1, 0.0, 0.0, 0.9]], np.float32
    )
    assert ids(ctc.greedy(log(probs))) == (2, comma, 3)
    assert ids(ctc.greedy(log(probs), digits)) == (2, 3)
    assert ids(ctc.beam(log(probs), allowed=digits)) == (2, 3)
    assert np.allclose(ctc.restrict(probs, digits).sum(1), 1)


def test_nothing_to_decode() -> None:
    assert ctc.greedy(log([[1.0, 0.0]])) == []
    assert ctc.beam(log([[1.0, 0.0]])) == []


def gap(*spaces: float) -> np.ndarray:
    """Logits of class 2, of steps that are blank or class 1, a space, and of class 3: (T, 4)."""
    rows = [(0.0, 0.0, 1.0, 0.0), *((1 - s, s, 0.0, 0.0) for s in spaces), (0.0, 0.0, 0.0, 1.0)]
    return log(np.maximum(rows, 1e-9))


def spaces(*kinds: int) -> ctc.Spaces:
    return ctc.Spaces(1, np.array([0, 0, *kinds], np.int8))


MIXED = spaces(ctc.LETTER, ctc.SIGN)


def test_a_space_that_is_likely_somewhere_in_a_gap_beside_a_sign_is_read() -> None:
    found = ctc.greedy(gap(0.05, 0.2, 0.15), None, MIXED)
    assert ids(found) == (2, 1, 3)
    assert found[1].score == pytest.approx(0.2)
    assert found[1].start < 2.5 < found[1].end  # at its likeliest step
    assert ids(ctc.greedy(gap(0.05, 0.2, 0.15))) == (2, 3)
    assert ids(ctc.greedy(gap(0.05, 0.1, 0.05), None, MIXED)) == (2, 3)
    assert ids(ctc.greedy(gap(), None, MIXED)) == (2, 3)


def test_a_doubtful_space_is_put_nowhere_else() -> None:
    doubtful = gap(0.3, 0.3)
    for other in (0, ctc.LETTER):
        assert ids(ctc.greedy(doubtful, None, spaces(ctc.LETTER, other))) == (2, 3)
    assert ids(ctc.greedy(gap(0.9, 0.3), None, MIXED)) == (2, 1, 3)  # not beside one that is read
    assert ids(ctc.greedy(doubtful[:-1], None, MIXED)) == (2,)  # nor at a line's end
    assert ids(ctc.greedy(doubtful[1:], None, MIXED)) == (3,)
