"""Documents give their pages one by one, folders their files, and bad ones say what is wrong."""

from __future__ import annotations

import errno
import hashlib
import io
import re
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from pictures import SAMPLE, encode, near

from shizi.errors import Failure, ImageError, MissingExtraError, PdfError
from shizi.images import pdf
from shizi.images.limits import ImageLimits, PageOptions
from shizi.images.load import Picture, find, load, pages, picture
from shizi.images.pdf import scale_for
from shizi.page import Image


def pdf_file(*sizes: tuple[int, int]) -> bytes:
    """A PDF whose pages have these sizes in points and are white with a black left half."""
    drawn = []
    for size in sizes:
        picture = PIL.Image.new("L", size, 255)
        picture.paste(0, (0, 0, size[0] // 2, size[1]))
        drawn.append(picture)
    return encode(drawn[0], "PDF", save_all=True, append_images=drawn[1:], resolution=72)


def good(source: Any, *args: Any, **named: Any) -> list[tuple[str, Image]]:
    """Names and pictures of all pages, none of which failed."""
    found = list(pages(source, *args, **named))
    assert all(isinstance(page, Picture) for page in found)
    return [(page.name, page.image) for page in found if isinstance(page, Picture)]


def test_pdf_pages(tmp_path: Path) -> None:
    file = tmp_path / "scan.pdf"
    file.write_bytes(pdf_file((595, 842), (300, 200), (3000, 50)))
    found = good(file)
    assert [name for name, _ in found] == [f"{file}#{n}" for n in (1, 2, 3)]
    sizes = [(2339, 1653), (556, 834), (50, 3000)]
    for (_, drawn), (height, width) in zip(found, sizes, strict=True):
        assert drawn.shape[2] == 3
        assert abs(drawn.shape[0] - height) <= 1
        assert abs(drawn.shape[1] - width) <= 1
        assert drawn[drawn.shape[0] // 2, 1].max() < 50
        assert drawn[drawn.shape[0] // 2, -2].min() > 200
        assert drawn.flags.c_contiguous


def test_pdf_from_memory_with_colours() -> None:
    red = encode(PIL.Image.new("RGB", (50, 50), (250, 10, 10)), "PDF")
    ((name, picture),) = good(red, name="-")
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


def test_pdf_is_drawn_within_the_limits() -> None:
    limits = ImageLimits(max_bytes=80_000, max_side=150)
    for dpi in (None, 600):
        ((_, picture),) = good(pdf_file((595, 842)), limits, PageOptions(dpi=dpi))
        assert picture.shape[0] * picture.shape[1] <= 10_000
        assert max(picture.shape) <= 150


def test_pdf_dpi() -> None:
    (page,) = pages(pdf_file((72, 144)), options=PageOptions(dpi=100))
    assert isinstance(page, Picture)
    assert page.image.shape == (200, 100, 3)
    assert page.dpi == 100
    # A4, a slide of a page's proportions, and a scan wrapped at one pixel a point.
    assert scale_for((595, 842), None, ImageLimits()) * 72 == pytest.approx(200)
    assert scale_for((1440, 1080), None, ImageLimits()) * 1440 == pytest.approx(2400)
    assert scale_for((2480, 3508), None, ImageLimits()) == 1


def test_broken_pdf() -> None:
    whole = pdf_file((50, 50))
    for data in (b"%PDF-1.4 nonsense", whole[:40]):
        with pytest.raises(PdfError, match="broken"):
            list(pages(data))


def written_pdf(objects: list[str], trailer: str = "") -> bytes:
    """A PDF of these objects, the first of them its catalogue."""
    body, places = "%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj{text}endobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    return (
        f"{body}xref\n0 {size}\n0000000000 65535 f \n{table}"
        f"trailer<</Size {size}/Root 1 0 R{trailer}>>\nstartxref\n{len(body)}\n%%EOF"
    ).encode()


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
    return written_pdf(objects, "/Encrypt 4 0 R/ID[<6964><6964>]")


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


# PDFium in a process of its own


def nested_forms(levels: int = 30, width: int = 20) -> bytes:
    """A PDF of two pages: the first draws a form of forms of forms … for longer than anyone lives,
    the second is empty.
    """
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 50 50]/Contents 5 0 R"
        "/Resources<</XObject<</X 6 0 R>>>>>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 50 50]>>",
        "<</Length 5>>stream\n/X Do\nendstream",
    ]
    for level in range(levels):
        more = f"/Resources<</XObject<</X {7 + level} 0 R>>>>" if level < levels - 1 else ""
        body = "/X Do " * width if more else "0 0 9 9 re f"
        kind = "/Type/XObject/Subtype/Form/BBox[0 0 50 50]"
        objects.append(f"<<{kind}{more}/Length {len(body)}>>stream\n{body}\nendstream")
    return written_pdf(objects)


def test_a_page_over_time_fails_and_the_next_is_drawn() -> None:
    first, second = pages(nested_forms(), options=PageOptions(timeout=3), name="x")
    assert isinstance(first, Failure)
    # On a fast machine it meets the limit of memory before that of time.
    assert re.match(r"x#1: (drawing takes longer than 3 s|the page makes PDFium fail)", str(first))
    assert isinstance(second, Picture)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[pdf.Worker]:
    """The workers that are started from now on."""
    started: list[pdf.Worker] = []

    class Noted(pdf.Worker):
        def __init__(self) -> None:
            super().__init__()
            started.append(self)

    pdf.close_idle()
    monkeypatch.setattr(pdf, "Worker", Noted)
    return started


def test_no_pdf_waits_for_another(workers: list[pdf.Worker]) -> None:
    stuck = pages(nested_forms(), options=PageOptions(pages="2,1", timeout=600), name="x")
    assert isinstance(next(stuck), Picture)
    found: list[Picture | Failure] = []
    thread = threading.Thread(target=lambda: found.append(next(stuck)))
    thread.start()
    assert len(good(pdf_file((20, 20)))) == 1
    assert thread.is_alive()
    workers[0]._process.kill()
    thread.join(60)
    assert isinstance(found[0], Failure)
    assert "makes PDFium fail" in str(found[0])


def test_one_worker_serves_one_pdf_after_the_other(workers: list[pdf.Worker]) -> None:
    for _ in range(3):
        assert len(good(pdf_file((20, 20), (20, 20)))) == 2
    assert len(workers) == 1


def test_a_long_pdf_is_opened_afresh_on_the_way() -> None:
    assert len(good(pdf_file(*[(20, 20)] * 70), options=PageOptions(dpi=72))) == 70


def test_a_page_that_takes_too_much_memory_fails_alone() -> None:
    if sys.platform != "linux":
        pytest.skip("no limit of memory on this system")
    limits = ImageLimits(max_bytes=30_000_000)
    first, second = pages(nested_forms(), limits, PageOptions(timeout=600), name="x")
    assert isinstance(first, Failure)
    assert "takes more than 30 MB" in str(first)
    assert isinstance(second, Picture)


def test_an_interrupt_ends_drawing(tmp_path: Path) -> None:
    file = tmp_path / "x.pdf"
    file.write_bytes(nested_forms())
    code = """
import signal, sys
from shizi.images.load import PageOptions, pages
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
for page in pages(sys.argv[1], options=PageOptions(pages="2,1", timeout=600)):
    print("drawn", flush=True)
"""
    command = [sys.executable, "-c", code, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in process.stderr.read()


@pytest.mark.parametrize("side", [10**7, 200_000])
def test_a_page_of_absurd_size_is_refused(side: int) -> None:
    (page,) = pages(
        written_pdf(
            [
                "<</Type/Catalog/Pages 2 0 R>>",
                "<</Type/Pages/Kids[3 0 R]/Count 1>>",
                f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {side} 100]>>",
            ]
        )
    )
    assert isinstance(page, Failure)
    assert "mend its MediaBox" in str(page)


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
