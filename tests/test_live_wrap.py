"""Which lines belong together: wrapped ones, and nicknames above what is said."""

from __future__ import annotations

import pytest
from live_lines import TALL, line, nothing, spaced

from shizi.live.see.messages.assemble import Assembler
from shizi.live.see.messages.wrap import Typography, continues, ends_early, two_steps
from shizi.live.see.tracking.tracker import Tracker


@pytest.fixture
def tracker() -> Tracker:
    return Tracker(nothing)


@pytest.mark.parametrize(
    ("pitch", "apart", "expected"),
    [(2.0, 1.2, True), (2.0, 1.9, False), (1.2, 1.2, False)],
)
def test_a_line_much_closer_than_messages_goes_on(
    pitch: float, apart: float, expected: bool
) -> None:
    above = line(1, 100, "小鱼：", "今天有什么")
    below = line(2, 100 + apart * TALL, "活动")
    assert continues(above, above, below, spaced(pitch)) is expected


def test_what_is_said_goes_on_below_a_nickname_whose_colon_was_overlooked() -> None:
    """Other nicknames, each on a line of its own, tell how far messages stand apart."""
    room = Typography()
    for i in range(6):
        room.note(line(i, 0, "在吗"), line(i, 2 * TALL, "老王：", right=400), joins=False)
    name, said = line(0, 0, "月下云303"), line(1, 1.1 * TALL, "昨天买的收到了")
    assert continues(name, name, said, room)


def test_how_far_messages_stand_apart_is_told_by_the_lines_themselves() -> None:
    """Nicknames without a colon, each above what is said; a banner stands further away."""
    assert two_steps([1.2, 2.1, 1.1, 2.0, 2.6, 1.3]) == pytest.approx((1.2, 2.1), abs=0.1)
    assert two_steps([1.9, 2.0, 2.1, 2.0, 1.9]) == (0, 0)  # one line each
    assert two_steps([1.2, 1.1, 1.2, 1.1]) == (0, 0)  # nothing between messages
    assert two_steps([1.9, 2.0, 2.9, 2.0, 2.8]) == (0, 0)  # banners among them


