"""Viewers that last: over evenings, recordings and rooms of a store."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from live_rows import event, row

from shizi.errors import ShiziError
from shizi.live.event import Event, Gift
from shizi.live.keep.history import History
from shizi.live.keep.sinks.base import Sink
from shizi.live.keep.store import Record, Store
from shizi.live.mean.days import Days
from shizi.live.mean.grammar import load_grammar
from shizi.live.mean.value import load_rules
from shizi.live.options import (
    CropOptions,
    LiveOptions,
    Plan,
    RegionOptions,
    RoomOptions,
    SeeOptions,
    SimulateOptions,
    WriterOptions,
)
from shizi.live.room import Room, Update
from shizi.live.run import follow
from shizi.live.session import Session, day_of, session_at
from shizi.live.simulate import make_room, simulate

GRAMMAR, RULES = load_grammar("generic"), load_rules()
EVENING = datetime.datetime(2026, 11, 24, 20, 0).timestamp()
NEXT = EVENING + 86400


def opened(store: Store, name: str, *sinks: Sink) -> Room:
    return Room(name, GRAMMAR, RULES, store, sinks, RoomOptions(resume=True))


def said(room: Room, number: int, time: float, who: str, what: str) -> list[Update]:
    return room.feed(row(f"{who}：", what, track=number, time=time, closed=True))


def test_a_day_goes_on_past_midnight() -> None:
    assert day_of(EVENING) == day_of(EVENING + 5 * 3600) == "2026-11-24"
    assert day_of(EVENING + 10 * 3600) == "2026-11-25"


def test_stream_time_has_its_clock_in_each_session() -> None:
    sessions = [Session("a", 0.0, 1000.0, "given"), Session("b", 50.0, 9000.0, "file")]
    assert [session_at(sessions, t).at(t) for t in (0, 49, 50, 60)] == [1000, 1049, 9000, 9010]


def test_days_are_kept_true_by_corrections() -> None:
    days = Days(RULES, lambda time: EVENING + time)
    gift = event(1, "小明", kind="gift", gift=Gift("玫瑰", 99), closed=False)
    days.take(gift, "v1", "new", 1.0)
    right = event(1, "小明", kind="gift", gift=Gift("玫瑰", 9), closed=True)
    (day,) = days.take(right, "v1", "active", 2.0)
    assert (day.gifts, day.coins, day.tier, day.score) == (9, 9.0, "active", 2.0)
    (day,) = days.take(event(2, "小明", "多少钱"), "v1", "active", 2.0)
    assert (day.comments, day.questions, day.orders) == (1, 1, 0)
    days.take(event(3, "小明", "已拍", closed=False), "v1", "active", 2.0)
    old, new = days.take(event(3, "小朋", "已拍"), "v2", "new", 2.0)
    assert (old.viewer, old.orders, new.viewer, new.orders) == ("v1", 0, "v2", 1)


def test_viewers_are_known_over_evenings_and_rooms(tmp_path: Path) -> None:
    with Store(str(tmp_path / "s.db")) as store:
        with opened(store, "一号") as room:
            room.begin(Session("a.mp4", 0.0, EVENING, "given"))
            said(room, 1, 5.0, "小明同学", "多少钱")
            said(room, 2, 6.0, "小明同学", "已拍")
        with opened(store, "一号") as room:
            room.begin(Session("b.mp4", 86400.0, NEXT, "given"))
            said(room, 1, 86405.0, "小明同学", "还有吗")
        with opened(store, "二号") as room:
            room.begin(Session("c.mp4", 0.0, NEXT, "given"))
            said(room, 1, 1.0, "小明同学", "好看")
        history = History(store)
        (past,) = history.viewers()
        assert past.rooms == ("一号", "二号") and past.to_dict()["days"] == 2
        assert (past.comments, past.questions, past.orders) == (4, 2, 1)
        assert (past.first, past.last) == (EVENING + 5, NEXT + 5)
        assert [(r, d.day, d.comments) for r, d in past.visits] == [
            ("一号", "2026-11-25", 1), ("二号", "2026-11-25", 1), ("一号", "2026-11-24", 2),
        ]  # fmt: skip
        assert history.viewer(past.viewer) == past and history.viewer("nobody") is None


def test_a_run_that_goes_on_counts_a_day_on(tmp_path: Path) -> None:
    with Store(str(tmp_path / "s.db")) as store:
        with opened(store, "r") as room:
            room.begin(Session("a", 0.0, EVENING, "live"))
            room.feed(row("小明同学：", "多少钱", track=1, time=5.0))  # left open by a kill
            said(room, 2, 6.0, "小明同学", "好看")
            room._writer.flush()
            room._entries.clear()
        with opened(store, "r") as room:
            said(room, 1, 90.0, "小明同学", "包邮吗")
        ((_, day),) = History(store).days()
        assert (day.comments, day.questions) == (3, 2)


class _Heard(Sink):
    """A sink that remembers."""

    name = "heard"

    def __init__(self) -> None:
        self.bodies: list[dict[str, object]] = []

    def held(self, room: str) -> Sequence[Event]:
        return ()

    def open(self, room: str, place: str | None) -> None: ...

    def close(self) -> None: ...

    def send(self, records: Sequence[Record]) -> str:
        self.bodies += [json.loads(record.body) for record in records]
        return ""


def test_known_viewers_of_worth_are_announced(tmp_path: Path) -> None:
    with Store(str(tmp_path / "s.db")) as store:
        with opened(store, "r") as room:
            room.begin(Session("a", 0.0, EVENING, "given"))
            said(room, 1, 1.0, "豪气大哥", "送出嘉年华×1")
            room.feed(row("豪气大哥送出嘉年华×1", track=2, time=2.0, closed=True))
        heard = _Heard()
        with opened(store, "r", heard) as room:
            room.begin(Session("b", 86400.0, NEXT, "given"))
            room.feed(row("豪气大哥来了", track=1, time=86401.0, closed=True))
            updates = said(room, 2, 86402.0, "豪气大哥", "你好")
            updates += said(room, 3, 86403.0, "豪气大哥", "多少钱")
            updates += said(room, 4, 86404.0, "路人甲乙", "多少钱")
        kinds = [alert.kind for update in updates for alert in update.alerts]
        assert kinds[-1] == "asks" and kinds.count("asks") == 1
        told = [b["alert"] for b in heard.bodies if b["type"] == "alert"]
        assert [(a["kind"], a["user"], a["tier"]) for a in told] == [  # type: ignore[index]
            ("enters", "豪气大哥", "vip"), ("asks", "豪气大哥", "vip"),
        ]  # fmt: skip
        events = [b for b in heard.bodies if b["type"] == "event"]
        assert all(b["tier"] for b in events)
        assert str(events[0]["clock"]).startswith("2026-11-25T20:00:01")


def test_answers_are_kept(tmp_path: Path) -> None:
    with Store(str(tmp_path / "s.db")) as store:
        history = History(store)
        history.answer("r-1", True)
        history.answer("r-1", True)
        history.answer("r-2", True)
        history.answer("r-2", False)
        assert history.answered() == {"r-1"}


def test_a_second_recording_continues_the_room(tmp_path: Path) -> None:
    seen = SimulateOptions(seed=7, seconds=6.0, shape="portrait", fps=10)
    simulate(seen, tmp_path / "one.mp4", tmp_path / "truth.jsonl")
    shutil.copy(tmp_path / "one.mp4", tmp_path / "two.mp4")
    see = SeeOptions(region=RegionOptions(",".join(map(str, make_room(seen).region))))

    def watched(name: str, began: str, resume: bool) -> int:
        where = LiveOptions(room="r", store=str(tmp_path / "s.db"), began=began)
        plan = Plan(str(tmp_path / name), where, see, RoomOptions(resume=resume), WriterOptions(),
                    CropOptions())  # fmt: skip
        return follow(plan).events

    first = watched("one.mp4", "2026-11-24T20:00", False)
    second = watched("two.mp4", "2026-11-25T20:00", True)
    assert first == second > 3
    with Store(str(tmp_path / "s.db")) as store:
        history = History(store)
        assert [(s.base, s.began) for s in history.sessions("r")] == [(0, EVENING), (86400, NEXT)]
        assert {day.day for _, day in history.days()} == {"2026-11-24", "2026-11-25"}
        assert len(list(store.entries("r"))) == first + second
    shutil.copy(tmp_path / "one.mp4", tmp_path / "three.mp4")
    with pytest.raises(ShiziError, match="no time"):
        watched("three.mp4", "x", True)
