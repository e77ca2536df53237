"""Messages: gifts, counts and cards, and what was told before is not told again."""

from __future__ import annotations

import numpy as np
import pytest
from live_lines import BLUE, TALL, WHITE, line, nothing, spaced

from shizi.live.event import Run
from shizi.live.see.messages.assemble import Assembler
from shizi.live.see.messages.wrap import Typography, continues
from shizi.live.see.reading.counting import same_message
from shizi.live.see.reading.line import SeenLine
from shizi.live.see.reading.vote import Sighting
from shizi.live.see.tracking.tracker import Tracker


@pytest.fixture
def tracker() -> Tracker:
    return Tracker(nothing)


def test_a_banner_is_one_gift_and_its_combo_one_event(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    name, gift = line(1, 100, "追风的旅人"), line(2, 150, "送出 小心心")
    count = line(3, 118, "×4", right=400)
    count.track.box[0] = 320
    rows = [row for part in (name, gift, count) for row in assembler.place(part)]
    assert [(row.track, row.text) for row in rows][-1] == (1, "追风的旅人送出 小心心×4")
    count.add(Sighting((Run("×5", WHITE),), 0.98, 30.0), 1.5)
    (row,) = assembler.place(count)
    assert (row.track, row.text) == (1, "追风的旅人送出 小心心×5")


def test_who_gives_next_is_new_on_a_banner_whose_wording_stood_still() -> None:
    name, gift = line(2, 100, "老王", time=9.0), line(1, 150, "送出 小心心")
    name.track.moved = gift.track.moved = 0
    gift.track.stayed = 3 * TALL
    assert gift.track.pinned and not name.track.pinned
    assert continues(name, name, gift, Typography())


def test_the_next_one_who_gives_the_same_in_that_place_is_somebody_else(tracker: Tracker) -> None:
    """Neither what was given nor a count that begins the one before is the earlier one."""
    assembler = Assembler(tracker, 1.0)

    def banner(first: int, user: str, count: str, time: float) -> list[SeenLine]:
        lines = [
            line(first, 100, user, time=time),
            line(first + 1, 118, count, right=400, time=time),
            line(first + 2, 128, "送出 小心心", time=time),
        ]
        lines[1].track.box[0] = 320
        for x in lines:
            x.track.moved = 0.0
        return lines

    tracker.tracks = [line(20 + i, 300 + 40 * i, "小明：好").track for i in range(5)]
    for track in tracker.tracks:
        track.last = 1.6  # the list was not covered
    before = banner(1, "老王", "×14", 1.0)
    assembler.take(before)
    assembler.retire([x.track for x in before], 1.5)
    rows = assembler.take(banner(11, "小鹿", "×1", 1.6))
    assert (rows[-1].track, rows[-1].text) == (11, "小鹿送出 小心心×1")


def test_words_are_parted_where_they_wrap(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    assembler.place(line(1, 100, "Nightbot: ", "It was amazing, too. It", right=395))
    (row,) = assembler.place(line(2, 136, "was professional."))
    assert row.text == "Nightbot: It was amazing, too. It was professional."


def test_a_nickname_may_be_broken_too() -> None:
    above = line(1, 100, "[Lv.4] 孤独的兔子")
    assert continues(above, above, line(2, 132, "359：", "听歌"), spaced(2))
    assert not continues(above, above, line(2, 132, "[Lv.9] 小鱼：", "听歌"), spaced(2))


def test_a_row_that_comes_back_to_its_place_is_not_told_again(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    first = line(1, 100, "小鱼：", "今天有什么活动", badge="7")
    assert [row.text for row in assembler.place(first)] == ["7小鱼：今天有什么活动"]
    assembler.retire([first.track], 2.0)
    closed = assembler.retire([], 4.0)
    assert [row.closed for row in closed] == [True]
    tracker.scrolled += 60  # it went up while it was hidden
    again = line(2, 40, "糙7 小鱼：", "今天有什么活动", time=4.2)
    assert assembler.place(again) == []


def test_the_same_said_again_stands_elsewhere_and_is_told(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    first = line(1, 100, "小鱼：", "来了来了")
    assembler.place(first)
    assembler.retire([first.track], 2.0)
    assembler.retire([], 4.0)
    tracker.scrolled += 60
    assert len(assembler.place(line(2, 100, "小鱼：", "来了来了", time=4.2))) == 1


def test_what_is_read_of_a_line_that_was_cut_off_gives_way_to_all_of_it(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    row = line(1, 100, "相名字好前敖·")
    row.size = np.array([180, TALL - 8], np.float32)
    assembler.place(row)
    row.track.version += 1
    row.add(Sighting((Run("想名字好煎熬：", BLUE),), 0.98, 30.0), 1.5)
    (told,) = assembler.place(row)
    assert told.text == "想名字好煎熬："


def test_a_fading_look_takes_nothing_back(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    row = line(1, 100, "小鱼：", "今天有什么活动")
    assembler.place(row)
    row.track.version += 1
    row.add(Sighting((Run("★小鱼：", BLUE), Run("今天有什么活勤", WHITE)), 0.95, 12.0), 1.5)
    assert assembler.place(row) == []
    assert row.best.text == "小鱼：今天有什么活动"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("小鱼送出玫瑰×2", "小鱼送出玫瑰×5", True),
        ("小鱼送出玫瑰×2", "小鱼送出玫瑰x2", True),
        ("追风的旅人", "追风的旅人 ×4", True),
        ("孤独的姑娘284：骑空士？？？", "★49孤独的姑娘284：骑空士？？？", True),
        ("七月丽丽进入直播间", "温柔先生进入直播间", False),
        ("小鱼送出玫瑰×2", "团子送出跑车×3", False),
        ("大听雨 送出 热气球 ×3", "42) 大听雨★ 送出 热气球 ×3", True),
    ],
)
def test_what_changed_in_place_may_be_the_same_message(old: str, new: str, expected: bool) -> None:
    assert same_message(old, new) is expected


def test_a_gift_of_two_lines_gives_its_place_to_the_next(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    old = line(1, 100, "小鱼 ", "送出 嘉", right=395), line(2, 132, "年华 ×3")
    for part in old:
        part.track.moved = 0.0  # it stands in a place of its own
        told = assembler.place(part)
    assert told[-1].text == "小鱼 送出 嘉年华 ×3"
    new = line(3, 100, "老王 ", "送出 棒", right=395, time=9.0)
    new.track.moved = 0.0
    old[1].track.last = 9.0  # the lower line looks as before, but a sign
    assembler.place(new)
    assert old[1].track.wanted
    old[1].add(Sighting((Run("棒糖 ×1", WHITE),), 0.98, 30.0), 9.1)
    (row,) = assembler.place(old[1])
    assert (row.track, row.text) == (3, "老王 送出 棒棒糖 ×1")


@pytest.mark.parametrize(("late", "joins"), [("×11", True), ("x 3个", True), ("11", False)])
def test_a_count_that_no_longer_fits_its_line_joins_it(
    tracker: Tracker, late: str, joins: bool
) -> None:
    assembler = Assembler(tracker, 1.0)
    gift = line(1, 100, "小鱼 ", "送出 嘉年华", right=395)
    assembler.place(gift)
    gift.track.last = 9.0
    (row,) = assembler.place(line(2, 132, late, time=9.0))
    assert (row.track, row.text) == ((1, f"小鱼 送出 嘉年华{late}") if joins else (2, late))


def test_a_row_read_again_after_a_passing_change_keeps_its_votes(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    row = line(1, 100, "小鱼：", "有没有大码")
    row.add(Sighting((Run("小鱼：", BLUE), Run("有没有大码", WHITE)), 0.98, 30.0), 1.2)
    assembler.place(row)
    row.track.version += 1
    row.add(Sighting((Run("小角：", BLUE), Run("有没有大码", WHITE)), 0.97, 30.0), 1.4)
    assembler.place(row)
    assert row.best.text == "小鱼：有没有大码"


def test_a_line_that_was_read_before_its_beginning_is_joined_to_it(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    (end,) = assembler.place(line(2, 132, "求上链接！"))
    (whole,) = assembler.place(line(1, 100, "小鱼："))
    assert (end.text, whole.text) == ("求上链接！", "小鱼：求上链接！")
    assert (whole.track, whole.revision) == (end.track, 1)


def test_what_is_hidden_of_a_turn_that_is_over_is_not_told_again(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    old = line(1, 100, "小鱼 ", "送出 嘉", right=395), line(2, 132, "年华 ×3")
    new = line(3, 100, "老王 ", "送出 棒棒糖 ×1", time=9.0)
    for part in (*old, new):
        part.track.moved = 0.0
        assembler.place(part)
    assert assembler.place(old[1]) == []


def test_no_two_messages_of_a_line_have_one_number(tracker: Tracker) -> None:
    """A line whose turn was over is seen after all, with other words."""
    tracker.number()
    assembler = Assembler(tracker, 1.0)
    old, new = line(0, 100, "小鱼 送出 玫瑰 ×1"), line(1, 104, "老王 送出 跑车 ×2", time=2.0)
    tracker.number()
    for part in (old, new):
        part.track.moved = 0.0
    rows = [*assembler.place(old), *assembler.place(new)]
    old.track.last = new.track.last = 3.0
    old.version = -1
    old.add(Sighting((Run("团子 送出 墨镜 ×3", WHITE),), 0.98, 30.0), 3.0)
    rows += assembler.place(old)
    assert [row.track for row in rows] == [0, 1, 2]


def test_a_wrapped_line_that_was_lost_is_known_below_the_one_it_goes_on_with(
    tracker: Tracker,
) -> None:
    """Too short to be known by what it says, and read otherwise."""
    assembler = Assembler(tracker, 1.0)
    first, second = line(0, 100, "小鱼：", "支持支", right=395), line(1, 136, "持")
    tracker.tracks = [first.track, second.track]
    (row,) = assembler.take([first])
    assert [r.text for r in assembler.take([second])] == ["小鱼：支持支持"]
    first.track.last = 2.0
    tracker.tracks = [first.track]
    assembler.retire([second.track], 2.0)
    again = line(2, 136, "付", time=2.0)
    tracker.tracks.append(again.track)
    assert {r.track for r in assembler.take([again])} <= {row.track}


def test_a_card_that_was_paid_for_is_one_message(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    lines = [
        line(1, 100, "小鹿"),
        line(2, 132, "¥30"),
        line(3, 168, "主播加油"),
        line(4, 230, "小明：好"),
    ]
    rows = assembler.take(lines)
    assert {r.track: r.text for r in rows} == {1: "小鹿¥30主播加油", 4: "小明：好"}


def test_nothing_goes_on_with_a_count() -> None:
    gift, other = line(1, 100, "小鹿 ", "送出 跑车 ×2"), line(2, 100 + TALL, "ason 关注了主播")
    assert not continues(gift, gift, other, spaced(2.0))
