"""The pages of a file as those of a PDF; pictures become pages without being decoded."""

from __future__ import annotations

import io
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

import PIL.Image

from shizi.errors import Failure, WriteError
from shizi.images.limits import ImageLimits, PageOptions
from shizi.images.load import pages, quiet_pillow
from shizi.page import Image, Origin, Sheet

if TYPE_CHECKING:
    import pikepdf

_WRAPPED = ("JPEG", "PNG", "TIFF", "JPEG2000")  # what a PDF holds as it is stored
_SCREEN = 96  # pixels an inch where nobody says how many …
_LONGEST = 11.69  # … but no more inches than A4 has
_SMALLEST = 3  # points of a side: what readers of PDF have to show
_NO_LIMITS = ImageLimits(max_bytes=sys.maxsize, max_side=sys.maxsize)  # they were kept to before


class Pages:
    """The pages of one file, open until :meth:`close`.

    Attributes:
        book: the file itself, if it is a PDF.
    """

    def __init__(self, sheet: Sheet) -> None:
        """Open the file of a sheet, if it has one.

        Raises:
            WriteError: it is a PDF that is signed.
        """
        self._opened = ExitStack()
        self._origin = sheet.origin
        self.book: pikepdf.Pdf | None = None
        self._wrapped: pikepdf.Pdf | None = None
        if sheet.origin is not None:
            with _open(sheet.origin) as file:
                if b"%PDF-" in file.read(1024):
                    self.book = self._book(sheet.origin, sheet.page.source)
                else:
                    self._wrapped = self._wrap(file) if _can_wrap(file) else None

    def close(self) -> None:
        """Close all that was opened."""
        self._opened.close()

    def page(self, sheet: Sheet) -> pikepdf.Page:
        """Return the page of a sheet.

        Raises:
            WriteError: there is no picture to make one of.
        """
        number, page = sheet.page.number, sheet.page
        if self.book is not None:
            return self.book.pages[number - 1]
        pdf = self._wrapped
        if pdf is None or number > len(pdf.pages) or not _shows(pdf.pages[number - 1], sheet):
            picture = io.BytesIO()
            PIL.Image.fromarray(self._pixels(sheet)).save(picture, "PNG")
            pdf, number = self._wrap(picture), 1
            if pdf is None:
                raise WriteError(f"{page.source}: img2pdf cannot wrap its picture; save it as PNG")
        found = pdf.pages[number - 1]
        _fit(pdf, found, page.dpi or max(_SCREEN, max(page.width, page.height) / _LONGEST))
        return found

    def _book(self, origin: Origin, name: str) -> pikepdf.Pdf:
        import pikepdf

        file = io.BytesIO(origin.file) if isinstance(origin.file, bytes) else origin.file
        try:
            pdf = self._opened.enter_context(pikepdf.open(file, password=origin.password or ""))
        except pikepdf.PdfError as error:
            raise WriteError(f"{name}: the PDF cannot be edited; save it again") from error
        form = pdf.Root.get("/AcroForm")
        if form is not None and int(form.get("/SigFlags", 0)) & 1:
            raise WriteError(
                f"{name}: is signed, and text put into it would break the signature; "
                "print it to a new PDF and read that"
            )
        return pdf

    def _wrap(self, file: BinaryIO) -> pikepdf.Pdf | None:
        """Make a PDF of a picture, its data as they are; None if img2pdf cannot."""
        import img2pdf
        import pikepdf

        file.seek(0)
        try:
            with quiet_pillow():
                made = img2pdf.convert(
                    file.read(), rotation=img2pdf.Rotation.auto, layout_fun=_any_size
                )
        except Exception:  # whatever it does not know, and it knows its pixels
            return None
        return self._opened.enter_context(pikepdf.open(io.BytesIO(made)))

    def _pixels(self, sheet: Sheet) -> Image:
        if sheet.image is not None:
            return sheet.image
        name, number = sheet.page.source, sheet.page.number
        if self._origin is None:
            raise WriteError(
                f"{name}: a PDF needs the file or the picture; Reader.sheets gives them"
            )
        file = self._origin.file
        only = PageOptions(pages=str(number))
        found = next(pages(file, _NO_LIMITS, only, name=name))
        if isinstance(found, Failure):
            raise found.error
        return found.image


def _open(origin: Origin) -> BinaryIO:
    return io.BytesIO(origin.file) if isinstance(origin.file, bytes) else origin.file.open("rb")


def _can_wrap(file: BinaryIO) -> bool:
    """Whether a PDF can hold a picture as it is stored: not where it is seen through."""
    file.seek(0)
    PIL.Image.init()  # or it would know the common formats alone
    try:
        with quiet_pillow(), PIL.Image.open(file, formats=_WRAPPED) as found:
            animated = found.format == "PNG" and getattr(found, "n_frames", 1) > 1
            clear = "A" in found.getbands() or "a" in found.mode or "transparency" in found.info
            return not animated and not clear
    except Exception:  # another kind, or one that Pillow knew only how to begin with
        return False


def _any_size(*_: object) -> tuple[int, int, int, int]:
    """Let no size of a picture be refused: pages are made as large as theirs later on."""
    return 100, 100, 100, 100


def _shows(page: pikepdf.Page, sheet: Sheet) -> bool:
    """Whether a page's picture is that of the sheet, as far as sizes tell."""
    image = page.obj.Resources.XObject.Im0
    size = int(image.Width), int(image.Height)
    if page.rotation % 180:
        size = size[::-1]
    return size == (sheet.page.width, sheet.page.height)


def _fit(pdf: pikepdf.Pdf, page: pikepdf.Page, dpi: float) -> None:
    """Make a page as large as its picture at these pixels an inch, and no smaller than may be."""
    import pikepdf

    image = page.obj.Resources.XObject.Im0
    sides = int(image.Width), int(image.Height)
    dpi = min(dpi, 72 * min(sides) / _SMALLEST)
    width, height = (72 * side / dpi for side in sides)
    page.obj.MediaBox = pikepdf.Array([0, 0, width, height])
    shown = f"q {width:.4f} 0 0 {height:.4f} 0 0 cm /Im0 Do Q\n"
    page.obj.Contents = pdf.make_stream(shown.encode())
