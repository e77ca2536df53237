"""The command: what it prints, what it writes, how it exits. Reading itself is stood in for."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from pictures import SAMPLE, encode

import shizi
from shizi import reader, weights
from shizi.cli import check, main, output, read
from shizi.errors import WeightsError
from shizi.page import Image, Line, Page, Quad
from shizi.reader import ReaderOptions

ROOT = Path(__file__).parent.parent


class FakeReader:
    """Reads the size of a picture; red at the top left means that reading fails."""

    made: list[ReaderOptions]

    def __init__(self, options: ReaderOptions) -> None:
        self.made.append(options)

    def read_image(self, image: Image, name: str) -> Page:
        height, width = image.shape[:2]
        if image[0, 0].tolist() == [255, 0, 0]:
            raise RuntimeError("engine\nfailed")
        quad = Quad.from_array([[0, 0], [width, 0], [width, height], [0, height]])
        return Page(name, width, height, 0, 1.0, (Line(quad, f"{width}乘{height}", 0.9),))


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> list[ReaderOptions]:
    monkeypatch.setattr(read, "Reader", FakeReader)
    FakeReader.made = []
    return FakeReader.made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with two good pictures, a bad one between, and a PDF of two pages."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(encode(SAMPLE, "PNG"))
    (tmp_path / "in" / "b.jpg").write_bytes(b"nothing of the kind")
    (tmp_path / "in" / "c.png").write_bytes(encode(SAMPLE[:10, :30], "PNG"))
    more = [PIL.Image.new("L", (30, 20))]
    pdf = encode(PIL.Image.new("L", (20, 30)), "PDF", save_all=True, append_images=more)
    (tmp_path / "d.pdf").write_bytes(pdf)
    return tmp_path


Captured = pytest.CaptureFixture[str]


# Reading


def test_text_of_one_and_of_several(folder: Path, capsys: Captured) -> None:
    assert main(["read", "in/a.png"]) == 0
    assert capsys.readouterr().out == "40乘24\n"
    assert main(["read", "in/a.png", "./in/c.png"]) == 0
    assert capsys.readouterr().out == "# in/a.png\n40乘24\n\n# ./in/c.png\n30乘10\n"


def test_a_bad_file_is_named_and_costs_no_other(folder: Path, capsys: Captured) -> None:
    assert main(["read", "in", "missing.png", "--format", "jsonl"]) == 1
    out, err = capsys.readouterr()
    assert [json.loads(row)["image"] for row in out.splitlines()] == ["in/a.png", "in/c.png"]
    bad, missing = err.splitlines()
    assert bad.startswith("shizi: in/b.jpg: is not a picture")
    assert missing.startswith("shizi: missing.png: no such file")


def test_a_failing_reader_costs_one_page(folder: Path, capsys: Captured) -> None:
    red = PIL.Image.new("RGB", (9, 9), (255, 0, 0))
    more = [PIL.Image.new("RGB", (8, 8))]
    Path("two.tif").write_bytes(encode(red, "TIFF", save_all=True, append_images=more))
    assert main(["read", "two.tif", "in/a.png", "--format", "jsonl"]) == 1
    out, err = capsys.readouterr()
    assert [json.loads(row)["image"] for row in out.splitlines()] == ["two.tif#2", "in/a.png"]
    assert err == "shizi: two.tif#1: unexpected RuntimeError: engine failed\n"


def test_pdf_pages(folder: Path, capsys: Captured) -> None:
    assert main(["read", "d.pdf", "--format", "jsonl", "--pages", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["image"] == "d.pdf#2"
    assert main(["read", "d.pdf", "in/a.png", "--pages", "3"]) == 1
    out, err = capsys.readouterr()
    assert out == "40乘24\n"
    assert err == "shizi: d.pdf: has no page 3, its last is page 2\n"


@pytest.mark.parametrize("before", [[], ["--format", "text"]])
def test_standard_input(
    folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, before: list[str]
) -> None:
    data = io.BytesIO(Path("in/a.png").read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data))
    assert main(["read", *before, "-", "in/c.png"]) == 0
    assert capsys.readouterr().out == "# -\n40乘24\n\n# in/c.png\n30乘10\n"


def test_options_reach_the_reader(folder: Path, fake: list[ReaderOptions]) -> None:
    arguments = ["--no-orientation", "--engine", "onnxruntime", "--threads", "3"]
    assert main(["read", "in/a.png", *arguments]) == 0
    assert main(["read", "in/a.png"]) == 0
    assert (fake[0].orientation, fake[0].engine, fake[0].threads) == (False, "onnxruntime", 3)
    assert fake[1] == ReaderOptions()


def test_no_bar_in_a_pipe(folder: Path, capsys: Captured) -> None:
    main(["read", "in/a.png", "in/c.png"])
    assert capsys.readouterr().err == ""


def test_a_bar_on_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert main(["read", "in/a.png", "in/b.jpg", "in/c.png"]) == 1
    shown = sys.stderr.getvalue()
    assert "0/3" in shown
    assert "c.png" in shown
    assert "shizi: in/b.jpg" in shown


# Output


def test_output_file_replaces_the_old_one_whole(folder: Path, capsys: Captured) -> None:
    Path("out.json").write_text("old")
    assert main(["read", "in/a.png", "-o", "out.json", "--format", "json"]) == 0
    assert json.loads(Path("out.json").read_text())[0]["width"] == 40
    assert capsys.readouterr().out == ""
    assert sorted(p.name for p in folder.iterdir()) == ["d.pdf", "in", "out.json"]


def test_interrupted_output_leaves_the_old_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    Path("out.txt").write_text("old")
    monkeypatch.setattr(FakeReader, "read_image", interrupt)
    assert main(["read", "in/a.png", "-o", "out.txt"]) == 130
    assert Path("out.txt").read_text() == "old"
    assert sorted(p.name for p in folder.iterdir()) == ["d.pdf", "in", "out.txt"]
    assert capsys.readouterr().err == ""


def test_output_through_a_link_and_to_a_device(folder: Path, capsys: Captured) -> None:
    Path("real.txt").touch()
    Path("link.txt").symlink_to("real.txt")
    assert main(["read", "in/a.png", "-o", "link.txt"]) == 0
    assert Path("link.txt").is_symlink()
    assert Path("real.txt").read_text() == "40乘24\n"
    assert main(["read", "in/a.png", "-o", os.devnull]) == 0
    assert not Path(os.devnull).is_file()
    assert main(["read", "in/a.png", "-o", "-"]) == 0
    assert capsys.readouterr().out == "40乘24\n"


def test_draw(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "a.bmp").write_bytes(encode(SAMPLE, "BMP"))
    assert main(["read", "in", "more", "d.pdf", "--draw", "out/drawn"]) == 1
    drawn = folder / "out" / "drawn"
    names = ["a-2.jpg", "a.jpg", "c.jpg", "d-p1.jpg", "d-p2.jpg"]
    assert sorted(p.name for p in drawn.iterdir()) == names
    with PIL.Image.open(drawn / "c.jpg") as picture:
        assert picture.size == (60, 10)


def test_drawings_never_hide_an_input(folder: Path) -> None:
    photo = encode(SAMPLE, "JPEG")
    Path("a.jpg").write_bytes(photo)
    assert main(["read", "a.jpg", "--draw", "."]) == 0
    assert Path("a.jpg").read_bytes() == photo
    assert Path("a-2.jpg").exists()


def test_drawing_wider_than_a_jpeg_may_be(tmp_path: Path) -> None:
    wide = np.zeros((10, 70_000, 3), dtype=np.uint8)
    path = output.Drawings(tmp_path, []).save("-", wide)
    assert path.name == "stdin.jpg"
    with PIL.Image.open(path) as picture:
        assert picture.width == 65_500


# Usage and trouble


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["read"], "PATHS"),
        (["read", "in/a.png", "--bogus"], "--bogus"),
        (["read", "in/a.png", "--format", "docx"], "docx"),
        (["read", "in/a.png", "--engine", "steam"], "steam"),
        (["read", "in/a.png", "--threads", "many"], "many"),
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


# Check


@pytest.fixture
def ctpn_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> weights.Card:
    """The card of a network that is not shipped, in a folder of its own."""
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of b"abc"
    card = weights.Card("ctpn", "lcnet", sha, "", {}, "", "", "", "", "2031-01-01", {"f": 0.98765})
    card.write(tmp_path / "ctpn.json")
    (tmp_path / "ctpn.onnx").write_bytes(b"abc")
    return card


def test_weights_as_on_their_card(ctpn_card: weights.Card) -> None:
    finding = check._weights("ctpn")
    assert finding.state == "ok"
    assert "2031-01-01" in finding.detail
    assert "f 0.9877" in finding.detail


def test_weights_changed_or_lost(ctpn_card: weights.Card) -> None:
    weights.file("ctpn").write_bytes(b"abd")
    weights.file("crnn").write_bytes(b"abc")  # and no card
    for network in weights.NETWORKS:
        finding = check._weights(network)
        assert finding.state == "WRONG"
        assert "reinstall" in finding.detail


@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("-", 0), ("WRONG", 1)])
def test_check_exits_by_what_it_finds(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, state: str, code: int
) -> None:
    monkeypatch.setattr(check, "_findings", lambda: [check.Finding("thing", "two\nlines", state)])
    assert main(["check"]) == code
    out, err = capsys.readouterr()
    assert out.split() == [state, "thing", "two", "lines"]
    assert bool(err) == bool(code)


def test_check_reads_its_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = tmp_path / "check.png"
    picture.write_bytes(encode(SAMPLE, "PNG"))
    for text, state in (("识字", "ok"), ("只字", "WRONG")):
        page = Page("x", 1, 1, lines=(Line(Quad(((0.0, 0.0),) * 4), text, 1),))
        monkeypatch.setattr(FakeReader, "read", lambda *_, page=page: page, raising=False)
        monkeypatch.setattr(reader, "Reader", FakeReader)
        assert check._reading(picture).state == state
    monkeypatch.delattr(reader, "Reader")
    assert check._reading(picture).state == "WRONG"


def test_packages_that_do_not_import_are_wrong() -> None:
    assert check._needed("numpy", "numpy").detail == np.__version__
    broken = check._needed("no_such_module_at_all", "thing")
    assert broken.state == "WRONG"
    assert "pip install" in broken.detail
