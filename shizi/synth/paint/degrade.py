"""What print, cameras, scalers and codecs do to text. Images are RGB uint8 (H, W, 3)."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.page import Image
from shizi.synth.paint.backgrounds import clouds
from shizi.synth.paint.ink import Mask

Rng = np.random.Generator
Grain = NDArray[np.float32]
_INTERPOLATIONS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA, cv2.INTER_NEAREST)


def blur(image: Image, sigma: float) -> Image:
    """Gaussian defocus."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), max(sigma, 0.01)), np.uint8)


def motion(image: Image, length: int, angle: float) -> Image:
    """Motion blur along ``angle`` degrees over ``length`` pixels."""
    kernel = np.zeros((length, length), np.float32)
    c = (length - 1) / 2
    dx, dy = np.cos(np.radians(angle)) * c, np.sin(np.radians(angle)) * c
    cv2.line(kernel, (round(c - dx), round(c - dy)), (round(c + dx), round(c + dy)), 1.0)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


@cache
def _grain_sheet() -> Grain:
    return np.random.default_rng(0).standard_normal((512, 4096), np.float32)


def grain(rng: Rng, height: int, width: int) -> Grain:
    """Standard normal noise (height, width): a random window of a sheet drawn once."""
    sheet = _grain_sheet()
    if height > sheet.shape[0] or width > sheet.shape[1]:
        return rng.standard_normal((height, width), np.float32)
    y = int(rng.integers(sheet.shape[0] - height + 1))
    x = int(rng.integers(sheet.shape[1] - width + 1))
    return sheet[y : y + height, x : x + width]


def noise(image: Image, rng: Rng, sigma: float) -> Image:
    """Gaussian noise on the brightness, a third of it coloured."""
    h, w = image.shape[:2]
    dots = grain(rng, h, w) * sigma
    coloured = rng.random() < 0.33
    out = np.empty_like(image)
    for i in range(3):
        layer = dots + grain(rng, h, w) * (0.6 * sigma) if coloured else dots
        out[..., i] = np.clip(image[..., i] + layer, 0, 255)
    return out


def jpeg(image: Image, quality: int) -> Image:
    """JPEG there and back: blocks, ringing, halved colour resolution."""
    coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])


def resample(image: Image, rng: Rng, factor: float) -> Image:
    """Shrink by ``factor`` < 1 and enlarge back, with kernels as scalers use them."""
    h, w = image.shape[:2]
    small = (max(8, round(w * factor)), max(8, round(h * factor)))
    down = cv2.resize(
        image, small, interpolation=cv2.INTER_AREA if rng.random() < 0.7 else cv2.INTER_LINEAR
    )
    return np.asarray(
        cv2.resize(down, (w, h), interpolation=_INTERPOLATIONS[int(rng.integers(2))]), np.uint8
    )


def light(image: Image, gain: float, bias: float, gamma: float = 1.0) -> Image:
    """Exposure: ``255 * (gain * v) ** gamma + bias`` on every channel."""
    ramp = np.linspace(0, 1, 256, dtype=np.float32)
    table = np.clip(255 * np.clip(gain * ramp, 0, 2) ** gamma + bias, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), np.uint8)


def shadow(image: Image, rng: Rng, depth: float) -> Image:
    """Uneven light: darker by up to ``depth`` (0 to 1) in smooth patches."""
    h, w = image.shape[:2]
    shade = 1 - depth * (clouds(rng, h, w, 3) * 0.5 + 0.5)
    return np.clip(image * shade[..., None], 0, 255).astype(np.uint8)


def wear(mask: Mask, rng: Rng, amount: float) -> Mask:
    """Break strokes: ink is missing where a noise is low. ``amount`` 0 to 1."""
    h, w = mask.shape
    holes = clouds(rng, h, w, max(8, max(h, w) // 3))
    keep = np.clip((holes + 1.3 - amount) * 3, 0, 1)
    return np.asarray(mask * keep, np.uint8)


def press(mask: Mask, rng: Rng, spread: float, sigma: float) -> Mask:
    """Ink on paper: blur by ``sigma``, roughen, and cut at a level.

    Args:
        mask: alpha (H, W).
        rng: source of chance.
        spread: -1 (eroded strokes) to 1 (strokes run together).
        sigma: roundness of the corners, pixels.
    """
    soft = cv2.GaussianBlur(mask, (0, 0), sigma).astype(np.float32)
    peak = cv2.mean(soft, cv2.inRange(mask, 200, 255))[0] or 255.0
    soft += grain(rng, *mask.shape) * 0.06 * peak
    level = peak * (0.55 - 0.3 * float(np.clip(spread, -0.8, 1)))
    return np.asarray(np.clip((soft - level) * 4 + 128, 0, 255), np.uint8)


def thicken(mask: Mask, radius: float) -> Mask:
    """Grow the ink by ``radius`` pixels (a round pen)."""
    if radius < 0.4:
        return mask
    side = 2 * int(np.ceil(radius)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    grown = cv2.dilate(mask, kernel)
    part = radius - np.floor(radius)
    if part > 0 and side > 3:
        inner = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side - 2, side - 2)))
        grown = cv2.addWeighted(grown, part, inner, 1 - part, 0)
    return np.asarray(grown, np.uint8)


def specks(image: Image, rng: Rng, count: int) -> Image:
    """Dust: small dark or light dots."""
    out = image.copy()
    h, w = out.shape[:2]
    for _ in range(count):
        shade = int(rng.integers(0, 90)) if rng.random() < 0.8 else 255
        centre = (int(rng.integers(w)), int(rng.integers(h)))
        cv2.circle(out, centre, int(rng.integers(0, 2)), (shade,) * 3, -1)
    return out


def bilevel(image: Image, rng: Rng) -> Image:
    """Black and white as fax and scanners make it: near Otsu's level."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    level = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0]
    level += rng.random() * 50 - 20
    return np.repeat(((grey > level) * np.uint8(255))[..., None], 3, 2)


def camera(image: Image, rng: Rng, strength: float) -> Image:
    """A photograph: defocus or motion, exposure, noise, JPEG. ``strength`` 0 to 1."""
    if rng.random() < 0.5 * strength + 0.2:
        image = blur(image, 0.3 + 1.1 * strength * rng.random())
    elif rng.random() < 0.25 * strength:
        image = motion(image, 3 + 2 * int(rng.integers(2)), rng.random() * 180)
    if rng.random() < 0.5:
        image = light(
            image, 0.6 + 0.6 * rng.random(), rng.random() * 30 - 15, 0.7 + 0.7 * rng.random()
        )
    if rng.random() < 0.5:
        image = noise(image, rng, 1 + 9 * strength * rng.random())
    if rng.random() < 0.6:
        image = jpeg(image, int(rng.integers(45, 95)))
    return image


def codec(image: Image, rng: Rng, size: int) -> Image:
    """A video frame: scaled (text stays at least 11 pixels per em), then compressed hard."""
    if rng.random() < 0.6:
        image = resample(image, rng, max(0.55 + 0.4 * rng.random(), min(1.0, 11 / size)))
    return jpeg(image, int(rng.integers(25 if size > 18 else 40, 88)))
