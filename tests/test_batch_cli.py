"""``shizi batch``: what it prints, and how it exits."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Generator
from functools import partial
from pathlib import Path

import batch_hands
import pytest
from batch_hands import BLACK, WRONG
from batching import files, picture

from shizi.batch.run import Batch
from shizi.batch.task import Outcome
from shizi.cli import batch, main

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a picture that can be read, and one that cannot."""
    monkeypatch.setattr(batch, "Batch", partial(Batch, hands=batch_hands.here))
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "in" / "a.png", BLACK)
    picture(tmp_path / "wrong.png", WRONG)
    return tmp_path


def test_a_batch_reports_what_it_did(folder: Path, capsys: Captured) -> None:
    assert main(["batch", "in", "--out", "out"]) == 0
    report, err = capsys.readouterr()
    assert report.splitlines()[0] == "inputs   1: 1 done, 0 failed"
    assert report.splitlines()[1].startswith("read     1 (pages 1, lines 1) in ")
    assert report.splitlines()[2].endswith(" s  in/a.png, 1 page")
    assert err == ""
    assert files(folder / "out") == ["in/a.txt"]


def test_what_failed_is_named_and_the_exit_code_says_so(folder: Path, capsys: Captured) -> None:
    assert main(["batch", "in", "wrong.png", "none.png", "--out", "out"]) == 1
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "shizi: wrong.png: unexpected RuntimeError: engine failed",
        "shizi: none.png: no such file; check the path",
    ]
    assert out.splitlines()[0] == "inputs   3: 1 done, 2 failed"
    assert main(["batch", "in", "wrong.png", "--out", "out"]) == 1
    out, err = capsys.readouterr()
    assert out == "inputs   2: 1 done, 1 failed\n"
    assert err.splitlines() == [
        "shizi: 0 to read, 1 done and 1 failed before",
        "shizi: 1 failed before; --retry-failed reads them again",
    ]
    assert main(["batch", "in", "wrong.png", "--out", "out", "--retry-failed"]) == 1
    assert "engine failed" in capsys.readouterr().err
    assert main(["batch", "in", "--out", "out"]) == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["in"], "--out"),
        (["in", "--out", "wrong.png"], "wrong.png: is a file"),
        (["in", "--out", "."], "in lies in it; name a folder apart"),
        (["in", "--out", "in"], "in lies in it"),
        (["in", "--out", "out", "--format", "picture"], "format: must be"),
        (["in", "--out", "s3://bucket/out"], "manifest: name a file"),
        (["@empty", "--out", "out"], "there is nothing to read"),
    ],
)
def test_usage_that_makes_no_sense_is_told(
    arguments: list[str], told: str, folder: Path, capsys: Captured
) -> None:
    (folder / "empty").touch()
    assert main(["batch", *arguments]) == 2
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 2
    assert told in err[0]


def test_an_interrupt_says_that_the_same_command_goes_on(
    folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(Batch):
        def run(self) -> Generator[Outcome, None, None]:
            yield from super().run()
            raise KeyboardInterrupt

    monkeypatch.setattr(batch, "Batch", partial(Interrupted, hands=batch_hands.here))
    assert main(["batch", "in", "--out", "out"]) == 130
    assert capsys.readouterr().err == "shizi: 1 of 1 are done; the same command goes on\n"


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGTERM")
def test_a_signal_ends_it_and_its_processes(folder: Path) -> None:
    picture(folder / "in" / "b.png", batch_hands.ENDLESS)
    command = f"""
import sys
sys.path.append({str(Path(batch_hands.__file__).parent)!r})
from functools import partial
import batch_hands
from shizi.batch.run import Batch, hands_of
from shizi.cli import batch, main
batch.Batch = partial(Batch, hands=partial(hands_of, make=batch_hands.sizes))
sys.exit(main(["batch", "in", "wrong.png", "--out", "out", "--workers", "2"]))
"""
    with subprocess.Popen(
        [sys.executable, "-c", command], stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr is not None
        told = (line for line in run.stderr if "pages/s" not in line)  # on a slow machine
        assert next(told) == "shizi: wrong.png: unexpected RuntimeError: engine failed\n"
        run.send_signal(signal.SIGTERM)
        assert list(told) == ["shizi: 1 of 3 are done; the same command goes on\n"]
        assert run.wait() == 130
