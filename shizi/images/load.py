"""Any picture, in a file or in memory, becomes one RGB array.

The content decides what a file is, never its name. EXIF orientation is applied,
transparency is laid on a background that keeps the text legible, and deep
pictures are brought to 8 bits by the depth that they really use.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL.Image

from shizi.errors import Failure, ImageError, PdfError, ShiziError, TooLargeError
from shizi.images import pixels
from shizi.images.limits import ImageLimits, PageOptions, peak
from shizi.images.source import SUFFIXES, Source, find, name_of, opened, reason
from shizi.page import Box, Image, Origin

__all__ = [
    "SUFFIXES",
    "ImageLimits",
    "PageOptions",
    "Picture",
    "Source",
    "find",
    "load",
    "name_of",
    "pages",
    "picture",
    "quiet_pillow",
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

# It logs what ails damaged files; without a handler Python would print that.
logging.getLogger("PIL").addHandler(logging.NullHandler())


_DPI = 10, 10_000  # what a file may say of its pixels an inch and be believed


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """One loaded picture, or one page of a document.

    Attributes:
        name: ``file.png`` for a picture, ``file.pdf#3`` for page 3 of a document.
        image: RGB, uint8 (H, W, 3), contiguous and the caller's own.
        number: of the page in its document, from 1.
        count: how many pages the document has.
        dpi: pixels per inch, where the file says so or the page was drawn.
        origin: the file that it comes from, one object for all its pages; None if in memory.
        own_text: as in :class:`~shizi.page.Sheet`.
    """

    name: str
    image: Image
    number: int = 1
    count: int = 1
    dpi: float | None = None
    origin: Origin | None = None
    own_text: tuple[Box, ...] = ()


def load(source: Source, limits: ImageLimits = ImageLimits(), *, name: str | None = None) -> Image:
    """Load the pixels of one picture: see :func:`picture`."""
    return picture(source, limits, name=name).image


def picture(
    source: Source, limits: ImageLimits = ImageLimits(), *, name: str | None = None
) -> Picture:
    """Load one picture.

    Args:
        source: a path, the bytes of a file, a binary file, a PIL picture (its current frame), or
            an array of shape (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA. Arrays may be
            bool, integers (0..255, or deeper: see :func:`.pixels.to_8_bits`) or floats (0..1 or
            0..255).
        limits: larger pictures are refused.
        name: what the picture is called.

    Raises:
        ImageError: not a picture, damaged, too large, one of several in a file, or unreadable;
            the message says what to do.
    """
    name = name or name_of(source)
    if isinstance(source, np.ndarray):
        if source.ndim > 1:
            limits.check((source.shape[1], source.shape[0]), 3, name)
        return Picture(name, pixels.from_array(source, name))
    if isinstance(source, PIL.Image.Image):
        limits.check(source.size, peak(source.mode), name)
        return Picture(name, _decode(source, name), dpi=_dpi(source))
    with opened(source, name) as file, _open_picture(file, limits, name) as found:
        count = _count_frames(found)
        if count > 1:
            raise ImageError(f"{name}: holds {count} pages; Reader.read_many gives them one by one")
        return Picture(name, _decode(found, name), dpi=_dpi(found))


def pages(
    source: Source,
    limits: ImageLimits = ImageLimits(),
    options: PageOptions = PageOptions(),
    *,
    name: str | None = None,
) -> Iterator[Picture | Failure]:
    """Load all that a source holds, one page after the other.

    Args:
        source: as for :func:`picture`, or a document: a PDF, or a TIFF, GIF, WebP or PNG of
            several pictures.
        limits: as for :func:`picture`; a PDF page is drawn to fit.
        options: which pages.
        name: what the pages and errors are called.

    Yields:
        Each page, or why it could not be had: a bad page does not keep the others back.

    Raises:
        ImageError: the source as a whole cannot be loaded, as for :func:`picture`.
        PdfError: a PDF is broken or encrypted.
        TooLongError: a PDF does not open in time.
        MissingExtraError: a PDF needs ``pip install 'shizi[pdf]'``.
    """
    name = name or name_of(source)
    if isinstance(source, np.ndarray | PIL.Image.Image):
        yield picture(source, limits, name=name)
        return
    with opened(source, name) as file:
        is_pdf = b"%PDF-" in file.read(1024)
        file.seek(0)
        origin = Origin(_kept(source, file), options.password)
        if is_pdf:
            yield from _pdf_pages(origin, name, limits, options)
            return
        with _open_picture(file, limits, name) as found:
            count = _count_frames(found)
            if count > 1:
                yield from _frames(found, count, name, limits, options, origin)
            else:
                yield Picture(name, _decode(found, name), dpi=_dpi(found), origin=origin)


def _kept(source: Source, file: BinaryIO) -> Path | bytes:
    """Return what the file can be opened by once more: its path, or else its bytes."""
    if isinstance(source, str | Path) and Path(source).is_file():
        return Path(source)
    data = source if isinstance(source, bytes) else file.read()
    file.seek(0)
    return data


def _pdf_pages(
    origin: Origin, name: str, limits: ImageLimits, options: PageOptions
) -> Iterator[Picture | Failure]:
    from shizi.images import pdf

    with pdf.opened(origin.file, name, options, limits) as document:

        def draw(number: int, name: str) -> Picture:
            image, dpi = document.draw(number - 1, name)
            own_text = () if options.force else document.own_text(number - 1)
            return Picture(name, image, number, len(document), dpi, origin, own_text)

        yield from _selected(draw, len(document), name, options, PdfError)


def _frames(
    found: PIL.Image.Image,
    count: int,
    name: str,
    limits: ImageLimits,
    options: PageOptions,
    origin: Origin,
) -> Iterator[Picture | Failure]:
    def draw(number: int, name: str) -> Picture:
        most = limits.max_bytes // peak(found.mode, found.format)
        try:
            with quiet_pillow(most):  # a frame may reach far beyond the first
                found.seek(number - 1)
        except PIL.Image.DecompressionBombError as error:
            raise TooLargeError(
                f"{name}: is larger than {most:,} pixels, beyond the limit of "
                f"{limits.max_bytes / 1e6:,.0f} MB; make it smaller, or allow more"
            ) from error
        except Exception as error:  # as in _open_picture
            raise ImageError(f"{name}: is damaged ({reason(error)}); save it again") from error
        limits.check(found.size, peak(found.mode, found.format), name)
        return Picture(name, _decode(found, name), number, count, _dpi(found), origin)

    yield from _selected(draw, count, name, options, ImageError)


def _count_frames(found: PIL.Image.Image) -> int:
    """Return how many pages a picture has; what a camera adds to a JPEG for itself is none."""
    if found.format == "MPO":
        return 1
    try:
        with quiet_pillow():
            return int(getattr(found, "n_frames", 1))
    except Exception:  # the directory of a damaged TIFF; its first frame may still be good
        return 1


def _dpi(found: PIL.Image.Image) -> float | None:
    """Return the pixels per inch that a file speaks of, where they are the same both ways."""
    try:
        across, down = (float(value) for value in found.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not _DPI[0] <= across <= _DPI[1] or abs(across - down) > 0.01 * across:
        return None
    return across


def _selected(
    draw: Callable[[int, str], Picture],
    count: int,
    name: str,
    options: PageOptions,
    error_type: type[ShiziError],
) -> Iterator[Picture | Failure]:
    """Draw the wanted ones of ``count`` pages."""
    taken = 0
    for first, last in options.ranges():
        if first > count:
            error = error_type(f"{name}: has no page {first}, its last is page {count}")
            yield Failure(name, error)
        for number in range(first, min(count, last or count) + 1):
            if taken == options.max_pages:
                yield Failure(name, _left_out(number, name, options))
                return
            taken += 1
            try:
                yield draw(number, f"{name}#{number}")
            except ShiziError as error:
                yield Failure(f"{name}#{number}", error)


def _left_out(number: int, name: str, options: PageOptions) -> TooLargeError:
    return TooLargeError(
        f"{name}: page {number} and what follows are left out, beyond the limit of "
        f"{options.max_pages} pages; allow more, or name the pages wanted"
    )


def _open_picture(file: BinaryIO, limits: ImageLimits, name: str) -> PIL.Image.Image:
    """Open a picture without decoding it, and check its size.

    Raises:
        ImageError: not a picture, or one beyond the limits.
    """
    try:
        with quiet_pillow():
            found = PIL.Image.open(file, formats=_known_formats())
    except PIL.UnidentifiedImageError as error:
        raise ImageError(f"{name}: {_why_unknown(file)}") from error
    except Exception as error:  # damaged headers make Pillow's plugins raise nearly anything
        raise ImageError(f"{name}: is damaged ({reason(error)}); save it again") from error
    limits.check(found.size, peak(found.mode, found.format), name)
    return found


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
def quiet_pillow(most: int | None = None) -> Iterator[None]:
    """Silence Pillow's warnings and set its own limit for a moment; both are global, so one at
    a time.

    Args:
        most: pixels above which Pillow raises a DecompressionBombError; None: never, since
            :class:`ImageLimits` are checked before anything is decoded.
    """
    with _PILLOW, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        previous = PIL.Image.MAX_IMAGE_PIXELS
        PIL.Image.MAX_IMAGE_PIXELS = most and most // 2  # of which Pillow bears the double
        try:
            yield
        finally:
            PIL.Image.MAX_IMAGE_PIXELS = previous


def _decode(found: PIL.Image.Image, name: str) -> Image:
    """Decode a PIL picture's current frame into uint8 (H, W, 3)."""
    try:
        if found.format != "TIFF":  # the slow part, so outside the lock; TIFF may warn here
            found.load()
        with quiet_pillow():
            found.load()
            orientation = _orientation(found)
        if orientation in _UPRIGHT:
            found = found.transpose(_UPRIGHT[orientation])
        return pixels.from_pil(found)
    except MemoryError as error:
        raise ImageError(f"{name}: does not fit into memory; make it smaller") from error
    except Exception as error:  # damaged data makes Pillow's decoders raise nearly anything
        raise ImageError(
            f"{name}: is cut off or damaged ({reason(error)}); copy or save it again"
        ) from error


def _orientation(found: PIL.Image.Image) -> int:
    try:
        return int(found.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block must not cost the found
        return 1
