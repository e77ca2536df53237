"""The command: what it prints, what it writes, how it exits. Reading itself is stood in for."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from pictures import SAMPLE, encode

import shizi
from shizi import reader, weights
from shizi.cli import check, main, output, read
from shizi.errors import WeightsError
from shizi.formats import FORMATS, Format
from shizi.page import Image, Line, Page, Quad, Sheet
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


def test_searchable_pdfs_of_pictures_and_pdfs(folder: Path, capsys: Captured) -> None:
    pikepdf = pytest.importorskip("pikepdf")
    pdfium = pytest.importorskip("pypdfium2")

    def pages(path: Path) -> list[str]:
        with pdfium.PdfDocument(path) as document:
            return [page.get_textpage().get_text_range() for page in document]

    every = ["in/a.png", "d.pdf"]
    assert main(["read", *every, "--format", "pdf", "-o", "all.pdf"]) == 0
    assert [text[:2] for text in pages(folder / "all.pdf")] == ["40", "56", "84"]
    assert main(["read", *every, "--format", "text,pdf", "--out", "out"]) == 0
    assert len(pages(folder / "out" / "d.pdf")) == 2
    assert (folder / "out" / "a.txt").read_text().startswith("40")
    assert main(["read", "d.pdf", "--pages", "2", "--format", "pdf", "-o", "second.pdf"]) == 0
    assert [text[:2] for text in pages(folder / "second.pdf")] == ["84"]

    with pikepdf.open(folder / "d.pdf") as pdf:
        pdf.Root.AcroForm = pikepdf.Dictionary(SigFlags=1, Fields=[])
        pdf.save(folder / "signed.pdf")
    capsys.readouterr()
    many = ["signed.pdf", "in/a.png"]
    assert main(["read", *many, "--format", "pdf,text", "--out", "more"]) == 1
    assert "signed.pdf#1: is signed" in capsys.readouterr().err
    assert sorted(path.name for path in (folder / "more").iterdir()) == [
        "a.pdf",
        "a.txt",
        "signed.txt",
    ]


def test_a_pdf_keeps_its_own_text_unless_that_is_to_be_read_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    pytest.importorskip("pikepdf")
    assert main(["read", "d.pdf", "--format", "pdf", "-o", "once.pdf"]) == 0
    assert capsys.readouterr().err == ""

    def fail(self: FakeReader, image: Image, name: str) -> Page:
        raise RuntimeError

    monkeypatch.setattr(FakeReader, "read_image", fail)
    again = ["read", "once.pdf", "--format", "pdf", "-o", "twice.pdf"]
    assert main(again) == 0
    told = capsys.readouterr().err
    assert re.fullmatch(r"shizi: \d pages keep the text of before, unread; --force .*\n", told)
    assert main([*again, "--force"]) == 1


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
    path = output.Drawings(tmp_path).save(Sheet(Page("-", 70_000, 10), wide))
    assert path.name == "stdin.jpg"
    with PIL.Image.open(path) as picture:
        assert picture.width == 65_500


def test_the_same_pages_are_drawn_under_the_same_names(folder: Path) -> None:
    for _ in range(2):
        assert main(["read", "d.pdf", "--draw", "drawn"]) == 0
        assert sorted(p.name for p in Path("drawn").iterdir()) == ["d-p1.jpg", "d-p2.jpg"]


def test_a_drawing_never_overwrites_what_was_not_drawn(folder: Path) -> None:
    Path("drawn").mkdir()
    foreign = {"a.jpg": encode(SAMPLE, "JPEG"), "c.jpg": b"notes"}
    for name, data in foreign.items():
        (folder / "drawn" / name).write_bytes(data)
    (folder / "drawn" / "a-2.jpg").symlink_to("/nowhere/at/all")
    assert main(["read", "in/a.png", "in/c.png", "--draw", "drawn"]) == 0
    assert {name: (folder / "drawn" / name).read_bytes() for name in foreign} == foreign
    names = sorted(p.name for p in Path("drawn").iterdir())
    assert names == ["a-2.jpg", "a-3.jpg", "a.jpg", "c-2.jpg", "c.jpg"]


def test_an_output_of_mode_600_stays_so_all_the_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("out.txt").touch(0o600)
    modes = set()
    plain = FakeReader.read_image

    def read_image(*arguments: Any) -> Page:
        modes.update(p.stat().st_mode & 0o77 for p in folder.glob(".*"))
        return plain(*arguments)

    monkeypatch.setattr(FakeReader, "read_image", read_image)
    assert main(["read", "in/a.png", "in/c.png", "-o", "out.txt"]) == 0
    assert Path("out.txt").stat().st_mode & 0o777 == 0o600
    assert modes == {0}


# Several formats, a file for each input


def test_a_file_for_each_input_and_format(folder: Path, capsys: Captured) -> None:
    assert main(["read", "in", "d.pdf", "--format", "text,json,picture", "--out", "out"]) == 1
    assert capsys.readouterr().out == ""
    names = {f"{stem}.{kind}" for stem in "acd" for kind in ("json", "txt")}
    names |= {"a.jpg", "c.jpg", "d-p1.jpg", "d-p2.jpg"}
    assert {p.name for p in Path("out").iterdir()} == names
    assert Path("out/a.txt").read_text() == "40乘24\n"
    found = json.loads(Path("out/d.json").read_text())
    assert [(page["image"], page["number"]) for page in found] == [("d.pdf#1", 1), ("d.pdf#2", 2)]


def test_inputs_of_one_name_get_files_of_their_own(folder: Path) -> None:
    Path("A.png").write_bytes(encode(SAMPLE[:9], "PNG"))
    assert main(["read", "in/a.png", "A.png", "--out", "out"]) == 0
    assert Path("out/a.txt").read_text() == "40乘24\n"
    assert Path("out/A-2.txt").read_text() == "40乘9\n"


def test_a_folder_of_results_is_never_written_over(folder: Path, capsys: Captured) -> None:
    Path("out").mkdir()
    Path("out/c.txt").write_text("mine")
    assert main(["read", "in/a.png", "in/c.png", "--out", "out"]) == 2
    assert "out/c.txt exists" in capsys.readouterr().err
    assert main(["read", "in/a.png", "in/c.png", "--out", "out", "--resume"]) == 0
    assert Path("out/c.txt").read_text() == "mine"
    assert Path("out/a.txt").read_text() == "40乘24\n"


# Going on


def cut_short(monkeypatch: pytest.MonkeyPatch, after: int) -> list[str]:
    """Let reading be interrupted after so many pages; return the names of those it was given."""
    given: list[str] = []
    plain = FakeReader.read_image

    def read_image(self: FakeReader, image: Image, name: str) -> Page:
        if len(given) == after:
            raise KeyboardInterrupt
        given.append(name)
        return plain(self, image, name)

    monkeypatch.setattr(FakeReader, "read_image", read_image)
    return given


@pytest.mark.parametrize("target", [["-o", "out.json"], ["--out", "out"]])
def test_a_run_that_was_cut_short_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured, target: list[str]
) -> None:
    command = ["read", "in/a.png", "d.pdf", "in/c.png", "--format", "json", *target]
    with monkeypatch.context() as patch:
        assert cut_short(patch, 2) == []
        assert main(command) == 130
    assert "--resume goes on" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        given = cut_short(patch, 99)
        assert main([*command, "--resume"]) == 0
    assert given == ["d.pdf#2", "in/c.png"]
    files = ["out.json"] if target[0] == "-o" else ["out/a.json", "out/d.json", "out/c.json"]
    read = [page["image"] for file in files for page in json.loads(Path(file).read_text())]
    assert read == ["in/a.png", "d.pdf#1", "d.pdf#2", "in/c.png"]
    assert not [*folder.rglob(".*")]


def test_going_on_with_other_options_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    command = ["read", "d.pdf", "-o", "out.txt"]
    with monkeypatch.context() as patch:
        cut_short(patch, 1)
        assert main(command) == 130
    assert main([*command, "--resume", "--dpi", "99"]) == 1
    assert "read with other options" in capsys.readouterr().err
    assert main(command) == 0  # anew
    assert Path("out.txt").exists()


def test_a_full_disk_at_the_end_costs_no_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setitem(FORMATS, "text", Format(full, ".txt"))
        assert main(["read", "d.pdf", "-o", "out.txt"]) == 1
    assert "2 pages are kept" in capsys.readouterr().err
    cut_short(monkeypatch, 0)
    assert main(["read", "d.pdf", "-o", "out.txt", "--resume"]) == 0
    assert Path("out.txt").read_text().startswith("# d.pdf#1")


def test_the_end_of_the_terminal_is_an_interrupt(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def hang_up(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(FakeReader, "read_image", hang_up)
    assert main(["read", "in/a.png", "-o", "out.txt"]) == 130
    assert signal.getsignal(signal.SIGTERM) == before


def test_names_cannot_command_the_terminal(folder: Path, capsys: Captured) -> None:
    name = "a\x1b]0;owned\x07\n.png"
    Path(name).write_bytes(encode(SAMPLE, "PNG"))
    assert main(["read", name, f"{name}no", "in/a.png"]) == 1
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "\x07" not in out + err
    assert err.count("\n") == 1


# Usage and trouble


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


# Check


@pytest.fixture
def ctpn_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> weights.Card:
    """The card of a network that is not shipped, in a folder of its own."""
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of b"abc"
    told = ("", {}, "", "", "", "", "2031-01-01", {"f": 0.98765})
    card = weights.Card("ctpn", "lcnet", sha, *told, output=weights.OUTPUTS["ctpn"])
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
