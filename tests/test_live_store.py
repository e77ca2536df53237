"""The store: whole after any kill, the same in SQLite and Postgres, patient with both."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from live_rows import event, row
from live_servers import Postgres, running
from sqlalchemy import create_engine, inspect

from shizi.live.event import Gift
from shizi.live.keep import schema
from shizi.live.keep import store as store_module
from shizi.live.keep.schema import StoreError, metadata
from shizi.live.keep.store import Cursor, Entry, Record, Store
from shizi.live.mean.grammar import load_grammar
from shizi.live.mean.value import load_rules
from shizi.live.options import RoomOptions, WriterOptions
from shizi.live.room import Room
from shizi.waits import Waits

GRAMMAR, RULES = load_grammar("generic"), load_rules()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running(Postgres) as server:
        assert isinstance(server, Postgres)
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return str(request.getfixturevalue("postgres").address)


def test_events_come_back_as_they_went(address: str, request: pytest.FixtureRequest) -> None:
    room = request.node.name
    entries = [
        Entry(event(1, "小明", "多少钱？'\"\\ 😀"), 1, "v1"),
        Entry(event(2, "天天", kind="gift", gift=Gift("玫瑰", 3), level=7), 2, "v2"),
        Entry(event(3, "", "公告", kind="notice", time=0.1 + 0.2), 3, None),
    ]
    with Store(address) as store:
        assert store.open_room(room, "") is None
        store.save(room, entries, [])
    with Store(address) as store:  # the schema is there already
        assert sorted(store.entries(room), key=lambda e: e.track) == entries
        position = store.open_room(room, "")
        assert position is not None and (position.time, position.track) == (2.0, 3)


def test_later_revisions_win_whenever_they_come(address: str) -> None:
    first = event(10, "天天", kind="gift", gift=Gift("玫瑰", 1), closed=False)
    last = replace(first, revision=5, gift=Gift("玫瑰", 9))
    with Store(address) as store:
        store.save("revisions", [Entry(last, 10, "v"), Entry(last, 10, "v")], [])
        store.save("revisions", [Entry(first, 10, "v")], [])
        assert [e.event for e in store.entries("revisions")] == [last]


def test_outbox_and_cursors(address: str) -> None:
    with Store(address) as store:
        start = store.last_seq("out")
        records = [Record(start + i, json.dumps(i)) for i in range(1, 6)]
        store.save("out", [], records)
        store.save("out", [], records)  # the commit was done but not confirmed
        assert store.last_seq("out") == start + 5
        assert store.waiting("out", start + 2, 2) == records[2:4]
        assert store.cursor("out", "a") is None
        for sink, seq in (("a", 2), ("b", 4), ("a", 3)):
            store.advance("out", sink, Cursor(start + seq, f"{sink}{seq}"))
        assert store.cursor("out", "a") == Cursor(start + 3, "a3")
        store.trim("out", ["a", "b"])
        assert store.waiting("out", 0, 9) == records[3:]
        store.trim("out", ["b"])
        assert store.waiting("out", 0, 9) == records[4:]
        assert store.last_seq("out") == start + 5


def test_retention(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(address) as store:
        with monkeypatch.context() as clock:
            clock.setattr(store_module.time, "time", lambda: 1_000_000.0)
            store.save("old", [Entry(event(20, "小明"), 20, "v")], [])
        store.save("old", [Entry(event(21, "小红"), 21, "w")], [])
        assert store.retain("old", 30) == 1
        assert [e.event.user for e in store.entries("old")] == ["小红"]


def test_a_room_deletes_what_is_older_than_it_retains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed, writing = RoomOptions(resume=True), WriterOptions(retain=30.0)
    with Store(str(tmp_path / "store.db")) as store:
        with monkeypatch.context() as clock:
            clock.setattr(store_module.time, "time", lambda: 1_000_000.0)
            store.open_room("r", "")
            store.save("r", [Entry(event(1, "小明"), 1, "v")], [])
        with Room("r", GRAMMAR, RULES, store, [], resumed, writing) as room:
            room.feed(row("小红：在", track=0, time=50.0))
            room.feed(row("小红：不在", track=1, time=60.0))
        assert {e.event.user for e in store.entries("r")} == {"小红"}


def test_migrations_make_the_tables_that_the_code_uses(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(address) as store:
        tables = inspect(store._engine)
        for table in metadata.sorted_tables:
            found = {c["name"]: c["nullable"] for c in tables.get_columns(table.name)}
            wanted = {c.name: c.nullable for c in table.columns}
            keys = set(tables.get_pk_constraint(table.name)["constrained_columns"])
            assert {k for k in found if k not in keys} == {k for k in wanted if k not in keys}
            assert all(found[k] == wanted[k] for k in wanted if k not in keys)
            assert keys == {c.name for c in table.primary_key}
    monkeypatch.setattr(schema, "MIGRATIONS", ())
    with pytest.raises(StoreError, match="newer shizi"):
        Store(address)


def test_a_failed_migration_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ((*schema.MIGRATIONS[0], "CREATE NONSENSE"),)
    path = tmp_path / "store.db"
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", broken)
        with pytest.raises(StoreError, match="NONSENSE"):
            Store(str(path))
    engine = create_engine(f"sqlite:///{path}")
    assert inspect(engine).get_table_names() == []
    engine.dispose()
    Store(str(path)).close()


def test_sqlite_is_in_wal_mode(tmp_path: Path) -> None:
    with Store(str(tmp_path / "store.db")):
        with sqlite3.connect(tmp_path / "store.db") as direct:
            assert direct.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        direct.close()


@pytest.mark.parametrize("address", ["mysql://host/name", "://", "sqlite:////nowhere/at/all.db"])
def test_wrong_addresses_are_named(address: str) -> None:
    with pytest.raises(StoreError):
        Store(address)


def test_passwords_are_not_told() -> None:
    with pytest.raises(StoreError) as error:
        Store("postgresql://me:secret@127.0.0.1:1/name")
    assert "secret" not in str(error.value)


def test_a_known_room_is_not_written_over(tmp_path: Path) -> None:
    with Store(str(tmp_path / "store.db")) as store:
        with Room("r", GRAMMAR, RULES, store) as room:
            room.feed(row("小明：好"))
        with pytest.raises(StoreError, match="resume it"):
            Room("r", GRAMMAR, RULES, store)
        with pytest.raises(StoreError, match="same salt"):
            Room("r", GRAMMAR, RULES, store, options=RoomOptions(resume=True, hash_users="s"))


def test_the_board_is_rebuilt_from_the_store(tmp_path: Path) -> None:
    with Store(str(tmp_path / "store.db")) as store:
        with Room("r", GRAMMAR, RULES, store) as room:
            for i, name in enumerate(("想名字好煎熬", "琳琳", "想名宇好煎熬", "琳琳")):
                time = i * 200.0
                room.feed(row(f"{name}：多少钱", track=i, time=time))
                room.feed(row(f"{name}：多少钱？", track=i, time=time, revision=1, closed=True))
        before = room.board.standings()
        assert len(before) == 2
        with Room("r", GRAMMAR, RULES, store, options=RoomOptions(resume=True)) as again:
            assert again.board.standings() == before
            (update,) = [
                *again.feed(row("想名子好煎熬：拍了", track=0, time=900.0)),
                *again.feed(row("琳琳：我也是", track=1, time=950.0)),
            ][:1]
            assert update.viewer is not None and update.viewer.id in {s.viewer.id for s in before}
            assert update.event.id == "r-4"


def test_nicknames_are_hashed_in_every_place(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    options = RoomOptions(hash_users="salt")
    with Store(str(path)) as store:
        with Room("r", GRAMMAR, RULES, store, options=options) as room:
            updates = [*room.feed(row("想名字好煎熬：@琳琳 好", track=0, closed=True)),
                       *room.feed(row("想名宇好煎熬：来", track=1, closed=True)),
                       *room.feed(row("琳琳：嗯", track=2))]  # fmt: skip
        one, two, three = (u.event for u in updates)
        assert one.user == two.user != three.user
        assert one.text == f"@{three.user} 好"
        with Room("r", GRAMMAR, RULES, store, options=replace(options, resume=True)) as again:
            assert len(again.board.standings()) == 2
            again.feed(row("琳琳：嗯", track=0, time=50.0))
            (last,) = again.feed(row("琳琳：在", track=1, time=60.0))[-1:]
            assert last.event.user == three.user
    stored = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert "想名".encode() not in stored and "琳琳".encode() not in stored


KILLS = ("save:1:before", "save:3:after", "send:2:after", "advance:3:before", "advance:2:after")


def test_killed_at_any_write_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    child = Path(__file__).parent / "live_child.py"
    arguments = [
        sys.executable,
        str(child),
        str(tmp_path / "store.db"),
        str(tmp_path / "out.jsonl"),
    ]
    for kill in KILLS:
        run = subprocess.run([*arguments, kill], capture_output=True, text=True, check=False)
        assert run.returncode == -9, (kill, run.stderr)
    run = subprocess.run(
        [*arguments, "never:1:before"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    wanted = [f"第{k}条" for k in range(150)]
    assert sorted(texts) == sorted(wanted)
    with Store(str(tmp_path / "store.db")) as store:
        entries = list(store.entries("r"))
        assert [e.event.text for e in sorted(entries, key=lambda e: e.track)] == wanted
        assert all(e.event.closed for e in entries)


def test_postgres_may_restart_in_mid_stream() -> None:
    with running(Postgres) as server, Store(server.address) as store:
        with Room("restart", GRAMMAR, RULES, store) as room:
            for k in range(60):
                if k == 20:
                    room._writer.flush()
                    server.stop()
                if k == 40:
                    server.start()
                room.feed(row(f"小明：第{k}条", track=k, time=float(k), closed=True))
        assert [e.event.text for e in store.entries("restart")] == [f"第{k}条" for k in range(60)]


def test_a_store_that_another_is_making_is_waited_for(tmp_path: Path) -> None:
    """SQLite refuses the change to a journal at once, whatever the connection's patience."""
    path, waited = tmp_path / "store.db", threading.Event()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE theirs (x)")

    class Waiting(Waits):
        def take(self) -> float:
            if not waited.is_set():
                other.execute("COMMIT")
                waited.set()
            return 0.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_module, "Waits", Waiting)
        with Store(str(path)) as store:
            assert store.open_room("room", "") is None
    other.close()
    assert waited.is_set()
