"""The systems compared, each able to live in a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from shizi.errors import ShiziError
from shizi.evaluate import Found, ReaderSystem, System, as_found
from shizi.extras import needed
from shizi.page import Image, Quads
from shizi.reader import Reader, ReaderOptions
from shizi.recognition import VERTICAL

SystemName = Literal["shizi", "rapidocr"]
MEGABYTE = 1 << 20


class RapidOCRSystem:
    """RapidOCR with its default settings on ONNX Runtime, as a system.

    Its call arguments stick to the object, so every call gives all of them.
    """

    def __init__(self, threads: int) -> None:
        with needed("comparing with RapidOCR"):
            from rapidocr import RapidOCR
        self._engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            }
        )

    def read_lines(self, crops: Sequence[Image]) -> list[str]:
        """Read line crops; tall ones are laid down as it does within a page."""
        flat = [
            np.rot90(crop) if crop.shape[0] >= VERTICAL * crop.shape[1] else crop for crop in crops
        ]
        found = self._engine.recognize_txt([_bgr(crop) for crop in flat])
        return list(found.txts)

    def detect(self, image: Image) -> Quads:
        """Find lines."""
        found = self._engine(_bgr(image), use_det=True, use_cls=False, use_rec=False)
        boxes = [] if found.boxes is None else found.boxes
        return np.asarray(boxes, dtype=np.float32).reshape(-1, 4, 2)

    def angle(self, image: Image) -> int:
        """Return 0: it does not look at a page's orientation."""
        del image
        return 0

    def read(self, image: Image) -> Found:
        """Read a page."""
        found = self._engine(_bgr(image), use_det=True, use_cls=True, use_rec=True)
        boxes = [] if found.boxes is None else found.boxes
        return as_found(zip(boxes, found.txts or (), strict=True))


def _bgr(image: Image) -> Image:
    return np.ascontiguousarray(image[:, :, ::-1])


def open_system(name: SystemName, threads: int) -> System:
    """Load a system's networks."""
    if name == "rapidocr":
        return RapidOCRSystem(threads)
    return ReaderSystem(Reader(ReaderOptions(threads=threads)))


class Worker:
    """A system in a process of its own, asked through a pipe. It is a system itself.

    Attributes:
        name: of the system.
        seconds: what the last answer took, the way through the pipe left out.
    """

    def __init__(self, name: SystemName, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.name = name
        self.seconds = 0.0
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, name, threads), daemon=True)
        self._process.start()
        theirs.close()

    def _ask(self, request: str, *arguments: Any) -> Any:
        try:
            self._pipe.send((request, arguments))
            failure, answer, self.seconds = self._pipe.recv()
        except (EOFError, BrokenPipeError) as error:
            raise ShiziError(f"the process of {self.name} ended; see its message above") from error
        if failure:
            raise ShiziError(f"{self.name} failed: {failure}")
        return answer

    def read_lines(self, crops: Sequence[Image]) -> list[str]:
        """See :class:`System`."""
        return list(self._ask("read_lines", crops))

    def detect(self, image: Image) -> Quads:
        """See :class:`System`."""
        return np.asarray(self._ask("detect", image))

    def angle(self, image: Image) -> int:
        """See :class:`System`."""
        return int(self._ask("angle", image))

    def read(self, image: Image) -> Found:
        """See :class:`System`."""
        quads, texts = self._ask("read", image)
        return quads, texts

    def memory(self) -> tuple[float, float]:
        """Return what the process holds now, and the most that it held: bytes."""
        now, most = self._ask("memory")
        return now, most

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.terminate()


def _serve(pipe: Connection, name: SystemName, threads: int) -> None:
    """Answer requests until the pipe closes: (failure, answer, seconds)."""
    cv2.setNumThreads(threads)
    system: System | None = None
    while True:
        try:
            request, arguments = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            system = system or open_system(name, threads)
            start = time.perf_counter()
            answer = _memory() if request == "memory" else getattr(system, request)(*arguments)
            pipe.send(("", answer, time.perf_counter() - start))
        except Exception as error:  # whatever a system raises is the other process's to report
            pipe.send((f"{type(error).__name__}: {error}", None, 0.0))


def _memory() -> tuple[float, float]:
    """What this process holds now, and the most that it held: bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = float(most if sys.platform == "darwin" else most * 1024)
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return peak, peak
    return float(statm.read_text().split()[1]) * resource.getpagesize(), peak


@contextmanager
def workers(names: Sequence[SystemName], threads: int) -> Iterator[list[Worker]]:
    """Start a process for each system, warm it up, and end them all."""
    started: list[Worker] = []
    try:
        for name in names:
            started.append(Worker(name, threads))
            started[-1].read(np.full((480, 640, 3), 255, dtype=np.uint8))
        yield started
    finally:
        for worker in started:
            worker.close()
