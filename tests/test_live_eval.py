"""Scores of live rooms on cases made by hand."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from shizi.cli import main
from shizi.errors import DataError
from shizi.evaluate.live import read_events, score_events
from shizi.evaluate.rooms import compare, run_live_eval
from shizi.evaluate.sets import LiveEvalOptions
from shizi.live.event import Event, Gift, Kind
from shizi.live.options import SimulateOptions
from shizi.live.simulate import simulate


def event(time: float, kind: Kind, user: str, text: str = "", count: int = 0) -> Event:
    gift = Gift("玫瑰", count) if count else None
    return Event(f"{time}-{user}", 0, time, kind, user, text, 1.0, gift=gift, closed=True)


TRUTH = [
    event(1.0, "comment", "小鱼", "晚上好"),
    event(2.0, "comment", "小鱼", "晚上好"),
    event(3.0, "join", "老王"),
    event(4.0, "gift", "团子", count=3),
]


def test_all_right() -> None:
    score = score_events(TRUTH, TRUTH)
    assert score.hits().f1 == score.gifts == 1.0
    assert score.user_cer == score.text_cer == score.lag == score.doubles == 0


def test_two_equal_comments_are_two_events() -> None:
    score = score_events(TRUTH, [TRUTH[0], *TRUTH[2:]])
    assert [e.text for e in score.missed] == ["晚上好"]
    assert score.hits("comment").recall == 0.5
    assert score.doubles == 0


def test_a_row_told_twice_is_a_double() -> None:
    again = event(1.5, "join", "老王")
    score = score_events(TRUTH, [*TRUTH, again])
    assert (score.doubles, len(score.false)) == (1, 1)
    assert score.hits().precision == 0.8
    assert score.hits().recall == 1.0


def test_an_event_is_found_only_near_its_time_and_of_its_kind() -> None:
    late, other = event(9.0, "join", "老王"), event(3.0, "follow", "老王")
    score = score_events([TRUTH[2]], [late, other])
    assert score.hits().right == 0
    assert score.hits("join").f1 == score.hits("follow").f1 == 0.0


def test_errors_in_names_texts_and_counts() -> None:
    found = [
        event(1.0, "comment", "小渔", "晚上好"),
        event(2.2, "comment", "小鱼", "晚 上好"),
        event(3.0, "join", "老王"),
        event(4.0, "gift", "团子", count=2),
    ]
    score = score_events(TRUTH, found)
    assert score.user_cer == pytest.approx(1 / 8)
    assert score.text_cer == 0  # spaces do not count
    assert score.gifts == 0.0
    assert score.summary()["f1_gift"] == 1.0


def test_levels_count_where_there_is_one_or_one_was_told() -> None:
    truth = [replace(TRUTH[0], level=7), replace(TRUTH[2], level=30), TRUTH[3]]
    found = [replace(TRUTH[0], level=7), TRUTH[2], TRUTH[3]]
    assert score_events(truth, found).levels == 1 / 2
    assert score_events(found, truth).summary()["levels"] == 1 / 2
    assert score_events(TRUTH, TRUTH).levels == 1.0


def test_nothing_told_and_nothing_happened() -> None:
    assert score_events([], []).hits().f1 == 1.0
    assert score_events(TRUTH, []).hits().recall == 0.0
    assert score_events([], TRUTH).hits().precision == 0.0


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text(json.dumps(TRUTH[0].to_dict()) + "\n{}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"truth\.jsonl:2"):
        read_events(path)


def test_screenshots_are_matched_one_to_one() -> None:
    truth = [("星星", "四件套"), ("星星", "四件套"), ("Ghost", "Enter the room")]
    told = [("星星⭐", "四件套"), ("Ghost", "进入直播间"), ("云", "你好")]
    right, wrong = compare(truth, told)
    assert right == 2
    assert ("星星：四件套", "") in wrong or ("星星：四件套", "云：你好") in wrong


def test_without_scipy_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("shizi.evaluate.live", "shizi.evaluate.rooms"):
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    assert main(["eval", "live", "--data", "none"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "scipy" in said and "[live]" in said


def test_nothing_to_score_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no clip"):
        run_live_eval(LiveEvalOptions((tmp_path,)))


def test_a_clip_is_followed_and_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = SimulateOptions(seed=7, seconds=8.0, shape="portrait", fps=10)
    simulate(options, tmp_path / "room.mp4", tmp_path / "room.jsonl")
    told = tmp_path / "told.json"
    command = ["eval", "live", "--data", str(tmp_path), "--repeat", "2", "--mistakes"]
    assert main([*command, "--json", str(told)]) == 0
    figures = json.loads(told.read_text(encoding="utf-8"))["clips"]["room"]
    assert figures["events"] == len(read_events(tmp_path / "room.jsonl")) > 3
    assert figures["f1"] > 0.9 and figures["doubles"] == 0
    assert figures["factor"] > 0 and "room" in capsys.readouterr().out
