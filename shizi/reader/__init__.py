"""Reader: image -> upright -> lines -> text -> reading order. The only place that joins them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import get_args

import numpy as np

from shizi import jobs, weights
from shizi.deadline import within
from shizi.detection import DetectionOptions, Detector
from shizi.engine import Device, Engine
from shizi.errors import Failure, OptionError
from shizi.geometry import map_back, rotate90, sides
from shizi.images.limits import ImageLimits, PageOptions
from shizi.images.load import Source, picture
from shizi.layout import arrange
from shizi.options import check_choice, check_plain, check_range, check_type
from shizi.orientation import OrientationClassifier
from shizi.page import Image, Line, Page, Quad, Sheet, check_image
from shizi.reader.cells import part, vouched
from shizi.reader.icons import without_icons
from shizi.reader.pitch import gridded
from shizi.reader.ticks import without_ticks
from shizi.reader.upright import Side, Upright, Vote
from shizi.reader.whole import once
from shizi.recognition import Reading, RecognitionOptions, Recognizer

LEGIBLE = 0.5
"""Mean probability of its characters from which on a reading is text."""

LONE = 0.87
"""The same for a single character, which no neighbour vouches for."""

SQUEEZED = 0.75
"""The same for several that are no longer than one: A1, or a slanted Apr."""

SHORT = 1.2
"""Length up to which a line holds no more than a character, by its height."""


@dataclass(frozen=True)
class ReaderOptions:
    """Everything that reading can be told.

    Attributes:
        orientation: turn rotated pages upright first.
        engine: runtime of the networks; auto: OpenVINO where it is installed, else ONNX Runtime.
        device: auto is an NVIDIA GPU where the engine can use one, else the CPU.
        weights: folder of exported networks to use in place of the shipped ones of that name.
        threads: CPU threads; 0: all cores.
        least_score: lines of a lower score are dropped; specks that resemble no text always are.
    """

    orientation: bool = True
    engine: Engine = "auto"
    device: Device = "auto"
    weights: Path | None = None
    threads: int = 0
    least_score: float = 0.0
    limits: ImageLimits = ImageLimits()
    detection: DetectionOptions = DetectionOptions()
    recognition: RecognitionOptions = RecognitionOptions()

    def __post_init__(self) -> None:
        """Check what was told.

        Raises:
            OptionError: something is out of range.
        """
        check_choice(self, engine=get_args(Engine), device=get_args(Device))
        check_type(self, limits=ImageLimits, detection=DetectionOptions)
        check_type(self, recognition=RecognitionOptions)
        check_range(self, threads=(0, 1024), least_score=(0, 1))
        check_plain(self)
        if not isinstance(self.weights, str | Path | None):
            raise OptionError(f"weights: must be a folder's path, not {self.weights!r}")
        if self.weights is not None:
            object.__setattr__(self, "weights", Path(self.weights))


class Reader:
    """Reads pictures. Immutable, loads each network once, safe from many threads.

    Args:
        options: how to read.
        detector: finds lines; by default the network that the options name, as for the others.
        recognizer: reads them.
        orientation: says which way up a picture may be.

    Raises:
        WeightsError: a network is missing or damaged.
        OptionError: the engine cannot use the device.
        MissingExtraError: the engine is not installed.
        ShiziError: the charset lacks a character of the allow list.
    """

    def __init__(
        self,
        options: ReaderOptions | None = None,
        *,
        detector: Detector | None = None,
        recognizer: Recognizer | None = None,
        orientation: Vote | None = None,
    ) -> None:
        self.options = o = options or ReaderOptions()
        check_type(self, options=ReaderOptions)
        self.detector = detector or Detector.of(self._open("ctpn"), o.detection)
        self.recognizer = recognizer or Recognizer.of(self._open("crnn"), o.recognition)
        self._upright: Upright | None = None
        if o.orientation:
            votes = orientation or OrientationClassifier.of(self._open("orientation"))
            self._upright = Upright(self.detector, self.recognizer, votes)

    def _open(self, network: weights.Network) -> weights.Net:
        o = self.options
        return weights.open(network, o.weights, o.engine, o.device, o.threads)

    def told(self, *, orientation: bool) -> Reader:
        """Return a reader of the same networks that turns pages upright first, or does not."""
        if orientation == self.options.orientation:
            return self
        options = replace(self.options, orientation=orientation)
        return Reader(options, detector=self.detector, recognizer=self.recognizer)

    def read(self, source: Source, timeout: float = math.inf) -> Page:
        """Read one picture.

        Args:
            source: a path, encoded bytes, an open file, an RGB array or a PIL image.
            timeout: seconds that reading may take; it is stopped between two batches of lines.

        Raises:
            ImageError: the picture cannot be loaded, or is one of several in a file.
            TooLongError: reading takes longer.
            OptionError: the time is no number above 0.
        """
        if not (isinstance(timeout, int | float) and timeout > 0):
            raise OptionError(f"timeout: must be a number of seconds, not {timeout!r}")
        found = picture(source, self.options.limits)
        with within(timeout, found.name):
            return jobs.sheet(found, self.read_image).page

    def read_many(
        self, sources: Iterable[Source], options: PageOptions = PageOptions()
    ) -> Iterator[Page | Failure]:
        """Read sources one by one, each page of a document by itself; a failure stops nothing.

        Args:
            sources: as for :meth:`read`, or documents: PDFs, or TIFF, GIF, WebP or PNG files of
                several pictures.
            options: which pages of documents are read, how those of PDFs are drawn, and how long
                a page may take.

        Yields:
            A page or a failure for every page, in order, and a failure for a source without any.
        """
        for item in self.sheets(sources, options):
            yield item if isinstance(item, Failure) else item.page

    def sheets(
        self, sources: Iterable[Source], options: PageOptions = PageOptions()
    ) -> Iterator[Sheet | Failure]:
        """Do the same as :meth:`read_many`, each page with its picture and the file it is from.

        That is what a searchable PDF is made of: see :func:`shizi.write`.
        """
        lone = str | bytes | bytearray | memoryview | np.ndarray
        if isinstance(sources, lone) or not isinstance(sources, Iterable):
            raise OptionError("sources: give a list, even of one, as in ['photo.jpg']")
        if not isinstance(options, PageOptions):
            raise OptionError(f"options: must be PageOptions, not {options!r}")
        return jobs.sheets(sources, self.read_image, self.options.limits, options)

    def read_image(self, image: Image, name: str = "<array>") -> Page:
        """Read an RGB image, uint8 (H, W, 3), that is already loaded.

        Raises:
            ImageError: it is none.
        """
        check_image(image, name)
        height, width = image.shape[:2]
        side = self.upright(image)
        upright = rotate90(image, side.angle)
        rest = [i for i in range(len(side.quads)) if i not in side.sample]
        others = self.recognizer(upright, side.quads[rest])
        readings = {**side.sample, **dict(zip(rest, others, strict=True))}
        found, said = part(side.quads, [readings[i] for i in range(len(side.quads))])
        said = vouched(found, without_ticks(found, without_icons(found, said)))
        found, said = gridded(found, said)
        told = once(found, said)
        least = self.options.least_score
        short = np.maximum(*sides(found)) < SHORT * np.minimum(*sides(found))  # (N,)
        scores = [self.recognizer.certainty(reading) for reading in said]
        kept = [
            i
            for i, r in enumerate(said)
            if told[i] and _is_text(r, short[i]) and scores[i] >= least
        ]
        quads, texts = found[kept], [said[i].text for i in kept]
        placed = map_back(quads, side.angle, width, height)
        placed = np.clip(placed, 0, np.array([width, height], np.float32))
        lines = []
        for place in arrange(quads, texts):
            reading, score = said[kept[place.index]], scores[kept[place.index]]
            lines.append(
                Line(
                    quad=Quad.from_array(placed[place.index]),
                    text=reading.text,
                    score=score,
                    chars=reading.chars,
                    block=place.block,
                    paragraph=place.paragraph,
                    vertical=reading.vertical,
                    row=place.row,
                )
            )
        return Page(name, width, height, side.angle, side.score, tuple(lines))

    def upright(self, image: Image) -> Side:
        """Find out which way up an image is, unless that is known, and its lines that way up."""
        if self._upright:
            return self._upright(image)
        return Side(0, 0.0, self.detector(image)[0], {}, 0.0, sure=True)


def _is_text(reading: Reading, short: bool) -> bool:
    """Say whether it is more than specks, strokes and pictures."""
    several = SQUEEZED if short else LEGIBLE
    least = LONE if len(reading.text) == 1 else several
    return bool(reading.text) and reading.score >= least


def read(source: Source) -> Page:
    """Read one picture with the default options; the networks stay loaded.

    Raises:
        ImageError: the picture cannot be loaded.
    """
    return _default().read(source)


@cache
def _default() -> Reader:
    return Reader()
