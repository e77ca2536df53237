"""Every kind of picture gives the right array."""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from pictures import SAMPLE, encode, near

from shizi.images import load as image
from shizi.images import pixels
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


def test_suffixes_are_those_that_are_decoded() -> None:
    known = {s for s, kind in PIL.Image.registered_extensions().items() if kind in image._FORMATS}
    assert image.SUFFIXES - {".pdf"} <= known
