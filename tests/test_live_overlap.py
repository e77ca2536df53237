"""Rows still on the screen when a run goes on are known again."""

from __future__ import annotations

from dataclasses import replace

from live_rows import event

from shizi.live.mean.overlap import overlap


def test_overlap_takes_what_most_speaks_for() -> None:
    known = [event(i, "小明", f"第{i}条") for i in range(10)]
    new = [event(i, "小明", f"第{i}条") for i in (10, 11, 12)]
    assert overlap(known, known[6:]) == [6, 7, 8, 9]
    assert overlap(known, [*known[8:], *new]) == [8, 9, None, None, None]
    assert overlap(known, [event(90, "燕子", "你好"), event(91, "琳琳", "多少钱")]) == [None, None]
    assert overlap([], known) == [None] * 10


def test_overlap_bears_rows_that_only_one_run_has_read() -> None:
    known = [event(i, f"小{c}", f"说了{c * 3}") for i, c in enumerate("甲乙丙丁戊己")]
    unread = event(90, "琳琳", "没读到的一条")
    assert overlap(known, [known[3], unread, known[4], known[5]]) == [3, None, 4, 5]
    assert overlap(known, [known[2], known[4], known[5]]) == [2, 4, 5]


def test_overlap_knows_a_notice_that_stands_still() -> None:
    notice = event(0, "", "全场满199减50", kind="notice", closed=False)
    known = [notice, *(event(i, "小明", f"第{i}条") for i in range(1, 9))]
    seen = [*known[5:], notice, event(20, "小红", "全场满199减50吗")]
    assert overlap(known, seen) == [5, 6, 7, 8, 0, None]
    stopped = [replace(notice, closed=True), *known[1:]]
    assert overlap(stopped, seen) == [5, 6, 7, 8, 0, None]


def test_overlap_does_not_take_a_new_comment_for_one_that_scrolled_away() -> None:
    known = [event(i, "小明", f"第{i}条", closed=False) for i in range(15, 21)]
    seen = [*known[1:], *(event(i, "小明", f"第{i}条") for i in range(21, 26))]
    assert overlap(known, seen) == [1, 2, 3, 4, 5, None, None, None, None, None]
