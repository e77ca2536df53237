"""Captchas of varying width: letters and digits, turned, crossed by curves, in noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from shizi.extras import needed
from shizi.page import Image
from shizi.synth.chance import Rng
from shizi.synth.world import rng_for
from shizi.synth.write import write_shards

ALPHABET = "0123456789abcdefghijkmnpqrstuvwxyz"
"""No o and no l: turned, they cannot be told from digits."""

HEIGHT = 60
FEWEST, MOST = 4, 6
COUNT = 1_000_000
"""Different captchas; chance hardly ever shows one of them twice."""


@dataclass(frozen=True)
class Captcha:
    """One captcha, drawn when it is loaded.

    Attributes:
        seed: of the set.
        index: in the set.
        fewest: letters, at least.
    """

    seed: int
    index: int
    fewest: int = FEWEST

    @property
    def text(self) -> str:
        """What it says: letters and digits, up to six."""
        rng = rng_for(self.seed, self.index)
        letters = rng.choice(list(ALPHABET), int(rng.integers(self.fewest, MOST + 1)))
        return "".join(letters)

    def load(self) -> Image:
        """Draw it, RGB (60, W, 3)."""
        return _draw(self.text, rng_for(self.seed, self.index + COUNT))


@dataclass(frozen=True)
class Captchas:
    """An endless-looking set of captchas to learn from, short ones among them.

    A net that sees one or two letters at a time soon learns what letters are; with four or
    more, CTC first spends thousands of steps on blanks (a mixture in place of the curriculum
    of Amodei et al. 2016, section 3.2).
    """

    seed: int

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> Captcha:
        return Captcha(self.seed, index, fewest=1)


@dataclass(frozen=True)
class _CaptchaJob:
    seed: int

    def __call__(self, out_dir: Path, index: int) -> str:
        captcha = Captcha(self.seed, index)
        name = f"images/{index // 1000:03d}/{index:07d}.png"
        cv2.imwrite(str(out_dir / name), cv2.cvtColor(captcha.load(), cv2.COLOR_RGB2BGR))
        return f"{name}\t{captcha.text}"


def write_captchas(out_dir: Path, count: int, seed: int, workers: int) -> None:
    """Write captchas with ``labels.tsv``."""
    write_shards(_CaptchaJob(seed), out_dir, count, "labels.tsv", workers, "captchas")


def _draw(text: str, rng: Rng) -> Image:
    width = int(24 + sum(rng.integers(24, 34, len(text))))
    paper = rng.integers(200, 256, 3)
    image = np.full((HEIGHT, width, 3), paper, np.float32)
    step = (width - 20) / len(text)
    for i, letter in enumerate(text):
        ink = rng.integers(0, 130, 3)
        mask = _letter(letter, rng)  # (h, w) 0 to 1
        x = int(10 + (i + 0.5) * step + rng.uniform(-3, 3)) - mask.shape[1] // 2
        y = int(HEIGHT / 2 + rng.uniform(-6, 6)) - mask.shape[0] // 2
        _blend(image, mask, x, y, ink)
    out = np.ascontiguousarray(image.clip(0, 255).astype(np.uint8))
    for _ in range(int(rng.integers(1, 4))):
        _curve(out, rng)
    dots = rng.random((HEIGHT, width)) < rng.uniform(0.0, 0.04)
    out[dots] = rng.integers(0, 256, (int(dots.sum()), 3))
    return np.asarray(cv2.GaussianBlur(out, (3, 3), rng.uniform(0.3, 0.8)), np.uint8)


def _letter(letter: str, rng: Rng) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """One letter, turned and slanted, tightly cut."""
    tile = _tile(letter, int(rng.integers(len(_fonts()))))
    turn = cv2.getRotationMatrix2D((45, 45), rng.uniform(-28, 28), rng.uniform(0.8, 1.15))
    turn[0, 1] += rng.uniform(-0.25, 0.25)
    turn[0, 2] -= turn[0] @ (45, 45, 1) - 45  # the middle stays
    mask = cv2.warpAffine(tile, turn, (90, 90), flags=cv2.INTER_LINEAR)
    x, y, w, h = cv2.boundingRect(mask)
    return np.asarray(mask[y : y + h, x : x + w] / 255, np.float32)


@cache
def _tile(letter: str, face: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """One upright letter in the middle of a tile, (90, 90)."""
    tile = PIL.Image.new("L", (90, 90))
    PIL.ImageDraw.Draw(tile).text((45, 45), letter, fill=255, font=_fonts()[face], anchor="mm")
    return np.asarray(tile)


def _blend(
    image: np.ndarray[tuple[int, int, int], np.dtype[np.float32]],
    mask: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    x: int,
    y: int,
    ink: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> None:
    top, left = max(0, y), max(0, x)
    part = image[top : y + mask.shape[0], left : x + mask.shape[1]]
    seen = mask[top - y : top - y + part.shape[0], left - x : left - x + part.shape[1], None]
    part += seen * (ink - part)


def _curve(image: Image, rng: Rng) -> None:
    xs = np.arange(image.shape[1])
    ys = HEIGHT * rng.uniform(0.25, 0.75) + rng.uniform(4, 16) * np.sin(
        xs / rng.uniform(12, 40) + rng.uniform(0, 6)
    )
    points = np.stack([xs, ys], 1).round().astype(np.int32)
    colour = tuple(int(c) for c in rng.integers(0, 180, 3))
    cv2.polylines(image, [points], False, colour, 1, cv2.LINE_AA)


@cache
def _fonts() -> tuple[PIL.ImageFont.FreeTypeFont, ...]:
    """Return the faces that come with matplotlib: the same on every system."""
    with needed("captchas"):
        import matplotlib
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    faces = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono", "DejaVuSerif-Bold")
    return tuple(
        PIL.ImageFont.truetype(str(folder / f"{face}.ttf"), size)
        for face in faces
        for size in (34, 40, 44)
    )
