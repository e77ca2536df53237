"""What ``shizi read`` writes, and never writes over; how a run that was cut short goes on."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from fake_reader import FakeReader
from pictures import SAMPLE, encode

from shizi.cli import main, output
from shizi.formats import FORMATS, Format
from shizi.page import Image, Page, Sheet

Captured = pytest.CaptureFixture[str]


def test_output_file_replaces_the_old_one_whole(folder: Path, capsys: Captured) -> None:
    Path("out.json").write_text("old")
    assert main(["read", "in/a.png", "-o", "out.json", "--format", "json"]) == 0
    assert json.loads(Path("out.json").read_text())[0]["width"] == 40
    assert capsys.readouterr().out == ""
    assert sorted(p.name for p in folder.iterdir()) == ["d.pdf", "in", "out.json"]


def test_the_name_of_the_output_says_what_is_in_it(folder: Path, capsys: Captured) -> None:
    """A text in a file that is called .pdf is opened by nothing."""
    begins = {"out.pdf": b"%PDF", "out.JSON": b"[", "out.txt": b"", "out": b""}
    for name, begin in begins.items():
        assert main(["read", "in/a.png", "-o", name]) == 0
        assert Path(name).read_bytes().startswith(begin)
    assert Path("out").read_bytes() == Path("out.txt").read_bytes()
    assert main(["read", "in/a.png", "-o", "out.log", "--format", "text"]) == 0
    assert Path("out.log").read_bytes() == Path("out.txt").read_bytes()
    assert main(["read", "in/a.png", "-o", "out.docx"]) == 2
    assert ".txt, .json" in capsys.readouterr().err
    assert not Path("out.docx").exists()


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
