"""Documents give their pages one by one, folders their files, and bad ones say what is wrong."""

from __future__ import annotations

import errno
import hashlib
import io
import struct
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from pictures import SAMPLE, encode, near

from shizi.errors import ImageError, MissingExtraError, PdfError
from shizi.images.load import ImageLimits, PageOptions, find, load, pages
from shizi.images.pdf import scale_for


def pdf_file(*sizes: tuple[int, int]) -> bytes:
    """A PDF whose pages have these sizes in points and are white with a black left half."""
    drawn = []
    for size in sizes:
        picture = PIL.Image.new("L", size, 255)
        picture.paste(0, (0, 0, size[0] // 2, size[1]))
        drawn.append(picture)
    return encode(drawn[0], "PDF", save_all=True, append_images=drawn[1:], resolution=72)


def test_pdf_pages(tmp_path: Path) -> None:
    file = tmp_path / "scan.pdf"
    file.write_bytes(pdf_file((595, 842), (300, 200), (3000, 50)))
    found = list(pages(file))
    assert [name for name, _ in found] == [f"{file}#{n}" for n in (1, 2, 3)]
    for (_, picture), (height, width) in zip(
        found, [(2339, 1653), (556, 834), (50, 3000)], strict=True
    ):
        assert picture.shape[2] == 3
        assert abs(picture.shape[0] - height) <= 1
        assert abs(picture.shape[1] - width) <= 1
        assert picture[picture.shape[0] // 2, 1].max() < 50
        assert picture[picture.shape[0] // 2, -2].min() > 200
        assert picture.flags.c_contiguous


def test_pdf_from_memory_with_colours() -> None:
    red = encode(PIL.Image.new("RGB", (50, 50), (250, 10, 10)), "PDF")
    ((name, picture),) = pages(red, name="-")
    assert name == "-#1"
    assert np.abs(picture[50, 50].astype(int) - (250, 10, 10)).max() < 9


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
    pdf = pdf_file((20, 20), (20, 20), (20, 20))
    assert [name for name, _ in pages(pdf, options=options, name="x")] == [
        f"x#{n}" for n in expected
    ]


def test_missing_page_does_not_cost_the_others() -> None:
    found = pages(pdf_file((20, 20), (20, 20)), options=PageOptions(pages="7,2"), name="x")
    assert next(found)[0] == "x#2"
    with pytest.raises(PdfError, match="no page 7"):
        next(found)


@pytest.mark.parametrize("spec", ["", "0", "a", "3-1", "1,,2", "-3", "1-2-3", "1.5", "²"])
def test_bad_choice_of_pages(spec: str) -> None:
    with pytest.raises(ValueError, match="pages"):
        PageOptions(pages=spec)


def test_bad_dpi() -> None:
    with pytest.raises(ValueError, match="dpi"):
        PageOptions(dpi=0)


def test_pdf_is_drawn_within_the_limits() -> None:
    limits = ImageLimits(max_pixels=10_000, max_side=150)
    for dpi in (None, 600):
        ((_, picture),) = pages(pdf_file((595, 842)), limits, PageOptions(dpi=dpi))
        assert picture.shape[0] * picture.shape[1] <= 10_000
        assert max(picture.shape) <= 150


def test_pdf_dpi() -> None:
    ((_, picture),) = pages(pdf_file((72, 144)), options=PageOptions(dpi=100))
    assert picture.shape == (200, 100, 3)
    # A4, a slide of a page's proportions, and a scan wrapped at one pixel a point.
    assert scale_for((595, 842), None, ImageLimits()) * 72 == pytest.approx(200)
    assert scale_for((1440, 1080), None, ImageLimits()) * 1440 == pytest.approx(2400)
    assert scale_for((2480, 3508), None, ImageLimits()) == 1


def test_broken_pdf() -> None:
    whole = pdf_file((50, 50))
    for data in (b"%PDF-1.4 nonsense", whole[:40]):
        with pytest.raises(PdfError, match="broken"):
            list(pages(data))


def rc4(key: bytes, data: bytes) -> bytes:
    state, j, out = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def encrypted_pdf(password: str) -> bytes:
    """A PDF of one empty page, encrypted as PDF 1.7, 7.6.3 describes for revision 2."""
    padding = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
    padded = (password.encode() + padding)[:32]
    owner = rc4(hashlib.md5(padded).digest()[:5], padded)
    key = hashlib.md5(padded + owner + struct.pack("<i", -4) + b"id").digest()[:5]
    user = rc4(key, padding)
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 50 50]>>",
        f"<</Filter/Standard/V 1/R 2/P -4/O<{owner.hex()}>/U<{user.hex()}>>>",
    ]
    body, places = "%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj{text}endobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = (
        f"trailer<</Size 5/Root 1 0 R/Encrypt 4 0 R/ID[<6964><6964>]>>\nstartxref\n{len(body)}\n"
    )
    return f"{body}xref\n0 5\n0000000000 65535 f \n{table}{trailer}%%EOF".encode()


def test_encrypted_pdf() -> None:
    data = encrypted_pdf("geheim")
    with pytest.raises(PdfError, match="give its password"):
        list(pages(data))
    with pytest.raises(PdfError, match="password is wrong"):
        list(pages(data, options=PageOptions(password="falsch")))
    assert len(list(pages(data, options=PageOptions(password="geheim")))) == 1


def test_pdf_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(MissingExtraError, match=r"\[pdf\]"):
        list(pages(pdf_file((20, 20))))


def tiff_file() -> bytes:
    more = [PIL.Image.fromarray(SAMPLE[:, ::-1]), PIL.Image.new("L", (9, 7), 30)]
    return encode(SAMPLE, "TIFF", save_all=True, append_images=more)


def test_tiff_pages() -> None:
    found = list(pages(tiff_file(), name="fax.tif"))
    assert [name for name, _ in found] == ["fax.tif#1", "fax.tif#2", "fax.tif#3"]
    assert near(found[0][1], SAMPLE)
    assert near(found[1][1], SAMPLE[:, ::-1])
    assert found[2][1].shape == (7, 9, 3)
    assert [n for n, _ in pages(tiff_file(), options=PageOptions(pages="2-"), name="x")] == [
        "x#2",
        "x#3",
    ]
    assert near(load(tiff_file()), SAMPLE)


def test_tiff_with_a_bad_page_gives_the_good_ones() -> None:
    data = tiff_file()
    found: list[str] = []
    with pytest.raises(ImageError, match="#3: is cut off"):
        for name, _ in pages(data[:-40], name="x"):
            found.append(name)
    assert found == ["x#1", "x#2"]
    assert near(load(data[:-40]), SAMPLE)


def test_animation_gives_its_first_frame() -> None:
    more = [PIL.Image.fromarray(SAMPLE[:, ::-1])]
    for kind in ("GIF", "WEBP"):
        data = encode(SAMPLE, kind, save_all=True, append_images=more, lossless=True)
        ((_, picture),) = pages(data)
        assert near(picture, SAMPLE)


def test_picture_and_array_are_one_page() -> None:
    assert [(n, p.shape) for n, p in pages(SAMPLE)] == [("<array>", SAMPLE.shape)]
    assert [n for n, _ in pages(PIL.Image.fromarray(SAMPLE))] == ["<image>"]
    assert [n for n, _ in pages(encode(SAMPLE, "PNG"))] == ["<bytes>"]
    assert [n for n, _ in pages(io.BytesIO(encode(SAMPLE, "PNG")))] == ["<file>"]


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
