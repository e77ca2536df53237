"""Sinks: each event arrives, however often a broker, a file or the process goes away."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from live_rows import event, row
from live_servers import Redis, free_port, running

from shizi.errors import MissingExtraError, ShiziError
from shizi.live.event import Event
from shizi.live.keep.sinks import Relay, SinkError, base, open_sink
from shizi.live.keep.sinks.jsonl import JsonlSink
from shizi.live.keep.store import Record, Store
from shizi.live.mean.grammar import load_grammar
from shizi.live.mean.overlap import overlap
from shizi.live.mean.value import load_rules
from shizi.live.options import RoomOptions
from shizi.live.room import Room

GRAMMAR, RULES = load_grammar("generic"), load_rules()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(str(tmp_path / "store.db")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_FIRST_WAIT", 0.01)
    monkeypatch.setattr(base, "_LONGEST_WAIT", 0.05)


def body(number: int, closed: bool = True) -> str:
    told = {"event": event(number, "小明", f"第{number}条").to_dict(), "closed": closed}
    return json.dumps({"type": "event", "room": "r", **told, "revision": 0, "viewer": "v"})


def line(number: int) -> bytes:
    told = event(number, "小明", f"第{number}条").to_dict()
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"


def records(first: int, last: int) -> list[Record]:
    return [Record(n, body(n)) for n in range(first, last + 1)]


def texts(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]


class Flaky:
    """A sink that fails as told, after taking or before."""

    name = "flaky"

    def __init__(self, failures: list[str]) -> None:
        self.failures, self.got, self.opened = failures, [], 0
        self.got: list[int] = []

    def held(self, room: str) -> Sequence[Event]:
        return ()

    def open(self, room: str, place: str | None) -> None:
        self.opened += 1

    def send(self, some: Sequence[Record]) -> str:
        failure = self.failures.pop(0) if self.failures else ""
        if failure == "before":
            raise SinkError("away")
        self.got += [r.seq for r in some]
        if failure == "after":
            raise SinkError("no answer")
        return ""

    def close(self) -> None:
        pass


def test_a_relay_delivers_all_in_order(store: Store) -> None:
    sink = Flaky(["before", "", "after", "before"])
    store.save("r", [], records(1, 300))
    relay = Relay(store, "r", sink, 0)
    relay.start()
    store.save("r", [], records(301, 900))
    relay.finish(900)
    assert relay.close(30.0)
    assert list(dict.fromkeys(sink.got)) == list(range(1, 901))
    assert relay.trouble == "" and sink.opened == 4
    cursor = store.cursor("r", "flaky")
    assert cursor is not None and cursor.seq == 900


def test_a_relay_goes_on_where_it_stopped(store: Store) -> None:
    store.save("r", [], records(1, 5))
    first = Relay(store, "r", Flaky([]), 0)
    assert first.step() and not first.step()
    store.save("r", [], records(6, 9))
    later = Flaky([])
    assert Relay(store, "r", later, 9).step()
    assert later.got == [6, 7, 8, 9]


def test_a_sink_that_stays_away_costs_patience_only(store: Store) -> None:
    sink = Flaky(["before"] * 10_000)
    store.save("r", [], records(1, 5))
    relay = Relay(store, "r", sink, 0)
    relay.start()
    relay.finish(5)
    assert not relay.close(0.2)
    assert relay.trouble == "away"


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


def test_a_fault_that_nobody_foresaw_is_named_and_does_not_end_a_relay(store: Store) -> None:
    class Odd(Flaky):
        def send(self, some: Sequence[Record]) -> str:
            if self.failures:
                raise RuntimeError(self.failures.pop(0))
            return super().send(some)

    store.save("r", [], records(1, 5))
    sink = Odd(["odd"])
    relay = Relay(store, "r", sink, 0)
    relay.start()
    relay.finish(5)
    assert relay.close(20.0) and sink.got == [1, 2, 3, 4, 5]


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


def test_overlap_takes_what_most_speaks_for() -> None:
    known = [event(i, "小明", f"第{i}条") for i in range(10)]
    new = [event(i, "小明", f"第{i}条") for i in (10, 11, 12)]
    assert overlap(known, known[6:]) == [6, 7, 8, 9]
    assert overlap(known, [*known[8:], *new]) == [8, 9, None, None, None]
    assert overlap(known, [event(90, "燕子", "你好"), event(91, "琳琳", "多少钱")]) == [None, None]
    assert overlap([], known) == [None] * 10


def test_overlap_bears_rows_that_only_one_run_has_read() -> None:
    known = [event(i, f"小{c}", f"说了{c * 3}") for i, c in enumerate("甲乙丙丁戊己")]
    unread = event(90, "琳琳", "没读到的一条")
    assert overlap(known, [known[3], unread, known[4], known[5]]) == [3, None, 4, 5]
    assert overlap(known, [known[2], known[4], known[5]]) == [2, 4, 5]


def test_overlap_knows_a_notice_that_stands_still() -> None:
    notice = event(0, "", "全场满199减50", kind="notice", closed=False)
    known = [notice, *(event(i, "小明", f"第{i}条") for i in range(1, 9))]
    seen = [*known[5:], notice, event(20, "小红", "全场满199减50吗")]
    assert overlap(known, seen) == [5, 6, 7, 8, 0, None]
    stopped = [replace(notice, closed=True), *known[1:]]
    assert overlap(stopped, seen) == [5, 6, 7, 8, 0, None]


def test_overlap_does_not_take_a_new_comment_for_one_that_scrolled_away() -> None:
    known = [event(i, "小明", f"第{i}条", closed=False) for i in range(15, 21)]
    seen = [*known[1:], *(event(i, "小明", f"第{i}条") for i in range(21, 26))]
    assert overlap(known, seen) == [1, 2, 3, 4, 5, None, None, None, None, None]


@pytest.fixture(scope="module")
def redis_server() -> Iterator[Redis]:
    with running(Redis) as server:
        assert isinstance(server, Redis)
        yield server


def stream(server: Redis, key: str) -> list[dict[str, Any]]:
    from redis import Redis as Client

    with Client.from_url(server.address) as client:
        return [json.loads(fields[b"body"]) for _, fields in client.xrange(key)]


def test_redis_takes_a_record_once(redis_server: Redis) -> None:
    sink = open_sink(redis_server.address)
    sink.open("once", None)
    sink.send(records(1, 3))
    sink.send(records(2, 5))  # the answer was lost, the records were not
    sink.close()
    assert [b["event"]["text"] for b in stream(redis_server, "shizi:once")] == [
        f"第{n}条" for n in range(1, 6)
    ]
    with pytest.raises(SinkError, match="equal or smaller"):
        sink.send([Record(0, body(0))])  # older than the stream: another store wrote it
    sink.close()


def test_redis_may_restart_in_mid_stream(redis_server: Redis, store: Store) -> None:
    sink = open_sink(redis_server.address)
    with Room("restart", GRAMMAR, RULES, store, [sink]) as room:
        for k in range(90):
            if k == 30:
                redis_server.stop()
            if k == 60:
                room._writer.flush()
                redis_server.start()
            room.feed(row(f"小明：第{k}条", track=k, time=float(k), closed=True))
    told = [b for b in stream(redis_server, "shizi:restart") if b["type"] == "event"]
    assert [b["event"]["text"] for b in told] == [f"第{k}条" for k in range(90)]


class Hook(BaseHTTPRequestHandler):
    got: list[tuple[str, list[dict[str, Any]]]]
    answers: list[int]

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.got.append((self.headers["Idempotency-Key"], sent))
        self.send_response(self.answers.pop(0) if self.answers else 204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_a_webhook_is_tried_until_it_says_yes(store: Store) -> None:
    Hook.got, Hook.answers = [], [500, 429]
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        store.save("r", [], records(1, 3))
        relay = Relay(store, "r", open_sink(f"http://127.0.0.1:{server.server_port}/hook"), 0)
        relay.start()
        relay.finish(3)
        assert relay.close(20.0)
        server.shutdown()
        thread.join()
    assert [key for key, _ in Hook.got] == ["r-1-3"] * 3
    assert [b["event"]["text"] for b in Hook.got[-1][1]] == ["第1条", "第2条", "第3条"]


def fake_kafka(log: list[tuple[str, bytes, bytes]], fail: list[bool]) -> ModuleType:
    """The border of Kafka's client as far as the sink touches it."""
    kafka: Any = ModuleType("kafka")

    class KafkaError(Exception):
        pass

    class Future:
        def __init__(self, failed: bool) -> None:
            self.failed = failed

        def get(self, timeout: float) -> None:
            if self.failed:
                raise KafkaError("broker away")

    class KafkaProducer:
        def __init__(self, **config: Any) -> None:
            assert config["bootstrap_servers"] == ["a:1", "b:2"]
            assert config["acks"] == "all" and config["enable_idempotence"]

        def send(self, topic: str, key: bytes, value: bytes, headers: list[Any]) -> Future:
            log.append((topic, key, value))
            return Future(bool(fail) and fail.pop(0))

        def flush(self, timeout: float) -> None:
            pass

        def close(self, timeout: float) -> None:
            pass

    kafka.KafkaProducer, kafka.errors = KafkaProducer, SimpleNamespace(KafkaError=KafkaError)
    return kafka  # type: ignore[no-any-return]


