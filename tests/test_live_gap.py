"""Rows that roll while nobody sees them are known again by what they say and how they stand."""

from __future__ import annotations

import numpy as np
import pytest
from test_live_message import TALL, WHITE, line, nothing

from shizi.live.event import Run
from shizi.live.see.messages.assemble import Assembler
from shizi.live.see.messages.gap import Stand, unseen_roll
from shizi.live.see.reading.line import SeenLine
from shizi.live.see.reading.vote import Sighting
from shizi.live.see.tracking.tracker import Tracker

SAID = ("小鱼：今天有什么活动", "老王：666", "团子：有没有大码", "老王：666", "木子：链接在哪里")
PITCH = 60


def stands(texts: tuple[str, ...], top: float, rolls: bool = True) -> list[Stand]:
    return [Stand(top + PITCH * i, TALL, (text,), rolls) for i, text in enumerate(texts)]


@pytest.mark.parametrize("unseen", [0, 1, 3])
def test_the_roll_is_what_most_lines_agree_on(unseen: int) -> None:
    new = tuple(f"新人{i}：第{i}条" for i in range(unseen))
    now = stands((*SAID, *new)[unseen:], 100)
    assert unseen_roll(stands(SAID, 100), now) == unseen * PITCH


def test_a_misread_line_does_not_hide_the_roll() -> None:
    now = stands(("老王：667", "团子：有没有太码", "老王：666"), 100)
    assert unseen_roll(stands(SAID, 100), now) == PITCH


def test_where_nothing_is_left_of_what_was_known_no_roll_is_told() -> None:
    now = stands(("a：第一条", "b：第二条", "c：第三条"), 100)
    assert unseen_roll(stands(SAID, 100), now) is None


def test_the_same_said_again_among_other_lines_is_no_sign() -> None:
    """It would stand where it stood, but the lines around it are others."""
    now = stands(("a：第一条", "老王：666", "c：第三条"), 100)
    assert unseen_roll(stands(SAID[:3], 100), now) is None


def test_rows_do_not_come_down() -> None:
    assert unseen_roll(stands(SAID[:1], 100), stands(("x：别的", SAID[0]), 300)) is None


def test_one_line_alone_is_a_sign_only_if_it_rolls() -> None:
    assert unseen_roll(stands(SAID[:1], 100), stands(SAID[:1], 100 - PITCH)) == PITCH
    assert unseen_roll(stands(SAID[:1], 100, rolls=False), stands(SAID[:1], 100 - PITCH)) is None


@pytest.fixture
def tracker() -> Tracker:
    return Tracker(nothing)


def shown(tracker: Tracker, texts: tuple[str, ...], first: int, time: float) -> list[SeenLine]:
    lines = [
        line(first + i, 100 + PITCH * i, text, right=200 + 10 * i, time=time)
        for i, text in enumerate(texts)
    ]
    tracker.tracks = [x.track for x in lines]
    return lines


@pytest.mark.parametrize("away", [1.5, 5.0])
def test_a_list_that_was_covered_is_not_told_again(tracker: Tracker, away: float) -> None:
    """Two rows have come meanwhile, and may have scrolled the others up."""
    assembler = Assembler(tracker, 1.0)
    before = shown(tracker, SAID, 0, 1.0)
    told = assembler.take(before)
    assert [row.text for row in told] == list(SAID)
    assembler.retire(tracker.tracks, 1.6)
    tracker.tracks = []
    assembler.retire([], 1.0 + away)
    after = shown(tracker, (*SAID[2:], "新人：你好", "新人：在吗"), 10, 1.0 + away)
    told = [row for row in assembler.take(after) if row.revision == 0]
    assert [row.text for row in told] == ["新人：你好", "新人：在吗"]
    late = line(20, 100 - PITCH, SAID[1], time=1.0 + away)  # of those that were there
    assert all(row.revision for row in assembler.take([late]))


