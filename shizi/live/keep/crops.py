"""Pictures of the rows that events were read from, named by event id."""

from __future__ import annotations

import time as clock
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np

from shizi.errors import ShiziError
from shizi.live.event import Row
from shizi.live.frame import Frame

RECENT = 24
"""Frames that are remembered: a row is often told of a little after it was last seen."""
_EDGE = 4  # pixels around a row
_SWEEP = 100  # crops written between two looks at what is too many or too old


@dataclass(frozen=True)
class CropOptions:
    """Which pictures of rows are kept.

    Attributes:
        keep_crops: folder for a PNG of each event's row, named by the event's id.
        most_crops: pictures kept; of more, the oldest are deleted.
    """

    keep_crops: Path | None = None
    most_crops: int = 10_000


class Crops:
    """Writes crops into a folder, and deletes the oldest.

    Args:
        options: the folder, which is made; its PNG files are taken for crops.
        days: after which a crop is deleted; 0: never.

    Raises:
        ShiziError: the folder cannot be made.
    """

    def __init__(self, options: CropOptions, days: float = 0.0) -> None:
        self._folder, self._most, self._days = (
            Path(options.keep_crops or "."),
            options.most_crops,
            days,
        )
        self._frames: deque[Frame] = deque(maxlen=RECENT)
        self._written = 0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ShiziError(f"cannot keep crops in {self._folder}: {error}") from error
        self._sweep()

    def see(self, frame: Frame) -> None:
        """Remember a frame; call it before the rows of the frame come."""
        self._frames.append(frame)

    def keep(self, event: str, row: Row) -> None:
        """Write the picture of an event's row, in place of an earlier one.

        Args:
            event: its id.
            row: what it was read from, still on the screen.

        Raises:
            ShiziError: the file cannot be written.
        """
        seen, points = row.last, np.array(row.quad.points)  # (4, 2)
        if not self._frames or seen < self._frames[0].time - 0.5:
            return  # out of memory: what was written of it before stays
        frame = min(self._frames, key=lambda f: abs(f.time - seen))
        size = np.array([frame.width, frame.height])
        x0, y0 = np.clip(points.min(0) - _EDGE, 0, size - 1).astype(int)
        x1, y1 = np.clip(points.max(0) + _EDGE + 1, (x0 + 1, y0 + 1), size).astype(int)
        picture = cv2.cvtColor(frame.crop(int(x0), int(y0), int(x1), int(y1)), cv2.COLOR_RGB2BGR)
        path = self._folder / f"{quote(event, safe='')}.png"
        try:
            path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        except OSError as error:
            raise ShiziError(f"cannot write {path}: {error}") from error
        self._written += 1
        if self._written % _SWEEP == 0:
            self._sweep()

    def _sweep(self) -> None:
        files = sorted((p.stat().st_mtime, p) for p in self._folder.glob("*.png"))
        old = clock.time() - self._days * 86400 if self._days else 0.0
        spare = len(files) - self._most
        for i, (written, path) in enumerate(files):
            if i < spare or written < old:
                path.unlink(missing_ok=True)
