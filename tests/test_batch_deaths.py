"""Processes of a batch: one that dies or hangs costs a page at most, and doubles nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import batch_hands
import pytest
from batch_hands import BLACK, DEADLY, ENDLESS, ONCE
from batching import files, picture, processes, rows, told

from shizi.batch.hand import Process
from shizi.batch.task import Lost, Task, Work
from shizi.errors import ShiziError
from shizi.images.limits import PageOptions
from shizi.reader import ReaderOptions


def test_a_death_is_given_a_second_chance(tmp_path: Path) -> None:
    paths = [picture(tmp_path / f"{n}.tif", BLACK, ONCE, BLACK) for n in range(2)]
    assert told(tmp_path / "out", *paths, hands=processes(), workers=2) == []
    assert rows(tmp_path / "out", "state, pages") == [("done", 3)] * 2


def test_a_page_that_kills_twice_is_given_up_and_costs_no_other(tmp_path: Path) -> None:
    out = tmp_path / "out"
    deadly = picture(tmp_path / "in" / "a.tif", BLACK, DEADLY, BLACK, DEADLY)
    picture(tmp_path / "in" / "b.png", BLACK)
    second, fourth = told(out, tmp_path / "in", hands=processes(), workers=1)
    assert second == (
        f"{deadly}#2: a process was killed, perhaps for want of memory, while it read this, twice"
    )
    assert fourth.startswith(f"{deadly}#4: a process was killed")
    assert rows(out, "state, pages") == [("failed", 2), ("done", 1)]
    assert (out / "in" / "a.txt").read_text().count("\n") == 5
    assert files(out) == ["in/a.txt", "in/b.txt"]


def test_a_page_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    out = tmp_path / "out"
    endless = picture(tmp_path / "in" / "a.tif", BLACK, ENDLESS, BLACK)
    (late,) = told(
        out, tmp_path / "in", hands=processes(), documents=PageOptions(timeout=2.5), workers=1
    )
    assert late == f"{endless}#2: took longer than 5 s; allow more, or leave it out"
    assert rows(out, "state, pages") == [("failed", 2)]


def test_an_input_at_which_a_process_dies_outside_its_pages_fails_alone() -> None:
    task = Task(1, "a.png", "a.png", "out/a")
    lost = Lost(None, "a process ended")
    again = task.after(lost)
    assert again is not None
    assert again.resume
    assert again.after(lost) is None
    assert task.after(Lost(None, "took longer", overtime=True)) is None


def test_an_input_is_not_to_blame_for_its_machine_at_once() -> None:
    task: Task | None = Task(1, "a.png", "a.png", "out/a")
    moves = 0
    while task is not None:
        task, moves = task.after(Lost(None, "its machine went away", moved=True)), moves + 1
    assert moves == 4


def test_a_killed_process_leaves_nothing_lying_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    work = Work(("text",), ReaderOptions(threads=1), PageOptions(), keep=False)
    hand = Process(work, make=batch_hands.sizes)
    hand.open()
    deadly = str(picture(tmp_path / "a.tif", BLACK, DEADLY))
    assert isinstance(hand.read(Task(1, deadly, deadly, str(tmp_path / "a"))), Lost)
    assert [len(list(path.iterdir())) for path in scratch.iterdir()] == [1]
    hand.close()
    assert list(scratch.iterdir()) == []


def test_no_reader_is_told_at_once(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", BLACK)
    with pytest.raises(ShiziError, match=r"^ctpn\.onnx: missing"):
        told(tmp_path / "out", path, hands=processes(batch_hands.none), workers=2)
    with pytest.raises(ShiziError, match=r"^no process begins to read; .* killed"):
        told(tmp_path / "out", path, hands=processes(batch_hands.stillborn))
    assert told(tmp_path / "out", path) == []


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="pins no process")
def test_each_process_is_pinned_and_has_a_thread_for_each_core(tmp_path: Path) -> None:
    allowed = os.sched_getaffinity(0)
    for n in range(4):
        picture(tmp_path / f"{n}.png", BLACK)
    told(tmp_path / "out", tmp_path, hands=processes(batch_hands.cores), workers=2)
    for path in (tmp_path / "out").rglob("*.txt"):
        core, threads = path.read_text().split()
        assert int(core.strip("[]")) in allowed
        assert threads == "1"


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_a_batch_that_is_killed_loses_and_doubles_nothing(tmp_path: Path) -> None:
    out, inputs = tmp_path / "out", [tmp_path / "in" / f"{n:02}.png" for n in range(40)]
    for n, path in enumerate(inputs):
        picture(path, BLACK, side=20 + n)
    command = [sys.executable, batch_hands.__file__, str(out), "2", str(tmp_path / "in")]
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as run:
            assert run.stdout is not None
            for _ in range(5):
                run.stdout.readline()
            run.kill()
            run.stdout.read()  # ends when its processes have ended too
    before = dict(rows(out, "number, time"))
    done = {number for number, state in rows(out, "number, state") if state == "done"}
    assert 15 <= len(done) < 40
    assert subprocess.run(command, capture_output=True, check=True).stdout.count(b"ended") == (
        40 - len(done)
    )
    after = dict(rows(out, "number, time"))
    assert {number: after[number] for number in done} == {number: before[number] for number in done}
    assert rows(out, "state") == [("done",)] * 40
    assert files(out) == [f"in/{path.stem}.txt" for path in inputs]
    for n, path in enumerate(inputs):
        assert (out / "in" / f"{path.stem}.txt").read_text() == f"{20 + n}乘{20 + n}\n"
