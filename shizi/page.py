"""What reading yields: a Page of Lines of Chars, each placed by a Quad.

Coordinates are pixels of the original image as loaded (EXIF applied), x to the
right, y down, origin at the top-left corner of the top-left pixel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shizi.certainty import of_part, surprise
from shizi.errors import DataError, ImageError

Image: TypeAlias = NDArray[np.uint8]
"""RGB picture, shape (H, W, 3)."""


def check_image(image: object, name: str = "<array>") -> None:
    """Refuse what is no :data:`Image`, or has no pixels.

    Raises:
        ImageError: another type, shape or depth.
    """
    if not isinstance(image, np.ndarray):
        told = type(image).__name__
    elif image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        told = f"{image.dtype} {image.shape}"
    else:
        return
    raise ImageError(
        f"{name}: must be an RGB picture, uint8 of shape (H, W, 3), not {told}; "
        "Reader.read takes pictures of any kind"
    )


GREY = 127
"""Padding of every network's input: about zero once normalised."""

Quads: TypeAlias = NDArray[np.float32]
"""Many quads as one array, shape (N, 4, 2)."""

Point: TypeAlias = tuple[float, float]

Box: TypeAlias = tuple[float, float, float, float]
"""An upright box: left, top, right, bottom."""

WHOLE: tuple[Box, ...] = ((0.0, 0.0, 1.0, 1.0),)
"""All of a page, in shares of its sides."""

_NEEDED = object()


