"""The dashboard in a real browser, and over a bare connection."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import cv2
import numpy as np
import pytest
from live_rows import row
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from shizi.errors import ShiziError
from shizi.live.event import Event, Gift
from shizi.live.keep.store import Store
from shizi.live.mean.grammar import load_grammar
from shizi.live.mean.value import load_rules
from shizi.live.options import DashboardOptions
from shizi.live.query import Query
from shizi.live.room import Room
from shizi.live.session import Session
from shizi.live.show.dashboard import EVENTS, Dashboard, Stats, ViewerCard

FREE = DashboardOptions(port=0)
RULES = load_rules()
EVENING = datetime.datetime(2026, 11, 24, 20, 0).timestamp()
SAID = (("小红同学", "多少钱"), ("小红同学", "已拍"), ("路人甲乙", "包邮吗"), ("路人甲乙", "好看"))


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Dashboard]:
    path = tmp_path / "s.db"
    with Store(str(path)) as store, Room("一号", load_grammar("generic"), RULES, store) as room:
        room.begin(Session("a", 0.0, EVENING, "given"))
        for number, (who, what) in enumerate(SAID):
            room.feed(row(f"{who}：", what, track=number, time=number, closed=True))
    query = Query({"一号": str(path), "二号": ""}, RULES)
    with Dashboard(["一号", "二号"], FREE, ["一号"], query.routes()) as served:
        yield served


def socket(dashboard: Dashboard, room: str = "", **more: str) -> ClientConnection:
    return connect(f"{dashboard.url.replace('http', 'ws')}socket?room={room}", **more)  # type: ignore[arg-type]


def said(number: int, text: str = "好看") -> Event:
    return Event(f"r-{number}", 0, float(number), "comment", f"用户{number}", text, 0.9)


def messages(connection: ClientConnection, count: int) -> list[dict[str, object]]:
    return [json.loads(connection.recv(timeout=5)) for _ in range(count)]


def test_who_comes_late_gets_the_latest_of_everything(dashboard: Dashboard) -> None:
    for number in range(EVENTS + 5):
        dashboard.publish_event("一号", said(number))
    dashboard.publish_event("一号", said(20, "改了"))
    dashboard.publish_board("一号", {"核心": 1}, [ViewerCard("v1", "小明", "核心", 9.5, 3, 1)])
    with socket(dashboard) as connection:
        got = messages(connection, EVENTS + 2)
    assert got[0] == {"type": "hello", "rooms": ["一号", "二号"], "room": "一号", "kept": True}
    assert got[1]["tiers"] == {"核心": 1}
    events = [message["event"] for message in got[2:]]
    assert len({event["id"] for event in events}) == EVENTS  # type: ignore[index]
    assert events[-1]["text"] == "改了"  # type: ignore[index]


def test_rooms_do_not_mix(dashboard: Dashboard) -> None:
    with socket(dashboard, "二号") as connection:
        messages(connection, 1)
        dashboard.publish_event("一号", said(1))
        dashboard.publish_event("二号", said(2))
        (event,) = messages(connection, 1)
        assert event["event"]["id"] == "r-2"  # type: ignore[index]


def test_strangers_are_turned_away(dashboard: Dashboard) -> None:
    for room, headers in (("三号", {}), ("", {"origin": "http://elsewhere.example"})):
        with pytest.raises(Exception, match="403"):
            socket(dashboard, room, **headers)


def test_a_browser_that_does_not_keep_up_is_let_go(dashboard: Dashboard) -> None:
    with socket(dashboard, max_queue=1) as slow:  # type: ignore[arg-type]
        for number in range(6000):
            dashboard.publish_event("一号", said(number, "长" * 4000))
        with pytest.raises(ConnectionClosedError):
            while True:
                slow.recv(timeout=60)


def test_a_taken_port_is_named(dashboard: Dashboard) -> None:
    port = int(dashboard.url.rstrip("/").rpartition(":")[2])
    with pytest.raises(ShiziError, match=str(port)), Dashboard(["r"], DashboardOptions(port=port)):
        pass


def test_the_server_ends_with_its_block() -> None:
    with Dashboard(["r"], FREE) as served:
        assert urlopen(served.url + "health").read() == b"ok"
    served.publish_event("r", said(1))  # nobody listens, nothing happens
    with pytest.raises(OSError, match=r"refused|reset"):
        urlopen(served.url + "health", timeout=2)


def asked(dashboard: Dashboard, path: str, **body: object) -> Any:
    data = json.dumps(body).encode() if body else None
    with urlopen(Request(dashboard.url + "api/" + quote(path, safe="/?=&"), data)) as reply:
        return json.load(reply)


def test_the_store_answers_for_viewers(dashboard: Dashboard) -> None:
    best, other = asked(dashboard, "viewers")
    assert (best["user"], best["orders"], other["user"]) == ("小红同学", 1, "路人甲乙")
    assert asked(dashboard, f"viewers?tier={other['tier']}&search=路人")[0]["user"] == "路人甲乙"
    assert asked(dashboard, "viewers?tier=vip") == []
    known = asked(dashboard, f"viewers/{best['viewer']}")
    assert [e["text"] for e in known["events"]] == ["已拍", "多少钱"]
    assert [d["day"] for d in known["visits"]] == ["2026-11-24"]


def test_questions_are_open_until_they_are_ticked(dashboard: Dashboard) -> None:
    late, early = asked(dashboard, "questions?open=1")
    assert (late["about"], early["about"]) == (["shipping"], ["price"])
    assert early["clock"].startswith("2026-11-24T20:00:00")
    asked(dashboard, f"questions/{early['id']}", answered=True)
    assert [q["id"] for q in asked(dashboard, "questions?open=1")] == [late["id"]]
    assert [q["id"] for q in asked(dashboard, "questions?open=0")] == [early["id"]]
    asked(dashboard, f"questions/{early['id']}", answered=False)
    assert len(asked(dashboard, "questions?open=1")) == 2


@pytest.mark.parametrize(
    ("path", "status", "what"),
    [("viewers?room=二号", 400, "no store"), ("viewers/nobody", 404, "not known"),
     ("viewers?most=x", 400, "most")],
)  # fmt: skip
def test_what_cannot_be_answered_is_said(
    dashboard: Dashboard, path: str, status: int, what: str
) -> None:
    with pytest.raises(HTTPError) as refused:
        asked(dashboard, path)
    with refused.value as reply:
        assert reply.code == status and what in json.load(reply)["error"]


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs the chromium package")
@pytest.mark.parametrize("width", [1400, 390])
def test_the_page_in_a_browser(dashboard: Dashboard, width: int) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    picture = np.full((360, 640, 3), (90, 60, 30), np.uint8)
    dashboard.show("一号", cv2.imencode(".jpg", picture)[1].tobytes())
    dashboard.publish_event("一号", said(1, "<b>多少钱</b>"))
    gift = Event("r-9", 0, 61.0, "gift", "小红", "", 0.9, 12, Gift("小心心", 7))
    dashboard.publish_event("一号", gift)
    dashboard.publish_board(
        "一号", {"新客": 3, "核心": 1}, [ViewerCard("v2", "小红", "核心", 9, 3, 1)]
    )
    dashboard.publish_stats("一号", Stats(75, 6.2, 0.4, 3, 1, 2))
    dashboard.publish_gifts("一号", [{"name": "小心心", "count": 8, "worth": 8.0}])
    dashboard.publish_minutes("一号", {0: {"comment": 1}, 1: {"gift": 1}})
    dashboard.publish_state("一号", "stopped; starting again")
    dashboard.publish_event("一号", replace(said(1, "早一点"), id="r-0", time=0.5))
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": width, "height": 800})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.goto(dashboard.url)
        page.wait_for_selector("#events li:nth-child(3)")
        assert "早一点" in page.inner_text("#events li:nth-child(1)")  # by time, however they came
        assert "<b>多少钱</b>" in page.inner_text("#events li:nth-child(2)")
        assert "小心心 ×7" in page.inner_text("#events li:nth-child(3)")
        dashboard.publish_event("一号", replace(gift, gift=Gift("小心心", 8)))
        page.wait_for_selector("#events li:has-text('×8')")
        assert page.locator("#events li").count() == 3
        assert page.inner_text("#board td:nth-child(1)") == "小红"
        assert page.inner_text("#tiers button:last-child strong") == "3"
        assert page.inner_text("#g-dropped") == "3"
        assert page.inner_text("#g-events") == "2" and page.inner_text("#g-reconnects") == "1"
        assert page.inner_text("#gifts").split() == ["小心心", "8", "8.0"]
        assert page.inner_text("#state") == "stopped; starting again"
        assert page.locator("#rooms a").count() == 2
        page.wait_for_selector("#frame[src^='blob:']")
        dashboard.publish_event("一号", said(3, "包邮吗"), clock=EVENING, asks=["shipping"])
        page.wait_for_selector("#questions li:has-text('20:00:00')")
        small = "e => e.filter(one => one.offsetHeight && one.offsetHeight < 40).length"
        assert page.locator("button, input, nav a").evaluate_all(small) == 0
        with page.expect_response("**/api/questions/r-3*") as ticked:
            page.click("#questions button")
        assert ticked.value.ok and page.locator("#questions li").count() == 0
        dashboard.publish_alert("一号", {**asked(dashboard, "viewers")[0], "kind": "enters"})
        page.click("#alerts button")
        page.wait_for_selector("#p-events li:has-text('多少钱')")
        assert "2026-11-24" in page.inner_text("#p-days")
        shown = page.locator("#frame").evaluate("img => img.decode().then(() => img.naturalWidth)")
        assert shown == 640
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, "the page scrolls sideways"
        browser.close()
    assert not problems
