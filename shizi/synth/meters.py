"""Readings of seven-segment displays: digits of bars, with a unit printed beside them.

A field that fonts do not show and that reading was not trained for: what fine-tuning is
measured on. Two signs, for alternating current and high voltage, are not in the shipped charset.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from numpy.typing import NDArray

from shizi.extras import needed
from shizi.page import Image
from shizi.synth.chance import Rng, pick
from shizi.synth.world import rng_for
from shizi.synth.write import write_shards

Mask = NDArray[np.float32]

HEIGHT = 64
"""Of a digit as drawn, pixels; the picture is then made smaller."""

BARS = {
    "0": "abcdef", "1": "bc", "2": "abdeg", "3": "abcdg", "4": "bcfg", "5": "acdfg",
    "6": "acdefg", "7": "abc", "8": "abcdefg", "9": "abcdfg", "-": "g",
}  # fmt: skip
ENDS = {
    "a": ((0, 0), (1, 0)), "b": ((1, 0), (1, 1)), "c": ((1, 1), (1, 2)), "d": ((0, 2), (1, 2)),
    "e": ((0, 1), (0, 2)), "f": ((0, 0), (0, 1)), "g": ((0, 1), (1, 1)),
}  # fmt: skip
"""Each bar's ends on a grid of two columns and three rows."""

UNITS = (
    "", "V", "mV", "A", "kW", "kWh", "Hz", "℃", "%", "kg", "Ω", "V∿", "mV∿", "A∿", "kV⚡", "⚡",
)  # fmt: skip
DISPLAYS = (  # paper, ink: liquid crystals, then light-emitting diodes
    ((150, 165, 140), (30, 35, 30)),
    ((190, 195, 185), (45, 45, 50)),
    ((95, 150, 175), (15, 25, 45)),
    ((25, 8, 8), (255, 50, 40)),
    ((8, 20, 10), (70, 255, 90)),
    ((15, 15, 22), (150, 210, 255)),
    ((22, 14, 5), (255, 170, 40)),
)


@dataclass(frozen=True)
class _MeterJob:
    seed: int

    def __call__(self, out_dir: Path, index: int) -> str:
        rng = rng_for(self.seed, index)
        digits, unit = reading(rng)
        name = f"images/{index // 1000:03d}/{index:07d}.png"
        picture = draw_meter(digits, unit, rng)
        cv2.imwrite(str(out_dir / name), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        return f"{name}\t{f'{digits} {unit}'.strip()}"


def write_meters(out_dir: Path, count: int, seed: int, workers: int) -> None:
    """Write pictures of meters with ``labels.tsv``."""
    write_shards(_MeterJob(seed), out_dir, count, "labels.tsv", workers, "meters")


def reading(rng: Rng) -> tuple[str, str]:
    """Return digits and unit of a meter; the unit is empty for a clock."""
    value = 10 ** rng.uniform(0, 4)
    forms: tuple[Callable[[], str], ...] = (
        lambda: f"{value:.{int(rng.integers(0, 4))}f}",
        lambda: f"-{value:.{int(rng.integers(0, 3))}f}",
        lambda: f"{value:0{int(rng.integers(6, 9))}.{int(rng.integers(0, 2))}f}",
    )
    if rng.random() < 0.15:
        hour, minute, second = (int(n) for n in rng.integers(0, (24, 60, 60)))
        return f"{hour:02d}:{minute:02d}" + (f":{second:02d}" if rng.random() < 0.4 else ""), ""
    return pick(rng, forms)(), pick(rng, UNITS)


def draw_meter(digits: str, unit: str, rng: Rng) -> Image:
    """Draw a reading as a camera would see it.

    Args:
        digits: of the characters of ``BARS``, points and colons.
        unit: printed at the right; may be empty.
        rng: source of chance.

    Returns:
        RGB uint8 (H, W, 3), H 20 to 60.
    """
    paper, ink = (np.array(c, np.float32) for c in pick(rng, DISPLAYS))
    lit, ghost = _bars(digits, rng)
    if unit:
        lit = _beside(lit, _printed(unit, int(rng.integers(24, 42)), rng))
        ghost = np.pad(ghost, ((0, 0), (0, lit.shape[1] - ghost.shape[1])))
    margin = [(int(a), int(b)) for a, b in rng.integers(3, 14, (2, 2))]
    lit, ghost = (np.pad(mask, margin) for mask in (lit, ghost))
    alpha = np.maximum(lit, rng.uniform(0, 0.14) * ghost)[..., None]  # (H, W, 1)
    picture = paper + alpha * (ink - paper)
    left, right = rng.uniform(-25, 25, 2)  # light falls from one side
    slope = np.linspace(left, right, picture.shape[1], dtype=np.float32)
    picture = picture + slope[:, None] + rng.normal(0, rng.uniform(1, 8), picture.shape)
    image = np.asarray(picture.clip(0, 255), np.uint8)
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.8)), np.uint8)
    scale = rng.uniform(20, 60) / image.shape[0]
    size = (max(8, round(image.shape[1] * scale * rng.uniform(0.85, 1.15))),
            round(image.shape[0] * scale))  # fmt: skip
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _bars(digits: str, rng: Rng) -> tuple[Mask, Mask]:
    """Masks of the lit bars and of all bars, (HEIGHT + 8, W), 0 to 1."""
    thick, gap = rng.uniform(0.09, 0.17), rng.uniform(0.0, 0.025)
    width, space, lean = rng.uniform(0.44, 0.58), rng.uniform(0.16, 0.3), rng.uniform(0, 0.18)
    lit: list[NDArray[np.float64]] = []
    ghost: list[NDArray[np.float64]] = []
    x = thick
    for char in digits:
        if char in ".:":
            dots = (1.0,) if char == "." else (0.3, 0.7)
            x -= space / 2
            lit += [_square(x + thick / 2, y, thick) for y in dots]
            x += thick + space / 2
        else:
            bars = {name: _bar(name, x, width, thick, gap) for name in ENDS}
            lit += [bars[name] for name in BARS[char]]
            ghost += bars.values()
            x += width + space + thick / 2
    shape = (HEIGHT + 8, int((x + lean + thick) * HEIGHT))
    return _filled(lit, shape, lean), _filled([*lit, *ghost], shape, lean)


