"""A plugin for OCRmyPDF: ``ocrmypdf --plugin shizi.ocrmypdf in.pdf out.pdf``.

OCRmyPDF straightens pages, makes PDF/A and shrinks pictures; shizi reads. Unless another renderer
is asked for, the text layer is shizi's own: unseen text over each character, columns in order,
its font in the file. The renderer of OCRmyPDF places words, and takes its fonts from the system.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

import shizi
from shizi.extras import needed
from shizi.formats import write
from shizi.formats.tree import box_of, tree, turned
from shizi.images.load import load
from shizi.page import Line, Page, Quad, Word
from shizi.reader import Reader, ReaderOptions

with needed("the plugin"):
    from ocrmypdf import hookimpl
    from ocrmypdf.builtin_plugins import tesseract_ocr
    from ocrmypdf.exceptions import BadArgsError
    from ocrmypdf.models.ocr_element import BoundingBox, OcrClass, OcrElement
    from ocrmypdf.pluginspec import OcrEngine, OrientationConfidence

if TYPE_CHECKING:
    from ocrmypdf._options import OcrOptions

_NAME = f"shizi {shizi.__version__}"
_SURE = 15.0  # what OCRmyPDF calls sure of a page's rotation
_LEVEL = 45.0  # degrees: lines that slope more are none to straighten a page by
_LOCK = threading.Lock()


def _reader() -> Reader:
    with _LOCK:
        return _made()


@cache
def _made() -> Reader:
    return Reader(ReaderOptions(threads=1))  # OCRmyPDF reads as many pages side by side as it may


class Engine(OcrEngine):
    """Reads page images. All is static: OCRmyPDF makes one wherever it needs one."""

    @staticmethod
    def version() -> str:
        """Return the version of shizi."""
        return shizi.__version__

    @staticmethod
    def creator_tag(options: OcrOptions) -> str:
        """Return what the PDF says of who read it."""
        return _NAME

    def __str__(self) -> str:
        """Name the engine for people."""
        return _NAME

    @staticmethod
    def languages(options: OcrOptions) -> set[str]:
        """Return none: ``-l`` makes no difference, Chinese and Latin are read together."""
        return set()

    @staticmethod
    def get_orientation(input_file: Path, options: OcrOptions) -> OrientationConfidence:
        """Return how far clockwise a page stands turned, and how sure that is, up to 15."""
        side = _reader().upright(load(input_file))
        return OrientationConfidence(side.angle, _SURE * side.score)

    @staticmethod
    def get_deskew(input_file: Path, options: OcrOptions) -> float:
        """Return by how many degrees a page must be turned counter-clockwise to be level."""
        return slope(_reader().read(input_file).lines)

    @staticmethod
    def supports_generate_ocr() -> bool:
        """Return that words can be had too, for the renderer of OCRmyPDF."""
        return True

    @staticmethod
    def generate_ocr(
        input_file: Path, options: OcrOptions, page_number: int = 0
    ) -> tuple[OcrElement, str]:
        """Return the words of a page, with the places of their characters, and its text."""
        page = _reader().read(input_file)
        return element(page, page_number), _text(page)

    @staticmethod
    def generate_hocr(
        input_file: Path, output_hocr: Path, output_text: Path, options: OcrOptions
    ) -> None:
        """Write the page as hOCR, and its text."""
        page = _reader().read(input_file)
        write(page, output_hocr, "hocr")
        output_text.write_text(_text(page), encoding="utf-8")

    @staticmethod
    def generate_pdf(
        input_file: Path, output_pdf: Path, output_text: Path, options: OcrOptions
    ) -> None:
        """Write the unseen text of the page as a PDF of its size, and its text."""
        from shizi.formats.pdf.layer import alone

        page = _reader().read(input_file)
        output_pdf.write_bytes(alone(page))
        output_text.write_text(_text(page), encoding="utf-8")


def _text(page: Page) -> str:
    return f"{page.text}\n" if page.lines else ""


def slope(lines: Iterable[Line]) -> float:
    """Return by how many degrees clockwise most of the writing leaves the level; 0 if none does."""
    angles, lengths = [0.0], [0.0]
    for line in lines:
        tl, tr, _, bl = line.quad.to_array()
        along = bl - tl if line.vertical else tr - tl
        angle = math.degrees(math.atan2(along[1], along[0])) - 90 * line.vertical
        if abs(angle) < _LEVEL:
            angles.append(angle)
            lengths.append(float(np.hypot(*along)))
    order = np.argsort(angles)
    total = np.cumsum(np.array(lengths)[order])
    return float(np.array(angles)[order][np.searchsorted(total, total[-1] / 2)])


def element(page: Page, number: int = 0) -> OcrElement:
    """Return a page as OCRmyPDF's tree: blocks, paragraphs, lines, words, characters."""
    return OcrElement(
        OcrClass.PAGE,
        BoundingBox(0, 0, page.width, page.height),
        children=[
            _part(OcrClass.CAREA, [_part(OcrClass.PARAGRAPH, map(_line, p)) for p in block])
            for block in tree(page)
        ],
        dpi=page.dpi,
        page_number=number,
    )


def _part(kind: str, children: Iterable[OcrElement]) -> OcrElement:
    inner = list(children)
    boxes = np.array([[b.left, b.top, b.right, b.bottom] for e in inner if (b := e.bbox)])
    around = BoundingBox(*boxes[:, :2].min(0).tolist(), *boxes[:, 2:].max(0).tolist())
    return OcrElement(kind, around, children=inner)


def _line(line: Line) -> OcrElement:
    angle = -turned(line) % 360  # counted counter-clockwise
    return OcrElement(
        OcrClass.LINE,
        _box(line.quad),
        _poly(line.quad),
        confidence=line.score,
        children=[_word(line, word) for word in line.words],
        direction="ltr",
        textangle=angle if 0.5 < angle < 359.5 else None,
    )


def _word(line: Line, word: Word) -> OcrElement:
    chars = [
        OcrElement(OcrClass.CHAR, _box(quad), _poly(quad), char.text, char.score)
        for char in word.chars
        for quad in [line.part(char.start, char.end)]
    ]
    return OcrElement(
        OcrClass.WORD, _box(word.quad), _poly(word.quad), word.text, word.score, chars
    )


def _box(quad: Quad) -> BoundingBox:
    return BoundingBox(*box_of([quad]))


def _poly(quad: Quad) -> list[tuple[float, float]]:
    return list(quad.points)


@hookimpl
def initialize(plugin_manager: Any) -> None:
    """Take the place of Tesseract, which need not be installed; its options are asked for still."""
    plugin_manager.set_blocked(tesseract_ocr.__name__)
    options = ModuleType("tesseract_options")
    vars(options).update(
        register_options=tesseract_ocr.register_options, add_options=tesseract_ocr.add_options
    )
    if not plugin_manager.has_plugin(options.__name__):
        plugin_manager.register(options, options.__name__)


@hookimpl
def check_options(options: OcrOptions) -> None:
    """Have the text layer made here, unless another renderer was asked for.

    Raises:
        BadArgsError: Tesseract is asked for.
    """
    if options.ocr_engine == "tesseract":
        raise BadArgsError(f"{__name__} takes the place of Tesseract; leave this plugin out")
    if options.ocr_engine != "none" and options.pdf_renderer == "auto":
        options.pdf_renderer = "sandwich"


@hookimpl
def get_ocr_engine(options: OcrOptions | None) -> OcrEngine | None:
    """Return the engine, unless none was asked for."""
    return None if options is not None and options.ocr_engine == "none" else Engine()
