"""Scores: known counts on small cases, and bounds that always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizi.geometry import box_to_quad
from shizi.page import Quads
from shizi.scores import (
    DetectionScore,
    TextRules,
    TextScore,
    cer,
    confusion,
    intersections,
    match,
    score_detection,
    score_lines,
    score_page,
    score_text,
    search,
)


def quads(*boxes: tuple[float, float, float, float]) -> Quads:
    return box_to_quad(np.array(boxes, dtype=np.float32).reshape(-1, 4))


def flags(*values: bool) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array(values, dtype=bool)


def detect(found: Quads, truth: Quads, ignore: tuple[bool, ...] = ()) -> DetectionScore:
    marks = flags(*(ignore or (False,) * len(truth)))
    return score_detection(found, truth, ["字" * 10] * len(truth), marks)


def test_cer_divides_all_edits_by_all_characters() -> None:
    pairs = [("abcd", "abcd"), ("", "xy"), ("zz", "zza")]
    score = score_text(pairs)
    assert (score.edits, score.chars, score.exact, score.lines) == (3, 9, 1, 3)
    assert cer(pairs) == pytest.approx(3 / 9)
    assert score.accuracy == pytest.approx(1 / 3)
    assert score.ned == pytest.approx((1 + 0 + 2 / 3) / 3)


def test_no_lines_are_no_errors() -> None:
    assert cer([]) == 0
    assert TextScore().accuracy == 0


@pytest.mark.parametrize(
    ("rules", "text", "same"),
    [
        (TextRules(), " a  b ", "a b"),
        (TextRules(ignore_spaces=True), "你 好\u3000吗", "你好吗"),
        (TextRules(ignore_case=True), "StraßE", "strasse"),
        (TextRules(drop="。、"), "天。地、人", "天地人"),
        (TextRules(fold_width=True), "ＡＢ：１", "AB:1"),
        (TextRules(), "Ａ。", "Ａ。"),
    ],
)
def test_rules(rules: TextRules, text: str, same: str) -> None:
    assert rules(text) == same


@given(st.lists(st.tuples(st.text("ab 字", max_size=6), st.text("ab 字", max_size=6))))
def test_text_scores_add_up(pairs: list[tuple[str, str]]) -> None:
    whole = score_text(pairs)
    parts = sum((score_text([p]) for p in pairs), TextScore())
    assert (whole.edits, whole.chars, whole.exact) == (parts.edits, parts.chars, parts.exact)
    assert 0 <= whole.accuracy <= 1
    assert 0 <= whole.ned <= 1


def test_intersections_of_tilted_quads() -> None:
    square = quads((0, 0, 10, 10))
    diamond = np.array([[[5, -5], [15, 5], [5, 15], [-5, 5]]], dtype=np.float32)
    assert intersections(square, diamond)[0, 0] == pytest.approx(100, abs=1e-3)
    assert intersections(square, quads((20, 20, 30, 30)))[0, 0] == 0
    assert intersections(quads(), square).shape == (0, 1)


def test_matching_is_one_to_one_and_best_first() -> None:
    iou = np.array([[0.9, 0.6], [0.8, 0.0]])
    assert match(iou, 0.5) == [(0, 0)]
    assert match(np.array([[0.6, 0.9], [0.8, 0.0]]), 0.5) == [(0, 1), (1, 0)]
    assert match(np.array([[0.5]]), 0.5) == []


def test_detection_counts() -> None:
    truth = quads((0, 0, 100, 20), (0, 40, 100, 60), (0, 80, 100, 100))
    found = quads((0, 0, 100, 20), (0, 42, 90, 60), (300, 0, 400, 20))
    score = detect(found, truth)
    assert (score.right, score.found, score.wanted) == (2, 3, 3)
    assert score.f == pytest.approx(2 / 3)
    assert score.coverage == pytest.approx((1 + 22 / 24 + 0) / 3)  # 24 points are probed


def test_a_find_in_an_ignored_place_counts_for_nothing() -> None:
    truth = quads((0, 0, 100, 20), (0, 40, 100, 60))
    found = quads((0, 0, 100, 20), (10, 42, 60, 58))
    score = detect(found, truth, (False, True))
    assert (score.right, score.found, score.wanted) == (1, 1, 1)
    missed = detect(found[1:], truth, (False, True))
    assert (missed.right, missed.found, missed.wanted) == (0, 0, 1)


def test_split_and_merged_lines_lose_f_but_not_the_forgiving_f() -> None:
    line = quads((0, 0, 100, 20))
    halves = quads((0, 0, 48, 20), (50, 0, 100, 20))
    split = detect(halves, line)
    assert split.right == 0
    assert split.split_f == pytest.approx(1)
    merged = detect(line, halves)
    assert merged.right == 0
    assert merged.split_f == pytest.approx(1)
    assert detect(quads((0, 0, 30, 20)), line).split_f == 0
    narrow = detect(quads((0, 4, 100, 16)), line)  # IoU 0.6, and 0.6 of the line's area
    assert narrow.f == narrow.split_f == pytest.approx(1)


def test_coverage_follows_vertical_lines() -> None:
    score = detect(quads((0, 0, 20, 100)), quads((0, 0, 20, 200)))
    assert score.coverage == pytest.approx(0.5)


def test_nothing_found_and_nothing_wanted() -> None:
    line = quads((0, 0, 100, 20))
    assert detect(quads(), line).recall == 0
    assert detect(line, quads()).precision == 0
    assert detect(quads(), quads()).f == 0


TRUTH = quads((0, 0, 100, 20), (0, 40, 100, 60), (200, 0, 300, 20))
TEXTS = ["first line", "second", "third"]


def page(found: Quads, read: list[str], ignore: tuple[bool, ...] = (False,) * 3) -> TextScore:
    return score_page(found, read, TRUTH, TEXTS, flags(*ignore))


def test_page_read_right() -> None:
    assert page(TRUTH[[2, 0, 1]], ["third", "first line", "second"]) == TextScore(0, 21, 3, 3, 3.0)


def test_page_with_a_split_line_put_together_from_left_to_right() -> None:
    found = quads((55, 0, 100, 20), (0, 2, 50, 21), (0, 40, 100, 60), (200, 0, 300, 20))
    assert page(found, ["line", "first", "second", "third"]).edits == 0


def test_page_with_merged_lines() -> None:
    found = quads((0, 0, 300, 20), (0, 40, 100, 60))
    score = page(found, ["first line third", "second"])
    assert score.edits == 0
    assert score.chars == 22  # the space between merged lines is one more


def test_page_with_missed_and_false_lines() -> None:
    found = quads((0, 0, 100, 20), (0, 300, 100, 320))
    score = page(found, ["first lime", "oops"])
    assert score.edits == 1 + len("second") + len("third") + len("oops")
    assert score.lines == 3
    assert page(quads(), []).cer == 1


def test_page_leaves_ignored_lines_out() -> None:
    score = page(TRUTH, ["first line", "garbled", "third"], (False, True, False))
    assert score == TextScore(0, 15, 2, 2, 2.0)


@pytest.mark.parametrize(
    ("needle", "text", "edits"),
    [("abc", "xxabcxx", 0), ("abc", "xxabxcxx", 1), ("abc", "", 3), ("", "abc", 0)],
)
def test_search(needle: str, text: str, edits: int) -> None:
    assert search(needle, text) == edits


def test_confusion_rows_are_the_truth() -> None:
    counts = confusion([(0, 0), (90, 0), (270, 270)])
    assert counts.tolist() == [[1, 1, 0, 0], [0] * 4, [0] * 4, [0, 0, 0, 1]]


def test_line_by_line_a_merge_is_an_error() -> None:
    whole = quads((0, 0, 100, 20), (0, 30, 100, 50))
    halves = quads((0, 0, 49, 20), (51, 0, 100, 20), (0, 30, 100, 50))
    texts, none = ["ab", "cd", "ef"], flags(False, False, False)
    merged = (whole, ["ab cd", "ef"], halves, texts, none)
    assert score_page(*merged).edits == 0
    strict = score_lines(*merged)
    assert (strict.edits, strict.chars, strict.exact, strict.lines) == (9, 6, 1, 3)
    assert score_lines(halves, texts, halves, texts, none).edits == 0


def test_line_by_line_what_is_ignored_costs_nothing() -> None:
    both = quads((0, 0, 100, 20), (0, 30, 100, 50))
    score = score_lines(both, ["ab", "??"], both, ["ab", ""], flags(False, True))
    assert (score.edits, score.lines) == (0, 1)
    stray = score_lines(both, ["ab", "?"], both[:1], ["ab"], flags(False))
    assert (stray.edits, stray.lines) == (1, 1)
    missed = score_lines(both[:0], [], both, ["ab", "c"], flags(False, False))
    assert (missed.edits, missed.lines) == (3, 2)