def _bar(name: str, x: float, width: float, thick: float, gap: float) -> NDArray[np.float64]:
    """A bar with pointed ends, (6, 2), heights of a digit."""
    start, end = (np.array([x + c * width, r / 2]) for c, r in ENDS[name])
    along = (end - start) / np.linalg.norm(end - start)
    across = along[::-1] * thick / 2
    a, b = start + gap * along, end - gap * along
    inner = along * thick / 2
    corners = (a, a + inner + across, b - inner + across, b, b - inner - across, a + inner - across)
    return np.stack(corners)


def _square(x: float, y: float, side: float) -> NDArray[np.float64]:
    half = side / 2
    return np.array([x, y]) + half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])


def _filled(shapes: list[NDArray[np.float64]], shape: tuple[int, int], lean: float) -> Mask:
    """Fill polygons given in heights of a digit, leaning to the right."""
    mask = np.zeros(shape, np.uint8)
    for points in shapes:
        leant = points + np.stack([lean * (1 - points[:, 1]), np.zeros(len(points))], 1)
        placed = (leant * (HEIGHT - 8) + (0, 8)) * 16
        cv2.fillPoly(mask, [placed.round().astype(np.int32)], 255, cv2.LINE_AA, 4)
    return np.asarray(mask / 255, np.float32)


def _printed(unit: str, size: int, rng: Rng) -> Mask:
    """A unit in print, tightly cut."""
    font = _font("DejaVuSans-Bold.ttf" if rng.random() < 0.5 else "DejaVuSans.ttf", size)
    tile = PIL.Image.new("L", (8 * size, 2 * size))
    PIL.ImageDraw.Draw(tile).text((4, 4), unit, fill=255, font=font)
    x, y, w, h = cv2.boundingRect(np.asarray(tile))
    return np.asarray(np.asarray(tile)[y : y + h, x : x + w] / 255, np.float32)


def _beside(bars: Mask, unit: Mask) -> Mask:
    """Put the unit at the lower right of the digits."""
    top = len(bars) - len(unit) - 4
    room = np.pad(unit, ((top, 4), (6, 0)))
    return np.concatenate([bars, room], 1)


@cache
def _font(name: str, size: int) -> PIL.ImageFont.FreeTypeFont:
    """Open a face that comes with matplotlib: the same on every system."""
    with needed("meters"):
        import matplotlib
    return PIL.ImageFont.truetype(
        str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size
    )
