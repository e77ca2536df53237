"""What a newcomer gets wrong is told in one line that helps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shizi
from shizi import (
    ImageError,
    OptionError,
    Page,
    PageOptions,
    Reader,
    ReaderOptions,
    RecognitionOptions,
    WriteError,
)
from shizi.cli import main

RGB = np.full((60, 80, 3), 255, np.uint8)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(ReaderOptions(threads=1))


NO_PICTURES: list[Any] = [
    None,
    "a.jpg",
    RGB[..., 0],
    RGB / 255,
    RGB[:0],
    np.zeros((9, 9, 4), np.uint8),
]
DOORS: list[Callable[[Reader, Any], object]] = [
    lambda reader, image: reader.read_image(image),
    lambda reader, image: reader.detector(image),
    lambda reader, image: reader.recognizer(image, np.zeros((0, 4, 2), np.float32)),
    lambda reader, image: reader.recognizer.read([image]),
    lambda reader, image: shizi.draw(Page("x", 80, 60), image),
]


@pytest.mark.parametrize("image", NO_PICTURES, ids=str)
@pytest.mark.parametrize("door", DOORS, ids=["read", "detect", "recognise", "crops", "draw"])
def test_what_is_no_rgb_picture_is_refused_at_every_door(
    reader: Reader, door: Callable[[Reader, Any], object], image: Any
) -> None:
    with pytest.raises(ImageError, match=r"must be an RGB picture, .*; Reader.read takes"):
        door(reader, image)


def test_quads_of_another_shape_are_refused(reader: Reader) -> None:
    with pytest.raises(OptionError, match=r"\(N, 4, 2\), not \(4, 2\)"):
        reader.recognizer(RGB, np.zeros((4, 2), np.float32))
    assert len(reader.recognizer(RGB, [[[0, 0], [60, 0], [60, 30], [0, 30]]])) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("lone", ["photo.jpg", Path("photo.jpg"), b"bytes", RGB, None], ids=str)
def test_one_source_is_not_taken_for_many(reader: Reader, lone: Any) -> None:
    with pytest.raises(OptionError, match="give a list"):
        list(reader.read_many(lone))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Reader({"threads": 2}),  # type: ignore[arg-type]
        lambda: ReaderOptions(limits=5),  # type: ignore[arg-type]
        lambda: ReaderOptions(threads="2"),  # type: ignore[arg-type]
        lambda: ReaderOptions(threads=2.5),  # type: ignore[arg-type]
        lambda: ReaderOptions(threads=True),
        lambda: PageOptions(pages=3),  # type: ignore[arg-type]
        lambda: ReaderOptions(orientation="no"),  # type: ignore[arg-type]
        lambda: ReaderOptions(weights=3),  # type: ignore[arg-type]
        lambda: RecognitionOptions(allow=["a"]),  # type: ignore[arg-type]
        lambda: PageOptions(force=1),  # type: ignore[arg-type]
        lambda: PageOptions(password=b"x"),  # type: ignore[arg-type]
        lambda: shizi.draw(RGB, Page("x", 80, 60)),  # type: ignore[arg-type]
    ],
)
def test_options_of_a_wrong_type_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(OptionError, match="must"):
        make()


def test_a_page_is_drawn_on_its_own_picture() -> None:
    with pytest.raises(ImageError, match="80 x 60, but the page was read from one of 60 x 80"):
        shizi.draw(Page("x", 60, 80), RGB)


def test_documents_are_told_by_page_options(reader: Reader) -> None:
    with pytest.raises(OptionError, match="must be PageOptions"):
        list(reader.read_many(["a.pdf"], {"pages": "1"}))  # type: ignore[arg-type]


@pytest.mark.parametrize("time", ["5", -1, 0, float("nan")])
def test_a_time_that_is_no_number_is_refused(reader: Reader, time: Any) -> None:
    with pytest.raises(OptionError, match="number of seconds"):
        reader.read(RGB, timeout=time)


def test_only_pages_are_written_and_to_files_only(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="not a str"):
        shizi.write(["text"], tmp_path / "a.txt", "text")  # type: ignore[list-item]
    with pytest.raises(WriteError, match="name a file"):
        shizi.write(Page("x", 1, 1), tmp_path, "text")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="a folder that exists"):
        shizi.write(Page("x", 1, 1), tmp_path / "no" / "a.json", "json")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["photo.png"], "shizi: photo.png: is no command; to read it: shizi read photo.png"),
        (["read", "https://x.org/a.jpg"], "only files are read: download it first"),
        (["read", "*.jpg"], "leave out the quotes"),
        (["read", "nosuch.jpg"], "check the path"),
        (["read", "photo.png", "--draw", "photo.png"], "photo.png: is a file, or lies in one"),
        (["read", "photo.png", "--format", "text,json", "--out", "photo.png/x"], "name a folder"),
        (["read", "photo.png", "-o", "out.docx"], "-o out.docx: say what is to be in it"),
        (["check", "everything"], "everything: is nothing that this command takes"),
    ],
)
def test_the_command_line_says_what_to_do(
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(b"")
    assert main(words) in (1, 2)
    assert told in capsys.readouterr().err.splitlines()[0]
