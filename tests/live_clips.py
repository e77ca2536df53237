"""Clips for tests: simulated rooms, made longer or sent on as streams without coding them anew."""

from __future__ import annotations

import threading
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np


def packets(clip: Path, times: int) -> Iterator[tuple[Any, float]]:
    """Packets of a clip, over and over, and the time of each in seconds."""
    length = 0
    for _ in range(times):
        with av.open(str(clip)) as container:
            stream = container.streams.video[0]
            for packet in container.demux(stream):
                if packet.dts is None:
                    continue
                packet.pts += length
                packet.dts += length
                yield packet, float(packet.dts * packet.time_base)
            length += stream.duration


@contextmanager
def copied(clip: Path, address: str, form: str) -> Iterator[Any]:
    """Somewhere to mux packets of a clip to, as they are."""
    with (
        av.open(str(clip)) as source,
        av.open(address, "w", format=form, options={"flush_packets": "1"}) as out,
    ):
        stream = out.add_stream_from_template(source.streams.video[0])

        def mux(packet: Any) -> None:
            packet.stream = stream
            out.mux(packet)

        yield mux


def loop(clip: Path, times: int, out: Path) -> None:
    """Write a clip that shows another one several times."""
    with copied(clip, str(out), "mp4") as mux:
        for packet, _ in packets(clip, times):
            mux(packet)


def flat(path: Path, seconds: float, size: tuple[int, int] = (160, 120), form: str = "") -> None:
    """Write a clip (H.264) at 25 fps whose pictures get brighter by one each frame."""
    with av.open(str(path), "w", format=form or None) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = size
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, 25)
        stream.options = {"g": "25", "bf": "0", "preset": "ultrafast"}
        for i in range(round(seconds * 25)):
            image = np.full((size[1], size[0], 3), i % 256, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


class Publisher(threading.Thread):
    """Sends a clip to a server in real time, again and again; comes back when it is cut off."""

    def __init__(self, clip: Path, address: str, form: str = "flv") -> None:
        super().__init__(daemon=True)
        self._clip, self._address, self._form = clip, address, form
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.1):
            with (
                suppress(av.FFmpegError, OSError),
                copied(self._clip, self._address, self._form) as mux,
            ):
                start = clock.monotonic()
                for packet, time in packets(self._clip, 1000):
                    if self._over.wait(max(0.0, start + time - clock.monotonic())):
                        break
                    mux(packet)

    def __enter__(self) -> Publisher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join(10)
