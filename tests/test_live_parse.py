"""From rows to events: the wordings of the platforms, badges, colours and misread signs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_rows import row

from shizi.live.event import Event, Gift, Run
from shizi.live.mean.grammar import load_grammar
from shizi.live.mean.parse import Parser
from shizi.live.mean.settings import SHIPPED

PLATFORMS = sorted({p.stem for p in SHIPPED.glob("*.yaml")} - {"value"})


@cache
def parser(platform: str) -> Parser:
    return Parser(load_grammar(platform), "r")


GENERIC = parser("generic")


def parse(*runs: str, platform: str = "generic") -> Event:
    event = parser(platform).parse(row(*runs))
    assert event is not None
    return event


@pytest.mark.parametrize(
    ("runs", "user", "text"),
    [
        (("琳琳：月饼还补货吗？",), "琳琳", "月饼还补货吗？"),
        (("琳琳: ", "月饼还补货吗？"), "琳琳", "月饼还补货吗？"),
        (("琳琳;月饼有没有",), "琳琳", "月饼有没有"),  # the colon misread
        (("琳琳：:月饼有没有",), "琳琳", "月饼有没有"),  # the colon read twice
        (("琳琳：:)",), "琳琳", ":)"),
        (("琳琳", "月饼有没有"), "琳琳", "月饼有没有"),  # the colon lost, the colour not
        (("LV20", "Nightbot:", "It was amazing, too."), "Nightbot", "It was amazing, too."),
        (("Lv.6 小明：12:30开始",), "小明", "12:30开始"),
        (("★4", "☺风雨人生☺：", "想看下"), "风雨人生☺", "想看下"),
        (("43) Ray3258：1",), "Ray3258", "1"),  # the edge of a badge
        (("房管 ", "大大：", "好: 真好"), "大大", "好: 真好"),
        (("坑蒙拐骗", "来了 来了 来了"), "坑蒙拐骗", "来了 来了 来了"),
        (("主播：大家好",), "主播", "大家好"),  # a badge's word may be all the name there is
        (("国王的新衣：你好",), "国王的新衣", "你好"),
        (("1号选手：冲",), "1号选手", "冲"),
        (("-CRU：看来得去",), "-CRU", "看来得去"),
        (("小明：来了",), "小明", "来了"),  # said, not announced
        (("小明：关注了",), "小明", "关注了"),
        (("小明", "我来了"), "小明", "我来了"),
        (("听 _：270护甲",), "听 _", "270护甲"),
    ],
)
def test_comments(runs: tuple[str, ...], user: str, text: str) -> None:
    event = parse(*runs)
    assert (event.kind, event.user, event.text) == ("comment", user, text)


@pytest.mark.parametrize(
    "runs", [("大叔To", "ny 来了"), ("大叔", "Tony 来了"), ("阿云", "朵 来了")]
)
def test_what_shines_through_a_nickname_makes_no_comment_of_a_join(runs: tuple[str, ...]) -> None:
    event = parse(*runs)
    assert (event.kind, event.user) == ("join", "".join(runs).removesuffix(" 来了"))


@pytest.mark.parametrize(
    ("head", "runs", "user", "text"),
    [
        (2, ("小明好听",), "小明", "好听"),
        (4, ("27", "小明好听: 真的"), "小明", "好听: 真的"),
        (2, ("小", "明8点", "开播"), "小明", "8点开播"),  # what shines through parts it elsewhere
        (3, ("小明：", "好听"), "小明", "好听"),
        (0, ("小明好听呀",), "", "小明好听呀"),
        (4, ("你好，在吗",), "", "你好，在吗"),  # a sentence
    ],
)
def test_a_line_that_ended_early_is_a_nickname(
    head: int, runs: tuple[str, ...], user: str, text: str
) -> None:
    event = GENERIC.parse(replace(row(*runs), head=head))
    assert event and (event.user, event.text) == (user, text)


def test_a_line_that_ended_early_may_be_of_the_platforms_wording() -> None:
    gift = GENERIC.parse(replace(row("小明送出玫瑰×3"), head=2))
    assert gift and (gift.kind, gift.user, gift.gift) == ("gift", "小明", Gift("玫瑰", 3))


@pytest.mark.parametrize(
    ("text", "kind", "user"),
    [
        ("小明 来了", "join", "小明"),
        ("小明进入直播间", "join", "小明"),
        ("小明迸入直播问", "join", "小明"),
        ("欢迎 小明 进入直播间", "join", "小明"),
        ("Ghost_Beretta Enter the room", "join", "Ghost_Beretta"),
        ("小明 關注了主播", "follow", "小明"),
        ("小明为主播点赞了", "like", "小明"),
        ("小明分享了直播间", "share", "小明"),
        ("欢迎来到直播间！严禁未成年人直播", "system", ""),
        ("正在读取直播间信息", "system", ""),
        ("直播将于12:30开始", "system", ""),
    ],
)
def test_announcements(text: str, kind: str, user: str) -> None:
    event = parse(text)
    assert (event.kind, event.user) == (kind, user)
    assert event.text == (text if kind == "system" else "")


def test_announcements_with_text() -> None:
    assert (parse("直播公告：今晚八点").kind, parse("直播公告：今晚八点").text) == (
        "notice",
        "今晚八点",
    )
    crowd = parse("小明等 12 人来了")
    assert (crowd.kind, crowd.user, crowd.text) == ("join", "小明", "12")


@pytest.mark.parametrize(
    ("text", "user", "gift"),
    [
        ("天天 送出 小心心 ×3", "天天", Gift("小心心", 3)),
        ("天天送出小心心xl0", "天天", Gift("小心心", 10)),
        ("天天 送出 小心心 3", "天天", Gift("小心心", 3)),  # the mark was lost
        ("天天 送出 666", "天天", Gift("666", 1)),
        ("天天 送出 情书520 ×2", "天天", Gift("情书520", 2)),
        ("天天：送出了小心心", "天天", Gift("小心心", 1)),
        ("天天 送给主播 玫瑰 x 99", "天天", Gift("玫瑰", 99)),
        ("Lv12老李赠送给主播 嘉年华 3个", "老李", Gift("嘉年华", 3)),
        ("天天送了2个棒棒糖", "天天", Gift("棒棒糖", 2)),
        ("天天 x7送出 小心心", "天天", Gift("小心心", 7)),  # a banner, the count beside the name
        ("bob sent Rose x5", "bob", Gift("Rose", 5)),
    ],
)
def test_gifts(text: str, user: str, gift: Gift) -> None:
    event = parse(text)
    assert (event.kind, event.user, event.gift) == ("gift", user, gift)


@pytest.mark.parametrize(
    ("runs", "text", "gift"),
    [
        (("小鹿Leo", "¥30", "主播加油"), "主播加油", Gift("¥", 30)),
        (("小鹿Leo ￥30 ", "打卡"), "打卡", Gift("¥", 30)),
        (("小鹿Leo", "50电池", "冲"), "冲", Gift("电池", 50)),
    ],
)
def test_a_card_that_was_paid_for_is_a_gift_with_words(
    runs: tuple[str, ...], text: str, gift: Gift
) -> None:
    event = parse(*runs)
    assert (event.kind, event.user, event.text, event.gift) == ("gift", "小鹿Leo", text, gift)


def test_a_card_of_one_colour_is_parted_by_its_lines() -> None:
    event = GENERIC.parse(replace(row("小鹿¥30", "退货吗"), head=2))
    assert event is not None
    assert (event.user, event.text, event.gift) == ("小鹿", "退货吗", Gift("¥", 30))


@pytest.mark.parametrize(
    "runs", [("小鹿：", "这件¥30包邮"), ("小鹿", " 这件¥30包邮"), ("这件¥30包邮",)]
)
def test_a_price_within_what_is_said_is_no_gift(runs: tuple[str, ...]) -> None:
    event = parse(*runs)
    assert event.kind in ("comment", "system") and "¥30" in event.text


@pytest.mark.parametrize(
    ("platform", "text", "kind", "user"),
    [
        ("bilibili", "UL21 石河路 投喂 小花花 x5", "gift", "石河路"),
        ("kuaishou", "天天 送 棒棒糖 x 3", "gift", "天天"),
        ("kuaishou", "天天送出小心心x3", "gift", "天天"),
        ("taobao", "小雨 正在去购买", "system", "小雨"),
        ("douyu", "大鱼 赠送给主播 100个鱼丸", "gift", "大鱼"),
        ("huya", "公爵 老王 驾临直播间", "join", "老王"),
        ("tiktok", "Anna shared the LIVE", "share", "Anna"),
        ("douyin", "小美 加入了粉丝团", "system", "小美"),
    ],
)
def test_wordings_of_platforms(platform: str, text: str, kind: str, user: str) -> None:
    event = parse(text, platform=platform)
    assert (event.kind, event.user) == (kind, user)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_reads_the_common_wordings(platform: str) -> None:
    assert parse("小明 来了", platform=platform).kind == "join"
    gift = parse("天天 送出 小心心 ×3", platform=platform)
    assert gift.gift == Gift("小心心", 3)


def test_colour_alone_names_somebody_only_where_it_surely_does() -> None:
    def colours(*runs: tuple[str, tuple[int, int, int]]) -> Event:
        event = GENERIC.parse(replace(row(), runs=tuple(Run(*run) for run in runs)))
        assert event is not None
        return event

    white, grey, blue = (255, 255, 255), (150, 150, 150), (120, 210, 255)
    assert colours(("小明", blue), ("今天真好看", white)).user == "小明"
    assert colours(("小明 ", grey), ("今天真好看", white)).user == "小明"  # a gap says so too
    shade = colours(("主播今天", white), ("真好看", grey))
    assert (shade.kind, shade.user, shade.text) == ("comment", "", "主播今天真好看")
    sentence = colours(("好看，就是", blue), ("太贵了", white))
    assert (sentence.kind, sentence.user) == ("comment", "")


@pytest.mark.parametrize("runs", [("×", "4"), ("×4",), ("x", "12"), ("x 12",), ("✕3个",)])
def test_a_count_parted_from_its_gift_is_nobodys_comment(runs: tuple[str, ...]) -> None:
    assert GENERIC.parse(row(*runs)) is None
    assert parse("x：", "4").user == "x"


def test_a_notice_needs_no_colon() -> None:
    for runs in [("公告 今晚八点抽奖",), ("公告", "今晚八点抽奖"), ("公告今晚八点抽奖",)]:
        assert (parse(*runs).kind, parse(*runs).text) == ("notice", "今晚八点抽奖")
    assert parse("公告 福利：满199减50").text == "福利：满199减50"
    assert parse("公告小助手：", "在的").user == "公告小助手"


def test_a_notice_of_the_platform_is_nobodys_comment() -> None:
    event = parse("直播间", "倡导绿色健康，发现违规请举报")
    assert (event.kind, event.user) == ("system", "")
    assert parse("小明：", "直播间倡导绿色健康").user == "小明"


def test_a_colour_may_change_a_character_late() -> None:
    event = parse("小", "明进入直播间")
    assert (event.kind, event.user) == ("join", "小明")
    assert parse("天", "天 送出 小心心 ×3").gift == Gift("小心心", 3)
    late = parse("土豆Viv", "i来了")
    assert (late.kind, late.user) == ("join", "土豆Vivi")
    assert parse("土豆", "我来了").kind == "comment"


def test_levels() -> None:
    assert parse("LV20", "Nightbot:", "hi").level == 20
    assert parse("4", "甜甜跳跳跳 ", "进入直播间").level == 4
    assert parse("小明：LV20").level is None


@pytest.mark.parametrize("badge", ["[Lv,49]", "[y49]", "v.491", "[v.49)", "【LV·49]", "[Lv.491"])
def test_a_misread_level_in_brackets_is_one(badge: str) -> None:
    event = parse(f"{badge}小明：", "好看")
    assert (event.level, event.user, event.text) == (49, "小明", "好看")


@pytest.mark.parametrize("badge", ["[Lv24", "|Lv24|", "Lv24]", "(LV.24", "ILv24/", "{Lv24}"])
def test_a_level_in_a_frame_needs_no_closing_bracket(badge: str) -> None:
    event = parse(f"{badge}小明：", "好看")
    assert (event.level, event.user, event.text) == (24, "小明", "好看")


@pytest.mark.parametrize("badge", ["*51 ", "*51", "★51", "☆ 51 "])
def test_a_number_behind_an_icon_is_a_level(badge: str) -> None:
    event = parse(f"{badge}七月星河476 来了")
    assert (event.kind, event.level, event.user) == ("join", 51, "七月星河476")


@pytest.mark.parametrize(
    ("text", "user", "said"),
    [("Coco6818:666", "Coco6818", "666"), ("小鱼：9", "小鱼", "9"), ("v5:12", "v5", "12")],
)
def test_digits_on_both_sides_of_a_colon_are_no_time_of_day_if_there_are_too_many(
    text: str, user: str, said: str
) -> None:
    event = parse(text)
    assert (event.kind, event.user, event.text) == ("comment", user, said)


def test_a_nickname_is_no_sentence() -> None:
    event = parse("快乐柠檬 ", "新来的，关注了")
    assert (event.kind, event.user, event.text) == ("comment", "快乐柠檬", "新来的，关注了")


def test_a_nickname_ends_at_the_gap_rather_than_at_the_first_colour() -> None:
    event = parse("57", "奔", "跑的香菜 ", "这件多少钱")
    assert (event.level, event.user, event.text) == (57, "奔跑的香菜", "这件多少钱")


def test_a_time_of_day_names_nobody() -> None:
    assert parse("今晚 20:30 开播").user == ""


def test_a_level_ends_where_another_colour_begins() -> None:
    event = parse("LV24", "5号选手：", "好看")
    assert (event.level, event.user) == (24, "5号选手")


@pytest.mark.parametrize(
    "tag", ["[房管]", "[房管|", "[粉丝团]", "[粉丝团3]", "粉丝团 3 ", "|房管]"]
)
def test_a_title_in_a_frame_is_no_part_of_the_name(tag: str) -> None:
    assert parse(f"{tag}小明：好看").user == "小明"
    assert parse(f"[Lv24{tag}小明：好看").user == "小明"


@pytest.mark.parametrize("name", ["房管小明", "粉丝团长", "官方小号1"])
def test_a_name_that_begins_like_a_title_is_kept(name: str) -> None:
    assert parse(f"{name}：好看").user == name


@pytest.mark.parametrize("name", ["云12", "v587", "Lv.青柠", "[晚安]", "1571号"])
def test_a_nickname_like_a_level_is_kept(name: str) -> None:
    assert parse(f"{name}：", "好看").user == name


@pytest.mark.parametrize("runs", [("47", "Leo7999：", "在吗"), ("47", "Lucky：", "在吗")])
def test_a_level_ends_before_a_letter_like_a_digit(runs: tuple[str, ...]) -> None:
    event = parse(*runs)
    assert (event.level, event.user) == (47, runs[1].rstrip("："))


def test_medals_are_no_names_and_names_no_medals() -> None:
    medal = parse("小辣椒12", "大大：", "好", platform="bilibili")
    assert (medal.user, medal.level) == ("大大", None)  # the level is that of the fan club
    name = parse("云朵88", " 送出 ", "小心心 ×3", platform="bilibili")
    assert (name.user, name.gift) == ("云朵88", Gift("小心心", 3))
    assert parse("云朵88", " 来了", platform="bilibili").user == "云朵88"


def test_a_line_of_nobody_is_told_once_it_rolled_or_ended() -> None:
    head, said = row("房间观众(1284)"), row("小鱼：", "来了")
    for shown in (head, said):
        still = replace(shown, rolled=False)
        named = shown is said
        assert (GENERIC.parse(still) is not None) is named
        assert (GENERIC.parse(replace(still, pinned=True, closed=True)) is not None) is named
        assert GENERIC.parse(replace(still, closed=True)) is not None


@pytest.mark.parametrize("text", ["Send a message", "Top chat", "这里输入聊天内容"])
def test_what_the_app_writes_around_the_rows_is_no_event(text: str) -> None:
    assert GENERIC.parse(row(text)) is None


def test_the_colon_before_a_wording_has_either_colour() -> None:
    assert parse("小李飞刀：", "送出 玫瑰 ×1").gift == Gift("玫瑰", 1)
    assert parse("小李飞刀", "：送出 玫瑰 ×1").gift == Gift("玫瑰", 1)
    assert parse("J** ", "正在去买").kind == "system"


def test_score_weighs_the_fit() -> None:
    assert parse("小明进入直播间").score == 1.0
    misread = parse("小明进入直播问").score
    assert 0.5 < misread < 1.0
    parser_row = row("小明进入直播间", score=0.5)
    event = GENERIC.parse(parser_row)
    assert event is not None and event.score == 0.5


def test_bookkeeping_goes_along() -> None:
    event = GENERIC.parse(row("小明：好", track=7, revision=2, time=3.5, closed=True))
    assert event is not None
    assert (event.id, event.revision, event.time, event.closed) == ("r-7", 2, 3.5, True)


def test_rows_without_letters_tell_nothing() -> None:
    assert GENERIC.parse(row("…☆")) is None
    assert GENERIC.parse(row("")) is None


@given(st.lists(st.text(max_size=12), max_size=4))
def test_any_row_can_be_parsed(runs: list[str]) -> None:
    event = GENERIC.parse(row(*runs))
    if event is not None:
        assert 0.0 <= event.score <= 1.0
        joined = "".join(runs)
        assert event.user in joined


def test_a_border_may_be_a_character_off_before_a_gap() -> None:
    event = parse("Amy411", "7 来了")
    assert (event.kind, event.user) == ("join", "Amy4117")
