"""Pictures of the rows that events were read from, named by event id."""

from __future__ import annotations

import time as clock
from collections import deque
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np

from shizi.errors import ShiziError
from shizi.files import write_text
from shizi.live.event import Row
from shizi.live.frame import Frame
from shizi.live.options import CropOptions

RECENT = 24
"""Frames that are remembered: a row is often told of a little after it was last seen."""
LIST = ".shizi-crops"
"""File in the folder with the names of the crops that were written there, one a line."""

_EDGE = 4  # pixels around a row
_SWEEP = 100  # crops written between two looks at what is too many or too old


class Crops:
    """Writes crops into a folder, and deletes the oldest.

    The folder may hold other things: a list in it names what was written here, and nothing else
    is written over or deleted.

    Args:
        options: the folder, which is made.
        days: after which a crop is deleted; 0: never.

    Raises:
        ShiziError: the folder cannot be made.
    """

    def __init__(self, options: CropOptions, days: float = 0.0) -> None:
        self._folder = Path(options.keep_crops or ".")
        self._list = self._folder / LIST
        self._most, self._days = options.most_crops, days
        self._frames: deque[Frame] = deque(maxlen=RECENT)
        self._written = self._lost = 0
        self._reason = ""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # A name that was torn by a crash names nothing.
            listed = self._list.read_text("utf-8").split("\n") if self._list.exists() else []
        except (OSError, UnicodeDecodeError) as error:
            raise ShiziError(f"cannot keep crops in {self._folder}: {error}") from error
        self._ours = {name for name in listed if name.endswith(".png") and "/" not in name}
        self._sweep()

    @property
    def troubles(self) -> tuple[str, ...]:
        """How many crops could not be written, and why; empty when all were."""
        return (f"{self._lost} crops are missing: {self._reason}",) if self._lost else ()

    def see(self, frame: Frame) -> None:
        """Remember a frame; call it before the rows of the frame come."""
        self._frames.append(frame)

    def keep(self, event: str, row: Row) -> None:
        """Write the picture of an event's row, in place of an earlier one.

        What cannot be written, as on a full disk, is missed and counted: the room goes on.

        Args:
            event: its id.
            row: what it was read from, still on the screen.
        """
        seen, points = row.last, np.array(row.quad.points)  # (4, 2)
        if not self._frames or seen < self._frames[0].time - 0.5:
            return  # out of memory: what was written of it before stays
        frame = min(self._frames, key=lambda f: abs(f.time - seen))
        size = np.array([frame.width, frame.height])
        x0, y0 = np.clip(points.min(0) - _EDGE, 0, size - 1).astype(int)
        x1, y1 = np.clip(points.max(0) + _EDGE + 1, (x0 + 1, y0 + 1), size).astype(int)
        picture = cv2.cvtColor(frame.crop(int(x0), int(y0), int(x1), int(y1)), cv2.COLOR_RGB2BGR)
        try:
            self._write(quote(event, safe=""), cv2.imencode(".png", picture)[1].tobytes())
            self._written += 1
            if self._written % _SWEEP == 0:
                self._sweep()
        except OSError as error:
            self._lost += 1
            self._reason = f"cannot write into {self._folder}: {error.strerror or error}"

    def _write(self, stem: str, data: bytes) -> None:
        names = (f"{stem}.png", *(f"{stem}.{n}.png" for n in range(2, 1000)))
        name = next(n for n in names if n in self._ours or not (self._folder / n).exists())
        if name not in self._ours:  # listed before it is there: so none is ever forgotten
            with self._list.open("a", encoding="utf-8") as out:
                out.write(f"{name}\n")
            self._ours.add(name)
        try:
            (self._folder / name).write_bytes(data)
        except OSError:
            (self._folder / name).unlink(missing_ok=True)  # a full disk leaves no half of one
            raise

    def _sweep(self) -> None:
        """Delete crops that are too old or too many, and what is gone from the list."""
        times = {}
        for name in self._ours:
            with suppress(OSError):
                times[name] = (self._folder / name).stat().st_mtime
        files = sorted((written, name) for name, written in times.items())
        old = clock.time() - self._days * 86400 if self._days else 0.0
        spare = len(files) - self._most
        for i, (written, name) in enumerate(files):
            if i < spare or written < old:
                (self._folder / name).unlink(missing_ok=True)
                del times[name]
        if self._ours != set(times):
            self._ours = set(times)
            write_text(self._list, "".join(f"{name}\n" for name in sorted(times)))
