"""Several rooms: their file, and processes that are started again."""

from __future__ import annotations

import json
import math
import os
import signal
import threading
import time as clock
from pathlib import Path

import pytest

from shizi.live.mean.settings import RulesError
from shizi.live.options import SimulateOptions
from shizi.live.rooms import Rooms, load_rooms
from shizi.live.show.dashboard import Publisher
from shizi.live.simulate import simulate

GOOD = """
shared: {store: all.db, fps: 8, sink: ["redis://localhost:6379/0"]}
rooms:
  evening: {source: rtmp://host/live, replay-speed: 1, platform: douyin}
  morning: {source: b.mp4, fps: 5, region: portrait, threads: 3, events: m.jsonl}
"""


def test_rooms_share_settings_and_have_their_own(tmp_path: Path) -> None:
    path = tmp_path / "rooms.yaml"
    path.write_text(GOOD, encoding="utf-8")
    evening, morning = load_rooms(path)
    assert (evening.room.room, morning.room.room) == ("evening", "morning")
    assert (evening.see.source.fps, morning.see.source.fps) == (8, 5)
    assert evening.see.source.replay_speed == 1 and evening.room.platform == "douyin"
    assert morning.see.region.region == "portrait" and morning.room.events == Path("m.jsonl")
    assert evening.room.sink == ("redis://localhost:6379/0",)
    assert evening.see.source.wait == math.inf  # rooms are followed evening after evening
    assert evening.room.threads == 1 and morning.room.threads == 3


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("region: portrait", "regoin: portrait", "rooms.morning.regoin: Unexpected"),
        ("fps: 5", "fps: fast", "rooms.morning.fps: "),
        ("fps: 5", "fps: -3", "rooms.morning.fps: must be from 0.01"),
        ("fps: 8", "fps: .nan", "rooms.evening.fps: must be from 0.01"),
        ("threads: 3", "threads: -1", "rooms.morning.threads: must be from 0"),
        ("region: portrait", "region: potrait", "rooms.morning.region: 'potrait' is no region"),
        ("source: b.mp4, ", "", "rooms.morning.source: "),
        ("store: all.db, ", "", "rooms.evening.store: missing"),
        ("platform: douyin", "events: m.jsonl", "rooms.morning.events: m.jsonl is written by"),
        ("rooms:", "romos:", "rooms: expected"),
        ("{source: rtmp://host/live, replay-speed: 1, platform: douyin}", "x", "rooms.evening: "),
        ("shared: {", "shared: [{", ":"),
    ],
)
def test_wrong_files_are_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "rooms.yaml"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(RulesError) as error:
        load_rooms(path)
    assert str(error.value).startswith(f"{path}:") and said in str(error.value)


class Seen(Publisher):
    def __init__(self) -> None:
        self.kinds: dict[str, set[str]] = {}
        self.states: list[str] = []

    def send(self, room: str, kind: str, key: str, message: str | bytes) -> None:
        self.kinds.setdefault(room, set()).add(kind)
        if kind == "state":
            self.states.append(json.loads(message)["state"])


def test_a_crashed_room_goes_on_and_is_named_and_a_wrong_one_ends(tmp_path: Path) -> None:
    options = SimulateOptions(seed=7, seconds=8.0, shape="portrait", fps=10)
    simulate(options, tmp_path / "clip.mp4", tmp_path / "truth.jsonl")
    path = tmp_path / "rooms.yaml"
    path.write_text(
        f"shared: {{store: {tmp_path}/rooms.db, threads: 1, region: portrait}}\n"
        f"rooms:\n  a: {{source: {tmp_path}/clip.mp4, events: {tmp_path}/a.jsonl}}\n"
        f"  b: {{source: {tmp_path}/none.mp4}}\n",
        encoding="utf-8",
    )
    lines: list[str] = []
    board = Seen()
    rooms = Rooms(load_rooms(path), lines.append, board)

    def kill() -> None:
        deadline = clock.monotonic() + 60
        while "event" not in board.kinds.get("a", ()) and clock.monotonic() < deadline:
            clock.sleep(0.02)
        os.kill(rooms.processes["a"], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    rooms.run()
    killer.join()
    assert list(rooms.failed) == ["b"] and "none.mp4 does not exist" in rooms.failed["b"]
    assert any("a: stopped with exit code -9; starting again" in line for line in lines)
    assert "ended" in board.states and any("exit code -9" in state for state in board.states)
    assert {"event", "board", "stats", "picture"} <= board.kinds["a"]
    events = (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    ids = [json.loads(line)["id"] for line in events]
    assert len(ids) > 4 and len(set(ids)) == len(ids)
