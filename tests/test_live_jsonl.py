"""A file of events: each is in it once, whatever becomes of the disk, the store and the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from live_records import body, line, records, texts
from live_rows import event, row

from shizi.errors import ShiziError
from shizi.live.keep.sinks import Relay, SinkError
from shizi.live.keep.sinks.jsonl import JsonlSink
from shizi.live.keep.store import Record, Store
from shizi.live.mean.grammar import load_grammar
from shizi.live.mean.value import load_rules
from shizi.live.options import RoomOptions
from shizi.live.room import Room

pytestmark = pytest.mark.usefixtures("impatient")

GRAMMAR, RULES = load_grammar("generic"), load_rules()


def test_jsonl_holds_final_events_only_in_their_json_form(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "deep" / "out.jsonl")
    sink.open("r", None)
    sink.send([Record(1, body(1, closed=False)), Record(2, body(2)),
               Record(3, json.dumps({"type": "change", "change": {}}))])  # fmt: skip
    sink.close()
    (line,) = (tmp_path / "deep" / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == event(2, "小明", "第2条").to_dict()
    assert "小明" in line  # readable, not escaped


@pytest.mark.parametrize(
    "torn", [b"", b'{"id": "r-3", "te', line(3), line(3)[:-1], line(3) + line(4)[:9]]
)
def test_jsonl_goes_on_where_it_was_torn(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "out.jsonl"
    sink = JsonlSink(path)
    sink.open("r", None)
    place = sink.send(records(1, 2))
    sink.close()
    with path.open("ab") as file:  # written, but the process died before the store heard of it
        file.write(torn)
    sink.open("r", place)
    sink.send(records(3, 4))
    sink.close()
    assert texts(path) == ["第1条", "第2条", "第3条", "第4条"]


def test_jsonl_that_cannot_be_written_is_trouble_not_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match="cannot write"):
        JsonlSink(tmp_path / "file" / "out.jsonl").open("r", None)


def test_jsonl_that_the_store_does_not_know_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    for first in (1, 3):
        sink = JsonlSink(path)
        assert len(sink.held("r")) == first - 1
        sink.open("r", None)
        sink.send(records(first, first + 1))
        sink.close()
    with path.open("ab") as file:
        file.write(b'{"id": "r-5", "ti')  # killed while it wrote
    sink = JsonlSink(path)
    sink.open("r", None)
    sink.send(records(5, 5))
    sink.close()
    assert texts(path) == [f"第{n}条" for n in range(1, 6)]


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x00\x00\x20ftypisom\x00\x0a\xff",
        b"notes of mine",
        b'{"id": "mine"}\n',
        b"[1]\n",
        json.dumps(event(1, "a").to_dict()).encode() + b"\nmy notes\n",
    ],
)
def test_what_holds_other_things_than_events_is_refused_as_it_is(
    store: Store, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(ShiziError, match="other than events"):
        Room("r", GRAMMAR, RULES, store, [JsonlSink(path)])
    with pytest.raises(ShiziError, match="other than events"):
        JsonlSink(path).open("r", None)
    assert path.read_bytes() == content


def test_a_folder_in_place_of_a_file_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ShiziError, match="cannot write"):
        JsonlSink(tmp_path).held("r")


def test_a_run_without_a_store_goes_on_in_the_file_of_the_last(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    for number in range(2):
        with (
            Store(str(tmp_path / f"{number}.db")) as store,
            Room("r", GRAMMAR, RULES, store, [JsonlSink(path)]) as room,
        ):
            room.feed(row(f"小明：第{number}次", track=0, closed=True))
            room.feed(row("琳琳：好", track=1, closed=True))
    told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [t["id"] for t in told] == ["r-0", "r-1", "r-2", "r-3"]


class Full:
    """A file on a disk that is full: half of what is written fits, and taking back may fail."""

    def __init__(self, file: Any, stuck: bool) -> None:
        self._file, self._stuck = file, stuck

    def write(self, data: bytes) -> int:
        self._file.write(bytes(data)[: len(data) // 2])
        raise OSError(28, "No space left on device")

    def truncate(self, size: int) -> None:
        if self._stuck:
            raise OSError(5, "Input/output error")
        self._file.truncate(size)

    def close(self) -> None:
        self._file.close()
        raise OSError(28, "No space left on device")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize("stuck", [False, True])
def test_a_disk_that_is_full_for_a_while_costs_no_event(
    store: Store, tmp_path: Path, stuck: bool
) -> None:
    path = tmp_path / "out.jsonl"
    sink = JsonlSink(path)
    relay = Relay(store, "r", sink, 0)
    store.save("r", [], records(1, 5))
    assert relay.step()
    store.save("r", [], records(6, 11))
    sink._file = Full(sink._file, stuck)  # type: ignore[assignment]
    relay.start()
    relay.finish(11)
    assert relay.close(20.0) and relay.trouble == ""
    assert texts(path) == [f"第{n}条" for n in range(1, 12)]


def test_what_a_store_lost_in_a_power_cut_stays_in_the_file_and_comes_back(tmp_path: Path) -> None:
    """The store is set back to an earlier state; the file is not."""
    path, db = tmp_path / "out.jsonl", tmp_path / "store.db"
    shown = [f"小明：第{k}条" for k in range(9)]
    with Store(str(db)) as store, Room("r", GRAMMAR, RULES, store, [JsonlSink(path)]) as room:
        for k in range(4):
            room.feed(row(shown[k], track=k, time=float(k), closed=True))
    earlier = db.read_bytes()
    resumed = RoomOptions(resume=True)
    with (
        Store(str(db)) as store,
        Room("r", GRAMMAR, RULES, store, [JsonlSink(path)], resumed) as room,
    ):
        for k in range(4, 7):
            room.feed(row(shown[k], track=k - 4, time=float(k) + 60, closed=True))
    for journal in tmp_path.glob("store.db-*"):
        journal.unlink()
    db.write_bytes(earlier)
    with Store(str(db)) as store:
        with Room("r", GRAMMAR, RULES, store, [JsonlSink(path)], resumed) as room:
            for k in range(5, 9):  # the first two are on the screen still
                time = max(70.0, k + 64.0)
                room.feed(row(shown[k], track=k - 5, time=time, closed=True))
        assert [e.event.text for e in store.entries("r")] == [f"第{k}条" for k in range(9)]
    assert texts(path) == [f"第{k}条" for k in range(9)]
    ids = [json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(set(ids)) == 9


def test_events_told_by_a_room_reach_the_file_once(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with Room("r", GRAMMAR, RULES, store, [JsonlSink(path)]) as room:
        room.feed(row("天天 送出 玫瑰 ×1", track=0))
        room.feed(row("天天 送出 玫瑰 ×9", track=0, revision=1))
        room.feed(row("小明：第1条", track=1, time=1.0, closed=True))
        room.feed(row("天天 送出 玫瑰 ×99", track=0, revision=2, closed=True))
        room.feed(row("琳琳：没关", track=2, time=2.0))  # closed when the room is
    told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [t["id"] for t in told] == ["r-1", "r-0", "r-2"]
    assert told[1]["gift"] == {"name": "玫瑰", "count": 99}
    assert store.waiting("r", 0, 9) == []  # taken by all, so not kept


def test_resuming_does_not_tell_twice(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    shown = [f"小{c}：{'666' if i % 2 else '来了来了'}" for i, c in enumerate("甲乙丙丁")]
    with Room("r", GRAMMAR, RULES, store, [JsonlSink(path)]) as room:
        for i, text in enumerate(shown):
            room.feed(row(text, track=i, time=float(i), closed=i < 2))
    resumed = RoomOptions(resume=True)
    with Room("r", GRAMMAR, RULES, store, [JsonlSink(path)], resumed) as room:
        updates = [u for i, text in enumerate([*shown[2:], "小戊：666"])
                   for u in room.feed(row(text, track=i, time=10.0))]  # fmt: skip
        updates += room.feed(row("小己：666", track=3, time=11.0))
        assert [(u.event.id, u.event.time) for u in updates] == [("r-6", 10.0), ("r-7", 11.0)]
    assert len(texts(path)) == 6