@contextmanager
def _as_told(what: str) -> Iterator[None]:
    """Say in a line what is wrong with values that ``to_dict`` did not give."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        told = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise DataError(f"this is no {what} of shizi: {told}; give what to_dict gave") from error


def _field(data: object, key: str, kind: type, otherwise: Any = _NEEDED) -> Any:
    """Return a value of a dict, of a kind, or what stands for one that is not there."""
    if not isinstance(data, dict):
        raise TypeError(f"a {type(data).__name__} is no dict")
    if otherwise is not _NEEDED and data.get(key, otherwise) is otherwise:
        return otherwise
    return _of_kind(data[key], kind, key)


def _of_kind(value: Any, kind: type, name: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{name} is {value!r:.40}")
    return value


@dataclass(frozen=True, slots=True)
class Quad:
    """Four points, clockwise from the text's own top-left corner.

    For a line that stands upside down, ``points[0]`` is at the lower right of
    the picture: the order follows the text, not the picture.
    """

    points: tuple[Point, Point, Point, Point]

    @classmethod
    def from_array(cls, array: NDArray[np.floating[Any]] | Iterable[Iterable[float]]) -> Quad:
        """Make a quad of a (4, 2) array.

        Raises:
            ValueError: the array has another shape or is not finite.
        """
        corners = np.asarray(array, dtype=np.float64)
        if corners.shape != (4, 2):
            raise ValueError(f"a quad has shape (4, 2), not {corners.shape}")
        if not np.isfinite(corners).all():
            raise ValueError("a quad's points must be finite")
        a, b, c, d = ((float(x), float(y)) for x, y in corners)
        return cls((a, b, c, d))

    def to_array(self) -> NDArray[np.float32]:
        """Return the points as float32, shape (4, 2)."""
        return np.asarray(self.points, dtype=np.float32)

    @property
    def bounds(self) -> Box:
        """The upright box around the quad."""
        xs, ys = zip(*self.points, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True, slots=True)
class Char:
    """One character of a line.

    Attributes:
        text: the character.
        score: the recogniser's probability of it, 0 to 1.
        start: where it begins along the line, 0 (line start) to 1 (line end).
        end: where it ends along the line, ``start <= end <= 1``.
    """

    text: str
    score: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Word:
    """A run of characters of a line without a blank; Chinese without blanks is one.

    Attributes:
        quad: where it stands in the original image.
        text: what it says.
        score: probability that all of it is right, 0 to 1: its share of the line's.
        chars: its characters, placed along the line.
    """

    quad: Quad
    text: str
    score: float
    chars: tuple[Char, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text.

    Attributes:
        quad: where it stands in the original image.
        text: what it says.
        score: probability that all of it is right, 0 to 1; see :mod:`shizi.certainty`.
        chars: its characters in order; ``text`` is their concatenation.
        block: index of the column or region that the line belongs to.
        paragraph: index of the paragraph, counted over the whole page.
        vertical: the line is written from top to bottom.
        row: index of its row, counted over the whole page: cells of a table, or a label and its
            value, stand in one; None where nothing stands beside it.
    """

    quad: Quad
    text: str
    score: float
    chars: tuple[Char, ...] = ()
    block: int = 0
    paragraph: int = 0
    vertical: bool = False
    row: int | None = None

    def char_quad(self, index: int) -> Quad:
        """Return the quad of ``chars[index]``, cut from the line's quad along its reading axis."""
        char = self.chars[index]
        return self.part(char.start, char.end)

    @property
    def placed(self) -> tuple[Char, ...]:
        """Its characters; where their places are not known, they are taken to be of one width."""
        size = len(self.text)
        return self.chars or tuple(
            Char(char, self.score, i / size, (i + 1) / size) for i, char in enumerate(self.text)
        )

    @property
    def words(self) -> tuple[Word, ...]:
        """Its runs of characters without a blank, in order."""
        found, whole = [], surprise(char.score for char in self.chars)
        for blank, run in groupby(self.placed, key=lambda char: char.text.isspace()):
            if not blank:
                word = tuple(run)
                score = of_part(self.score, surprise(char.score for char in word), whole)
                quad = self.part(word[0].start, max(char.end for char in word))
                found.append(Word(quad, "".join(char.text for char in word), score, word))
        return tuple(found)

    def part(self, start: float, end: float) -> Quad:
        """Return its quad from ``start`` to ``end``, 0 to 1 along the reading axis."""
        tl, tr, br, bl = self.quad.to_array()
        if self.vertical:
            ends = [tl + t * (bl - tl) for t in (start, end)]
            far = [tr + t * (br - tr) for t in (start, end)]
            return Quad.from_array(np.stack([ends[0], far[0], far[1], ends[1]]))
        top = [tl + t * (tr - tl) for t in (start, end)]
        low = [bl + t * (br - bl) for t in (start, end)]
        return Quad.from_array(np.stack([top[0], top[1], low[1], low[0]]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "text": self.text,
            "score": round(self.score, 4),
            "quad": [[round(x, 1), round(y, 1)] for x, y in self.quad.points],
            "block": self.block,
            "paragraph": self.paragraph,
            "vertical": self.vertical,
            "row": self.row,
            "chars": [
                [c.text, round(c.score, 4), round(c.start, 4), round(c.end, 4)] for c in self.chars
            ],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Line:
        """Inverse of :meth:`to_dict`.

        Raises:
            DataError: these are the values of something else.
        """
        with _as_told("line"):
            return cls(
                quad=Quad.from_array(_field(data, "quad", list)),
                text=_field(data, "text", str),
                score=_field(data, "score", Real),
                chars=tuple(map(_char, _field(data, "chars", list, ()))),
                block=_field(data, "block", Integral, 0),
                paragraph=_field(data, "paragraph", Integral, 0),
                vertical=_field(data, "vertical", bool, False),
                row=_field(data, "row", Integral, None),
            )


def _char(values: Iterable[Any]) -> Char:
    text, *numbers = values
    return Char(_of_kind(text, str, "a character"), *(_of_kind(n, Real, text) for n in numbers))


Row: TypeAlias = tuple[Line, ...]
"""Lines that stand beside each other, in reading order; most often one."""


@dataclass(frozen=True, slots=True)
class Page:
    """One picture, read.

    Attributes:
        source: the path as given, or a name such as ``<array>``; a PDF page is ``file.pdf#3``.
        width: of the original image, pixels.
        height: of the original image, pixels.
        angle: degrees clockwise (0, 90, 180, 270) by which the content stood rotated.
        angle_score: probability of that angle, 0 to 1; low when there was nothing to judge by.
        lines: in reading order.
        number: of the page in its document, from 1.
        dpi: pixels per inch of the picture, where that is known.
    """

    source: str
    width: int
    height: int
    angle: int = 0
    angle_score: float = 0.0
    lines: tuple[Line, ...] = ()
    number: int = 1
    dpi: float | None = None

    @property
    def text(self) -> str:
        """The whole text: a row each, tabs between its cells, an empty line between paragraphs."""
        parts: list[str] = []
        paragraph = None
        for row in self.rows:
            if paragraph not in (None, row[0].paragraph):
                parts.append("")
            parts.append("\t".join(line.text for line in row))
            paragraph = row[0].paragraph
        return "\n".join(parts)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Its lines, those of one row together."""
        found: list[list[Line]] = []
        for line in self.lines:
            if found and line.row is not None and line.row == found[-1][0].row:
                found[-1].append(line)
            else:
                found.append([line])
        return tuple(map(tuple, found))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "image": self.source,
            "width": self.width,
            "height": self.height,
            "number": self.number,
            "dpi": None if self.dpi is None else round(self.dpi, 2),
            "angle": self.angle,
            "angle_score": round(self.angle_score, 4),
            "lines": [line.to_dict() for line in self.lines],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Page:
        """Inverse of :meth:`to_dict`; keys that are missing get their defaults.

        Raises:
            DataError: these are the values of something else.
        """
        with _as_told("page"):
            return cls(
                source=_field(data, "image", str),
                width=_field(data, "width", Integral),
                height=_field(data, "height", Integral),
                angle=_field(data, "angle", Integral),
                angle_score=_field(data, "angle_score", Real, 0.0),
                lines=tuple(map(Line.from_dict, _field(data, "lines", list))),
                number=_field(data, "number", Integral, 1),
                dpi=_field(data, "dpi", Real, None),
            )


@dataclass(frozen=True, eq=False, slots=True)
class Origin:
    """The file that a page comes from, for writers that keep what it holds.

    Attributes:
        file: its path, or its bytes.
        password: what it takes to open it.
    """

    file: Path | bytes
    password: str | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Sheet:
    """A page with its picture and its file: what writers get.

    Attributes:
        page: what was read.
        image: the picture that it was read from, shape (H, W, 3); None where it is not at hand.
        count: how many pages its document has.
        origin: the file that it comes from, one object for all pages of it; None for a picture
            that was never in one.
        own_text: where it has text of its own that is to be kept, in shares of its sides: a page
            of a PDF. :data:`WHOLE` where nothing is to be added.
    """

    page: Page
    image: Image | None = None
    count: int = 1
    origin: Origin | None = None
    own_text: tuple[Box, ...] = ()

    @property
    def lacking(self) -> tuple[Line, ...]:
        """The lines that were read where the page has no text of its own."""
        return tuple(line for line in self.page.lines if not self._has(line.quad))

    def _has(self, quad: Quad) -> bool:
        x, y = (float(v) for v in quad.to_array().mean(0) / (self.page.width, self.page.height))
        return any(a <= x <= c and b <= y <= d for a, b, c, d in self.own_text)
