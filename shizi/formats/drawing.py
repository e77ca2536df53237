"""A picture with its lines boxed, beside a white page with the text read from them.

Chinese needs a font that has it; one is looked for once, by fontconfig and then in
the places where systems keep theirs. Without any, Pillow's own font is used, which
draws Chinese characters as empty boxes: install for example fonts-noto-cjk.
"""

from __future__ import annotations

import subprocess
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from numpy.typing import NDArray

from shizi.errors import ImageError, OptionError
from shizi.geometry import sides
from shizi.page import Image, Line, Page, check_image

Font = PIL.ImageFont.FreeTypeFont | PIL.ImageFont.ImageFont

_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/Hiragino Sans GB.ttc",
    "/System/Library/Fonts/STHeiti Light.ttc",
    "C:/Windows/Fonts/msyh.ttc",
    "C:/Windows/Fonts/simhei.ttf",
    "C:/Windows/Fonts/simsun.ttc",
)
_COLOURS = (  # one a block, repeating; dark enough to be seen on white
    (31, 119, 180),
    (214, 69, 65),
    (34, 139, 76),
    (145, 89, 182),
    (217, 119, 6),
    (13, 148, 136),
    (190, 60, 130),
    (100, 90, 70),
)
_INK = 24  # the grey of the text
_UPRIGHT = str.maketrans(
    "，。、：；！？（）《》「」『』【】—…", "︐︒︑︓︔︕︖︵︶︽︾﹁﹂﹃﹄︻︼︱︙"
)
_FINE = 2  # text is typeset so much larger than it is drawn, which smooths its edges
_LONGEST = 30_000  # side of a picture that OpenCV can warp
_SQUEEZE, _STRETCH = 0.75, 1.3  # how far glyphs may be narrowed or widened to fill their quad


def draw(page: Page, image: Image) -> Image:
    """Draw what was read.

    Args:
        page: read from ``image``, quads in its pixels.
        image: shape (H, W, 3).

    Returns:
        The picture with boxes, coloured by block, to the left and the typeset text
        to the right, each line where it stands: uint8 (H, 2 W, 3).

    Raises:
        ImageError: the picture is not RGB, uint8 (H, W, 3), or not of the page's size.
        OptionError: the page is none.
    """
    if not isinstance(page, Page):
        raise OptionError(
            f"page: must be a Page, not {type(page).__name__}; then comes the picture"
        )
    check_image(image, page.source)
    height, width = image.shape[:2]
    if (width, height) != (page.width, page.height):
        raise ImageError(
            f"{page.source}: the picture is {width} x {height}, but the page was read from one of "
            f"{page.width} x {page.height}; draw on that"
        )
    boxed = _tint(image, page, 0.12)
    paper = _tint(np.full_like(image, 255), page, 0.10)
    thickness = max(1, round(min(height, width) / 700))
    for line in page.lines:
        points = [line.quad.to_array().round().astype(np.int32)]
        cv2.polylines(boxed, points, True, _colour(line), thickness, cv2.LINE_AA)
        _typeset(paper, line)
    return np.hstack([boxed, paper])


def _colour(line: Line) -> tuple[int, int, int]:
    return _COLOURS[line.block % len(_COLOURS)]


def _tint(image: Image, page: Page, strength: float) -> Image:
    """Return a copy with the quads filled, translucent."""
    filled = image.copy()
    for line in page.lines:
        cv2.fillPoly(filled, [line.quad.to_array().round().astype(np.int32)], _colour(line))
    return np.asarray(cv2.addWeighted(filled, strength, image, 1 - strength, 0), dtype=np.uint8)


def _typeset(paper: Image, line: Line) -> None:
    """Draw the line's text into its quad on the paper (H, W, 3), in place."""
    quad = line.quad.to_array()  # (4, 2)
    # Only the part of the paper under the quad is touched.
    left, top = np.maximum(np.floor(quad.min(0)).astype(int) - 1, 0)
    right, bottom = np.maximum(np.ceil(quad.max(0)).astype(int) + 2, 0)
    part = paper[top:bottom, left:right]
    if not part.size:
        return
    width, height = (float(side) for side in sides(quad))
    fine = min(_FINE, _LONGEST / max(width, height, *part.shape))
    mask = _text_mask(line, max(1, round(width * fine)), max(1, round(height * fine)))
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * mask.shape[::-1]
    target = quad - np.array([left, top], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32) - 0.5, target - 0.5)
    cover = cv2.warpPerspective(mask, matrix, part.shape[1::-1], flags=cv2.INTER_LINEAR)
    cover = cover[..., None].astype(np.uint16)  # (h, w, 1)
    part[:] = (part * (255 - cover) + _INK * cover) // 255


def _text_mask(line: Line, width: int, height: int) -> NDArray[np.uint8]:
    """Typeset the text for a quad of (height, width), 255 where the ink is.

    The mask may be wider or narrower than the quad: mapped onto it, its glyphs fill it.
    """
    if line.vertical and line.text:
        return _stacked_mask(line.text, width, height)
    size = _size(height * 0.8)
    length = font(size).getlength(line.text)
    fitted = min(max(length, width / _STRETCH), width / _SQUEEZE)
    if length > fitted:
        size = _size(size * fitted / length)
    mask = PIL.Image.new("L", (max(1, round(fitted)), height), 0)
    pen = PIL.ImageDraw.Draw(mask)
    pen.text((0, height / 2), line.text, fill=255, font=font(size), anchor="lm")
    return np.asarray(mask)


def _stacked_mask(text: str, width: int, height: int) -> NDArray[np.uint8]:
    mask = PIL.Image.new("L", (width, height), 0)
    pen = PIL.ImageDraw.Draw(mask)
    cell = height / len(text)
    face = font(_size(min(cell, width) * 0.9))
    for i, char in enumerate(text.translate(_UPRIGHT)):
        pen.text((width / 2, (i + 0.5) * cell), char, fill=255, font=face, anchor="mm")
    return np.asarray(mask)


def _size(wanted: float) -> int:
    return max(4, min(int(wanted), 2000))


@lru_cache(maxsize=256)
def font(size: int) -> Font:
    """Return a font that has Chinese, of a size in pixels; Pillow's own if there is none."""
    found = _font_file()
    if found is None:
        return PIL.ImageFont.load_default(size)
    return PIL.ImageFont.truetype(found[0], size, index=found[1])


@lru_cache(maxsize=1)
def _font_file() -> tuple[str, int] | None:
    """Find a font that has Chinese: path and index in its collection."""
    for path, index in (*_from_fontconfig(), *((path, 0) for path in _FONTS)):
        if Path(path).is_file() and _has_chinese(path, index):
            return path, index
    return None


def _from_fontconfig() -> list[tuple[str, int]]:
    try:
        answer = subprocess.run(
            ["fc-match", "-f", "%{file}\n%{index}", "Noto Sans CJK SC:lang=zh-cn"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout
        path, index = answer.split("\n")
        return [(path, int(index))]
    except (OSError, ValueError, subprocess.SubprocessError):
        return []


def _has_chinese(path: str, index: int) -> bool:
    try:
        face = PIL.ImageFont.truetype(path, 24, index=index)
    except OSError:
        return False
    missing = bytes(face.getmask("\U0010fffd"))
    return bytes(face.getmask("识")) != missing != bytes(face.getmask("讀"))
