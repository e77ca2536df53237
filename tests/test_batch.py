"""Very many inputs: each is read once and accounted for, whatever happens on the way."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, get_args

import batch_hands
import PIL.Image
import pytest
from batch_hands import BLACK, DEADLY, ENDLESS, ONCE, WRONG
from pictures import encode

from shizi.batch.hand import Process
from shizi.batch.manifest import Counts, Manifest
from shizi.batch.options import BatchFormat, BatchOptions
from shizi.batch.run import Batch, hands_of
from shizi.batch.task import Lost, Outcome, Task, Work
from shizi.errors import DataError, OptionError, ShiziError
from shizi.files import whole
from shizi.formats import FORMATS
from shizi.images.limits import PageOptions
from shizi.reader import ReaderOptions

Colour = tuple[int, int, int]


def picture(path: Path, *colours: Colour, side: int = 20) -> Path:
    """A picture of one colour, or a TIFF of several; page n is n pixels wider than the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *more = [PIL.Image.new("RGB", (side + n, side), c) for n, c in enumerate(colours)]
    if more:
        path.write_bytes(encode(first, "TIFF", save_all=True, append_images=more))
    else:
        path.write_bytes(encode(first, "PNG"))
    return path


def told(
    out: Path | str,
    *given: object,
    hands: Any = batch_hands.here,
    documents: PageOptions = PageOptions(),
    **options: Any,
) -> list[str]:
    """Run a batch, and return what failed."""
    with closing(Batch(BatchOptions(str(out), **options), documents, hands=hands)) as batch:
        batch.take_in(map(str, given))
        return [failure for outcome in batch.run() for failure in outcome.failures]


def processes(make: Any = batch_hands.sizes) -> Any:
    """Processes that read with what is made there."""
    return partial(hands_of, make=make)


def files(out: Path) -> list[str]:
    """Results, by their paths below the folder; hidden files too, but not the account's."""
    paths = (p.relative_to(out) for p in out.rglob("*") if p.is_file())
    return sorted(str(p) for p in paths if "batch.sqlite" not in p.name)


def rows(out: Path, what: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(out / "batch.sqlite")) as db:
        return db.execute(f"SELECT {what} FROM inputs ORDER BY number").fetchall()


# What becomes of an input


def test_an_input_gets_a_file_for_each_format(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "a.png", BLACK)
    picture(tmp_path / "in" / "b.tif", BLACK, BLACK)
    out = tmp_path / "out"
    assert told(out, tmp_path / "in", format="json,text") == []
    assert files(out) == ["in/a.json", "in/a.txt", "in/b.json", "in/b.txt"]
    assert (out / "in" / "a.txt").read_text() == "20乘20\n"
    first, second = (f"# {tmp_path}/in/b.tif#{n}\n{19 + n}乘20\n" for n in (1, 2))
    assert (out / "in" / "b.txt").read_text() == f"{first}\n{second}"
    assert rows(out, "state, pages, lines") == [("done", 1, 1), ("done", 2, 2)]


def test_pages_of_a_pdf_that_keep_their_text_are_counted(tmp_path: Path) -> None:
    given, out = Path(__file__).parents[1] / "samples" / "twocolumns.pdf", tmp_path / "out"
    for format, unread in (("pdf", 2), ("pdf,text", 0)):
        options = BatchOptions(str(out / format), format=format)
        with closing(Batch(options, hands=batch_hands.here)) as batch:
            batch.take_in([str(given)])
            (outcome,) = batch.run()
            report = batch.report()
        assert outcome.failures == ()
        assert (outcome.pages, outcome.unread, report.unread) == (2, unread, unread)


def test_what_cannot_be_read_is_named_and_costs_no_other(tmp_path: Path) -> None:
    bad = tmp_path / "b.png"
    bad.write_bytes(b"nothing of the kind")
    good = picture(tmp_path / "c.png", BLACK)
    mixed = picture(tmp_path / "d.tif", WRONG, BLACK)
    out = tmp_path / "out"
    missing, unknown, failed = told(out, tmp_path / "a.png", bad, good, mixed)
    assert missing == f"{tmp_path}/a.png: no such file; check the path"
    assert unknown.startswith(f"{bad}: is not a picture")
    assert failed == f"{mixed}#1: unexpected RuntimeError: engine failed"
    name = tmp_path.name
    assert files(out) == [f"{name}/c.txt", f"{name}/d.txt"]
    assert (out / name / "d.txt").read_text() == "21乘20\n"
    assert rows(out, "state, reason")[3] == ("failed", failed)


