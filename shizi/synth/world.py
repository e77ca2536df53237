"""What rendering draws from, made once per process: fonts, texts, background pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shizi.errors import DataError
from shizi.page import Image
from shizi.synth.chance import Rng
from shizi.synth.paint.backgrounds import load_folder, make_bank
from shizi.synth.paint.emoji import load_emoji
from shizi.synth.paint.fonts import Face, FontBook, fonts_in, load_faces, make_book, system_fonts
from shizi.synth.wording.text import TextSource, load_texts
from shizi.weights import FOLDER

_BUILTIN_CHARSET = FOLDER / "charset.txt"


@dataclass(frozen=True)
class SynthOptions:
    """Where fonts, texts and background pictures come from."""

    texts: tuple[Path, ...] = field(
        default=(), metadata={"help": "text files to render, one string a line"}
    )
    fonts: tuple[Path, ...] = field(
        default=(), metadata={"help": "folders of fonts, besides the system's"}
    )
    system_fonts: bool = field(default=True, metadata={"help": "use the fonts of this system"})
    backgrounds: Path | None = field(
        default=None, metadata={"help": "folder of text-free pictures to draw on"}
    )
    drawn: int = field(
        default=40, metadata={"help": "number of background pictures to draw, besides the folder's"}
    )
    charset_path: Path | None = field(
        default=None, metadata={"help": "file with every character to render; default: shizi's own"}
    )


@dataclass(frozen=True)
class World:
    """Everything a renderer draws from.

    Attributes:
        book: fonts.
        texts: strings.
        bank: background pictures, RGB uint8 (H, W, 3) each.
        emoji: pictures of them, RGBA uint8 (h, w, 4) each; none where no font has them.
    """

    book: FontBook
    texts: TextSource
    bank: Sequence[Image]
    emoji: tuple[NDArray[np.uint8], ...] = ()

    def phrase(self, rng: Rng, kind: str, styles: Sequence[str]) -> tuple[str, Face]:
        """A text of a kind (see ``text.KINDS``) and a Chinese face of a style that writes it.

        A text that no face drawn can write loses the characters that the last one lacks.
        """
        face = self.book.draw(rng, styles, "") or self.any_face(rng)
        rare = _writable(face, self.texts.chars) if kind == "uniform" else ""
        text = self.texts.make(rng, kind, rare)
        if face.covers(text):
            return text, face
        other = self.book.draw(rng, styles, text)
        if other is not None:
            return text, other
        kept = " ".join(face.keep(text).split())
        return (kept, face) if kept else ("识字" if face.covers("识字") else "Aa", face)

    def any_face(self, rng: Rng) -> Face:
        """Any Chinese face."""
        face = self.book.draw(rng, tuple(self.book.han), "")
        if face is None:
            raise DataError("no Chinese font is loaded")
        return face


@cache
def _writable(face: Face, chars: str) -> str:
    return face.keep(chars).replace(" ", "")


def build_world(options: SynthOptions) -> World:
    """Load fonts, texts and backgrounds (cached: seconds the first time).

    Raises:
        MissingExtraError: fontTools is not installed.
        DataError: a file cannot be read, or no font writes Chinese.
    """
    return _build(
        options.texts,
        options.fonts,
        options.system_fonts,
        options.backgrounds,
        options.drawn,
        options.charset_path or _BUILTIN_CHARSET,
    )


@cache
def _build(
    texts: tuple[Path, ...],
    folders: tuple[Path, ...],
    system: bool,
    backgrounds: Path | None,
    drawn: int,
    charset: Path,
) -> World:
    paths = [*(system_fonts() if system else ())]
    for folder in folders:
        paths += fonts_in(folder)
    try:
        chars = "".join(dict.fromkeys(charset.read_text(encoding="utf-8").replace("\n", "")))
    except OSError as error:
        raise DataError(f"cannot read the charset {charset}: {error.strerror}") from error
    bank = load_folder(backgrounds) if backgrounds else []
    return World(
        make_book(load_faces(dict.fromkeys(paths))),
        load_texts(texts, chars),
        [*bank, *make_bank(drawn, seed=7)],
        load_emoji(paths),
    )


def rng_for(seed: int, index: int) -> Rng:
    """The source of chance of sample ``index``: the same however the range is split."""
    return np.random.default_rng([seed, index])
