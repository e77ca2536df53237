"""Pixels of any depth, colour mode and transparency become RGB of 8 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from shizi.errors import ImageError
from shizi.page import Image

_PHOTOMETRIC = 262  # the TIFF tag; 0 says that white is zero


def from_pil(picture: PIL.Image.Image) -> Image:
    """Turn a decoded PIL picture of any mode into RGB, uint8 (H, W, 3)."""
    mode = picture.mode
    if mode.startswith(("I", "F")):
        grey = to_8_bits(np.asarray(picture))
        if getattr(picture, "tag_v2", {}).get(_PHOTOMETRIC) == 0:
            grey = 255 - grey  # Pillow inverts such pictures only up to 8 bits
        return _grey_to_rgb(grey)
    if mode in ("La", "RGBa"):  # premultiplied alpha
        picture = picture.convert({"La": "LA", "RGBa": "RGBA"}[mode])
    if picture.has_transparency_data:
        return _flatten(np.asarray(picture.convert("RGBA")))
    if mode == "LAB":  # Pillow needs a profile to convert it; its lightness is enough to read
        picture = picture.getchannel(0)
    # Asked for the mode that it has, Pillow would still copy.
    return np.array(picture if mode == "RGB" else picture.convert("RGB"))


def _flatten(rgba: NDArray[np.uint8]) -> Image:
    """Lay RGBA (H, W, 4) on black if what is opaque is bright, else on white, so text is seen."""
    alpha = rgba[..., 3]
    if alpha.min() == 255:
        return np.ascontiguousarray(rgba[..., :3])
    luminance = rgba[..., :3] @ np.array([0.299, 0.587, 0.114], dtype=np.float32)  # (H, W)
    weight = float(alpha.sum(dtype=np.float64))
    bright = weight > 0 and float((luminance * alpha).sum(dtype=np.float64)) / weight > 127
    ground = np.uint16(0 if bright else 255)
    opacity = alpha[..., None].astype(np.uint16)  # (H, W, 1)
    mixed = rgba[..., :3] * opacity + ground * (255 - opacity)  # at most 255 * 255
    return ((mixed + 127) // 255).astype(np.uint8)


def to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring values of any depth to 0..255.

    Floats up to 1 are taken as 0..1. Otherwise white is the top of the smallest common
    depth (8, 10, 12, 14, 16 bits) that holds the brightest value, since cameras and
    scanners store 10 to 14 bits in 16; beyond that it is the brightest value itself.
    """
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype == np.uint8:
        return values
    values = values.astype(np.float64 if values.dtype.itemsize > 4 else np.float32)
    low, high = float(values.min()), float(values.max())
    if low < -0.5:  # heights, temperatures: any scale, so stretch it
        values, high = values - low, high - low
        white = high or 1.0
    elif high <= 1.5:  # resampling may overshoot 1 a little
        white = 1.0
    else:
        white = next((d for b in (8, 10, 12, 14, 16) if high < (d := 2**b - 1) + 1), high)
    return (values * (255 / white)).round().clip(0, 255).astype(np.uint8)


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
        return _flatten(pixels)
    if array.shape[2] == 1:
        return _grey_to_rgb(pixels[..., 0])
    return np.array(pixels, order="C")
