"""What comments are about: what was learnt of it, and the language of phrases."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from live_rows import event

from shizi.cli import main
from shizi.errors import DataError
from shizi.live.event import Event
from shizi.live.mean.intent import Topic, pattern, topics
from shizi.live.mean.learn import Comment, check, learn, read_labelled, without
from shizi.live.mean.learnt import Learnt, load_learnt
from shizi.live.mean.settings import RulesError
from shizi.live.mean.value import Viewer, load_rules, step

RULES = load_rules()
HELD = read_labelled(Path(__file__).parent / "data" / "live_intent.tsv")
"""Comments that nothing was learnt from."""


def test_what_comments_are_about_is_told() -> None:
    *topics, together = check(load_learnt("comments"), HELD)
    assert len(HELD) >= 400 and {found.topic for found in topics} == set(RULES.intent)
    assert together.precision >= 0.95 and together.recall >= 0.95
    assert min(min(found.precision, found.recall) for found in topics) >= 0.9


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("主播今年多大了", ()),
        ("快递小哥来了", ()),
        ("blink", ()),
        ("要了", ("order",)),
        ("拍一发一", ("order",)),
        ("抢到了", ("order",)),
        ("165 110斤", ("size",)),
        ("能便宜吗", ("coupon",)),
        ("咋卖", ("price",)),
        ("怎么退货", ("complaint",)),
    ],
)
def test_what_fans_say_has_its_topic_and_no_other(text: str, topics: tuple[str, ...]) -> None:
    assert RULES.topics(text) == topics


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


@pytest.fixture(scope="module")
def taught() -> Learnt:
    """A topic of somebody's own, taught by a few comments."""
    lines = [Comment(frozenset({"song"}), f"唱{word}歌") for word in "首支个段条"]
    return learn([*lines, *(Comment(frozenset(), f"{word}好看") for word in "真很好太不")])


def test_what_was_learnt_is_kept_in_a_file(taught: Learnt, tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    with path.open("wb") as file:
        taught.save(file)
    again = load_learnt(str(path))
    assert again.topics == taught.topics and again.places == taught.places
    assert np.abs(again.weights - taught.weights).max() <= np.abs(taught.weights).max() / 127
    assert again.about("唱首歌") == {"song"} and again.about("真好看") == frozenset()
    assert again.about("") == frozenset()


def test_phrases_of_ones_own_add_to_what_was_learnt_and_take_from_it() -> None:
    known = {"a": Topic(), "b": Topic(but=("不是",)), "c": Topic(says=("歌",))}
    assert topics("唱歌", known, (), frozenset("ab")) == ("a", "b", "c")
    assert topics("不是歌", known, (), frozenset("ab")) == ("a", "c")
    assert topics("歌", known, ()) == ("c",)


def test_wordings_with_alternatives_are_drawn_alike_each_time(tmp_path: Path) -> None:
    path = tmp_path / "comments.tsv"
    path.write_text("# a remark\nprice\t(多少/几块)(钱/)(啊/)\n-\t好看\nsize stock\t大码有吗\n")
    comments = read_labelled(path)
    assert comments == read_labelled(path)
    told = {c.text for c in comments if c.topics == {"price"}}
    assert told <= {a + b + c for a in ("多少", "几块") for b in ("钱", "") for c in ("啊", "")}
    assert len(told) > 4
    assert [(c.text, c.topics) for c in comments[-2:]] == [
        ("好看", frozenset()),
        ("大码有吗", {"size", "stock"}),
    ]
    assert {c.text for c in without(comments, comments[:1])} == {c.text for c in comments[1:]}


@pytest.mark.parametrize("line", ["price 多少钱", "price\t", "\t多少钱", "price\t(多少/几块"])
def test_wrong_lines_of_labels_are_refused_by_number(line: str, tmp_path: Path) -> None:
    path = tmp_path / "comments.tsv"
    path.write_text(f"-\t好看\n{line}\n")
    with pytest.raises(DataError, match=r"comments\.tsv:2: "):
        read_labelled(path)


def test_learning_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"song\t唱{word}歌" for word in "首支个段条"] + [
        f"-\t{word}好看" for word in "真很好太"
    ]
    (tmp_path / "a.tsv").write_text("\n".join(lines))
    (tmp_path / "held.tsv").write_text("song\t唱一首歌\n-\t真好看啊\n")
    (tmp_path / "chat.txt").write_text("打游戏\n你好\n")
    command = ["live", "learn", str(tmp_path / "a.tsv"), "--others", str(tmp_path / "chat.txt")]
    command += ["--held", str(tmp_path / "held.tsv"), "--out"]
    assert main([*command, str(tmp_path / "mine.npz")]) == 0
    assert re.search(r"song\W+1\W+100\.0\W+100\.0", capsys.readouterr().out)
    assert load_learnt(str(tmp_path / "mine.npz")).topics == ("song",)
    assert main([*command, str(tmp_path / "mine")]) == 2


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    for content in (b"nonsense", b""):
        path.write_bytes(content)
        with pytest.raises(RulesError, match="not what was learnt"):
            load_learnt.__wrapped__(str(path))
    np.savez(path, topics=np.array(["a"]))
    with pytest.raises(RulesError, match="not what was learnt"):
        load_learnt.__wrapped__(str(path))
    with pytest.raises(RulesError, match="comments"):
        load_learnt("nowhere.npz")


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
