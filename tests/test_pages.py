"""Documents give their pages one by one, folders their files, and bad ones say what is wrong."""

from __future__ import annotations

import errno
import io
import struct
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from pictures import SAMPLE, encode, good, near, pdf_file

from shizi.errors import Failure, ImageError
from shizi.images.limits import ImageLimits, PageOptions
from shizi.images.load import Picture, find, load, pages, picture


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (None, [1, 2, 3]),
        ("2", [2]),
        ("1-2", [1, 2]),
        ("2-", [2, 3]),
        ("3,1", [3, 1]),
        ("2-99", [2, 3]),
    ],
)
def test_choice_of_pages(spec: str | None, expected: list[int]) -> None:
    options = PageOptions(pages=spec)
    data = pdf_file((20, 20), (20, 20), (20, 20))
    found = list(pages(data, options=options, name="x"))
    assert [page.name for page in found if isinstance(page, Picture)] == [
        f"x#{n}" for n in expected
    ]
    assert [page.number for page in found if isinstance(page, Picture)] == expected


def test_missing_page_does_not_cost_the_others() -> None:
    data = pdf_file((20, 20), (20, 20))
    missing, found = pages(data, options=PageOptions(pages="7,2"), name="x")
    assert isinstance(missing, Failure)
    assert "no page 7" in str(missing)
    assert isinstance(found, Picture)
    assert found.name == "x#2"


def test_pages_beyond_the_limit_are_not_left_out_in_silence() -> None:
    for data in (pdf_file((20, 20), (20, 20), (20, 20)), tiff_file()):
        *found, left = pages(data, options=PageOptions(max_pages=2), name="x")
        assert [page.name for page in found if isinstance(page, Picture)] == ["x#1", "x#2"]
        assert isinstance(left, Failure)
        assert "page 3 and what follows are left out" in str(left)
        assert len(list(pages(data, options=PageOptions(max_pages=3)))) == 3


@pytest.mark.parametrize("spec", ["", "0", "a", "3-1", "1,,2", "-3", "1-2-3", "1.5", "²"])
def test_bad_choice_of_pages(spec: str) -> None:
    with pytest.raises(ValueError, match="pages"):
        PageOptions(pages=spec)


@pytest.mark.parametrize(
    "wrong",
    [{"dpi": 0}, {"max_pages": 0}, {"timeout": 0}, {"timeout": -1}, {"timeout": float("nan")}],
    ids=str,
)
def test_options_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PageOptions(**wrong)


def tiff_file() -> bytes:
    more = [PIL.Image.fromarray(SAMPLE[:, ::-1]), PIL.Image.new("L", (9, 7), 30)]
    return encode(SAMPLE, "TIFF", save_all=True, append_images=more)


def test_tiff_pages() -> None:
    found = good(tiff_file(), name="fax.tif")
    assert [name for name, _ in found] == ["fax.tif#1", "fax.tif#2", "fax.tif#3"]
    assert near(found[0][1], SAMPLE)
    assert near(found[1][1], SAMPLE[:, ::-1])
    assert found[2][1].shape == (7, 9, 3)
    found = good(tiff_file(), options=PageOptions(pages="2-"), name="x")
    assert [name for name, _ in found] == ["x#2", "x#3"]


def test_tiff_with_a_bad_page_gives_the_good_ones() -> None:
    first, second, third = pages(tiff_file()[:-40], name="x")
    assert [page.name for page in (first, second) if isinstance(page, Picture)] == ["x#1", "x#2"]
    assert isinstance(third, Failure)
    assert third.source == "x#3"
    assert "x#3: is cut off" in str(third)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_frames_are_pages(kind: str) -> None:
    more = [PIL.Image.fromarray(SAMPLE[:, ::-1])]
    data = encode(SAMPLE, kind, save_all=True, append_images=more, lossless=True)
    (_, first), (name, second) = good(data, name="x")
    assert name == "x#2"
    assert near(first, SAMPLE)
    assert near(second, SAMPLE[:, ::-1])
    with pytest.raises(ImageError, match=r"holds 2 pages; Reader\.read_many"):
        load(data)


def test_what_a_camera_adds_to_its_picture_is_no_page() -> None:
    data = encode(SAMPLE, "MPO", save_all=True, append_images=[PIL.Image.fromarray(SAMPLE[:9])])
    assert [name for name, _ in good(data, name="x")] == ["x"]
    assert load(data).shape == SAMPLE.shape


def test_picture_and_array_are_one_page() -> None:
    assert [(n, p.shape) for n, p in good(SAMPLE)] == [("<array>", SAMPLE.shape)]
    assert [n for n, _ in good(PIL.Image.fromarray(SAMPLE))] == ["<image>"]
    assert [n for n, _ in good(encode(SAMPLE, "PNG"))] == ["<bytes>"]
    assert [n for n, _ in good(bytearray(encode(SAMPLE, "PNG")))] == ["<bytes>"]
    assert [n for n, _ in good(memoryview(encode(SAMPLE, "PNG")))] == ["<bytes>"]
    assert [n for n, _ in good(io.BytesIO(encode(SAMPLE, "PNG")))] == ["<file>"]


@pytest.mark.parametrize(
    ("dpi", "known"), [((300, 300), 300), ((204, 98), None), ((0, 0), None), (None, None)]
)
def test_pixels_an_inch_where_the_file_says_so(
    dpi: tuple[int, int] | None, known: float | None
) -> None:
    more = {"dpi": dpi} if dpi else {}
    found = picture(encode(SAMPLE, "TIFF", **more)).dpi
    assert found == (pytest.approx(known) if known else None)


# Folders


def test_find(tmp_path: Path) -> None:
    for name in (
        "b.PNG",
        "a.jpg",
        "sub/c.pdf",
        "sub/deep/d.tif",
        "notes.txt",
        ".hidden.png",
        ".git/e.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    (tmp_path / "empty").mkdir()
    found = [str(path.relative_to(tmp_path)) for path in find([tmp_path])]
    assert found == ["a.jpg", "b.PNG", "sub/c.pdf", "sub/deep/d.tif"]
    kept = [tmp_path / "notes.txt", tmp_path / "missing.png", tmp_path / "empty"]
    assert list(find(kept)) == kept


def test_find_keeps_a_folder_that_may_not_be_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert list(find([tmp_path])) == [tmp_path]


def test_a_frame_that_reaches_far_beyond_the_first_is_refused_before_it_takes_memory() -> None:
    frames = [PIL.Image.new("RGB", (60, 40), color) for color in ("red", "blue")]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    data = bytearray(stream.getvalue())
    second = data.rindex(b"\x2c")  # an image descriptor: left, top, width, height
    data[second + 1 : second + 9] = struct.pack("<4H", 40_000, 40_000, 60, 40)
    found = list(pages(bytes(data), ImageLimits(max_bytes=100_000_000), name="x"))
    assert isinstance(found[0], Picture)
    assert isinstance(found[1], Failure)
    assert str(found[1]).startswith("x#2: is larger than ")
