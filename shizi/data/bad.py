"""Rows of a dataset that cannot be used: named, counted, left out."""

from __future__ import annotations

import logging

from shizi.errors import DataError

SHOWN = 20
"""Rows that are named; later ones are only counted."""

_LOG = logging.getLogger("shizi.data")


class BadRows:
    """Takes note of rows that cannot be used. The first of them are logged as warnings.

    Args:
        strict: raise at the first one instead.
        quiet: log none; for a look at rows that are noted elsewhere.

    Attributes:
        count: rows noted, each once however often it was met.
    """

    def __init__(self, strict: bool = False, quiet: bool = False) -> None:
        self._strict, self._quiet = strict, quiet
        self._seen: set[int] = set()

    @property
    def count(self) -> int:
        """Rows noted so far."""
        return len(self._seen)

    def add(self, complaint: str) -> None:
        """Note a row; ``complaint`` reads ``file:line: reason``.

        Raises:
            DataError: strict.
        """
        if self._strict:
            raise DataError(complaint)
        self.pass_over(complaint)

    def pass_over(self, complaint: str) -> None:
        """Note a row of a kind that whole sets have some of, which stops nothing though strict."""
        known = self.count
        self._seen.add(hash(complaint))
        if self.count > known and not self._quiet:
            if known < SHOWN:
                _LOG.warning("%s", complaint)
            elif known == SHOWN:
                _LOG.warning("… and more, which are only counted")
