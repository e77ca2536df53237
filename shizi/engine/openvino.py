"""OpenVINO: the default engine, on the CPU."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shizi.engine.batching import Array
from shizi.engine.compiled import compiled
from shizi.engine.int8 import Range, count_in_bytes, multiplies_bytes, tell

_M_MMAP_THRESHOLD = -3  # of malloc.h

ROOMY = 1_000_000
"""Pixels of a batch from which on the memory that its layers took, 75 bytes a pixel, is given back:
hardly any picture needs that much. Given back after a usual look too, 45 MB, scenes took a sixth
more time."""

HEAVY = 24_000_000
"""Bytes of an array that are given back when a batch comes that is much smaller: what the net says
of four long lines is 33 MB. Batches come the largest first, so that is once a page of long lines,
and takes it 14 ms: the system hands out memory page by page."""

PRIMITIVES = 240
"""Kernels that oneDNN beneath it keeps for all networks and streams together, beside those that
OpenVINO holds itself. A canvas has 33, which take 4 MB and are prepared again in 15 ms: with 120,
three pictures in turn took a tenth more time, with 400 no less. Its own 1024 would keep 120 MB of
canvases that were once seen."""


class _Own(threading.local):
    """What a thread has for itself: a request, which holds its largest output, of so many bytes."""

    request: Any = None
    held = 0
    size = 0  # of the batch that it was the output of, bytes


class OpenVINO:
    """A :class:`~shizi.engine.batching.Runtime`: each thread has a request of its own.

    Args:
        path: of an ONNX file.
        threads: of the CPU; 0 leaves the choice to OpenVINO.
        streams: requests that run at the same time, each with its share of the threads.
        kept: kernels of a kind that are kept, the latest used; a shape has some 30.
        ranges: of what comes to its convolutions, by layer; these are then computed in INT8 where
            the processor can. By default none is.

    Raises:
        RuntimeError: the file is damaged.
    """

    gpu = False

    def __init__(
        self,
        path: Path,
        threads: int = 0,
        streams: int = 1,
        kept: int = 5000,
        ranges: Mapping[str, Range] | None = None,
    ) -> None:
        config: dict[str, Any] = {
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": threads,
            "CPU_RUNTIME_CACHE_CAPACITY": kept,
            "ENABLE_CPU_PINNING": False,  # several processes would sit on the same cores
        }
        if "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            config["INFERENCE_PRECISION_HINT"] = "bf16"
        with _told(ONEDNN_PRIMITIVE_CACHE_CAPACITY=str(PRIMITIVES)):
            byted = sorted(ranges.items()) if ranges and multiplies_bytes() else ()
            model = partial(_model, path, dict(byted))
            self._compiled = compiled(core(), path, config, byted, model)
        self._own = _Own()
        self._shapes: set[tuple[int, ...]] = set()  # that kernels were prepared for

    def __call__(self, batch: NDArray[np.uint8]) -> Array:
        """Run RGB pictures of one shape (N, H, W, 3)."""
        request = self._request(batch.size)
        request.set_input_tensor(openvino().Tensor(batch, shared_memory=True))
        request.infer(share_outputs=True)  # or it would copy them all for the caller
        found = np.asarray(request.get_output_tensor(0).data, dtype=np.float32)
        if found.nbytes > self._own.held:
            self._own.held, self._own.size = found.nbytes, batch.size
        roomy = batch.size >= 3 * ROOMY
        if roomy:
            found = found.copy()
            with suppress(RuntimeError):  # another thread is at work: its own batch gives it back
                self._compiled.release_memory()
        if roomy or batch.shape not in self._shapes:
            self._shapes.add(batch.shape)
            _trim()
        return found

    def _request(self, size: int) -> Any:
        """Return this thread's request, a new one where the old one holds too much for ``size``."""
        own = self._own
        if own.request is None or (own.held >= HEAVY and 4 * size <= own.size):
            own.request, own.held = self._compiled.create_infer_request(), 0
        return own.request


def _model(path: Path, ranges: Mapping[str, Range]) -> Any:
    model = core().read_model(str(path))
    if ranges:
        count_in_bytes(model, ranges)
    return model


class Measuring:
    """A :class:`~shizi.engine.batching.Runtime` that notes what comes to its convolutions.

    Args:
        path: of an ONNX file.

    Attributes:
        layers: names of the convolutions.
        batches: for each batch and layer, the least and the greatest of what came, and the mean of
            each channel (C,).
    """

    gpu = False

    def __init__(self, path: Path) -> None:
        model = core().read_model(str(path))
        self.layers = tell(model)
        self.batches: list[list[tuple[float, float, Array]]] = []
        exact = {"INFERENCE_PRECISION_HINT": "f32"}
        self._compiled = core().compile_model(model, "CPU", exact)

    def __call__(self, batch: NDArray[np.uint8]) -> Array:
        """Run RGB pictures of one shape (N, H, W, 3)."""
        output, *told = map(np.array, self._compiled([batch]).values())
        self.batches.append(
            [(float(a), float(b), mean) for a, b, mean in zip(*[iter(told)] * 3, strict=True)]
        )
        return np.asarray(output, dtype=np.float32)


def openvino() -> Any:
    """Import OpenVINO, and keep it from telling anybody.

    Its import would start a process that posts to an analytics server and writes into the
    home folder, were that package there.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


_LOCK = threading.Lock()


def core() -> Any:
    """Return OpenVINO's own core, which the process has once."""
    with _LOCK:
        return _core()


@cache
def _core() -> Any:
    _give_back()
    found = openvino()
    # Makes its table of types; two threads that ask for the first time at once wait for ever, one
    # for the table and one for Python's lock.
    found.Type.u8.to_dtype()
    return found.Core()


@contextmanager
def _told(**variables: str) -> Iterator[None]:
    """Set variables of the environment for a moment, but for those that the user has set.

    oneDNN reads its own when the first network is opened, and never again. PyTorch has another
    oneDNN, which they do not concern.
    """
    mine = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            del os.environ[name]


def _give_back() -> None:
    """Have large blocks returned to the system when they are freed.

    Left alone, glibc keeps blocks of up to 32 MB, in an arena a thread: 250 MB on a page of
    300 lines read by two streams.
    """
    if libc := _glibc():
        libc.mallopt(_M_MMAP_THRESHOLD, 1 << 20)


def _trim() -> None:
    """Return small blocks to the system that are free: what preparing kernels took for a while.

    It takes a millisecond or two, and gives back some 3 MB a page.
    """
    if libc := _glibc():
        libc.malloc_trim(0)


@cache
def _glibc() -> Any:
    """Return the library of C where it is glibc, else None."""
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
