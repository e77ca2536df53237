"""What a dataset holds: line crops with their texts, pages with their lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from shizi.data.bad import BadRows
from shizi.data.records import read_record
from shizi.errors import DataError
from shizi.geometry import rotate90
from shizi.page import Image, Quads


@dataclass(frozen=True, slots=True)
class LineItem:
    """A line crop and what it says.

    Attributes:
        path: of the picture, or of the LMDB that holds it.
        text: what it says.
        key: of the picture's record in the LMDB; empty for a file.
        where: ``file:line`` of the label, for messages.
    """

    path: Path
    text: str
    key: str = ""
    where: str = ""

    @property
    def name(self) -> str:
        """What messages call the picture."""
        return f"{self.path}#{self.key}" if self.key else str(self.path)

    def encoded(self) -> bytes:
        """Return the picture as stored: a JPEG, PNG … file.

        Raises:
            DataError: there is none.
        """
        return _stored(self.path, self.key, self.where)

    def load(self) -> Image:
        """Return the picture, RGB (H, W, 3).

        Raises:
            DataError: it is missing or cannot be decoded.
        """
        return _decode(self.encoded(), self.name, self.where)


@dataclass(frozen=True)
class PageItem:
    """A picture and its lines.

    Attributes:
        path: of the picture.
        quads: shape (N, 4, 2), pixels.
        texts: what each line says; empty where illegible or not known.
        ignore: shape (N,), true where a line must neither be learnt nor scored.
        angle: degrees clockwise by which the stored picture is rotated; :meth:`load` undoes it.
        complete: every line is labelled; otherwise the picture shows text that is in no quad.
        where: ``file:line`` of the label, for messages.
    """

    path: Path
    quads: Quads
    texts: tuple[str, ...]
    ignore: np.ndarray[tuple[int], np.dtype[np.bool_]]
    angle: int = 0
    complete: bool = True
    where: str = ""

    @property
    def name(self) -> str:
        """What messages call the picture."""
        return str(self.path)

    def encoded(self) -> bytes:
        """Return the picture as stored: a JPEG, PNG … file.

        Raises:
            DataError: there is none.
        """
        return _stored(self.path, "", self.where)

    def load(self) -> Image:
        """Return the picture upright, RGB (H, W, 3).

        Raises:
            DataError: it is missing, cannot be decoded, or a line stands outside it: the labels
                are then of a picture of another size.
        """
        image = rotate90(_decode(self.encoded(), self.name, self.where), self.angle)
        height, width = image.shape[:2]
        outside = outside_of(self.quads, height, width) & ~self.ignore
        if outside.any():
            what = f"line {outside.argmax() + 1} stands outside the picture, {width}x{height}"
            raise DataError(_told(self.where, what))
        return image


def outside_of(quads: Quads, height: int, width: int) -> NDArray[np.bool_]:
    """Say the middles of which quads (N, 4, 2) lie outside a picture."""
    x, y = quads.mean(1).T
    return np.asarray((x < 0) | (x > width) | (y < 0) | (y > height))


Item = TypeVar("Item", bound=LineItem | PageItem)


def with_pictures(
    items: Sequence[Item], order: Iterable[int], bad: BadRows
) -> Iterator[tuple[Item, Image]]:
    """Yield items in an order, each with its picture; what cannot be read is left out.

    Raises:
        DataError: ``bad`` is strict, or an endless order comes to no picture that can be read.
    """
    failed = 0
    for i in order:
        item = items[i]
        try:
            image = item.load()
        except DataError as error:
            bad.add(str(error))
            failed += 1
            if failed >= 2 * len(items):  # a whole epoch, wherever it began
                raise DataError(f"none of {len(items)} pictures can be read: {error}") from error
            continue
        failed = 0
        yield item, image


def shuffled(count: int, seed: int) -> Iterator[int]:
    """Yield 0..count-1 for ever, each epoch in another order."""
    rng = np.random.default_rng(seed)
    while True:
        yield from map(int, rng.permutation(count))


def _stored(path: Path, key: str, where: str) -> bytes:
    try:
        return read_record(path, key) if key else path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: no file can have such a name
        reason = getattr(error, "strerror", None) or error
        raise DataError(_told(where, f"cannot read {path}: {reason}")) from error
    except KeyError as error:
        raise DataError(_told(where, f"{path} has no record {key}")) from error


def _decode(encoded: bytes, name: str, where: str) -> Image:
    image = None
    if encoded:
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise DataError(_told(where, f"{name} cannot be read as an image"))
    return np.asarray(image, np.uint8)


def _told(where: str, what: str) -> str:
    return f"{where}: {what}" if where else what
