"""The errors that shizi raises on purpose. Each message says what to do."""


class ShiziError(Exception):
    """Base of every error that a caller may want to catch."""


class ImageError(ShiziError):
    """The picture is unreadable, truncated, too large, or not a picture."""


class PdfError(ShiziError):
    """The PDF is broken, encrypted, or has no such page."""


class OptionError(ShiziError, ValueError):
    """An option is out of range, or asks for what is not there; the message names it."""


class WeightsError(ShiziError):
    """A weights file is missing, damaged, or made for another network or charset."""


class DataError(ShiziError):
    """A dataset is missing or a row of it is wrong; the message names file:line."""


class MissingExtraError(ShiziError):
    """An optional package is needed; the message says how to install it."""

    def __init__(self, package: str, purpose: str, install: str) -> None:
        super().__init__(f"{purpose} needs {package}, which is not installed; run: {install}")
