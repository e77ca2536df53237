"""Cheap changes of a training picture that leave its label true."""

from __future__ import annotations

import cv2
import numpy as np

from shizi.page import Image


def recolour(image: Image, rng: np.random.Generator) -> Image:
    """Change brightness, contrast, gamma, colour order; now and then invert or grey it."""
    draw = rng.random(5)
    if draw[0] < 0.15:
        image = 255 - image
    if draw[1] < 0.3:
        image = image[:, :, rng.permutation(3)]
    elif draw[1] < 0.4:
        image = np.asarray(cv2.transform(image, np.full((3, 3), 1 / 3)), np.uint8)
    if draw[2] < 0.5:
        levels = np.arange(256) / 255.0
        levels = levels ** rng.uniform(0.6, 1.6)
        levels = (levels - 0.5) * rng.uniform(0.5, 1.2) + 0.5 + rng.uniform(-0.15, 0.15)
        table = np.clip(levels * 255, 0, 255).astype(np.uint8)
        image = np.asarray(cv2.LUT(image, table), np.uint8)
    return np.ascontiguousarray(image)


def spoil(image: Image, rng: np.random.Generator) -> Image:
    """Blur, add noise, lose resolution or compress, each seldom."""
    draw = rng.random(4)
    h, w = image.shape[:2]
    if draw[0] < 0.1:
        factor = rng.uniform(0.4, 0.9)
        small = cv2.resize(image, (max(2, int(w * factor)), max(2, int(h * factor))))
        image = np.asarray(cv2.resize(small, (w, h)), np.uint8)
    if draw[1] < 0.1:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.2)), np.uint8)
    if draw[2] < 0.1:
        noise = rng.normal(0, rng.uniform(2, 14), (h, w, 1))
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if draw[3] < 0.1:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))]
        image = np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], 1), np.uint8)
    return image


def bend(crop: Image, rng: np.random.Generator) -> Image:
    """Slant, tilt or view a line crop from the side, each a little and seldom.

    The corners move by at most a tenth of the height; what comes in is the crop's edge.
    """
    h, w = crop.shape[:2]
    if rng.random() > 0.25:
        return crop
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    slant = rng.uniform(-0.15, 0.15) * h  # the upper edge against the lower
    tilt = rng.uniform(-0.05, 0.05) * h  # the right end against the left
    moved = corners + rng.uniform(-0.04, 0.04, (4, 2)).astype(np.float32) * h
    moved[:2, 0] += slant
    moved[1:3, 1] += tilt
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    bent = cv2.warpPerspective(crop, matrix, (w, h), None, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
    return np.asarray(bent, np.uint8)


def shake(crop: Image, rng: np.random.Generator) -> Image:
    """Trim or extend a line crop's borders a little, as a detector would."""
    h = crop.shape[0]
    top, low = (rng.uniform(-0.06, 0.08, 2) * h).round().astype(int)
    left, right = (rng.uniform(-0.04, 0.15, 2) * h).round().astype(int)
    pads = [(max(0, int(top)), max(0, int(low))), (max(0, int(left)), max(0, int(right))), (0, 0)]
    crop = np.pad(crop, pads, mode="edge")
    y0, y1 = max(0, -top), crop.shape[0] - max(0, -low)
    x0, x1 = max(0, -left), crop.shape[1] - max(0, -right)
    return crop[y0:y1, x0:x1]
