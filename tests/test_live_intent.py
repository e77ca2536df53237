"""What comments are about: a labelled list, and the language of phrases."""

from __future__ import annotations

from pathlib import Path

import pytest
from live_rows import event

from shizi.live.event import Event
from shizi.live.mean.intent import Topic, pattern, topics
from shizi.live.mean.value import Viewer, load_rules, step

RULES = load_rules()
LABELLED = [
    (set(labels.split()) - {"-"}, text)
    for labels, _, text in (
        line.partition("\t")
        for line in (Path(__file__).parent / "data" / "live_intent.tsv")
        .read_text("utf-8")
        .splitlines()
    )
]


@pytest.mark.parametrize("topic", RULES.intent)
def test_topics_are_found_as_labelled(topic: str) -> None:
    assert len(LABELLED) >= 400
    told = {text for _, text in LABELLED if topic in RULES.topics(text)}
    true = {text for labels, text in LABELLED if topic in labels}
    assert len(told & true) >= 0.95 * len(told), f"wrong: {told - true}"
    assert len(told & true) >= 0.95 * len(true), f"missed: {true - told}"


@pytest.mark.parametrize(
    "text", ["不买了", "别买了", "没下单", "买了就后悔", "你们买了吗", "下次再买"]
)
def test_no_order_is_earned_by_its_contrary(text: str) -> None:
    assert "order" not in RULES.topics(text)


def test_one_clause_does_not_deny_another() -> None:
    assert RULES.topics("不错，下单了") == ("order",)
    assert RULES.topics("没抢到 刚才那件多少钱") == ("price",)


def test_orders_are_no_questions() -> None:
    assert RULES.questions(event(1, "a", "已拍，什么时候发货")) == ("shipping",)
    assert RULES.questions(event(1, "a", "怎么退货")) == ("complaint",)
    assert RULES.questions(event(1, "a", "多少钱", kind="notice")) == ()


def _viewer(*events: Event) -> Viewer:
    viewer: Viewer | None = None
    for one in events:
        viewer = step(viewer, one, "v", RULES)
    assert viewer is not None
    return viewer


def test_equal_comments_count_once_in_a_visit() -> None:
    once = _viewer(event(0, "a", "多少钱"))
    often = _viewer(
        *(event(i, "a", text) for i, text in enumerate(("多少钱", "多少錢", "多少 钱")))
    )
    assert often.asked == {"price": 1} and often.counts == {"comment": 3}
    assert often.terms["intent"] <= once.terms["intent"]
    later = _viewer(event(0, "a", "多少钱"), event(9000, "a", "多少钱"))
    assert later.asked == {"price": 2}


def test_phrases() -> None:
    known = {
        "a": Topic(("(红/蓝)颜色(的/)$", "<n>斤", "<n>_<n>", "link")),
        "b": Topic(("拍…了",), but=("没拍…了",), told=True),
    }

    def found(text: str) -> tuple[str, ...]:
        return topics(text, known, ("吗",))

    assert (
        found("要红颜色的") == found("蓝颜 色，快") == found("165 110") == found("LINK?") == ("a",)
    )
    assert found("红颜色的好看") == found("blink") == found("斤") == ()
    assert found("拍两单了") == ("b",)
    assert found("没拍两单了") == found("拍两单了吗") == found("拍，走了") == ()
    assert found("拍两单了，有吗") == ("b",)


@pytest.mark.parametrize("phrase", ["", "(好", "好)", "(好/)", "…"])
def test_phrases_that_say_nothing_are_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match="phrase"):
        pattern(phrase)