def test_kafka_gets_every_record_at_least_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[tuple[str, bytes, bytes]] = []
    monkeypatch.setitem(sys.modules, "kafka", fake_kafka(log, [False, True]))
    store.save("r", [], records(1, 3))
    relay = Relay(store, "r", open_sink("kafka://a:1,b:2/events"), 0)
    relay.start()
    relay.finish(3)
    assert relay.close(20.0)
    assert {(topic, key) for topic, key, _ in log} == {("events", b"r")}
    assert [value.decode() for _, _, value in log[-3:]] == [r.body for r in records(1, 3)]
    assert len(log) == 6


def test_an_absent_kafka_is_trouble_not_the_end() -> None:
    pytest.importorskip("kafka")
    # In a process of its own: the client leaves sockets open when it cannot connect.
    code = (
        "from shizi.live.keep.sinks import SinkError, kafka\n"
        "kafka._PATIENCE = 0.2\n"
        f"sink = kafka.KafkaSink('kafka://127.0.0.1:{free_port()}/events')\n"
        "try: sink.open('r', None)\n"
        "except SinkError as error: print(error)\n"
        "sink.close()\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("kafka:127.0.0.1")


@pytest.mark.parametrize("address", ["ftp://host/file", "kafka://host:9092", "kafka:///topic"])
def test_wrong_addresses_are_named(address: str) -> None:
    with pytest.raises(ShiziError):
        open_sink(address)


@pytest.mark.parametrize(
    ("module", "address", "extra"),
    [("redis", "redis://h", "[redis]"), ("kafka", "kafka://h/t", "[kafka]")],
)
def test_missing_clients_are_named(
    monkeypatch: pytest.MonkeyPatch, module: str, address: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError) as error:
        open_sink(address)
    assert extra in str(error.value)
