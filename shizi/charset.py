"""Charset: text to class ids and back. Class 0 is the CTC blank; ids 1..N are characters."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from shizi.errors import WeightsError

BLANK = 0

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]


@dataclass(frozen=True)
class Charset:
    """An ordered set of single characters.

    Attributes:
        chars: every character once; the position plus one is the class id.
    """

    chars: str
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids = {c: i + 1 for i, c in enumerate(self.chars)}
        if len(ids) != len(self.chars):
            raise ValueError("a charset must not hold a character twice")
        object.__setattr__(self, "_ids", ids)

    def __len__(self) -> int:
        """Number of classes, the blank included."""
        return len(self.chars) + 1

    def __contains__(self, char: str) -> bool:
        return char in self._ids

    @cached_property
    def hash(self) -> str:
        """First 16 hex digits of the SHA-256 of the characters; weights cards carry it."""
        return hashlib.sha256(self.chars.encode()).hexdigest()[:16]

    def encode(self, text: str) -> list[int]:
        """Return the class ids of ``text``.

        Raises:
            KeyError: a character is not in the charset.
        """
        return [self._ids[c] for c in text]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of class ids; blanks are skipped."""
        return "".join(self.chars[i - 1] for i in ids if i != BLANK)

    def missing(self, text: str) -> str:
        """Return the characters of ``text`` that the charset lacks, in order, each once."""
        return "".join(dict.fromkeys(c for c in text if c not in self._ids))

    @classmethod
    def load(cls, path: Path) -> Charset:
        """Read a UTF-8 file that holds all characters on one line, or one a row.

        Raises:
            WeightsError: the file is missing, no UTF-8, or repeats a character.
        """
        try:
            rows = path.read_text(encoding="utf-8-sig").rstrip("\n").split("\n")
        except UnicodeDecodeError as error:
            raise WeightsError(f"the charset {path} is not UTF-8") from error
        except OSError as error:
            raise WeightsError(f"cannot read the charset {path}: {error.strerror}") from error
        if len(rows) > 1 and any(len(row) != 1 for row in rows):
            raise WeightsError(f"the charset {path} has several rows: put all characters on one")
        try:
            return cls("".join(rows))
        except ValueError as error:
            raise WeightsError(f"cannot read the charset {path}: {error}") from error


def normalise(text: str, form: Form) -> str:
    """Apply a Unicode normal form and squeeze white space. Nothing calls this by default."""
    return " ".join(unicodedata.normalize(form, text).split())
