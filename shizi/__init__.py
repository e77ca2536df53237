"""shizi (识字): read Chinese and Latin text from pictures, documents and video.

>>> import shizi
>>> page = shizi.read("photo.jpg")  # doctest: +SKIP
>>> print(page.text)  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shizi.detection.options import DetectionOptions
    from shizi.errors import (
        DataError,
        Failure,
        ImageError,
        MissingExtraError,
        OptionError,
        PdfError,
        ShiziError,
        TooLargeError,
        TooLongError,
        WeightsError,
        WriteError,
    )
    from shizi.formats import write
    from shizi.formats.drawing import draw
    from shizi.images.limits import ImageLimits, PageOptions
    from shizi.page import Char, Line, Page, Quad, Sheet, Word
    from shizi.reader import Reader, ReaderOptions, read
    from shizi.recognition import RecognitionOptions

__version__ = "0.1.0"

_ROOMS = {
    "Char": "page",
    "DataError": "errors",
    "DetectionOptions": "detection.options",
    "Failure": "errors",
    "ImageError": "errors",
    "ImageLimits": "images.limits",
    "Line": "page",
    "MissingExtraError": "errors",
    "OptionError": "errors",
    "Page": "page",
    "PageOptions": "images.limits",
    "PdfError": "errors",
    "Quad": "page",
    "Reader": "reader",
    "ReaderOptions": "reader",
    "RecognitionOptions": "recognition",
    "Sheet": "page",
    "ShiziError": "errors",
    "TooLargeError": "errors",
    "TooLongError": "errors",
    "WeightsError": "errors",
    "Word": "page",
    "WriteError": "errors",
    "draw": "formats.drawing",
    "read": "reader",
    "write": "formats",
}

__all__ = [
    "Char",
    "DataError",
    "DetectionOptions",
    "Failure",
    "ImageError",
    "ImageLimits",
    "Line",
    "MissingExtraError",
    "OptionError",
    "Page",
    "PageOptions",
    "PdfError",
    "Quad",
    "Reader",
    "ReaderOptions",
    "RecognitionOptions",
    "Sheet",
    "ShiziError",
    "TooLargeError",
    "TooLongError",
    "WeightsError",
    "Word",
    "WriteError",
    "draw",
    "read",
    "write",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that ``import shizi`` stays quick."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'shizi' has no attribute {name!r}")
    return getattr(import_module(f"shizi.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
