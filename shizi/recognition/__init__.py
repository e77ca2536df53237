"""Text recognition: line crops to text, score and character spans (CRNN + CTC)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shizi import ctc
from shizi.certainty import Fit, certainty
from shizi.charset import Charset
from shizi.crop import HEIGHT, WIDTHS, cut, fit, is_tall, lay_out, lie_down
from shizi.engine import Session
from shizi.errors import OptionError, ShiziError
from shizi.geometry import grow, rotate90
from shizi.nets.spec import CRNNSpec, VGGCRNNSpec
from shizi.options import check_plain, check_range
from shizi.page import Char, Image, Quads, check_image
from shizi.recognition.pictograms import without_pictograms
from shizi.recognition.signs import paired, with_ones, without_parts
from shizi.weights import Net

SURE = 0.95
"""What is scored below this is read again: a tall crop, a character that stands alone."""

PITCHES = (1.0, 0.85, 0.7, 0.57)
"""Heights of upright characters in a tall crop, by its width."""

SHORT = 2.5
"""Heights of width that a squeezed line keeps: short words have few time steps to lose."""

STRETCH = 1.2
"""Most that a short word is stretched for that."""

MOST_DOWN = 60
"""A crop more times taller than wide is no line of upright characters."""


ROOM = 0.15
"""By how much of its shorter side a doubtful character's crop is widened."""

CHINESE = "⺀"
"""From here on characters stand without blanks between them."""

_IN_COLUMNS = {"’": "，", "'": "，", "°": "。", "゜": "。"}

EDGE = 1.0
"""Pixels of the picture that are read around a line: small letters are blurred outwards."""


@dataclass(frozen=True)
class RecognitionOptions:
    """How lines are read.

    Attributes:
        squeeze: factor on the width of a crop, less is faster; by default what the card of the
            weights says.
        reread: lines scored below this are read again, unsqueezed; 0: never.
        beam: beam width of CTC decoding; 1: best path.
        allow: the only characters to read; empty: all.
    """

    squeeze: float | None = None
    reread: float = 0.85
    beam: int = 1
    allow: str = ""

    def __post_init__(self) -> None:
        """Check what was told.

        Raises:
            OptionError: something is out of range.
        """
        check_range(self, reread=(0, 1), beam=(1, 100))
        check_plain(self)
        if self.squeeze is not None:
            check_range(self, squeeze=(0.2, 5))


class Reading(NamedTuple):
    """What a line says; spans are fractions of the line's length.

    ``score`` is the mean probability of its characters: how much it resembles text. How certain
    all of it is, :meth:`Recognizer.certainty` tells.
    ``vertical`` says that the line runs downwards, ``sideways`` that its characters lie on
    their side.
    """

    text: str
    score: float
    chars: tuple[Char, ...]
    vertical: bool = False
    sideways: bool = False


class _Piece(NamedTuple):
    """A stretch of a line, short enough for the widest bucket."""

    crop: Image
    start: float  # of the line, 0 to 1
    end: float


EMPTY = Reading("", 0.0, ())


