"""Why a request is not answered as asked: a status of HTTP and one line."""

from __future__ import annotations

from collections.abc import Mapping

from shizi.errors import (
    Failure,
    MissingExtraError,
    OptionError,
    ShiziError,
    TooLargeError,
    TooLongError,
    WriteError,
)
from shizi.terminal import one_line


class RefusedError(Exception):
    """A request that is refused.

    Attributes:
        status: of the answer.
        headers: of the answer.
    """

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(one_line(reason))
        self.status = status
        self.headers = dict(headers or {})


def status_of(error: BaseException) -> int:
    """Tell whose fault an error is: the client's, by kind, or ours (500)."""
    match error:
        case RefusedError():
            return error.status
        case TooLargeError():
            return 413
        case TooLongError():
            return 504
        case OptionError() | WriteError():
            return 400
        case MissingExtraError():
            return 501
        case ShiziError():
            return 422
        case _:
            return 500


def refusal_of(failure: Failure) -> RefusedError:
    """Return the refusal of a request of which nothing could be read."""
    return RefusedError(status_of(failure.error), str(failure))
