"""Find fonts on the system, know what each can write, open them at a size."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

from shizi.errors import DataError
from shizi.extras import needed

SUFFIXES = {".ttf", ".otf", ".ttc", ".otc"}
COVERAGE_SIZE = 0x30000  # planes 0, 1 and 2: every Han character in use
_FONT_DIRS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts",
              "/Library/Fonts", "/System/Library/Fonts", "C:/Windows/Fonts")  # fmt: skip
# A name holds one of these words -> that style; the first match wins.
_STYLE_WORDS = {
    "mono": ("mono", "courier", "consol", "code", "vt323", "press-start", "doto", "inconsolata"),
    "display": ("kuaile", "huangyou", "smiley", "ma-shan", "long-cang", "liu-jian", "zhi-mang",
                "xingkai", "lishu", "stxing", "hand", "script", "pacifico", "lobster", "caveat",
                "vibes", "marker", "fatface", "slab", "black-ops", "monoton", "bangers",
                "righteous", "satisfy", "yellowtail", "cookie", "sacramento", "shadows",
                "codystar", "orbitron", "elite", "fredoka"),
    "kai": ("kai", "fangsong", "cwfs", "wenkai"),
    "song": ("serif", "song", "sung", "ming", "bsmi", "times", "roman", "xiaowei", "babelstonehan"),
    "hei": ("",),
}  # fmt: skip
# Korean and Japanese forms, duplicate monospaced Han, and fonts without letters.
_SKIP_WORDS = ("cjk kr", "cjk jp", "cjk hk", "mono cjk", "math", "emoji", "symbol", "ext-b",
               "tw-kai-plus", "tw-sung-plus", "thin")  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face of a font file.

    Attributes:
        path: the font file.
        index: of the face in a collection, else 0.
        name: its full name.
        style: ``song`` (serif), ``hei`` (sans), ``kai``, ``display`` or ``mono``.
        coverage: bool (0x30000,), true at the code points that have a visible glyph.
        han: it writes Chinese (more than 2,000 Han characters).
        capitals: its small letters are as high as its capitals, and mostly look like them.
    """

    path: Path
    index: int
    name: str
    style: str
    coverage: NDArray[np.bool_]
    han: bool
    capitals: bool = False

    def covers(self, text: str) -> bool:
        """True when every character of ``text`` has a glyph."""
        return all(ord(c) < COVERAGE_SIZE and self.coverage[ord(c)] for c in text)

    def keep(self, text: str) -> str:
        """Return ``text`` without the characters that have no glyph."""
        return "".join(c for c in text if ord(c) < COVERAGE_SIZE and self.coverage[ord(c)])

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """Open the face at ``size`` pixels per em (cached)."""
        return _open(str(self.path), self.index, size)


# Few: an open CFF font of many glyphs holds tens of MB, and opening takes only 0.3 ms.
@lru_cache(maxsize=64)
def _open(path: str, index: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size, index, layout_engine=ImageFont.Layout.BASIC)


def system_fonts() -> list[Path]:
    """Font files of this system, by fontconfig where it is, else from the usual folders."""
    if shutil.which("fc-list"):
        listing = subprocess.run(
            ["fc-list", "--format=%{file}\n"], capture_output=True, text=True, check=False
        )
        paths = {Path(line) for line in listing.stdout.splitlines() if line}
        return sorted(p for p in paths if p.suffix.lower() in SUFFIXES)
    return sorted(p for d in _FONT_DIRS for p in fonts_in(Path(d).expanduser()))


