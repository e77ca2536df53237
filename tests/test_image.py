"""Every kind of picture gives the right array, and every bad one a typed error that helps."""

from __future__ import annotations

import errno
import io
import os
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import SAMPLE, encode, near

from shizi.errors import ImageError
from shizi.images import load as image
from shizi.images import pixels
from shizi.images.limits import ImageLimits, peak
from shizi.images.load import Picture, load, pages

# Sources


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM", "GIF"])
def test_exact_formats(kind: str) -> None:
    loaded = load(encode(SAMPLE, kind))
    assert near(loaded, SAMPLE)
    assert loaded.dtype == np.uint8
    assert loaded.flags.c_contiguous
    assert loaded.flags.writeable


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "JPEG2000"])
def test_lossy_formats(kind: str) -> None:
    assert near(load(encode(SAMPLE, kind)), SAMPLE, tolerance=12)


def test_every_kind_of_source(tmp_path: Path) -> None:
    data = encode(SAMPLE, "PNG")
    file = tmp_path / "图片.png"
    file.write_bytes(data)
    with file.open("rb") as stream:
        sources = [file, str(file), data, io.BytesIO(data), stream, SAMPLE, PIL.Image.open(file)]
        assert all(near(load(source), SAMPLE) for source in sources)
        assert not stream.closed


def test_a_pipe_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as stream:
        stream.write(encode(SAMPLE, "PNG"))
    with os.fdopen(reading, "rb") as stream:
        assert near(load(stream), SAMPLE)


def test_content_decides_and_not_the_name(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.pdf", "c", "d.txt"):
        (tmp_path / name).write_bytes(encode(SAMPLE, "PNG"))
        assert near(load(tmp_path / name), SAMPLE)
        assert [p.name for p in pages(tmp_path / name) if isinstance(p, Picture)] == [
            str(tmp_path / name)
        ]


def test_result_is_the_callers_own() -> None:
    given = SAMPLE.copy()
    load(given)[:] = 7
    assert near(given, SAMPLE)


def test_many_threads_load_without_warnings() -> None:
    data = encode(PIL.Image.new("L", (1000, 900), 9), "TIFF")
    with ThreadPoolExecutor(8) as pool:
        shapes = list(pool.map(lambda _: load(data).shape, range(40)))
    assert shapes == [(900, 1000, 3)] * 40
    assert PIL.Image.MAX_IMAGE_PIXELS is not None


# EXIF


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation(kind: str, orientation: int) -> None:
    # What a camera stores so that the tag makes it SAMPLE again.
    stored = {
        1: SAMPLE,
        2: SAMPLE[:, ::-1],
        3: SAMPLE[::-1, ::-1],
        4: SAMPLE[::-1],
        5: SAMPLE.swapaxes(0, 1),
        6: np.rot90(SAMPLE, 1),
        7: np.rot90(SAMPLE, 2).swapaxes(0, 1),
        8: np.rot90(SAMPLE, -1),
    }[orientation]
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    data = encode(np.ascontiguousarray(stored), kind, exif=exif)
    assert near(load(data), SAMPLE, tolerance=0 if kind in ("PNG", "TIFF") else 12)
    assert near(load(PIL.Image.open(io.BytesIO(data))), load(data))


def test_damaged_exif_costs_nothing() -> None:
    data = encode(SAMPLE, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12garbage")
    assert load(data).shape == SAMPLE.shape


# Modes and depths


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "PA", "La", "RGBA", "RGBa", "RGBX", "CMYK"])
def test_modes(mode: str) -> None:
    grey = PIL.Image.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 8, 0).repeat(8, 1))
    via = {"PA": "LA", "La": "LA", "RGBa": "RGBA"}.get(mode)
    picture = (grey.convert(via) if via else grey.convert("RGB")).convert(mode)
    loaded = load(picture)
    assert loaded.shape == (8, 16, 3)
    assert loaded[:, :8].max() <= 2
    assert loaded[:, 8:].min() >= 253


def test_lab_and_ycbcr_keep_light_and_dark() -> None:
    for mode in ("LAB", "YCbCr"):
        loaded = load(PIL.Image.new(mode, (4, 4), (220, 128, 128)))
        assert loaded.min() > 200


def test_cmyk_jpeg() -> None:
    colours = PIL.Image.fromarray(SAMPLE).convert("CMYK")
    assert near(load(encode(colours, "JPEG")), SAMPLE, tolerance=12)


RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits(kind: str) -> None:
    assert near(load(encode(RAMP.astype(np.uint16) * 257, kind))[..., 1], RAMP)


def test_12_bits_in_16() -> None:
    assert near(load(encode(RAMP.astype(np.uint16) * 16 + 15, "TIFF"))[..., 0], RAMP, tolerance=1)


def test_white_is_zero_in_16_bits() -> None:
    data = encode(RAMP.astype(np.uint16) * 257, "TIFF", tiffinfo={262: 0})
    assert near(load(data)[..., 0], 255 - RAMP)


