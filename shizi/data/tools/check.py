"""Everything in a set that training would stumble over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from shizi import weights
from shizi.charset import Charset
from shizi.cpu import cores
from shizi.crop import HEIGHT, bucket, is_tall
from shizi.ctc import steps_needed
from shizi.data import (
    BadRows,
    LineItem,
    PageItem,
    find_sets,
    is_pages,
    open_lines,
    open_pages,
)
from shizi.data.tools import tracked
from shizi.errors import DataError, ImageError
from shizi.geometry import sides
from shizi.images.load import load
from shizi.nets.spec import CRNNSpec

Quad = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class CheckOptions:
    """What a set is checked against.

    Attributes:
        charset: file that holds all characters on one line; without it, the charset of the
            shipped weights.
        strict: stop at the first thing that is wrong.
        workers: threads that read pictures.
    """

    charset: Path | None = None
    strict: bool = False
    workers: int = cores()


@dataclass
class Findings:
    """What is wrong with a set.

    Attributes:
        counts: of each kind of fault.
        missing: how often each character is met that the charset lacks.
        checked: pictures looked at.
    """

    bad: BadRows
    counts: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    checked: int = 0

    def add(self, kind: str, where: str, what: str) -> None:
        """Name a fault and count it."""
        self.counts[kind] += 1
        self.bad.add(f"{where}: {what}")


class _Look(NamedTuple):
    """A picture's fingerprint and size (height, width), or what is wrong with it."""

    digest: bytes
    size: tuple[int, int]
    fault: str


def load_charset(path: Path | None) -> Charset:
    """Read a charset file, or the shipped one."""
    return Charset.load(path or weights.FOLDER / "charset.txt")


def check(path: Path, options: CheckOptions) -> Findings:
    """Check every row and every picture of the sets at a path.

    Raises:
        DataError: there is no set, or the options are strict and something is wrong.
    """
    found = Findings(BadRows(options.strict))
    charset = load_charset(options.charset)
    sets = find_sets(path)
    parts: list[Sequence[LineItem | PageItem]] = []
    if not all(map(is_pages, sets)):
        parts.append(open_lines(path, found.bad))
    if any(map(is_pages, sets)) or not sets:
        parts.append(open_pages(path, found.bad))
    if found.bad.count:
        found.counts["rows that cannot be used"] = found.bad.count
    for items in parts:
        seen: dict[bytes, int] = {}
        looks = tracked(_looks(items, options.workers), len(items), "check")
        for i, look in enumerate(looks):
            _judge(items, i, look, seen, charset, found)
        found.checked += len(items)
    if not found.checked:
        found.counts["sets without a row that can be used"] += 1
    return found


def _looks(items: Sequence[LineItem | PageItem], workers: int) -> Iterator[_Look]:
    """Look at every picture, in order; only some are held in memory."""
    rest = iter(items)
    with ThreadPoolExecutor(workers) as pool:
        while chunk := list(islice(rest, 64 * workers)):
            yield from pool.map(_look, chunk)


def _look(item: LineItem | PageItem) -> _Look:
    try:
        encoded = item.encoded()
        height, width = load(encoded, name=item.name).shape[:2]
    except (DataError, ImageError) as error:
        return _Look(b"", (0, 0), str(error).removeprefix(f"{item.where}: "))
    return _Look(blake2b(encoded, digest_size=12).digest(), (height, width), "")


def _judge(
    items: Sequence[LineItem | PageItem],
    index: int,
    look: _Look,
    seen: dict[bytes, int],
    charset: Charset,
    found: Findings,
) -> None:
    item = items[index]
    if look.fault:
        found.add("unreadable pictures", item.where, look.fault)
        return
    first = items[seen.setdefault(look.digest, index)]
    if first is not item and first.where != item.where:
        _judge_twins(first, item, found)
    if isinstance(item, LineItem):
        if not item.text:
            found.add("empty texts", item.where, "the text is empty")
        height, width = look.size
        _judge_text(item.text, width, height, item.where, charset, found)
    else:
        _judge_page(item, look.size, charset, found)


def _judge_twins(first: LineItem | PageItem, item: LineItem | PageItem, found: Findings) -> None:
    told = f"the same picture as in {first.where}"
    if isinstance(first, LineItem) and isinstance(item, LineItem) and first.text != item.text:
        told += f", which says {first.text!r} and not {item.text!r}"
        found.add("same pictures with different texts", item.where, told)
    else:
        found.add("pictures that come twice", item.where, told)


def _judge_page(item: PageItem, size: tuple[int, int], charset: Charset, found: Findings) -> None:
    height, width = size
    lines = zip(item.quads, item.texts, item.ignore, strict=True)
    for number, (quad, text, ignore) in enumerate(lines, 1):
        where = f"{item.where}: line {number}"
        x, y = quad.mean(0)
        if not (0 <= x <= width and 0 <= y <= height):
            found.add("quads outside", where, f"stands outside the picture, {width}x{height}")
        elif not ignore:
            across, down = (float(v) for v in sides(quad))
            _judge_text(text, across, down, where, charset, found)


def _judge_text(
    text: str, width: float, height: float, where: str, charset: Charset, found: Findings
) -> None:
    lacking = charset.missing(text)
    if lacking:
        found.missing.update(c for c in text if c in lacking)
        found.add("texts beyond the charset", where, f"the charset lacks {lacking!r}")
    if is_tall(height, width):  # a vertical line is laid on its side
        width, height = height, width
    steps = bucket(width * HEIGHT / height) // _step()
    needed = steps_needed(text)
    if needed > steps:
        told = f"{text!r} needs {needed} time steps, its width gives {steps}"
        found.add("texts too long for their width", where, told)


@cache
def _step() -> int:
    """Width of a time step of the shipped recogniser, pixels."""
    spec = weights.spec("crnn")
    assert isinstance(spec, CRNNSpec)
    return spec.step


def report(found: Findings) -> str:
    """Say in a few lines what was found."""
    rows = [f"{found.checked:,} pictures checked"]
    rows += [f"{count:8,} {kind}" for kind, count in found.counts.most_common()]
    if found.missing:
        some = "".join(c for c, _ in found.missing.most_common(60))
        rows.append(f"the charset lacks {len(found.missing):,} characters: {some}")
    return "\n".join(rows if found.counts else [*rows, "nothing is wrong"])