def test_a_nickname_above_what_is_said_is_parted_from_it(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    tops, texts = (0, 36, 96, 132, 192, 228), ("小鱼", "在吗", "老王", "多少钱", "团子", "没货了")
    lines = [line(i, y, t) for i, (y, t) in enumerate(zip(tops, texts, strict=True))]
    lines[-1].track.box[2] = 400  # there is room for more in the others
    rows = {row.track: row for row in assembler.take(lines)}
    assert [(r.text[: r.head], r.text[r.head :]) for r in rows.values()] == [
        ("小鱼", "在吗"), ("老王", "多少钱"), ("团子", "没货了"),
    ]  # fmt: skip


def test_a_line_that_was_full_is_no_nickname() -> None:
    full, rest = line(1, 100, "今天有什么", right=380), line(2, 136, "活动", right=80)
    word = line(2, 136, "something", right=200)
    assert not ends_early(full, rest, 400) and not ends_early(line(1, 0, "a", right=250), word, 400)
    assert ends_early(line(1, 100, "小鱼", right=80), rest, 400)


def test_a_full_line_goes_on_where_messages_stand_as_close() -> None:
    above = line(1, 100, "小鱼：", "今天有什么", right=395)
    assert continues(above, above, line(2, 136, "活动"), spaced(1.2))
    assert not continues(above, above, line(2, 136, "老王：", "来了"), spaced(1.2))


def test_a_full_line_ends_its_message_where_the_next_line_stands_as_far_as_messages_do() -> None:
    room = spaced(1.5)
    room.study(line(0, y, "").track.box for y in (0, 33, 78, 111, 156, 189))
    above = line(1, 100, "小鱼：", "今天有什么", right=395)
    assert continues(above, above, line(2, 100 + 1.1 * TALL, "活动"), room)
    assert not continues(above, above, line(2, 100 + 1.45 * TALL, "活动"), room)


def test_a_line_in_another_colour_than_the_one_above_ends_in_is_of_somebody_else() -> None:
    above, room = line(1, 100, "小鱼：", "信号不好", right=395), spaced(1.4)
    assert continues(above, above, line(2, 136, "卡了"), room) is True
    assert continues(above, above, line(2, 136, "老王", "送出 情书"), room) is False


def test_a_line_that_speaks_as_the_one_above_does_is_of_somebody_else() -> None:
    """Nicknames in grey and what is said in black may seem one colour."""
    above, room = line(1, 100, "小鱼：没抢到，能不能", right=395), spaced(1.4)
    assert continues(above, above, line(2, 141, "再上一点"), room)
    assert continues(above, above, line(2, 141, "12:30开始"), room)
    assert not continues(above, above, line(2, 141, "老王：好的"), room)


def test_low_letters_bring_lines_no_further_apart() -> None:
    room = Typography(usual=TALL)
    high, low = line(1, 100, "Any plans", right=395), line(2, 130, "are now", right=100)
    low.track.box[[1, 3]] = 138, 152
    assert room.apart(high.track, low.track) == 1.0


def test_where_lines_stand_tells_before_the_first_is_read_how_they_belong(tracker: Tracker) -> None:
    boxes = [line(0, y, "").track.box for y in (0, 33, 100, 133, 200, 233)]
    wise, fresh = Assembler(tracker, 1.0), Assembler(tracker, 1.0)
    wise.study(boxes, TALL)
    for assembler, rows in ((wise, 1), (fresh, 2)):
        name, said = line(0, 100, "小鱼", right=80), line(1, 136, "今天有什么", right=400)
        assert len({row.track for row in assembler.take([name, said])}) == rows


def test_what_is_said_on_a_card_stands_on_a_ground_of_its_own() -> None:
    name, paid = line(1, 100, "小鱼"), line(2, 130, "¥200")
    assert continues(name, paid, line(3, 130 + 2.4 * TALL, "加油"), spaced(1.4))
    assert not continues(name, paid, line(3, 130 + 3 * TALL, "加油"), spaced(1.4))


def test_lines_with_room_between_them_do_not_tell_how_far_messages_stand_apart() -> None:
    """A notice far above, and rows that are read before those between them."""
    typography = Typography()
    for i in range(6):
        far = line(i, 0, "公告：", "满199减50", right=400)
        typography.note(far, line(i, 8 * TALL, "老王：", "来了"), joins=False)
    above = line(8, 100, "小鱼：", "在吗")
    assert not continues(above, above, line(9, 100 + 1.9 * TALL, "老王：", "来了"), typography)


def test_text_wraps_only_where_the_longest_of_the_lines_read_with_it_ends(tracker: Tracker) -> None:
    assembler = Assembler(tracker, 1.0)
    texts = [("小鱼 进入直播间", 200), ("老王 关注了主播", 210), ("团子 进入直播间了哦", 400)]
    lines = [line(i, 100 + 36 * i, text, right=right) for i, (text, right) in enumerate(texts)]
    assert [row.text for row in assembler.take(lines)] == [text for text, _ in texts]


def test_lines_that_roll_in_one_by_one_are_of_one_message() -> None:
    above = line(1, 100, "小鱼：", "今天有什么", right=395)
    below = line(2, 136, "活动", time=3.0)
    assert not continues(above, above, below, spaced(1.2))
    below.track.came = 0.5  # the roll that brought the line above goes on
    assert continues(above, above, below, spaced(1.2))


def test_a_line_much_closer_than_messages_goes_on_however_late_it_shows() -> None:
    above = line(1, 100, "听歌吧，今天有什么")
    assert continues(above, above, line(2, 136, "活动", time=9.0), spaced(2.0))
    assert not continues(above, above, line(2, 160, "活动", time=9.0), spaced(2.0))
    assert not continues(above, above, line(2, 136, "老王", " 来了", time=9.0), spaced(2.0))


def test_a_nickname_that_said_nothing_yet_is_gone_on_with_however_late() -> None:
    above = line(1, 100, "小鱼：")
    assert continues(above, above, line(2, 150, "", "活动", time=9.0), spaced(2.0))
    assert not continues(above, above, line(2, 150, "老王：", time=9.0), spaced(2.0))
