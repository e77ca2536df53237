"""Whatever is asked, every item comes out as a sheet or a failure, in order."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from pictures import SAMPLE, encode

import shizi
from shizi.errors import Failure
from shizi.images.limits import PageOptions
from shizi.jobs import sheets
from shizi.page import WHOLE, Image, Page, Sheet
from shizi.reader import Reader

PNG = encode(SAMPLE, "PNG")
THREE = [PIL.Image.new("L", (20 + n, 30), 255) for n in range(3)]
TIFF = encode(THREE[0], "TIFF", save_all=True, append_images=THREE[1:], dpi=(300, 300))
PDF = encode(THREE[0], "PDF", save_all=True, append_images=THREE[1:], resolution=72)


def read(image: Image, name: str) -> Page:
    height, width = image.shape[:2]
    if width == 21:
        raise RuntimeError("engine\nfailed")
    return Page(name, width, height)


def told(sources: Iterable[Any], **named: Any) -> list[str]:
    """Names of pages, and failures in their own words."""
    items = list(sheets(sources, read, **named))
    return [str(i) if isinstance(i, Failure) else i.page.source for i in items]


def test_whatever_is_given_becomes_a_page_or_a_failure(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    with (tmp_path / "a.png").open("rb") as closed:
        pass
    odd = [None, 7, closed, io.StringIO("text"), tmp_path, "missing.png", b"", b"no picture"]
    good = [PNG, bytearray(PNG), memoryview(PNG), io.BytesIO(PNG), SAMPLE, tmp_path / "a.png"]
    found = list(sheets([*odd, *good], read))
    assert [type(item) for item in found] == [Failure] * len(odd) + [Sheet] * len(good)
    assert all(
        "\n" not in str(item) and "unexpected" not in str(item) for item in found[: len(odd)]
    )


def test_a_source_may_raise_what_it_likes() -> None:
    class Broken(io.BytesIO):
        def seek(self, *_: int) -> int:
            raise OSError(5, "Input/output error")

    class Worse(io.BytesIO):
        def seekable(self) -> bool:
            raise RuntimeError("worse")

    first, second, third = told([Broken(b"x"), Worse(b"x"), PNG])
    assert first == "<file>: cannot be read (Input/output error); give an open file"
    assert second == "<file>: unexpected RuntimeError: worse"
    assert third == "<bytes>"


@pytest.mark.parametrize("document", [TIFF, PDF], ids=["TIFF", "PDF"])
def test_a_failing_page_keeps_its_place(document: bytes) -> None:
    options = PageOptions(dpi=72)
    assert told([("x", document), ("y", PNG)], options=options) == [
        "x#1",
        "x#2: unexpected RuntimeError: engine failed",
        "x#3",
        "y",
    ]


def test_pages_know_their_number_and_resolution() -> None:
    first, _, third = sheets([("x", TIFF)], read)
    assert isinstance(first, Sheet)
    assert isinstance(third, Sheet)
    assert (first.page.number, third.page.number) == (1, 3)
    assert first.page.dpi == 300
    assert third.image is not None
    assert third.image.shape == (30, 22, 3)
    (drawn,) = sheets([PDF], read, options=PageOptions(pages="3", dpi=144))
    assert isinstance(drawn, Sheet)
    assert (drawn.page.number, drawn.page.dpi) == (3, 144)


def test_sources_are_taken_one_by_one() -> None:
    def endless() -> Iterable[bytes]:
        while True:
            yield PNG

    found = iter(sheets(endless(), read))
    assert isinstance(next(found), Sheet)
    assert isinstance(next(found), Sheet)


def test_an_executor_keeps_the_order() -> None:
    def execute(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterable[Any]:
        with ThreadPoolExecutor(3) as pool:
            yield from pool.map(function, items)

    names = [f"{n}.png" for n in range(9)]
    assert told(zip(names, [PNG] * 9, strict=True), execute=execute) == names


def test_an_interrupt_is_nobodys_failure() -> None:
    def interrupted(image: Image, name: str) -> Page:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(sheets([PNG], interrupted))


# The Reader's door, without its networks


class Fake(Reader):
    def __init__(self) -> None:
        self.options = shizi.ReaderOptions()

    def read_image(self, image: Image, name: str = "<array>") -> Page:
        return read(image, name)


def test_read_many_gives_each_page_by_itself() -> None:
    found = list(Fake().read_many([TIFF, None, PDF], PageOptions(pages="1,3")))
    assert [type(item) for item in found] == [Page, Page, Failure, Page, Page]
    assert [item.number for item in found if isinstance(item, Page)] == [1, 3, 1, 3]


def test_read_refuses_to_choose_among_pages(tmp_path: Path) -> None:
    (tmp_path / "multi.tif").write_bytes(TIFF)
    with pytest.raises(shizi.ImageError, match=r"holds 3 pages; Reader\.read_many gives them"):
        Fake().read(tmp_path / "multi.tif")
    page = Fake().read(encode(THREE[0], "TIFF", dpi=(150, 150)))
    assert page.dpi == 150


def test_pages_with_text_of_their_own_are_left_unread_where_nobody_needs_them() -> None:
    pikepdf = pytest.importorskip("pikepdf")
    pdf = pikepdf.new()
    for text in (b"", b"BT /F 9 Tf 9 9 Td (own) Tj ET"):
        pdf.add_blank_page(page_size=(90, 90))
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
        pdf.pages[-1].obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=font))
        pdf.pages[-1].obj.Contents = pdf.make_stream(text)
    out = io.BytesIO()
    pdf.save(out)
    asked = []

    def read(image: Image, name: str) -> Page:
        asked.append(name)
        return Page(name, *image.shape[1::-1])

    found = [s for s in sheets([out.getvalue()], read, read_all=False) if isinstance(s, Sheet)]
    assert [s.own_text for s in found] == [(), WHOLE]
    assert asked == ["<bytes>#1"]
    assert found[1].page.number == 2
    assert found[0].origin is found[1].origin
    assert found[0].origin is not None
    list(sheets([out.getvalue()], read))
    assert asked[1:] == ["<bytes>#1", "<bytes>#2"]
