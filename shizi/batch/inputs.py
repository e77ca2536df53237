"""What is to be read: folders, patterns, lists and addresses become single inputs, with names.

The name of an input's results is made of its own name and of the folders that it lies in, from
the last one that was named, so that folders stay apart: ``scans/2024/a.png`` found in
``/data/scans`` gives ``scans/2024/a``.
"""

from __future__ import annotations

import glob
import hashlib
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath

from shizi.batch import cloud
from shizi.batch.options import is_address
from shizi.batch.places import stamp
from shizi.errors import DataError
from shizi.images.source import SUFFIXES, find

_SIGNS = "*?["
_LONGEST = 160
"""Bytes of a part of a name: suffixes and a process's mark have to fit into 255 with it."""


@dataclass(frozen=True, slots=True)
class Found:
    """An input.

    Attributes:
        address: its absolute path, or its address: one input has one.
        shown: what it is called, as it was given.
        inner: path that the name of its results is made of, parted by slashes.
        stamp: how it looks (:func:`.places.stamp`); None where it cannot be found.
    """

    address: str
    shown: str
    inner: str
    stamp: str | None


def expand(given: Iterable[str], out: str) -> Iterator[Found]:
    """Find the inputs that arguments stand for.

    Args:
        given: pictures and PDFs, folders of them, patterns such as ``scans/**/*.png``, addresses
            of all these, and ``@FILE`` for a list of all these, a line each; ``@-`` is a list
            from standard input.
        out: path of the results, which are no inputs.

    Raises:
        DataError: a list cannot be read.
        OptionError: an address cannot be listed.
    """
    results = None if is_address(out) else _absolute(out) + os.sep
    for argument in given:
        if argument.startswith("@"):
            yield from expand(_listed(argument[1:]), out)
        elif is_address(argument):
            for address, inner, looks in cloud.find(argument):
                yield Found(address, address, inner, looks)
        else:
            for path, inner in _local(argument):
                address = _absolute(path)
                if results is None or not address.startswith(results):
                    yield Found(address, path, inner, _looks(path))


def names(found: Found) -> Iterator[str]:
    """Propose names for the results of an input, the best first; the last never ends."""
    parts = [_short(part) for part in found.inner.split("/") if part not in ("", ".", "..")]
    path = PurePosixPath(*parts) if parts else PurePosixPath("input")
    stem = path.stem if path.suffix.lower() in SUFFIXES else path.name
    yield str(path.with_name(stem))
    yield str(path)
    digest = _digest(found.address)
    yield from (str(path.with_name(f"{stem}-{digest[:length]}")) for length in count(8))


def key(name: str) -> str:
    """Return what two names have in common that some disk takes for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def _local(argument: str) -> Iterator[tuple[str, str]]:
    """Paths that an argument stands for, each with that below the last folder named."""
    path = Path(argument)
    if path.is_dir():
        for file in find([path]):
            yield str(file), "/".join((path.name, *file.relative_to(path).parts))
    elif any(sign in argument for sign in _SIGNS) and not path.exists():
        fixed = Path(*_before_signs(path.parts))
        matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 - as given
        for match in matches:
            for file in find([match]) if Path(match).is_dir() else (Path(match),):
                yield str(file), "/".join((fixed.name, *file.relative_to(fixed).parts))
        if not matches:
            yield argument, argument
    else:  # a file keeps its name as given, which a Path would tidy
        yield argument, f"{path.parent.name}/{path.name}"


def _before_signs(parts: tuple[str, ...]) -> Iterator[str]:
    for part in parts:
        if any(sign in part for sign in _SIGNS):
            return
        yield part


def _listed(file: str) -> Iterator[str]:
    """Lines of a list; where it holds zero bytes, as those of ``find -print0``, what they part."""
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise DataError(f"@{file}: cannot be read ({error.strerror}); check the list") from error
    text = os.fsdecode(data.removeprefix(b"\xef\xbb\xbf"))
    lines = text.split("\0") if "\0" in text else text.splitlines()
    yield from (line for line in lines if line.strip())


def _absolute(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - a Path would resolve nothing either, but slower


def _looks(path: str) -> str | None:
    try:
        return stamp(path)
    except (OSError, ValueError):  # reading it will say why
        return None


def _short(part: str) -> str:
    part = part.replace("\0", "_")
    data = part.encode("utf-8", "surrogateescape")
    if len(data) <= _LONGEST:
        return part
    suffix = PurePosixPath(part).suffix if len(PurePosixPath(part).suffix) < 8 else ""
    kept = data[: _LONGEST - 16 - len(suffix)].decode("utf-8", "ignore")
    return f"{kept}-{_digest(part)[:12]}{suffix}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape")).hexdigest()