class Recognizer:
    """Reads line crops. Immutable; safe from many threads.

    Args:
        session: the network.
        charset: what it spells with.
        options: how to read.
        height: of the crops that the network expects, pixels.
        squeeze: of its card; the one of the options comes first.
        fit: of its card.

    Raises:
        ShiziError: the charset lacks a character of ``options.allow``.
    """

    def __init__(
        self,
        session: Session,
        charset: Charset,
        options: RecognitionOptions | None = None,
        height: int = HEIGHT,
        squeeze: float = 1.0,
        fit: Fit | None = None,
    ) -> None:
        self.options = options or RecognitionOptions()
        told = self.options.squeeze
        self.squeeze = squeeze if told is None else told
        self.fit = fit
        self._session = session
        self._charset = charset
        self._height = height
        self._allowed: NDArray[np.bool_] | None = None
        self._spaces: ctc.Spaces | None = None
        if " " in charset and not self.options.allow:
            kinds = np.array([0, *map(_kind, charset.chars)], np.int8)
            self._spaces = ctc.Spaces(charset.encode(" ")[0], kinds)
        if self.options.allow:
            unknown = charset.missing(self.options.allow)
            if unknown:
                raise ShiziError(f"the charset lacks {unknown!r}; remove it from the allow list")
            self._allowed = np.zeros(len(charset), dtype=bool)
            self._allowed[charset.encode(self.options.allow)] = True

    @classmethod
    def of(cls, net: Net, options: RecognitionOptions | None = None) -> Recognizer:
        """Make a recognizer of a network.

        Raises:
            ShiziError: its charset lacks a character of ``options.allow``.
        """
        assert isinstance(net.spec, CRNNSpec | VGGCRNNSpec)
        assert net.charset
        card = net.card
        return cls(net.session, net.charset, options, net.spec.height, card.squeeze, card.certainty)

    def __call__(self, image: Image, quads: Quads) -> list[Reading]:
        """Read the lines at quads (N, 4, 2) of an image.

        A doubtful single character is read again with more of what is around it. Emoji are left
        out.

        Raises:
            ImageError: the image is not RGB, uint8 (H, W, 3).
            OptionError: the quads have another shape.
        """
        check_image(image)
        quads = np.asarray(quads, np.float32)
        if quads.ndim != 3 or quads.shape[1:] != (4, 2):
            raise OptionError(f"quads: must have the shape (N, 4, 2), not {quads.shape}")
        crops = [cut(image, quad) for quad in grow(quads, 0.0, EDGE)]
        readings = [
            r if r.vertical else _reading(without_pictograms(crop, r.chars))
            for crop, r in zip(crops, self.read(crops), strict=True)
        ]
        lone = [i for i, r in enumerate(readings) if len(r.text) == 1 and r.score < SURE]
        wider = self.read([cut(image, quad) for quad in grow(quads[lone], ROOM, EDGE)])
        for i, reading in zip(lone, wider, strict=True):
            if len(reading.text) == 1 and reading.score > readings[i].score:
                readings[i] = reading
        return readings

    def certainty(self, reading: Reading) -> float:
        """Probability that all of a reading is right, 0 to 1."""
        return certainty((char.score for char in reading.chars), self.fit)

    def read_columns(self, image: Image, quads: Quads, said: Sequence[str]) -> list[Reading]:
        """Read columns that lie on their side, tops at the left.

        Args:
            image: RGB, uint8 (H, W, 3).
            quads: of the N columns, (N, 4, 2).
            said: what they say as lines.
        """
        crops = [rotate90(cut(image, quad), 270) for quad in grow(quads, 0.0, EDGE)]
        return [self._read_down(crop, text) for crop, text in zip(crops, said, strict=True)]

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        """Read line crops, each RGB (h, w, 3).

        A crop much taller than wide is read one character under the other, as a single
        narrow character, and lying on its side either way: see :func:`_which_way`.

        Raises:
            ImageError: a crop is not RGB, uint8 (h, w, 3).
        """
        for crop in crops:
            check_image(crop, "<crop>")
        tall = [is_tall(*c.shape[:2]) for c in crops]
        flat = [lie_down(c) if t else c for c, t in zip(crops, tall, strict=True)]
        readings = self._read(flat, self.squeeze)
        if self.squeeze < 1:
            self._improve(readings, lambda i: flat[i], self.options.reread)
        turned = [r._replace(vertical=t, sideways=t) for r, t in zip(readings, tall, strict=True)]
        downs = {i: self._read_down(crops[i], readings[i].text) for i, t in enumerate(tall) if t}
        doubted = {
            i
            for i, down in downs.items()
            if turned[i].score < SURE or shared(turned[i].text, down.text) < 0.5
        }
        self._improve(turned, lambda i: rotate90(flat[i], 180) if i in doubted else None, 1.0)
        for i, down in downs.items():
            turned[i] = _with_signs(_which_way(turned[i], down))
        return turned

    def _read_down(self, crop: Image, said: str) -> Reading:
        """Read a tall crop as upright characters, one under the other.

        Nobody knows how high they are: what reads as the crop does lying on its side is kept, or
        else what reads most legibly.
        """
        if crop.shape[0] > MOST_DOWN * crop.shape[1]:
            return EMPTY
        laid = [lay_out(crop, pitch) for pitch in PITCHES]
        readings = self._read([line for line, _ in laid], 1.0)
        alike = [r.text == said and r.score >= SURE for r in readings]
        best = max(range(len(laid)), key=lambda i: (alike[i], _legible(readings[i])))
        edges = laid[best][1]
        chars = _placed(readings[best].chars, edges)
        return readings[best]._replace(chars=chars, vertical=len(edges) > 2)

    def _improve(
        self, readings: list[Reading], another: Callable[[int], Image | None], least: float
    ) -> None:
        """Read another view of every line scored below ``least``; keep what scores higher."""
        views = {i: another(i) for i, r in enumerate(readings) if r.score < least}
        chosen = {i: view for i, view in views.items() if view is not None}
        for i, reading in zip(chosen, self._read(list(chosen.values()), 1.0), strict=True):
            if reading.score > readings[i].score:
                old = readings[i]
                readings[i] = reading._replace(vertical=old.vertical, sideways=old.sideways)

    def _read(self, crops: Sequence[Image], squeeze: float) -> list[Reading]:
        pieces = [list(_pieces(crop, squeeze, self._height)) for crop in crops]
        spelt = iter(self._session.each([p.crop for line in pieces for p in line], self._spell))
        return [_joined([(p, next(spelt)) for p in line]) for line in pieces]

    def _spell(self, logits: NDArray[np.float32]) -> list[Char]:
        """Decode (T, C) to characters, their spans from 0 to 1."""
        if self.options.beam <= 1:
            symbols = ctc.greedy(logits, self._allowed, self._spaces)
        else:
            symbols = ctc.beam(logits, self.options.beam, allowed=self._allowed)
        steps, chars = len(logits), self._charset.chars
        return [Char(chars[s.id - 1], s.score, s.start / steps, s.end / steps) for s in symbols]


