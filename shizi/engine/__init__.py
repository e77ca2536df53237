"""The networks at work: one :class:`Session` over OpenVINO, ONNX Runtime, PyTorch or Keras.

A session is given pictures of any shapes and returns an array for each. Batches, shapes,
parallel streams and devices are its own business.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

from shizi.cpu import cores
from shizi.engine.batching import FEW, MANY, Array, Runtime, Session
from shizi.engine.int8 import Range
from shizi.errors import OptionError, WeightsError
from shizi.extras import keras_needed, needed
from shizi.nets.spec import CTPNSpec, Spec, VGGCTPNSpec

__all__ = [
    "MANY",
    "Array",
    "Device",
    "Engine",
    "Range",
    "Runtime",
    "Session",
    "choose",
    "open_session",
]

Installed = Literal["openvino", "onnxruntime", "torch", "keras"]
Engine = Literal["auto", "openvino", "onnxruntime", "torch", "keras"]
Device = Literal["auto", "cpu", "cuda"]


STREAMS = 4
"""Most batches that run side by side: each holds some 100 MB. More threads share them."""

KEPT_LARGE, KEPT_SMALL = 8, 30 * 28
"""Kernels of a kind that OpenVINO keeps for a network and a stream, the latest used: hardly any of
a canvas, for :data:`~shizi.engine.openvino.PRIMITIVES` has its convolutions, and those of 30 shapes
of lines, 28 convolutions each. Pages of all kinds have 34 shapes. With 26 kept receipts took a
seventh more time, for what is prepared again crowds out the detector's too; each takes 4 MB, and
some 25 ms to prepare."""


def open_session(
    path: Path,
    spec: Spec,
    engine: Engine = "auto",
    device: Device = "auto",
    threads: int = 0,
    ranges: Mapping[str, Range] | None = None,
) -> Session:
    """Load an ONNX file that shizi wrote.

    A detector's pictures are large: one runs at a time, on all threads. All others are small:
    batches run side by side, each on its share of the threads.

    Args:
        path: the file.
        spec: what the network is made of.
        engine: the runtime. OpenVINO and ONNX Runtime run the file; PyTorch and Keras fill
            their own net with its weights. auto is what :func:`choose` finds.
        device: auto is an NVIDIA GPU where the engine can use one, else the CPU.
        threads: of the CPU; 0: all cores.
        ranges: of what comes to its convolutions; OpenVINO then computes them in INT8.

    Raises:
        OptionError: the engine cannot use the device, or it is not there.
        WeightsError: the file is missing or damaged.
        MissingExtraError: the runtime is not installed.
    """
    if not path.exists():
        raise WeightsError(f"{path} is missing; reinstall shizi")
    if engine == "auto":
        engine = choose(device)
    threads = threads or cores()
    streams = 1 if _large(spec) or engine in ("torch", "keras") else min(threads, STREAMS)
    try:
        runtime = _runtime(path, spec, engine, device, threads, streams, ranges)
    except RuntimeError as error:
        raise WeightsError(f"{path} cannot be loaded: {error}") from error
    batching = MANY if runtime.gpu else FEW
    return Session(runtime, batching, streams)


def _large(spec: Spec) -> bool:
    """Say whether the network is shown whole pages."""
    return isinstance(spec, CTPNSpec | VGGCTPNSpec)


def choose(device: Device = "auto") -> Installed:
    """Return the engine that is installed: on a CPU OpenVINO before ONNX Runtime.

    Raises:
        MissingExtraError: there is none.
    """
    order: tuple[Installed, ...] = ("openvino", "onnxruntime")
    if device == "cuda":
        order = ("torch", "onnxruntime")
    for engine in order:
        if find_spec(engine) is not None:
            return engine
    with needed("reading"):
        raise ModuleNotFoundError(name=order[0])


class _Placed(Runtime, Protocol):
    gpu: bool


def _runtime(
    path: Path,
    spec: Spec,
    engine: Installed,
    device: Device,
    threads: int,
    streams: int,
    ranges: Mapping[str, Range] | None,
) -> _Placed:
    with keras_needed(f"the engine {engine}"):
        match engine:
            case "openvino":
                from shizi.engine.openvino import OpenVINO

                if device == "cuda":
                    raise OptionError("device cuda: OpenVINO has none; use onnxruntime or torch")
                kept = KEPT_LARGE if _large(spec) else KEPT_SMALL
                return OpenVINO(path, threads, streams, kept, ranges)
            case "onnxruntime":
                from shizi.engine.onnxruntime import OnnxRuntime

                return OnnxRuntime(path, device, threads // streams)
            case "torch":
                from shizi.nets.onnx import load_state
                from shizi.nets.torch.runtime import TorchRuntime

                return TorchRuntime(spec, load_state(path), device, threads)
            case "keras":
                from shizi.nets.keras.runtime import KerasRuntime
                from shizi.nets.onnx import load_state

                if device != "auto":
                    raise OptionError(f"device {device}: Keras chooses for itself; use auto")
                return KerasRuntime(spec, load_state(path))
