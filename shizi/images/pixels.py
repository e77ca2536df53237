"""Pixels of any depth, colour mode and transparency become RGB of 8 bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from shizi.errors import ImageError
from shizi.page import Image

_PHOTOMETRIC = 262  # the TIFF tag; 0 says that white is zero
_BAND = 1 << 20  # pixels that are converted at once, so that no large picture is held thrice

_Bands: TypeAlias = Callable[[], Iterable[NDArray[np.uint8]]]
"""The bands (h, W, 4) of an RGBA picture from top to bottom, as often as asked."""


def from_pil(picture: PIL.Image.Image) -> Image:
    """Turn a decoded PIL picture of any mode into RGB, uint8 (H, W, 3)."""
    mode, shape = picture.mode, (picture.height, picture.width, 3)
    if mode.startswith(("I", "F")):
        grey = to_8_bits(np.asarray(picture))
        if getattr(picture, "tag_v2", {}).get(_PHOTOMETRIC) == 0:
            grey = 255 - grey  # Pillow inverts such pictures only up to 8 bits
        return _grey_to_rgb(grey)
    if mode in ("La", "RGBa") or picture.has_transparency_data:
        return _flatten(lambda: map(_rgba, _cut(picture)), shape)
    if mode == "LAB":  # Pillow needs a profile to convert it; its lightness is enough to read
        picture = picture.getchannel(0)
    bands = _cut(picture)
    if mode != "RGB":  # else to convert it would copy it once more
        bands = (band.convert("RGB") for band in bands)
    return _joined(map(np.asarray, bands), shape)


def _cut(picture: PIL.Image.Image) -> Iterator[PIL.Image.Image]:
    """Cut a picture into bands."""
    width, height = picture.size
    for top, bottom in _bands(height, width):
        yield picture.crop((0, top, width, bottom))


def _bands(height: int, width: int) -> Iterator[tuple[int, int]]:
    """First row and end of each band."""
    rows = max(1, _BAND // max(1, width))
    return ((top, min(top + rows, height)) for top in range(0, height, rows))


def _rgba(band: PIL.Image.Image) -> NDArray[np.uint8]:
    if band.mode in ("La", "RGBa"):  # premultiplied alpha
        band = band.convert({"La": "LA", "RGBa": "RGBA"}[band.mode])
    return np.asarray(band.convert("RGBA"))  # (h, W, 4)


def _joined(bands: Iterable[NDArray[np.uint8]], shape: tuple[int, int, int]) -> Image:
    out = np.empty(shape, np.uint8)
    top = 0
    for band in bands:
        out[top : top + len(band)] = band
        top += len(band)
    return out


def _flatten(bands: _Bands, shape: tuple[int, int, int]) -> Image:
    """Lay RGBA on black if what is opaque is bright, else on white, so that text is seen."""
    opaque = all(band[..., 3].min() == 255 for band in bands())
    ground = np.uint16(0 if not opaque and _bright(bands()) else 255)

    def mixed(band: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if opaque:
            return band[..., :3]
        opacity = band[..., 3:].astype(np.uint16)  # (h, W, 1)
        both = band[..., :3] * opacity + ground * (255 - opacity)  # at most 255 * 255
        return ((both + 127) // 255).astype(np.uint8)

    return _joined(map(mixed, bands()), shape)


def _bright(bands: Iterable[NDArray[np.uint8]]) -> bool:
    """Whether what is opaque is bright."""
    weight = light = 0.0
    for band in bands:
        luminance = band[..., :3] @ np.array([0.299, 0.587, 0.114], dtype=np.float32)  # (h, W)
        weight += float(band[..., 3].sum(dtype=np.float64))
        light += float((luminance * band[..., 3]).sum(dtype=np.float64))
    return weight > 0 and light / weight > 127


def to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring values of any depth, shape (H, W, …), to 0..255.

    Floats up to 1 are taken as 0..1. Otherwise white is the top of the smallest common
    depth (8, 10, 12, 14, 16 bits) that holds the brightest value, since cameras and
    scanners store 10 to 14 bits in 16; beyond that it is the brightest value itself.
    What is not finite says nothing about depth: infinities are black and white, the rest white.
    """
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype == np.uint8:
        return values
    out = np.empty(values.shape, np.uint8)
    bands = [slice(*ends) for ends in _bands(len(values), values[0].size)]
    ends = np.array([_ends(values[band]) for band in bands])  # (bands, 2)
    least, white = _range(float(ends[:, 0].min()), float(ends[:, 1].max()))
    kind = np.dtype(np.float64 if values.dtype.itemsize > 4 else np.float32)
    for band in bands:
        scaled = (values[band].astype(kind) - least) * (255 / white)
        np.nan_to_num(scaled, copy=False, nan=255, posinf=255, neginf=0)
        out[band] = scaled.round().clip(0, 255)
    return out


def _ends(values: NDArray[Any]) -> tuple[float, float]:
    """The least and the greatest finite value."""
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if values.size else (math.inf, -math.inf)


def _range(low: float, high: float) -> tuple[float, float]:
    """Which value is black, and by how much white lies above it."""
    if low > high:  # nothing finite
        return 0.0, 1.0
    if low < -0.5:  # heights, temperatures: any scale, so stretch it
        return low, high - low or 1.0
    if high <= 1.5:  # resampling may overshoot 1 a little
        return 0.0, 1.0
    return 0.0, next((d for b in (8, 10, 12, 14, 16) if high < (d := 2**b - 1) + 1), high)


def _grey_to_rgb(grey: NDArray[np.uint8]) -> Image:
    return np.repeat(grey[..., None], 3, axis=2)  # (H, W, 3)


def from_array(array: NDArray[Any], name: str) -> Image:
    """Turn an array, as described at :func:`shizi.images.load.load`, into RGB, uint8 (H, W, 3).

    Raises:
        ImageError: another shape or type, or values out of range.
    """
    if array.ndim == 2:
        array = array[..., None]  # (H, W, 1)
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ImageError(
            f"{name}: has shape {array.shape}; give (H, W), (H, W, 3) RGB or (H, W, 4) RGBA"
        )
    if array.dtype.kind not in "buif":
        raise ImageError(f"{name}: has type {array.dtype}; give uint8, uint16, float or bool")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ImageError(f"{name}: has values that are not finite; give 0..1 or 0..255")
    if array.dtype.kind in "if" and array.min() < -0.5:
        raise ImageError(f"{name}: has values below 0; give 0..1 or 0..255, not normalised")
    pixels = to_8_bits(array)
    if array.shape[2] == 4:
        height, width = pixels.shape[:2]
        bands = [pixels[top:bottom] for top, bottom in _bands(height, width)]
        return _flatten(lambda: bands, (height, width, 3))
    if array.shape[2] == 1:
        return _grey_to_rgb(pixels[..., 0])
    return np.array(pixels, order="C")
