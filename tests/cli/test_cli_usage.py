"""Every command: help, wrong usage, trouble, pipes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import shizi
from shizi.cli import main, read
from shizi.errors import WeightsError
from shizi.reader import ReaderOptions

ROOT = Path(__file__).parents[2]
Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["read"], "PATHS"),
        (["read", "in/a.png", "--bogus"], "--bogus"),
        (["read", "in/a.png", "--format", "docx"], "docx"),
        (["read", "in/a.png", "--engine", "steam"], "steam"),
        (["read", "in/a.png", "--threads", "many"], "many"),
        (["read", "in/a.png", "--format", "text,docx"], "docx"),
        (["read", "in/a.png", "--format", "text,json"], "--out"),
        (["read", "in/a.png", "--resume"], "-o"),
        (["read", "in/a.png", "-o", "x.txt", "--out", "x"], "one of them"),
        (["read", "in/a.png", "--out", "d.pdf"], "name a folder"),
        (["read", "in/a.png", "--timeout", "0"], "timeout"),
        (["read", "in/a.png", "--max-pages", "0"], "max_pages"),
        (["read", "in/a.png", "--pages", "x"], "1-3,5"),
        (["read", "in/a.png", "-o", "no/such/folder.txt"], "folder"),
        (["read", "in/a.png", "-o", "in"], "name a file"),
        (["read", "in/a.png", "-o", "in/../in/a.png"], "pictures to read"),
        (["raed", "in/a.png"], "raed"),
    ],
)
def test_wrong_usage(folder: Path, capsys: Captured, arguments: list[str], what: str) -> None:
    before = Path("in/a.png").read_bytes()
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    first, second = err.splitlines()
    assert first.startswith("shizi: ")
    assert what in first
    assert "--help" in second
    assert Path("in/a.png").read_bytes() == before


def test_missing_weights_are_one_line(
    folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: ReaderOptions) -> None:
        raise WeightsError("ctpn.onnx is missing; reinstall shizi")

    monkeypatch.setattr(read, "Reader", fail)
    assert main(["read", "in/a.png", "-o", "out.txt"]) == 1
    assert capsys.readouterr().err == "shizi: ctpn.onnx is missing; reinstall shizi\n"
    assert not Path("out.txt").exists()


def test_full_disk_is_one_line(
    folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", fail)
    assert main(["read", "in/a.png", "--draw", "drawn"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_reader_of_the_pipe_goes_away(tmp_path: Path) -> None:
    code = """
import sys
from shizi import cli
def endless():
    while True:
        print("text")
cli.app.command(endless)
sys.exit(cli.main(["endless"]))
"""
    with python(code) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 141


def test_help_imports_nothing_heavy() -> None:
    code = """
import sys
from shizi.cli import main
code = main(["--help"])
heavy = {"numpy", "cv2", "PIL", "openvino", "onnxruntime", "torch"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else code)
"""
    with python(code) as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert "read" in out
    assert "check" in out


def test_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shizi", "--version"], capture_output=True, text=True, cwd=ROOT
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, shizi.__version__, "")


def test_help_of_read_shows_the_dataclasses(capsys: Captured) -> None:
    assert main(["read", "--help"]) == 0
    out = capsys.readouterr().out
    for option in ("--format", "--output", "-o", "--draw", "--no-orientation", "--engine"):
        assert option in out
    for option in ("--threads", "--pages", "--password"):
        assert option in out
