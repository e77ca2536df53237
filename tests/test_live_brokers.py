"""Redis, webhooks and Kafka: each event arrives, however often a broker goes away; addresses."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from live_records import body, records
from live_rows import row
from live_servers import Redis, free_port, running

from shizi.errors import MissingExtraError, ShiziError
from shizi.live.keep.sinks import Relay, SinkError, open_sink
from shizi.live.keep.store import Record, Store
from shizi.live.mean.grammar import load_grammar
from shizi.live.mean.value import load_rules
from shizi.live.room import Room

pytestmark = pytest.mark.usefixtures("impatient")
GRAMMAR, RULES = load_grammar("generic"), load_rules()


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
