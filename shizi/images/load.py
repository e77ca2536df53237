"""Any picture, in a file or in memory, becomes one RGB array.

The content decides what a file is, never its name. EXIF orientation is applied,
transparency is laid on a background that keeps the text legible, and deep
pictures are brought to 8 bits by the depth that they really use.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import PIL.Image

from shizi.errors import ImageError, PdfError, ShiziError
from shizi.images import pixels
from shizi.images.source import SUFFIXES, Source, find, name_of, opened, reason
from shizi.page import Image

__all__ = [
    "SUFFIXES",
    "ImageLimits",
    "PageOptions",
    "Source",
    "find",
    "load",
    "name_of",
    "pages",
]

# Pillow's other formats either run programs (EPS) or take almost any bytes for a picture (TGA).
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "DIB", "PPM", "JPEG2000", "MPO", "AVIF")
_ORIENTATION = 0x0112  # the EXIF tag
_UPRIGHT = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}
_PILLOW = threading.Lock()


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """How large a picture may be, checked before it is decoded.

    Attributes:
        max_pixels: width times height; 150 million decoded take 450 MB.
        max_side: pixels of the longer side.
    """

    max_pixels: int = 150_000_000
    max_side: int = 100_000


def load(source: Source, limits: ImageLimits = ImageLimits(), *, name: str | None = None) -> Image:
    """Load one picture; of a file with many, the first.

    Args:
        source: a path, the bytes of a file, a binary file, a PIL picture, or an array of shape
            (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA. Arrays may be bool, integers
            (0..255, or deeper: see :func:`.pixels.to_8_bits`) or floats (0..1 or 0..255).
        limits: larger pictures are refused.
        name: what errors call the picture.

    Returns:
        RGB picture, uint8 (H, W, 3), contiguous and the caller's own.

    Raises:
        ImageError: not a picture, damaged, too large, or unreadable; the message says what to do.
    """
    name = name or name_of(source)
    if isinstance(source, np.ndarray):
        if source.ndim > 1:
            _check_size(source.shape[1::-1], limits, name)
        return pixels.from_array(source, name)
    if isinstance(source, PIL.Image.Image):
        _check_size(source.size, limits, name)
        return _decode(source, name)
    with opened(source, name) as file, _open_picture(file, limits, name) as picture:
        return _decode(picture, name)


@dataclass(frozen=True, slots=True)
class PageOptions:
    """Which pages of a PDF or a TIFF of many are wanted, and how a PDF is drawn.

    The part of a range beyond the last page is passed over.

    Attributes:
        pages: such as 1-3,5 or 2-; None for all. Plain pictures are read in any case.
        dpi: pixels per inch of a drawn PDF page; None chooses: 200, less for large pages.
        password: of encrypted PDFs.
    """

    pages: str | None = None
    dpi: int | None = None
    password: str | None = None

    def __post_init__(self) -> None:
        self.ranges()
        if self.dpi is not None and not 1 <= self.dpi <= 2400:
            raise ValueError(f"dpi must lie between 1 and 2400, not {self.dpi}")

    def ranges(self) -> list[tuple[int, int | None]]:
        """Return ``pages`` as (first, last) pairs, last None for an open end.

        Raises:
            ValueError: ``pages`` is not such a list.
        """
        if self.pages is None:
            return [(1, None)]
        found = []
        for part in self.pages.split(","):
            match = re.fullmatch(r"\s*(\d{1,9})\s*(?:(-)\s*(\d{1,9})?)?\s*", part)
            if not match:
                raise ValueError(f"pages must look like 1-3,5 and not like {self.pages!r}")
            first = int(match[1])
            last = first if not match[2] else int(match[3]) if match[3] else None
            if first < 1 or (last is not None and last < first):
                raise ValueError(f"pages count up from 1, which {self.pages!r} does not")
            found.append((first, last))
        return found


def pages(
    source: Source,
    limits: ImageLimits = ImageLimits(),
    options: PageOptions = PageOptions(),
    *,
    name: str | None = None,
) -> Iterator[tuple[str, Image]]:
    """Load all that a source holds, one page after the other.

    A page that is damaged does not keep the others back: its error is raised at the end.

    Args:
        source: as for :func:`load`, or a PDF.
        limits: as for :func:`load`; a PDF page is drawn to fit.
        options: which pages.
        name: what the pages and errors are called.

    Yields:
        Name and picture: ``file.png`` for a picture, ``file.pdf#3`` for page 3 of a document.

    Raises:
        ImageError: as for :func:`load`.
        PdfError: a PDF is broken or encrypted, or has no such page.
        MissingExtraError: a PDF needs ``pip install 'shizi[pdf]'``.
    """
    name = name or name_of(source)
    if isinstance(source, np.ndarray | PIL.Image.Image):
        yield name, load(source, limits, name=name)
        return
    with opened(source, name) as file:
        is_pdf = b"%PDF-" in file.read(1024)
        file.seek(0)
        if is_pdf:
            yield from _pdf_pages(file, name, limits, options)
            return
        with _open_picture(file, limits, name) as picture:
            if picture.format == "TIFF" and _count_frames(picture) > 1:
                yield from _tiff_pages(picture, name, limits, options)
            else:
                yield name, _decode(picture, name)


def _pdf_pages(
    file: BinaryIO, name: str, limits: ImageLimits, options: PageOptions
) -> Iterator[tuple[str, Image]]:
    from shizi.images import pdf

    with pdf.opened(file, name, options.password) as document:

        def draw(index: int, name: str) -> Image:
            return pdf.draw(document, index, options.dpi, limits, name)

        yield from _selected(draw, len(document), name, options, PdfError)


def _tiff_pages(
    picture: PIL.Image.Image, name: str, limits: ImageLimits, options: PageOptions
) -> Iterator[tuple[str, Image]]:
    def draw(index: int, name: str) -> Image:
        try:
            with _quiet_pillow(limits.max_pixels):
                picture.seek(index)
        except Exception as error:  # as in _open_picture
            raise ImageError(f"{name}: is damaged ({reason(error)}); save it again") from error
        _check_size(picture.size, limits, name)
        return _decode(picture, name)

    yield from _selected(draw, _count_frames(picture), name, options, ImageError)


def _count_frames(picture: PIL.Image.Image) -> int:
    try:
        with _quiet_pillow():
            return int(getattr(picture, "n_frames", 1))
    except Exception:  # the directory of a damaged TIFF; its first frame may still be good
        return 1


def _selected(
    draw: Callable[[int, str], Image],
    count: int,
    name: str,
    options: PageOptions,
    error_type: type[ShiziError],
) -> Iterator[tuple[str, Image]]:
    """Yield the wanted ones of ``count`` pages; raise what went wrong after the last."""
    failures: list[ShiziError] = []
    for first, last in options.ranges():
        if first > count:
            failures.append(error_type(f"{name}: has no page {first}, its last is page {count}"))
        for number in range(first, min(count, last or count) + 1):
            try:
                picture = draw(number - 1, f"{name}#{number}")
            except ShiziError as error:
                failures.append(error)
                continue
            yield f"{name}#{number}", picture
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise error_type("; ".join(map(str, failures)))


def _open_picture(file: BinaryIO, limits: ImageLimits, name: str) -> PIL.Image.Image:
    """Open a picture without decoding it, and check its size.

    Raises:
        ImageError: not a picture, or one beyond the limits.
    """
    try:
        with _quiet_pillow(limits.max_pixels):
            picture = PIL.Image.open(file, formats=_known_formats())
    except PIL.Image.DecompressionBombError as error:
        raise ImageError(f"{name}: {_too_large(None, limits)}") from error
    except PIL.UnidentifiedImageError as error:
        raise ImageError(f"{name}: {_why_unknown(file)}") from error
    except Exception as error:  # damaged headers make Pillow's plugins raise nearly anything
        raise ImageError(f"{name}: is damaged ({reason(error)}); save it again") from error
    _check_size(picture.size, limits, name)
    return picture


def _check_size(size: tuple[int, ...], limits: ImageLimits, name: str) -> None:
    """Check a picture's (width, height).

    Raises:
        ImageError: no pixels, or more than the limits allow.
    """
    width, height = size
    if not width or not height:
        raise ImageError(f"{name}: has no pixels ({width}x{height}); give a picture")
    if width * height > limits.max_pixels or max(size) > limits.max_side:
        raise ImageError(f"{name}: {_too_large(size, limits)}")


def _too_large(size: tuple[int, ...] | None, limits: ImageLimits) -> str:
    shape = f"is {size[0]}x{size[1]}" if size else "is far too large"
    return (
        f"{shape}, beyond the limit of {limits.max_pixels / 1e6:g} million pixels and "
        f"{limits.max_side} a side; make it smaller, or raise the limit if you trust it"
    )


def _why_unknown(file: BinaryIO) -> str:
    file.seek(0)
    head = file.read(1024)
    if b"%PDF-" in head:
        return "is a PDF, not a picture; Reader.read_many gives its pages"
    if head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1"):
        return "is a HEIC picture, which cannot be decoded here; save it as JPEG"
    return "is not a picture, or its beginning is damaged; give a JPEG, PNG, WebP, TIFF, GIF or BMP"


def _known_formats() -> list[str]:
    PIL.Image.init()
    return [name for name in _FORMATS if name in PIL.Image.OPEN]


@contextmanager
def _quiet_pillow(max_pixels: int | None = None) -> Iterator[None]:
    """Silence Pillow's warnings and set its bomb limit for a moment; both are global, so one at
    a time.
    """
    with _PILLOW, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        previous = PIL.Image.MAX_IMAGE_PIXELS
        PIL.Image.MAX_IMAGE_PIXELS = max_pixels
        try:
            yield
        finally:
            PIL.Image.MAX_IMAGE_PIXELS = previous


def _decode(picture: PIL.Image.Image, name: str) -> Image:
    """Decode a PIL picture's current frame into uint8 (H, W, 3)."""
    try:
        if picture.format != "TIFF":  # the slow part, so outside the lock; TIFF may warn here
            picture.load()
        with _quiet_pillow():
            picture.load()
            orientation = _orientation(picture)
        if orientation in _UPRIGHT:
            picture = picture.transpose(_UPRIGHT[orientation])
        return pixels.from_pil(picture)
    except MemoryError as error:
        raise ImageError(f"{name}: does not fit into memory; make it smaller") from error
    except Exception as error:  # damaged data makes Pillow's decoders raise nearly anything
        raise ImageError(
            f"{name}: is cut off or damaged ({reason(error)}); copy or save it again"
        ) from error


def _orientation(picture: PIL.Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block must not cost the picture
        return 1