def fonts_in(folder: Path) -> list[Path]:
    """Font files in a folder and below it, sorted."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)


def load_faces(paths: Iterable[Path], need_han: bool = True) -> tuple[Face, ...]:
    """Read the faces of font files; files that cannot be read are left out.

    Raises:
        MissingExtraError: fontTools is not installed.
        DataError: ``need_han`` and no face can write Chinese.
    """
    faces = tuple(face for path in paths for face in _faces_of(path))
    if need_han and not any(face.han for face in faces):
        raise DataError(
            "no font with Chinese characters found; install one (Debian: fonts-noto-cjk) "
            "or name a folder of fonts"
        )
    return faces


def _faces_of(path: Path) -> list[Face]:
    with needed("rendering synthetic text"):
        from fontTools.ttLib import TTCollection, TTFont, TTLibError
    try:
        if path.suffix.lower() in {".ttc", ".otc"}:
            with TTCollection(str(path), lazy=True) as collection:
                return [f for i, t in enumerate(collection.fonts) if (f := _face(path, i, t))]
        with TTFont(str(path), lazy=True) as font:
            face = _face(path, 0, font)
            return [face] if face else []
    except (TTLibError, OSError, KeyError, AssertionError):
        return []


def _face(path: Path, index: int, font: Any) -> Face | None:
    name = f"{font['name'].getDebugName(1) or ''} {font['name'].getDebugName(2) or ''}".strip()
    text = f"{path.stem} {name}".lower()
    if any(word in text for word in _SKIP_WORDS):
        return None
    coverage = _coverage(font)
    if coverage[0x21:0x7F].sum() < 80 and coverage[0x4E00:0x9FFF].sum() < 500:
        return None
    style = next(s for s, words in _STYLE_WORDS.items() if any(w in text for w in words))
    han = bool(coverage[0x4E00:0x9FFF].sum() > 2000)
    return Face(path, index, name, style, coverage, han, _capitals(path, index))


def _capitals(path: Path, index: int) -> bool:
    """Compare the heights of a small letter and its capital."""
    try:
        font = ImageFont.truetype(str(path), 64, index)
    except OSError:
        return False
    small, large = (b - t for _, t, _, b in map(font.getbbox, "xX"))
    return bool(small > 0.93 * large)


def _coverage(font: Any) -> NDArray[np.bool_]:
    """Code points with a real glyph: not .notdef, not blank, not one box shared by many Han."""
    cmap = {u: g for u, g in (font.getBestCmap() or {}).items() if 32 < u < COVERAGE_SIZE}
    shared = Counter(g for u, g in cmap.items() if 0x3400 <= u < 0xA000)
    bad = {".notdef", *(g for g, n in shared.items() if n > 4)}
    bad |= _blank_glyphs(font)
    coverage = np.zeros(COVERAGE_SIZE, dtype=np.bool_)
    coverage[[u for u, g in cmap.items() if g not in bad]] = True
    coverage[0x20] = True
    return coverage


def _blank_glyphs(font: Any) -> set[str]:
    """Names of TrueType glyphs without an outline (their length in ``loca`` is 0)."""
    if "loca" not in font:
        return set()
    offsets = np.asarray(font["loca"].locations)
    order = font.getGlyphOrder()
    return {order[i] for i in np.flatnonzero(np.diff(offsets) == 0) if i < len(order)}


@dataclass(frozen=True, slots=True)
class FontBook:
    """Faces by style and family, so that a family with many weights is not drawn more often.

    Attributes:
        han: style -> families (each a tuple of faces) that write Chinese.
        latin: style -> families of letters only.
    """

    han: dict[str, tuple[tuple[Face, ...], ...]]
    latin: dict[str, tuple[tuple[Face, ...], ...]]

    def draw(
        self, rng: np.random.Generator, styles: Sequence[str], text: str, tries: int = 10
    ) -> Face | None:
        """A random Chinese face of one of the styles that writes all of ``text``, or None."""
        return _draw(self.han, rng, styles, text, tries)

    def draw_latin(
        self, rng: np.random.Generator, styles: Sequence[str], text: str, tries: int = 3
    ) -> Face | None:
        """A random face for letters and digits that writes all of ``text``, or None."""
        return _draw(self.latin, rng, styles, text, tries)


def _draw(
    table: dict[str, tuple[tuple[Face, ...], ...]],
    rng: np.random.Generator,
    styles: Sequence[str],
    text: str,
    tries: int,
) -> Face | None:
    families = [family for style in styles for family in table.get(style, ())]
    if not families:
        return None
    for i in rng.integers(0, len(families), tries):
        face: Face = families[i][rng.integers(len(families[i]))]
        if face.covers(text):
            return face
    return None


def make_book(faces: Iterable[Face]) -> FontBook:
    """Group faces by what they write, style, and family (the file's name before its weight)."""
    tables: dict[bool, dict[str, dict[str, list[Face]]]] = {True: {}, False: {}}
    for face in faces:
        families = tables[face.han].setdefault(face.style, {})
        families.setdefault(re.sub(r"-[^-]*$", "", face.path.stem), []).append(face)
    han, latin = (
        {style: tuple(map(tuple, fams.values())) for style, fams in tables[kind].items()}
        for kind in (True, False)
    )
    return FontBook(han, latin)
