"""Pictures that are too large, damaged or none: a typed error that helps, and no memory taken."""

from __future__ import annotations

import errno
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import SAMPLE, encode

from shizi.errors import ImageError
from shizi.images.limits import ImageLimits, peak
from shizi.images.load import load, pages


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""

    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("size", [(17000, 17000), (30000, 30000), (2**31 - 1, 2**31 - 1)])
def test_bombs_are_refused_before_they_are_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match="limit"):
        load(bomb(*size))


def test_limits_can_be_set_either_way() -> None:
    with pytest.raises(ImageError, match="40x24"):
        load(encode(SAMPLE, "PNG"), ImageLimits(max_bytes=10_000))
    with pytest.raises(ImageError, match="beyond the limit"):
        load(SAMPLE, ImageLimits(max_side=39))
    with pytest.raises(ImageError, match="beyond the limit"):
        load(PIL.Image.fromarray(SAMPLE), ImageLimits(max_side=39))
    # Beyond Pillow's own limit, where it would warn.
    large = encode(PIL.Image.new("1", (9500, 9500)), "PNG")
    assert load(large).shape == (9500, 9500, 3)


def test_a_small_file_of_a_large_picture_is_refused_by_the_memory_it_takes() -> None:
    data = encode(PIL.Image.new("RGB", (2000, 2000)), "WEBP")
    with pytest.raises(ImageError, match=r"takes 80 MB to load, beyond the limit of 50 MB"):
        load(data, ImageLimits(max_bytes=50_000_000))


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has other units elsewhere")
@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "JPEG"), ("RGBA", "PNG"), ("RGB", "WEBP"), ("F", "TIFF")]
)
def test_loading_takes_no_more_memory_than_is_counted(mode: str, kind: str, tmp_path: Path) -> None:
    code = """
import resource, sys
from shizi.images.load import load
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
load(sys.argv[2])
before = peak()
load(sys.argv[1])
print(peak() - before)
"""
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    large, small = (PIL.Image.new(mode, size) for size in ((2500, 2500), (4, 4)))
    for name, picture in (("large", large), ("small", small)):
        (tmp_path / name).write_bytes(encode(picture, kind, exif=exif))
    command = [sys.executable, "-c", code, str(tmp_path / "large"), str(tmp_path / "small")]
    taken = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    bands = 30_000_000
    assert taken < 2500 * 2500 * peak(mode, kind) + bands


# Bad input


def damaged() -> dict[str, bytes]:
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    found = {"empty": b"", "text": b"no picture at all", "zeros": bytes(5000)}
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "JPEG2000"):
        data = encode(noise, kind)
        for share in (0.02, 0.5, 0.9):
            found[f"{kind} cut at {share}"] = data[: int(len(data) * share)]
    data = encode(noise, "PNG")
    found["PNG with a hole"] = data[:500] + bytes(500) + data[1000:]
    found["PNG without size"] = bomb(0, 0)
    return found


@pytest.mark.parametrize("data", damaged().values(), ids=damaged().keys())
def test_damaged_files(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "bad.png"
    file.write_bytes(data)
    with pytest.raises(ImageError) as caught:
        load(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message
    assert ";" in message  # what is wrong; what to do
    with pytest.raises(ImageError):
        list(pages(file))


WHOLE = {kind: encode(SAMPLE, kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")}


@given(
    kind=st.sampled_from(sorted(WHOLE)),
    changes=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=9),
    length=st.integers(0, 3000),
)
def test_any_bytes_give_a_picture_or_an_image_error(
    kind: str, changes: list[tuple[int, int]], length: int
) -> None:
    data = bytearray(WHOLE[kind])
    for place, value in changes:
        data[place % len(data)] = value
    try:
        loaded = load(bytes(data[:length]), ImageLimits(max_bytes=12_000_000))
    except ImageError as error:
        assert "\n" not in str(error)
    else:
        assert loaded.dtype == np.uint8
        assert loaded.shape[2:] == (3,)


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (np.zeros((0, 5)), "no pixels"),
        (np.zeros((5, 0, 3), np.uint8), "no pixels"),
        (np.zeros(7), "shape"),
        (np.zeros((4, 4, 2)), "shape"),
        (np.zeros((1, 4, 4, 3)), "shape"),
        (np.full((4, 4), np.nan), "finite"),
        (np.full((4, 4), -1.0), "below 0"),
        (np.full((4, 4), "x"), "type"),
        (np.zeros((4, 4), complex), "type"),
    ],
)
def test_bad_arrays(array: np.ndarray, what: str) -> None:
    with pytest.raises(ImageError, match=what):
        load(array)


def test_bad_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageError, match="no such file"):
        load(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="folder"):
        load(tmp_path)
    with pytest.raises(ImageError, match="cannot be opened"):
        load("a\0b.png")

    def refuse(self: Path, *_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ImageError, match="permission"):
        load(tmp_path / "secret.png")


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (None, "<NoneType>: is of type NoneType; give a path"),
        (7, "<int>: is of type int"),
        (io.StringIO("text"), "<file>: is open as text"),
    ],
    ids=str,
)
def test_what_is_no_source(source: Any, what: str) -> None:
    with pytest.raises(ImageError, match=what):
        load(source)


def test_a_closed_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(SAMPLE, "PNG"))
    with (tmp_path / "a.png").open("rb") as file:
        pass
    with pytest.raises(ImageError, match="cannot be read"):
        load(file)


def test_heic_and_pdf_are_named() -> None:
    with pytest.raises(ImageError, match="HEIC"):
        load(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    with pytest.raises(ImageError, match="PDF"):
        load(b"%PDF-1.7\n")


def test_what_pillow_logs_of_a_damaged_file_is_not_printed() -> None:
    code = "import logging, shizi.images.load; logging.getLogger('PIL.x').error('told')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("", "")
