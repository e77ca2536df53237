"""How long a page may be read: what works in steps asks before each whether there is time left.

A thread cannot be killed, and must not be: its networks are others' too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

from shizi.errors import TooLongError

_CHECK: ContextVar[Callable[[], None]] = ContextVar("_CHECK", default=lambda: None)


@contextmanager
def within(seconds: float, name: str) -> Iterator[None]:
    """Give what this thread does so many seconds.

    Args:
        seconds: counted from now.
        name: of the page, for the error.

    Raises:
        TooLongError: a step would have begun later.
    """
    end = monotonic() + seconds

    def check() -> None:
        if monotonic() > end:
            raise TooLongError(
                f"{name}: reading takes longer than {seconds:g} s; "
                "give it more time, or make the picture smaller"
            )

    token = _CHECK.set(check)
    try:
        yield
    finally:
        _CHECK.reset(token)


def checker() -> Callable[[], None]:
    """Return what asks whether this thread has time left, for its helpers to ask as well.

    It raises a :class:`~shizi.errors.TooLongError` where none is left.
    """
    return _CHECK.get()