def _kind(char: str) -> int:
    """What a character is to :func:`shizi.ctc.spaced`."""
    if not " " < char < CHINESE:
        return 0
    return ctc.LETTER if char.isalnum() else ctc.SIGN


def _joined(parts: Sequence[tuple[_Piece, list[Char]]]) -> Reading:
    """Put the pieces of a line together, and take spaces off its ends."""
    chars: list[Char] = []
    for piece, found in parts:
        at, length = piece.start, piece.end - piece.start
        if len(parts) > 1:
            found = [
                Char(c.text, c.score, at + c.start * length, at + c.end * length) for c in found
            ]
        chars = _rejoin(chars, found, at)
    return _reading(paired(with_ones(without_parts(chars))))


def _reading(chars: list[Char]) -> Reading:
    """What a line's characters say, without spaces at its ends."""
    while chars and chars[-1].text == " ":
        chars.pop()
    while chars and chars[0].text == " ":
        chars.pop(0)
    if not chars:
        return EMPTY
    score = sum(c.score for c in chars) / len(chars)
    return Reading("".join(c.text for c in chars), score, tuple(chars))


def _which_way(lying: Reading, down: Reading) -> Reading:
    """Choose between two readings of a tall crop: on its side, and one under the other.

    The net knows columns that lie on their side, so upright characters read as well that way:
    where both readings say the same the characters stand upright, and the surer text is kept.
    Text that truly lies on its side, its top at the left, reads backwards one under the other.
    """
    same, reverse = (shared(lying.text, text) for text in (down.text, down.text[::-1]))
    if same >= reverse and same >= 0.5:
        surer = max(down, lying, key=lambda r: r.score)
        return surer._replace(vertical=down.vertical, sideways=False)
    return lying if down.score < lying.score or reverse >= 0.5 else down


def _with_signs(reading: Reading) -> Reading:
    """Read the signs of upright Chinese characters in a column as what they are.

    A comma and a full stop stand at the upper right of their cell there, as ’ and ° do in a row.
    """
    if not reading.vertical or reading.sideways or not any(c >= CHINESE for c in reading.text):
        return reading
    chars = tuple(replace(c, text=_IN_COLUMNS.get(c.text, c.text)) for c in reading.chars)
    return reading._replace(text="".join(c.text for c in chars), chars=chars)


def shared(one: str, other: str) -> float:
    """Share of ``one`` that stands in ``other``, in the same order."""
    same = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return sum(block.size for block in same) / max(1, len(one))


def _pieces(crop: Image, squeeze: float, height: int) -> Iterator[_Piece]:
    """Cut a line that is too long for the widest bucket, with two line heights of overlap."""
    h, w = crop.shape[:2]
    if squeeze < 1:
        squeeze = max(squeeze, min(STRETCH, SHORT * h / w))
    longest = int(WIDTHS[-1] / squeeze / HEIGHT * h)
    if w <= longest:
        yield _Piece(fit(crop, squeeze, height), 0.0, 1.0)
        return
    overlap = 2 * h
    count = -(-(w - overlap) // (longest - overlap))
    step = (w - overlap) / count
    for i in range(count):
        a, b = round(i * step), min(w, round((i + 1) * step) + overlap)
        yield _Piece(fit(crop[:, a:b], squeeze, height), a / w, b / w)


def _legible(reading: Reading) -> float:
    """How much of it makes sense: characters, each weighed by how sure it is."""
    return sum(max(0.0, c.score - 0.6) for c in reading.chars)


def _placed(chars: Sequence[Char], edges: NDArray[np.float64]) -> tuple[Char, ...]:
    """Move spans along n equal cells to where these were cut out, edges (n + 1,)."""
    even = np.linspace(0, 1, len(edges))
    return tuple(
        replace(
            c,
            start=float(np.interp(c.start, even, edges)),
            end=float(np.interp(c.end, even, edges)),
        )
        for c in chars
    )


def _rejoin(before: list[Char], after: list[Char], start: float) -> list[Char]:
    """Append a piece's characters; in the overlap each piece speaks for its inner half."""
    if not before or not after:
        return before + after
    middle = (start + max(before[-1].end, start)) / 2
    return [c for c in before if (c.start + c.end) / 2 < middle] + [
        c for c in after if (c.start + c.end) / 2 >= middle
    ]
