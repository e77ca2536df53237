"""The errors that shizi raises on purpose. Each message says what to do."""

from __future__ import annotations

from dataclasses import dataclass

from shizi.terminal import one_line


class ShiziError(Exception):
    """Base of every error that a caller may want to catch."""


class ImageError(ShiziError):
    """The picture is unreadable, truncated, too large, or not a picture."""


class TooLargeError(ImageError):
    """The picture, or the document, is more than the limits allow."""


class TooLongError(ShiziError):
    """A page takes longer than it is given."""


class PdfError(ShiziError):
    """The PDF is broken, encrypted, or has no such page."""


class OptionError(ShiziError, ValueError):
    """An option is out of range, or asks for what is not there; the message names it."""


class WriteError(ShiziError):
    """The pages cannot be written in this format or place."""


class WeightsError(ShiziError):
    """A weights file is missing, damaged, or made for another network or charset."""


class DataError(ShiziError):
    """A dataset is missing, or a row of it, named as file:line, or values of a page are wrong."""


class MissingExtraError(ShiziError):
    """An optional package is needed; the message says how to install it."""

    def __init__(self, package: str, purpose: str, install: str) -> None:
        super().__init__(f"{purpose} needs {package}, which is not installed; run: {install}")


@dataclass(frozen=True)
class Failure:
    """A source, or a page of it, that could not be read, and why.

    Attributes:
        source: the path as given, or a name such as ``<array>``; a page is ``file.pdf#3``.
        error: a :class:`ShiziError` or an ``OSError``; anything else is a fault of shizi's own.
    """

    source: str
    error: Exception

    def __str__(self) -> str:
        """What failed and why, on one line."""
        known = isinstance(self.error, ShiziError | OSError)
        told = str(self.error) if known else f"unexpected {type(self.error).__name__}: {self.error}"
        return one_line(told if self.source in told else f"{self.source}: {told}")
