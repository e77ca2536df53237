"""Scores, tiers and the board: what is earned, how it fades, and that a replay agrees."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_rows import event

from shizi.cli import main
from shizi.live.event import KINDS, Event, Gift
from shizi.live.mean import board as board_module
from shizi.live.mean.board import Board
from shizi.live.mean.explain import describe, explain, replay
from shizi.live.mean.settings import RulesError
from shizi.live.mean.value import Viewer, load_rules, score, step, tier

RULES = load_rules()


def viewer_of(*events: Event) -> Viewer:
    viewer: Viewer | None = None
    for one in events:
        viewer = step(viewer, one, "v", RULES)
    assert viewer is not None
    return viewer


def test_what_is_counted() -> None:
    viewer = viewer_of(
        event(0, "小明", kind="join", level=3),
        event(60, "小明", "多少钱？包邮吗"),
        event(120, "小明", kind="gift", gift=Gift("玫瑰", 5)),
        event(5000, "小眀", "我又来了", score=0.5, level=4),
    )
    assert viewer.visits == 2
    assert viewer.dwell == 120.0  # the pause of more than `gap` is not watching
    assert viewer.counts == {"join": 1, "comment": 2, "gift": 1}
    assert (viewer.gifts, viewer.coins) == (5, 5.0)
    assert viewer.asked == {"price": 1, "shipping": 1}
    assert (viewer.name, viewer.level, viewer.first, viewer.last) == ("小明", 4, 0.0, 5000.0)


def test_terms_halve_over_their_half_lives() -> None:
    viewer = viewer_of(event(0, "小明", kind="gift", gift=Gift("火箭", 1)))
    gifts = RULES.terms["gifts"]
    now = score(viewer, RULES, 0.0)
    later = score(viewer, RULES, gifts.half_life)
    assert viewer.terms["gifts"] == min(gifts.most, gifts.earn["gift"] + 10000 * gifts.earn["coin"])
    assert later == pytest.approx(viewer.terms["gifts"] / 2, rel=0.01)
    assert now > later


def test_a_term_has_a_ceiling() -> None:
    talker = viewer_of(*(event(i, "小明", f"哈哈{i}") for i in range(500)))
    assert talker.terms["activity"] == RULES.terms["activity"].most
    assert tier(talker, RULES, 500.0) != "vip"


def test_tiers_ask_for_score_and_terms() -> None:
    new = viewer_of(event(0, "a", kind="join"))
    asking = viewer_of(event(0, "a", kind="join"), event(1, "a", "多少钱"))
    giver = viewer_of(event(0, "a", kind="gift", gift=Gift("嘉年华", 1)))
    tiers = [tier(v, RULES, 1.0) for v in (new, asking, giver)]
    assert tiers == ["new", "potential", "vip"]


def test_words_and_prices_are_found_however_they_were_read() -> None:
    assert RULES.topics("多少錢啊") == ("price",)
    assert RULES.topics("主播好看") == ()
    assert RULES.worth(event(1, "a", kind="gift", gift=Gift("嘉年華", 2))) == 60000
    assert RULES.worth(event(1, "a", kind="gift", gift=Gift("没见过", 3))) == 3 * RULES.price


def test_board_tells_news() -> None:
    board = Board(RULES)
    (arrived,) = board.apply(event(0, "小明", kind="join"), "v1")
    assert (arrived.kind, arrived.old, arrived.new, arrived.user) == (
        "arrived", None, "new", "小明",
    )  # fmt: skip
    (risen,) = board.apply(event(1, "小明", "多少钱"), "v1")
    assert (risen.kind, risen.old, risen.new) == ("tier", "new", "potential")
    assert board.apply(event(2, "", "公告", kind="notice"), None) == ()
    # Hours later somebody else says something; the question has faded meanwhile.
    news = board.apply(event(3, "小红", "哈哈", time=9000.0), "v2")
    assert [(c.kind, c.user, c.new) for c in news] == [("tier", "小明", "new"),
                                                       ("arrived", "小红", "new")]  # fmt: skip
    assert board.tiers()["new"] == 2
    assert len({c.id for c in (arrived, risen, *news)}) == 4


def test_corrections_take_back_what_was_wrong() -> None:
    board = Board(RULES)
    misread = event(0, "天天", kind="gift", gift=Gift("玫瑰", 99), closed=False)
    board.apply(misread, "v1")
    board.apply(replace(misread, gift=Gift("玫瑰", 9), revision=1), "v1")
    viewer = board.viewer("v1")
    assert viewer is not None and viewer.gifts == 9
    gone, came = board.apply(replace(misread, user="大大", revision=2), "v2")
    assert (gone.kind, gone.user, gone.new) == ("withdrawn", "天天", None)
    assert (came.kind, came.user) == ("arrived", "大大")
    assert board.viewer("v1") is None


def test_forgetting_old_viewers() -> None:
    board = Board(RULES)
    board.apply(event(0, "小明"), "v1")
    board.apply(event(9000, "小红"), "v2")
    assert board.forget(100.0) == ["v1"]
    assert [s.viewer.id for s in board.standings()] == ["v2"]


USERS = ("甜甜", "燕子", "琳琳", "雪沫小跟班", "")
EVENTS = st.lists(
    st.builds(
        lambda user, kind, text, time, count: (user, kind, text, time, count),
        st.sampled_from(USERS),
        st.sampled_from(KINDS),
        st.sampled_from(("多少钱", "哈哈", "", "已拍", "包邮吗")),
        st.floats(0, 4000).map(lambda t: round(t, 3)),
        st.integers(1, 99),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(EVENTS, st.data())
def test_a_replay_of_the_log_gives_the_same_board(
    made: list[tuple[str, str, str, float, int]], data: st.DataObject
) -> None:
    log = [
        Event(f"r-{i}", 1, t, k, u, s, 0.9, None, Gift("玫瑰", n) if k == "gift" else None, True)  # type: ignore[arg-type]
        for i, (u, k, s, t, n) in enumerate(sorted(made, key=lambda m: m[3]))
    ]
    board = Board(RULES)
    for one in log:
        if data.draw(st.booleans()):  # first misread, corrected later
            wrong = replace(one, revision=0, user=data.draw(st.sampled_from(USERS)), closed=False)
            board.apply(wrong, wrong.user or None)
        board.apply(one, one.user or None)
    again = Board(RULES)
    for one in log:
        again.apply(one, one.user or None)
    assert board.standings() == again.standings()
    shuffled = data.draw(st.permutations(log))
    scores = [(s.viewer.name, s.tier, s.score) for s in replay(shuffled, RULES).standings()]
    assert sorted(scores) == sorted((s.viewer.name, s.tier, s.score) for s in board.standings())


def test_explanations_name_every_term() -> None:
    board = replay([event(0, "小明", kind="join"), event(60, "小明", "多少钱？")], RULES)
    (best,) = board.standings(most=1)
    table = explain(best.viewer, RULES, board.now)
    assert f"score {best.score:.2f}" in table and "tier potential" in table
    assert all(name in table and name in describe(RULES) for name in RULES.terms)


def test_the_command_explains_rules_and_logs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["live", "rules"]) == 0
    out = capsys.readouterr().out
    assert all(tier.name in out for tier in RULES.tiers)
    log = tmp_path / "events.jsonl"
    log.write_text(json.dumps(event(1, "小明", "多少钱？").to_dict()) + "\n", encoding="utf-8")
    assert main(["live", "rules", "--check", str(log)]) == 0
    assert "小明: tier potential" in capsys.readouterr().out
    log.write_text("{}\n", encoding="utf-8")
    assert main(["live", "rules", "--check", str(log)]) == 1
    assert f"{log}:1: not an event" in capsys.readouterr().err


GOOD = """
terms: {talk: {earn: {comment: 1}, half_life: 60}}
tiers: [{name: low}, {name: high, score: 5}]
intent: {price: {says: [多少钱]}}
prices: {}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("comment: 1", "comments: 1", "unknown comments"),
        ("half_life: 60", "half_life: 0", "above 0"),
        ("half_life: 60", "half_life: soon", "terms.talk.half_life"),
        ("half_life: 60", "halflife: 60", "terms.talk.halflife"),
        ("{name: low}, ", "", "must ask for nothing"),
        ("score: 5", "score: 5, needs: {gifts: 1}", "no term gifts"),
        ("score: 5", "score: -1", "asks for less"),
        ("name: high", "name: low", "the same name"),
        ("price: {", "comment: {", "counted already"),
        ("[多少钱]", "[(多少钱]", "brackets"),
        ("prices: {}", "", "prices"),
    ],
)
def test_wrong_rules_are_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert load_rules(str(path)).tiers[1].score == 5
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(RulesError) as error:
        load_rules(str(path))
    assert said in str(error.value) and str(path) in str(error.value)