def test_a_batch_goes_on_where_it_was_cut_short(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in "abc":
        picture(folder / f"{name}.png", BLACK)
    options = BatchOptions(str(out), workers=1)
    with closing(Batch(options, hands=batch_hands.here)) as batch:
        batch.take_in([str(folder)])
        with closing(batch.run()) as ends:
            next(iter(ends))
    done = sum(state == "done" for (state,) in rows(out, "state"))
    assert done == 1
    with closing(Batch(options, hands=batch_hands.here)) as batch:
        assert batch.take_in([str(folder)]) == Counts(todo=2, done=1, failed=0)
        assert len(list(batch.run())) == 2
        assert batch.report().counts == Counts(0, 3, 0)
        assert batch.report().pages == 2


def test_what_changed_is_read_again_and_nothing_else(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in "abc":
        picture(folder / f"{name}.png", BLACK)
    told(out, folder)

    def ended() -> list[int]:
        return [run for (run,) in rows(out, "ended")]

    told(out, folder)
    assert ended() == [1, 1, 1]
    picture(folder / "b.png", BLACK, side=30)
    (out / "in" / "c.txt").unlink()
    told(out, folder)
    assert ended() == [1, 3, 3]
    assert (out / "in" / "b.txt").read_text() == "30乘30\n"
    assert (out / "in" / "c.txt").exists()
    told(out, folder, format="text,json")
    assert ended() == [4, 4, 4]


def test_what_failed_is_read_again_when_that_is_asked_for(tmp_path: Path) -> None:
    out, path = tmp_path / "out", picture(tmp_path / "a.png", WRONG)
    assert len(told(out, path)) == 1
    assert told(out, path) == []
    assert len(told(out, path, retry_failed=True)) == 1
    assert rows(out, "state, ended") == [("failed", 3)]


def test_a_file_that_shizi_did_not_write_stays(tmp_path: Path) -> None:
    out, path = tmp_path / "out", picture(tmp_path / "in" / "a.png", BLACK)
    mine = out / "in" / "a.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    expected = [f"{path}: {mine} is not as shizi wrote it; move it away"]
    assert told(out, path) == expected
    assert told(out, path, retry_failed=True) == expected
    assert mine.read_text() == "mine"
    mine.unlink()
    assert told(out, path, retry_failed=True) == []
    mine.write_text("corrected by hand")
    assert told(out, path) == []
    picture(path, BLACK, side=30)
    assert told(out, path) == expected
    assert mine.read_text() == "corrected by hand"


def test_an_account_that_is_not_ours_stays(tmp_path: Path) -> None:
    path = tmp_path / "batch.sqlite"
    path.write_bytes(b"a diary, long enough to be taken for a file of a database" * 20)
    with pytest.raises(DataError, match="is no account of a batch"):
        Manifest(path)
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE diary (text TEXT)")
    with pytest.raises(DataError, match="was not written by shizi"):
        Manifest(path)


def test_an_account_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", BLACK)
    with closing(Batch(BatchOptions(str(tmp_path / "out")), hands=batch_hands.here)) as batch:
        batch._manifest._db.execute("PRAGMA query_only = ON")
        with pytest.raises(DataError, match=r"batch\.sqlite: cannot be written \(attempt to"):
            batch.take_in([str(path)])


def test_one_run_at_a_time_holds_the_account(tmp_path: Path) -> None:
    with closing(Manifest(tmp_path / "m")), pytest.raises(DataError, match="another run"):
        Manifest(tmp_path / "m")
    Manifest(tmp_path / "m").close()


def test_a_full_disk_stops_the_batch_and_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shizi.batch import work
    from shizi.batch.work import FullError, read_input

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(work, "put", full)
    made = BatchOptions(str(tmp_path))
    with closing(Batch(made)) as batch, pytest.raises(FullError, match="No space left"):
        task = Task(1, str(picture(tmp_path / "a.tif", BLACK, BLACK)), "a", str(tmp_path / "o"))
        read_input(task, batch._work, batch_hands.sizes(ReaderOptions()), lambda _: None)


# Names


def named(tmp_path: Path, *given: str, out: Path | None = None) -> list[str]:
    out = out or tmp_path / "out"
    told(out, *given)
    return [name for (name,) in rows(out, "name")]


def test_names_keep_folders_apart_and_never_collide(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    for inner in ("2023/a.png", "2024/a.png", "2024/A.PNG", "2024/a.jpg", "a.png", "v1.2.png"):
        picture(scans / inner, BLACK)
    others = [tmp_path / other / "scans" for other in ("more", "most")]
    for other in others:
        picture(other / "a.png", BLACK)
    found = named(tmp_path, str(scans), *map(str, others))
    assert found[:4] == ["scans/2023/a", "scans/2024/A", "scans/2024/a.jpg", "scans/2024/a.png"]
    assert found[4:7] == ["scans/a", "scans/v1.2", "scans/a.png"]
    assert found[7].startswith("scans/a-")
    assert len(files(tmp_path / "out")) == len(found) == 8


def test_an_input_keeps_its_name_whatever_is_given_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "scans" / "b.png", BLACK)
    monkeypatch.chdir(tmp_path)
    ways: Sequence[str] = (
        "scans", "scans/b.png", "./scans/b.png", "scans/*.png", "sc*/b.png", "scans/**",
        str(tmp_path / "scans"), str(tmp_path / "scans" / "b.png"),
    )  # fmt: skip
    for n, way in enumerate(ways):
        assert named(tmp_path, way, out=Path(f"out{n}")) == ["scans/b"], way
    assert named(tmp_path, *ways, out=Path("all")) == ["scans/b"]
    monkeypatch.chdir(tmp_path / "scans")
    assert named(tmp_path, ".", out=Path("../here")) == ["b"]
    assert named(tmp_path, "../scans", "../../x.png", out=Path("../up")) == ["scans/b", "x"]


def test_lists_name_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in "abcd":
        picture(tmp_path / "in" / f"{name}.png", BLACK)
    Path("list.txt").write_text("in/a.png\n\nin/b.png\n", encoding="utf-8-sig")
    Path("zeros").write_text("in/c.png\0in/[d].png\0")
    assert named(tmp_path, "@list.txt", "@zeros") == ["in/a", "in/b", "in/c", "in/d"]
    with pytest.raises(DataError, match=r"^@none\.txt: cannot be read \(No such file"):
        told(tmp_path / "out", "@none.txt")


def test_results_are_no_inputs(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "a.png", BLACK)
    out = tmp_path / "in" / "out"
    pytest.importorskip("pikepdf")
    for _ in range(2):
        told(out, tmp_path / "in", format="pdf")
        assert files(out) == ["in/a.pdf"]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text there")
def test_names_of_any_bytes_and_of_any_length(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in (b"\xff\xfe.png", "字".encode() * 80 + b".png", "字".encode() * 80 + b"x.png"):
        picture(folder / os.fsdecode(name), BLACK)
    assert told(out, folder, format="text,alto") == []
    assert len(files(out)) == 6
    assert told(out, folder, format="text,alto") == []
    assert {run for (run,) in rows(out, "ended")} == {1}


# Processes


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


# Options, and files that several machines write


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"format": "text,picture"}, "^format: must be of text, .*, not 'picture'"),
        ({"format": ""}, "^format: must be"),
        ({"workers": -1}, "^workers: must be"),
        ({"out": "s3://bucket/out"}, "^manifest: name a file"),
    ],
)
def test_options_are_checked(wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        BatchOptions(**{"out": "out", **wrong})


def test_every_format_that_gives_a_file_an_input_is_known() -> None:
    assert set(get_args(BatchFormat)) == {name for name, kind in FORMATS.items() if not kind.single}


def test_an_outcome_with_failures_has_failed(tmp_path: Path) -> None:
    from shizi.batch.inputs import Found

    with closing(Manifest(tmp_path / "m")) as manifest:
        inputs = [Found(f"/{n}", f"{n}", f"{n}", "1:1") for n in "ab"]
        manifest.take_in(inputs, "", lambda _: None)
        for failures in ((), ("b: why",)):
            claimed = manifest.claim()
            assert claimed is not None
            manifest.end(claimed.number, Outcome(1, 2, seconds=0.5, failures=failures))
        assert manifest.claim() is None
        assert manifest.counts() == Counts(0, 1, 1)
        assert manifest.totals() == (2, 2, 4)


def test_what_another_machine_is_writing_is_not_swept_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.node", lambda: "other")
    writing = whole(tmp_path / "a.txt")
    part = writing.__enter__()
    part.write_text("whole")
    monkeypatch.setattr("platform.node", lambda: "here")
    monkeypatch.setattr("shizi.files._runs", lambda process: False)
    with whole(tmp_path / "a.txt") as other:
        other.write_text("first")
    writing.__exit__(None, None, None)
    assert (tmp_path / "a.txt").read_text() == "whole"
