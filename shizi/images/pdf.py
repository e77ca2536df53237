"""PDF pages as pictures, drawn by PDFium."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from shizi.errors import PdfError
from shizi.extras import needed
from shizi.page import Image

if TYPE_CHECKING:
    from shizi.images.load import ImageLimits

_AUTO_DPI = 200
_AUTO_SIDE = 2400  # pixels: A4 at 200 dpi has 2339
_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD
_PDFIUM = threading.Lock()  # PDFium is not thread-safe


@contextmanager
def opened(file: BinaryIO, name: str, password: str | None = None) -> Iterator[Any]:
    """Open a PDF for :func:`draw`; ``len`` of it is the number of pages.

    Raises:
        MissingExtraError: pypdfium2 is not installed.
        PdfError: the PDF is broken or encrypted, or has no pages.
    """
    with needed(f"reading the PDF {name}"):
        import pypdfium2
    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(file, password=password)
            document.init_forms()  # so that filled-in fields are drawn
        except pypdfium2.PdfiumError as error:
            if error.err_code != _WRONG_PASSWORD:
                raise PdfError(f"{name}: the PDF is broken; copy or save it again") from error
            if password is None:
                raise PdfError(f"{name}: the PDF is encrypted; give its password") from error
            raise PdfError(f"{name}: the password is wrong; give the right one") from error
    try:
        if not len(document):
            raise PdfError(f"{name}: the PDF has no pages; copy or save it again")
        yield document
    finally:
        with _PDFIUM:
            document.close()


def draw(document: Any, index: int, dpi: int | None, limits: ImageLimits, name: str) -> Image:
    """Draw one page, white where it is blank.

    Args:
        document: what :func:`opened` gave.
        index: of the page, from 0.
        dpi: pixels per inch; None chooses, see :func:`scale_for`.
        limits: the picture is drawn smaller where it would exceed them.
        name: of the page, for errors.

    Returns:
        RGB picture, uint8 (H, W, 3).

    Raises:
        PdfError: the page cannot be drawn.
    """
    import pypdfium2

    with _PDFIUM:
        try:
            page = document[index]
            bitmap = page.render(scale=scale_for(page.get_size(), dpi, limits), rev_byteorder=True)
            picture = np.array(bitmap.to_numpy()[..., :3], dtype=np.uint8)  # (H, W, 3)
            bitmap.close()
            page.close()
        except (pypdfium2.PdfiumError, ValueError, MemoryError) as error:
            raise PdfError(f"{name}: the page is broken; save the PDF again") from error
    return picture


def scale_for(size: tuple[float, float], dpi: int | None, limits: ImageLimits) -> float:
    """Choose pixels per point for a page of ``size`` (width, height) points, 72 to the inch.

    Without ``dpi`` it is 200 dpi, less for pages larger than A4 so that they get a long
    side of 2400 pixels, but never below one pixel a point: scans are often wrapped so.
    """
    width, height = (max(side, 1.0) for side in size)
    longer = max(width, height)
    scale = dpi / 72 if dpi else min(_AUTO_DPI / 72, max(_AUTO_SIDE / longer, 1.0))
    # A pixel less a side, since PDFium rounds sizes up.
    by_side = (limits.max_side - 1) / longer
    by_area = math.sqrt(limits.max_pixels / (width * height)) * (1 - 1 / longer)
    return min(scale, by_side, by_area)
