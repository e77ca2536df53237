"""Long runs on hostile and on many pictures: ``make soak``; its short form is a test.

usage: python tests/soak.py [--decodings 20000] [--readings 2000] [--seed 1] [--megabytes 620]
"""

from __future__ import annotations

import argparse
import io
import resource
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import PIL.Image

from shizi import ImageLimits, PageOptions, Reader, ReaderOptions
from shizi.errors import Failure, ShiziError
from shizi.images.load import Picture, pages
from shizi.page import Image, Page

SAMPLES = Path(__file__).parents[1] / "samples"
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "AVIF")
LIMITS = ImageLimits(max_bytes=400_000_000)
SLOW = 30.0
"""Seconds that no damaged file may take."""


def files() -> list[bytes]:
    """Small files of every kind that is read."""
    rng = np.random.default_rng(0)
    picture = PIL.Image.fromarray(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8))
    out = [(SAMPLES / "twocolumns.pdf").read_bytes()]
    for kind in FORMATS:
        stream = io.BytesIO()
        picture.save(stream, kind)
        out.append(stream.getvalue())
    return out


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Flip, cut, repeat or overwrite some bytes."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 8))):
        at = int(rng.integers(len(changed)))
        match int(rng.integers(5)):
            case 0:
                changed[at] ^= 1 << int(rng.integers(8))
            case 1:
                changed[at] = int(rng.choice([0, 1, 127, 128, 255]))
            case 2:
                del changed[at + 1 :]
            case 3:
                changed[at:at] = changed[: int(rng.integers(1, 64))]
            case _:
                changed[at : at + 4] = rng.bytes(4)
        if not changed:
            changed = bytearray(b"\0")
    return bytes(changed)


def opened(data: bytes) -> Iterator[Picture | Failure]:
    """Pages of a file; a file without any is one failure."""
    try:
        yield from pages(data, LIMITS, PageOptions(max_pages=3, timeout=10))
    except ShiziError as error:
        yield Failure("<bytes>", error)


def decode(count: int, seed: int) -> Counter[str]:
    """Open damaged files; anything but pages and typed failures ends the run."""
    rng, sound, told = np.random.default_rng(seed), files(), Counter[str]()
    for _ in range(count):
        data = damaged(sound[int(rng.integers(len(sound)))], rng)
        begun = time.monotonic()
        for item in opened(data):
            if isinstance(item, Failure):
                assert isinstance(item.error, ShiziError), repr(item.error)
                assert len(str(item).splitlines()) == 1, str(item)
            told["refused" if isinstance(item, Failure) else "decoded"] += 1
        taken = time.monotonic() - begun
        assert taken < SLOW, f"{taken:.0f} s for {data[:40]!r}"
    return told


def changed(rng: np.random.Generator, sound: list[Image]) -> Image:
    """A cut of a sample, resized, turned, of other colours, with noise."""
    image = sound[int(rng.integers(len(sound)))]
    height, width = image.shape[:2]
    h, w = (max(1, int(side * rng.uniform(0.02, 1))) for side in (height, width))
    y, x = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    size = tuple(int(np.clip(side * rng.uniform(0.3, 1.6), 1, 1600)) for side in (w, h))
    out = np.asarray(cv2.resize(image[y : y + h, x : x + w], size), dtype=np.float32)
    out = np.rot90(out, int(rng.integers(4))) * rng.uniform(0.3, 1.2) + rng.uniform(-40, 40)
    out = out + rng.normal(0, rng.uniform(0, 25), out.shape)
    return np.ascontiguousarray(np.clip(out, 0, 255).astype(np.uint8))


def check(page: Page) -> None:
    """What holds of every page."""
    assert page.angle in (0, 90, 180, 270)
    assert 0 <= page.angle_score <= 1
    for line in page.lines:
        assert line.text and 0 <= line.score <= 1
        assert "".join(char.text for char in line.chars) == line.text
        for px, py in line.quad.points:
            assert -1 <= px <= page.width + 1 and -1 <= py <= page.height + 1


def sound_pictures() -> list[Image]:
    """The samples, decoded."""
    paths = sorted(p for p in SAMPLES.iterdir() if p.suffix in (".jpg", ".png"))
    return [np.asarray(PIL.Image.open(path).convert("RGB")) for path in paths]


def read(count: int, seed: int, reader: Reader) -> list[float]:
    """Read different pictures; return resident megabytes along the way."""
    rng, sound, held = np.random.default_rng(seed), sound_pictures(), []
    for i in range(count):
        check(reader.read(changed(rng, sound)))
        if i % 50 == 49:
            held.append(resident())
            print(f"  {i + 1} pictures, {held[-1]:.0f} MB", file=sys.stderr)
    return held


def resident() -> float:
    """Megabytes that the process holds now."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    row = next(r for r in status.read_text().splitlines() if r.startswith("VmRSS"))
    return int(row.split()[1]) / 1024


def together(count: int, threads: int, seed: int, reader: Reader) -> None:
    """Reads from many threads say what one says."""
    rng, sound = np.random.default_rng(seed), sound_pictures()
    pictures = [changed(rng, sound) for _ in range(max(1, count // 10))]
    alone = [reader.read(p) for p in pictures]
    start = threading.Barrier(threads)

    def some(worker: int) -> None:
        start.wait()
        for i in range(count // threads):
            at = (worker * 7 + i) % len(pictures)
            assert reader.read(pictures[at]) == alone[at]

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(some, range(threads)))


def main() -> None:
    """Run everything, long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decodings", type=int, default=20_000)
    parser.add_argument("--readings", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    most = "that may be held: 500 by a reader, 50 by the pictures and what decoded files brought"
    parser.add_argument("--megabytes", type=float, default=620, help=most)
    told = parser.parse_args()
    print("decoded:", dict(decode(told.decodings, told.seed)))
    reader = Reader(ReaderOptions(threads=1))
    held = read(told.readings, told.seed, reader)
    if held:
        print(f"read: {told.readings}, MB held: {held[0]:.0f} at first, {max(held):.0f} at most")
        assert max(held) < told.megabytes, f"{max(held):.0f} MB"
    together(300, 8, told.seed, reader)
    print("300 reads from 8 threads: as one by one")


if __name__ == "__main__":
    main()