def test_a_notice_that_was_covered_with_the_others_is_not_told_again(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    notice = line(0, 40, "公告：满199减50", time=1.0)
    notice.track.moved, notice.track.stayed = 0.0, 200.0
    assembler.take([notice, *shown(tracker, SAID, 1, 1.0)])
    assembler.retire([notice.track, *tracker.tracks], 1.6)
    assembler.retire([], 5.0)
    tracker.tracks = []
    again = line(10, 40, "公告：满199减50", time=6.0)
    again.track.moved = 0.0
    assert assembler.take([again]) == []


def test_a_notice_that_was_covered_is_not_told_again_though_something_stayed(
    tracker: Tracker,
) -> None:
    """A keyboard hides the list and the notice, and leaves the tabs above them."""
    assembler = Assembler(tracker, 1.0)
    notice, tabs = line(0, 40, "公告：满199减50", time=1.0), line(9, 0, "互动榜单", time=1.0)
    notice.track.moved, tabs.track.moved = 0.0, 0.0
    rows = shown(tracker, SAID, 1, 1.0)
    assembler.take([tabs, notice, *rows])
    assembler.retire([notice.track, *tracker.tracks], 1.6)
    tabs.track.last = 6.0
    tracker.tracks = [tabs.track]
    again = line(10, 40, "公告：满199减50", time=6.0)
    again.track.moved = 0.0
    assert (
        assembler.take([again, *shown(tracker, ("新人：你好", "新人：在吗"), 11, 6.0)])[0].text
        == "新人：你好"
    )


def test_a_notice_that_something_passed_behind_is_not_told_again(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    notice = line(0, 40, "公告：满199减50", time=1.0)
    notice.track.moved, notice.track.stayed = 0.0, 200.0
    rows = shown(tracker, SAID, 1, 1.0)
    assembler.take([notice, *rows])
    assembler.retire([notice.track], 1.6)
    for x in rows:
        x.track.last = 6.0
    assembler.retire([], 5.0)
    again = line(10, 40, "公告：满199减50", time=6.0)
    again.track.moved = 0.0
    assert assembler.take([again]) == []


def test_the_same_gift_again_in_its_place_is_another_one_if_the_rows_stayed(
    tracker: Tracker,
) -> None:
    assembler = Assembler(tracker, 1.0)
    gift = line(0, 40, "小鱼送出玫瑰×1", time=1.0)
    gift.track.moved, gift.track.stayed = 0.0, 200.0
    rows = shown(tracker, SAID, 1, 1.0)
    assembler.take([gift, *rows])
    assembler.retire([gift.track], 1.6)
    for x in rows:
        x.track.last = 6.0
    assembler.retire([], 5.0)
    again = line(10, 40, "小鱼送出玫瑰×1", time=6.0)
    again.track.moved = 0.0
    assert [row.text for row in assembler.take([again])] == ["小鱼送出玫瑰×1"]


def test_what_just_came_when_it_was_covered_is_a_sign_by_itself(tracker: Tracker) -> None:
    """All that was above it has rolled out meanwhile."""
    assembler = Assembler(tracker, 1.0)
    before = shown(tracker, SAID, 0, 1.0)
    before[-1].track.moved = 0.0
    assembler.take(before)
    assembler.retire(tracker.tracks, 1.6)
    tracker.tracks = []
    assembler.retire([], 5.0)
    after = shown(tracker, (SAID[-1], *(f"新人{i}：第{i}条" for i in range(4))), 10, 5.0)
    told = [row.text for row in assembler.take(after) if row.revision == 0]
    assert told == [f"新人{i}：第{i}条" for i in range(4)]


def test_what_is_known_again_is_not_told_when_its_count_rises(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    rows = (*SAID[:3], "小鱼 送出 玫瑰 ×1")
    assembler.take(shown(tracker, rows, 0, 1.0))
    assembler.retire(tracker.tracks, 1.6)
    tracker.tracks = []
    assembler.retire([], 5.0)
    after = shown(tracker, rows, 10, 5.0)
    assert assembler.take(after) == []
    tracker.scrolled += PITCH
    after[3].add(Sighting((Run("小鱼 送出 玫瑰 ×3", WHITE),), 0.98, 30.0), 5.5)
    assert assembler.place(after[3]) == []


def test_what_takes_the_place_of_what_was_known_again_came_then(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    assembler.take(shown(tracker, SAID, 0, 1.0))
    assembler.retire(tracker.tracks, 1.6)
    tracker.tracks = []
    assembler.retire([], 5.0)
    after = shown(tracker, SAID, 10, 5.0)
    assembler.take(after)
    tracker.change(after[4].track, 9.0)
    after[4].add(Sighting((Run("深海阳光 来了", WHITE),), 0.98, 30.0), 9.2)
    (row,) = assembler.place(after[4])
    assert (row.text, row.first) == ("深海阳光 来了", 9.0)


def test_what_has_a_place_may_be_there_still_though_the_rows_rolled_unseen(
    tracker: Tracker,
) -> None:
    assembler = Assembler(tracker, 1.0)
    gift = line(0, 20, "小鱼 送出 玫瑰 ×1", time=1.0)
    gift.track.moved, gift.track.stayed = 0.0, 9.0
    assembler.take([gift, *shown(tracker, SAID, 1, 1.0)])
    assembler.retire([gift.track, *tracker.tracks], 1.6)
    tracker.tracks = []
    assembler.retire([], 5.0)
    again = line(10, 20, "小鱼 送出 玫瑰 ×1", time=5.0)
    told = assembler.take([again, *shown(tracker, (*SAID[2:], "新人：你好"), 11, 5.0)])
    assert [row.text for row in told if row.revision == 0] == ["新人：你好"]


def test_some_of_a_line_that_was_covered_is_known_again(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    assembler.take(shown(tracker, SAID, 0, 1.0))
    assembler.retire(tracker.tracks, 1.6)
    tracker.tracks = []
    assembler.retire([], 5.0)
    assert assembler.take(shown(tracker, (*SAID[:4], SAID[4][:4]), 10, 5.0)) == []


def test_a_picture_of_another_size_shows_what_was_told(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    tracker.scrolled = 90.0
    assembler.take(shown(tracker, SAID, 0, 1.0))
    assembler.retire(tracker.tracks, 1.0)
    assembler.retire([], float(np.inf))
    later = Tracker(nothing, first=10)
    anew = Assembler(later, 1.0, assembler, 0.5)
    smaller = [
        line(10 + i, (100 + PITCH * i) / 2, text, right=100, time=2.0)
        for i, text in enumerate(SAID)
    ]
    later.tracks = [x.track for x in smaller]
    assert anew.take(smaller) == []


def test_a_badge_that_was_taken_for_text_once_does_not_make_another_line(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    joined = line(0, 100, "云朵香菜 来了", badge="59")
    joined.track.moved = 0.0
    assembler.take([joined])
    assembler.retire([joined.track], 1.1)
    again = line(1, 100, "*59 云朵香菜 来了", time=1.2)
    tracker.tracks = [again.track]
    assert all(row.revision for row in assembler.take([again]))


def test_another_area_goes_on_with_what_was_told(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    assembler.take(shown(tracker, SAID, 0, 1.0))
    assembler.retire(tracker.tracks, 1.0)
    assembler.retire([], float(np.inf))
    later = Tracker(nothing, first=10)
    anew = Assembler(later, 1.0, assembler)
    rows = anew.take(shown(later, (*SAID[1:], "新人：你好"), 10, 2.0))
    assert [row.text for row in rows] == ["新人：你好"]
