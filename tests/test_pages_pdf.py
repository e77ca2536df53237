"""Pages of PDFs: drawn within the limits, and in a process that can be killed."""

from __future__ import annotations

import hashlib
import re
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from pictures import encode, good, pdf_file

from shizi.errors import Failure, MissingExtraError, PdfError
from shizi.images import pdf
from shizi.images.limits import ImageLimits, PageOptions
from shizi.images.load import Picture, pages
from shizi.images.pdf import scale_for


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
