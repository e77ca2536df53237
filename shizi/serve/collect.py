"""Lines that people corrected become a line set: pictures and labels.tsv."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from shizi.crop import cut, is_tall, lie_down
from shizi.errors import OptionError
from shizi.extras import needed
from shizi.files import whole, write_text
from shizi.geometry import grow
from shizi.images.limits import ImageLimits
from shizi.images.load import Picture, pages
from shizi.page import Image, Quad
from shizi.recognition import EDGE
from shizi.serve.asked.order import Files, Order, wanted
from shizi.serve.asked.uploads import closed_on_error, form_of
from shizi.serve.options import ServeOptions
from shizi.serve.refusal import RefusedError, refusal_of

with needed("serving"):
    from starlette.requests import Request

LABELS = "labels.tsv"

_MOST = 1000  # lines of a request
_LONGEST = 1000  # characters of a line


class Correction(NamedTuple):
    """What a line really says."""

    quad: Quad
    text: str


class Collection:
    """A folder with a line set, to which lines are added; safe from many threads.

    A crop that is corrected again gets its new text.

    Args:
        folder: of the set; made if it does not exist.

    Raises:
        OptionError: the folder cannot hold a set.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        try:
            (folder / "lines").mkdir(parents=True, exist_ok=True)
            self._rows()
        except (OSError, ValueError) as error:
            raise OptionError(f"{folder}: cannot hold a training set: {error}") from error

    def _rows(self) -> dict[str, str]:
        path = self._folder / LABELS
        if not path.exists():
            return {}
        rows = path.read_text("utf-8").splitlines()
        return dict(row.split("\t", 1) for row in rows if row)

    def add(self, order: Order, corrections: Sequence[Correction], limits: ImageLimits) -> int:
        """Add the corrected lines of a page, and return how many the set has.

        Raises:
            RefusedError: the page cannot be loaded, or a line stands outside of it.
        """
        image = _picture(order, limits)
        height, width = image.shape[:2]
        found = {}
        for quad, text in corrections:
            left, top, right, bottom = quad.bounds
            if left < -1 or top < -1 or right > width + 1 or bottom > height + 1:
                raise RefusedError(
                    400, f"lines: {text!r} stands outside of {width}x{height} pixels"
                )
            data = _png(image, quad)
            name = f"lines/{hashlib.sha256(data).hexdigest()[:24]}.png"
            found[name] = (data, text)
        with self._lock:
            rows = self._rows()
            for name, (data, text) in found.items():
                with whole(self._folder / name) as part:
                    part.write_bytes(data)
                rows[name] = text
            write_text(
                self._folder / LABELS, "".join(f"{name}\t{text}\n" for name, text in rows.items())
            )
            return len(rows)


def _picture(order: Order, limits: ImageLimits) -> Image:
    (name, file), *_ = order.files
    for item in pages(file, limits, order.wanted.pages, name=name):
        if isinstance(item, Picture):
            return item.image
        raise refusal_of(item)
    raise RefusedError(422, f"{name}: has no such page")


def _png(image: Image, quad: Quad) -> bytes:
    """Return what the recogniser sees of a line, as a file."""
    crop = cut(image, grow(quad.to_array()[None], 0.0, EDGE)[0])
    if is_tall(*crop.shape[:2]):
        crop = lie_down(crop)
    data = cv2.imencode(".png", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))[1].tobytes()
    assert isinstance(data, bytes)
    return data


async def corrections_of(request: Request, options: ServeOptions) -> tuple[Order, list[Correction]]:
    """Read a form of a file, the number of its ``page``, and the ``lines`` corrected there.

    Raises:
        RefusedError: it makes no sense, is too large, or breaks off.
    """
    files, fields = await form_of(request, options.max_upload)
    with closed_on_error(files):
        return _understood(files, fields, options)


def _understood(
    files: Files, fields: list[tuple[str, str]], options: ServeOptions
) -> tuple[Order, list[Correction]]:
    if len(files) != 1:
        raise RefusedError(400, "send one file, the number of its page, and the lines corrected")
    lines = [value for name, value in fields if name == "lines"]
    page = [("pages", value) for name, value in fields if name == "page"]
    rest = [pair for pair in fields if pair[0] not in ("lines", "page")]
    try:
        found = list(_parsed(json.loads("".join(lines))))
    except (KeyError, TypeError, ValueError) as error:
        raise RefusedError(400, f"lines: must be JSON of quads and texts ({error})") from error
    return Order(files, wanted(page + rest, options.timeout)), found


def _parsed(rows: Any) -> Iterator[Correction]:
    if not isinstance(rows, list) or not 0 < len(rows) <= _MOST:
        raise ValueError(f"a list of 1 to {_MOST}")
    for row in rows:
        text = row["text"]
        if not isinstance(text, str) or not 0 < len(text.strip()) <= _LONGEST:
            raise ValueError(f"a text has 1 to {_LONGEST} characters")
        if not text.isprintable():
            raise ValueError("a text has no ends of lines and no tabs")
        quad = Quad.from_array(row["quad"])
        if not np.ptp(quad.to_array(), axis=0).all():
            raise ValueError("a quad has an area")
        yield Correction(quad, text.strip())
