"""What a source may cost, and which of its pages are wanted."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from shizi.errors import ImageError, OptionError, TooLargeError
from shizi.options import check_plain, check_range


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """How large a picture may be, checked before it is decoded.

    Attributes:
        max_bytes: memory that loading one picture may take at its peak, beside the file itself.
            A pixel takes 6 to 28 bytes, by the kind of file; 1.5 GB are enough for a photo of
            125 million pixels.
        max_side: pixels of the longer side.
    """

    max_bytes: int = 1_500_000_000
    max_side: int = 100_000

    def __post_init__(self) -> None:
        check_range(self, max_bytes=(1, math.inf), max_side=(1, math.inf))

    def check(self, size: tuple[int, int], cost: int, name: str) -> None:
        """Check a picture's (width, height) in pixels, each taking ``cost`` bytes at the peak.

        Raises:
            ImageError: no pixels.
            TooLargeError: more than the limits allow.
        """
        width, height = size
        if not width or not height:
            raise ImageError(f"{name}: has no pixels ({width}x{height}); give a picture")
        if max(size) > self.max_side:
            raise TooLargeError(
                f"{name}: is {width}x{height}, beyond the limit of {self.max_side} pixels a side; "
                "make it smaller, or raise the limit if you trust it"
            )
        if width * height * cost > self.max_bytes:
            raise TooLargeError(
                f"{name}: is {width}x{height}, which takes {width * height * cost / 1e6:,.0f} MB "
                f"to load, beyond the limit of {self.max_bytes / 1e6:,.0f} MB; "
                "make it smaller, or raise the limit if you trust it"
            )


_STORED = {"1": 1, "L": 1, "P": 1, "LA": 4, "PA": 4, "La": 4, "I;16": 2, "I;16B": 2, "I;16L": 2}
_DECODER = {"WEBP": 20, "JPEG2000": 28, "AVIF": 16, "GIF": 12}
"""Bytes a pixel while these decode, their own canvases included; others need little beside what
they decode into."""


def peak(mode: str, format: str | None = None) -> int:
    """Return how many bytes a pixel takes while a picture is loaded.

    Args:
        mode: Pillow's, of the picture as stored.
        format: what decodes it; None for a picture that is decoded already.
    """
    stored = _STORED.get(mode, 4)
    # What was decoded, a copy of it turned or as an array, and the RGB made of that.
    return max(_DECODER.get(format or "", 0), 2 * stored + 4)


@dataclass(frozen=True, slots=True)
class PageOptions:
    """Which pages of a document are wanted, how those of a PDF are drawn, and for how long.

    A document is a PDF, or a TIFF, GIF, WebP or PNG of several pictures. The part of a range
    beyond the last page is passed over.

    Attributes:
        pages: such as 1-3,5 or 2-; by default all. Plain pictures are read in any case.
        dpi: pixels per inch of a drawn PDF page; by default 200, less for large pages.
        password: of encrypted PDFs.
        max_pages: pages taken of one document, by default all; what is left out counts as a
            failure.
        timeout: seconds that each of opening a PDF, drawing one of its pages, and reading any
            page may take; beyond, that page fails alone. Reading is stopped between two batches
            of lines.
        force: in a searchable PDF, put what is read over pages that have text of their own, too.
    """

    pages: str | None = None
    dpi: int | None = None
    password: str | None = None
    max_pages: int | None = None
    timeout: float = 60.0
    force: bool = False

    def __post_init__(self) -> None:
        check_plain(self)
        self.ranges()
        if self.dpi is not None:
            check_range(self, dpi=(1, 2400))
        if self.max_pages is not None:
            check_range(self, max_pages=(1, math.inf))
        check_range(self, timeout=(0.01, 86_400))

    def ranges(self) -> list[tuple[int, int | None]]:
        """Return ``pages`` as (first, last) pairs, last None for an open end.

        Raises:
            OptionError: ``pages`` is not such a list.
        """
        if self.pages is None:
            return [(1, None)]
        found = []
        for part in self.pages.split(","):
            match = re.fullmatch(r"\s*(\d{1,9})\s*(?:(-)\s*(\d{1,9})?)?\s*", part)
            if not match:
                raise OptionError(f"pages must look like 1-3,5 and not like {self.pages!r}")
            first = int(match[1])
            last = first if not match[2] else int(match[3]) if match[3] else None
            if first < 1 or (last is not None and last < first):
                raise OptionError(f"pages count up from 1, which {self.pages!r} does not")
            found.append((first, last))
        return found