def test_32_bits() -> None:
    assert near(load(encode(RAMP.astype(np.int32) * 257, "TIFF"))[..., 0], RAMP)
    assert near(load(encode(RAMP.astype(np.float32) / 255, "TIFF"))[..., 0], RAMP)
    assert near(load(encode(RAMP.astype(np.float32) - 99, "TIFF"))[..., 0], RAMP)


@pytest.mark.parametrize(
    "array",
    [
        RAMP,
        RAMP[..., None],
        RAMP.astype(np.uint16) * 257,
        RAMP.astype(np.int64),
        RAMP / 255,
        RAMP.astype(np.float16) / 255,
        RAMP.astype(np.float32),
        np.asfortranarray(np.dstack([RAMP] * 3)),
        np.dstack([RAMP] * 3)[::-1][::-1],
        np.dstack([RAMP] * 3 + [np.full_like(RAMP, 255)]),
        np.dstack([RAMP] * 3 + [np.full_like(RAMP, 255)]) / 255,
    ],
    ids=lambda a: f"{a.dtype}{a.shape}",
)
def test_arrays(array: np.ndarray) -> None:
    loaded = load(array)
    assert near(loaded, np.dstack([RAMP] * 3))
    assert loaded.flags.c_contiguous


@pytest.mark.parametrize("kind", ["F", "TIFF"])
def test_what_is_not_finite_costs_its_pixel_only(kind: str) -> None:
    ramp = RAMP.astype(np.float32)
    ramp[0, 0], ramp[0, 1], ramp[1, 0] = np.nan, np.inf, -np.inf
    loaded = load(PIL.Image.fromarray(ramp) if kind == "F" else encode(ramp, "TIFF"))[..., 0]
    assert loaded[0, :2].tolist() == [255, 255]
    assert loaded[1, 0] == 0
    assert near(loaded[2:], RAMP[2:])


def test_nothing_finite_is_a_white_page() -> None:
    assert load(PIL.Image.fromarray(np.full((4, 4), np.nan, np.float32))).min() == 255


def test_bool_array() -> None:
    assert load(np.eye(3, dtype=bool))[..., 2].tolist() == (np.eye(3) * 255).tolist()


# Transparency


@pytest.mark.parametrize("ink", [0, 40, 215, 255])
@pytest.mark.parametrize("hidden", [0, 255])
def test_text_on_transparent_stays_legible(ink: int, hidden: int) -> None:
    rgba = np.full((20, 20, 4), hidden, dtype=np.uint8)
    rgba[..., 3] = 0
    rgba[8:12, 4:16] = (ink, ink, ink, 255)
    loaded = load(encode(rgba, "PNG")).astype(int)
    assert abs(loaded[10, 10, 0] - loaded[0, 0, 0]) > 200
    assert near(load(rgba), loaded)


def test_transparent_palette_and_grey() -> None:
    grey = PIL.Image.new("L", (20, 20), 255)
    grey.paste(0, (5, 5, 15, 15))
    for picture in (grey, grey.convert("P")):
        data = encode(
            picture, "PNG", transparency=255 if picture.mode == "L" else bytes(range(256))
        )
        loaded = load(data)
        assert loaded.shape == (20, 20, 3)
    assert load(encode(PIL.Image.new("RGBA", (5, 5)), "PNG")).shape == (5, 5, 3)


def test_half_transparent_is_mixed() -> None:
    rgba = np.full((2, 2, 4), 0, dtype=np.uint8)
    rgba[..., 3] = 128
    assert load(rgba)[0, 0].tolist() == [127] * 3  # half black on white


# Sizes


def test_extreme_shapes() -> None:
    assert load(encode(PIL.Image.new("RGB", (1, 1)), "PNG")).shape == (1, 1, 3)
    assert load(encode(PIL.Image.new("RGB", (20000, 50)), "PNG")).shape == (50, 20000, 3)


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


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "I;16"])
def test_a_picture_of_many_bands_is_whole(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = PIL.Image.fromarray(RAMP).resize((64, 64))
    if mode == "I;16":
        picture = PIL.Image.fromarray(np.asarray(whole).astype(np.uint16) * 257)
    else:
        picture = whole.convert(mode)
    if mode == "RGBA":
        picture.putalpha(whole)
    expected = load(picture)
    monkeypatch.setattr(pixels, "_BAND", 300)
    assert near(load(picture), expected)


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


def test_suffixes_are_those_that_are_decoded() -> None:
    known = {s for s, kind in PIL.Image.registered_extensions().items() if kind in image._FORMATS}
    assert image.SUFFIXES - {".pdf"} <= known


def test_what_pillow_logs_of_a_damaged_file_is_not_printed() -> None:
    code = "import logging, shizi.images.load; logging.getLogger('PIL.x').error('told')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("", "")
