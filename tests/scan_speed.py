"""A scanned document becomes a searchable PDF: shizi, and OCRmyPDF with Tesseract (Linux).

    python tests/scan_speed.py --pages 200 --peer-pages 40 --core 0

Needs the extras ``pdf`` and ``ocrmypdf``, rapidfuzz, pdftotext, Tesseract with chi_sim, and a
Chinese font. The pages are drawn: A4 at 150 dpi, text of docs/, noise, JPEG, and wrapped as a
scanner does it. CPU seconds are those of all processes; characters are compared without blanks
and widths.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
import unicodedata
from itertools import cycle, islice
from pathlib import Path

import img2pdf
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from rapidfuzz.distance import Levenshtein

DOCS = Path(__file__).parents[1] / "docs"
SIZE, MARGIN, HEIGHT, PITCH = (1240, 1754), 110, 28, 44  # pixels; 150 to the inch
COLUMNS, ROWS = 35, 34
FONT, SIMPLIFIED = "NotoSansCJK-Regular.ttc", 2


def texts(count: int) -> list[list[str]]:
    """The lines of each page: what docs/ say in Chinese."""
    told = "".join(path.read_text("utf-8") for path in sorted(DOCS.glob("*.md")))
    chinese = "".join(re.findall(r"[一-鿿，。、：；（）]{6,}", told))
    rows = [chinese[i : i + COLUMNS] for i in range(0, len(chinese) - COLUMNS, COLUMNS)]
    supply = cycle(rows)
    return [list(islice(supply, ROWS)) for _ in range(count)]


def scan(pages: list[list[str]], path: Path) -> None:
    """Draw pages, and wrap them as a PDF."""
    font, rng = PIL.ImageFont.truetype(FONT, HEIGHT, SIMPLIFIED), np.random.default_rng(0)
    files = []
    for rows in pages:
        page = PIL.Image.new("L", SIZE, 244)
        draw = PIL.ImageDraw.Draw(page)
        for n, row in enumerate(rows):
            draw.text((MARGIN, MARGIN + n * PITCH), row, 40, font)
        noisy = np.clip(np.asarray(page) + rng.normal(0, 6, SIZE[::-1]), 0, 255).astype(np.uint8)
        out = io.BytesIO()
        PIL.Image.fromarray(noisy).save(out, "JPEG", quality=80, dpi=(150, 150))
        files.append(out.getvalue())
    path.write_bytes(img2pdf.convert(files))


def plain(text: str) -> str:
    """Leave out blanks, and the difference between full and half width."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def run(name: str, command: list[str], made: Path, pages: list[list[str]]) -> str:
    """Run a command, and return a row of the table."""
    begun = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, "OMP_THREAD_LIMIT": "1"})
    _, status, used = os.wait4(process.pid, 0)
    wall, cpu, count = time.monotonic() - begun, used.ru_utime + used.ru_stime, len(pages)
    if status:
        sys.exit(f"{name} failed")
    read = subprocess.run(["pdftotext", str(made), "-"], capture_output=True, check=True).stdout
    found, wanted = plain(read.decode()), plain("".join(map("".join, pages)))
    errors = Levenshtein.distance(found, wanted) / len(wanted)
    return (
        f"| {name} | {count} | {count / wall:.2f} | {cpu / count:.2f} | {100 * errors:.2f} % "
        f"| {used.ru_maxrss / 1000:.0f} |"
    )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--peer-pages", type=int, default=40)
    parser.add_argument("--core", type=int, help="that all runs on")
    given = parser.parse_args()
    if given.core is not None:
        os.sched_setaffinity(0, {given.core})
    pages = texts(given.pages)
    shizi = [sys.executable, "-m", "shizi", "read", "--threads", "1", "--format", "pdf"]
    peer = [sys.executable, "-m", "ocrmypdf", "-q", "-l", "chi_sim", "--jobs", "1"]
    peer += ["--output-type", "pdf", "--optimize", "0"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own: the memory of what is run counts from that of who runs it.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply(scan, (pages, folder / "a.pdf"))
            pool.apply(scan, (pages[: given.peer_pages], folder / "b.pdf"))
        print("| | pages | pages/s | CPU s a page | characters wrong | MB at most |")
        print("|---|---|---|---|---|---|")
        made = folder / "shizi.pdf"
        command = [*shizi, str(folder / "a.pdf"), "-o", str(made)]
        print(run("shizi", command, made, pages), flush=True)
        made = folder / "peer.pdf"
        command = [*peer, str(folder / "b.pdf"), str(made)]
        print(run("OCRmyPDF, Tesseract", command, made, pages[: given.peer_pages]), flush=True)


if __name__ == "__main__":
    main()
