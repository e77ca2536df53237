"""Very many inputs: each is read once and accounted for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import batch_hands
import pytest
from batch_hands import BLACK, WRONG
from batching import files, picture, rows, told

from shizi.batch.manifest import Counts, Manifest
from shizi.batch.options import BatchFormat, BatchOptions
from shizi.batch.run import Batch
from shizi.batch.task import Outcome, Task
from shizi.errors import DataError, OptionError
from shizi.formats import FORMATS
from shizi.reader import ReaderOptions

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