def test_what_a_viewer_is_called_cannot_speak_to_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(event(1, "\x1b[2J小明\n[red]", "好").to_dict()) + "\n")
    assert main(["live", "rules", "--check", str(log)]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said and "\\x1b[2J小明\\n[red]: tier" in said


def test_a_new_event_costs_one_step_however_much_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0

    def counted(*arguments: Any) -> Viewer:
        nonlocal steps
        steps += 1
        return step(*arguments)

    monkeypatch.setattr(board_module, "step", counted)
    board, costs = Board(RULES), []
    for i in range(3000):
        said = event(i, "小明", f"好{i}", time=i / 10, closed=False)
        steps = 0
        board.apply(said, "v")
        if i >= 30:
            past = event(i - 30, "小明", f"好{i - 30}", time=(i - 30) / 10, revision=1)
            board.apply(past, "v")  # closed, and no other text
        costs.append(steps)
    assert set(costs) == {1}


def test_the_best_are_found_without_a_look_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def counted(*arguments: Any) -> float:
        nonlocal looks
        looks += 1
        return score(*arguments)

    board = Board(RULES)
    for i in range(4000):
        board.apply(event(i, f"用户{i}", "多少钱" if i % 100 == 0 else "好", time=i / 10), f"v{i}")
    board.standings(10)
    monkeypatch.setattr(board_module, "score", counted)
    for i in range(4000, 4020):
        board.apply(event(i, f"用户{i}", "好", time=i / 10), f"v{i}")
        board.standings(10)
    assert looks < 20 * 200
    monkeypatch.undo()
    everybody = sorted(
        ((v, score(v, RULES, board.now)) for i in range(4020) if (v := board.viewer(f"v{i}"))),
        key=lambda known: (-known[1], known[0].id),
    )
    assert [s.viewer.id for s in board.standings(10)] == [v.id for v, _ in everybody[:10]]
    assert [s.viewer.id for s in board.standings()] == [v.id for v, _ in everybody]
    assert sum(board.tiers().values()) == 4020
