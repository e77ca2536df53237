"""shizi (识字): read Chinese and Latin text from pictures, documents and video.

>>> import shizi
>>> page = shizi.read("photo.jpg")  # doctest: +SKIP
>>> print(page.text)  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shizi.errors import (
        DataError,
        ImageError,
        MissingExtraError,
        PdfError,
        ShiziError,
        WeightsError,
    )
    from shizi.page import Char, Line, Page, Quad
    from shizi.reader import Failure, Reader, ReaderOptions, read
    from shizi.recognition import RecognitionOptions

__version__ = "0.1.0"

_ROOMS = {
    "Char": "page",
    "DataError": "errors",
    "Failure": "reader",
    "ImageError": "errors",
    "Line": "page",
    "MissingExtraError": "errors",
    "Page": "page",
    "PdfError": "errors",
    "Quad": "page",
    "Reader": "reader",
    "ReaderOptions": "reader",
    "RecognitionOptions": "recognition",
    "ShiziError": "errors",
    "WeightsError": "errors",
    "read": "reader",
}

__all__ = [
    "Char",
    "DataError",
    "Failure",
    "ImageError",
    "Line",
    "MissingExtraError",
    "Page",
    "PdfError",
    "Quad",
    "Reader",
    "ReaderOptions",
    "RecognitionOptions",
    "ShiziError",
    "WeightsError",
    "read",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that ``import shizi`` stays quick."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'shizi' has no attribute {name!r}")
    return getattr(import_module(f"shizi.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
