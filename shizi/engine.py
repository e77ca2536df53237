"""One small Session over OpenVINO or ONNX Runtime.

A session may be called from many threads at once: each has its own request.
"""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from shizi.errors import MissingExtraError, WeightsError

Engine = Literal["openvino", "onnxruntime"]


class Session(Protocol):
    """A compiled network with one input and one output."""

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run a batch of RGB pictures (N, H, W, 3)."""


def open_session(path: Path, engine: Engine = "openvino", threads: int = 0) -> Session:
    """Compile an ONNX file for the CPU.

    Args:
        path: the file.
        engine: the runtime.
        threads: CPU threads; 0 leaves the choice to the runtime.

    Raises:
        WeightsError: the file is missing or damaged.
        MissingExtraError: the runtime is not installed.
    """
    if not path.exists():
        raise WeightsError(f"{path} is missing; reinstall shizi")
    try:
        match engine:
            case "openvino":
                return _OpenVINO(path, threads)
            case "onnxruntime":
                return _OnnxRuntime(path, threads)
    except RuntimeError as error:
        raise WeightsError(f"{path} cannot be loaded: {error}") from error


class _OpenVINO:
    def __init__(self, path: Path, threads: int) -> None:
        core = _core()
        config: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if threads:
            config["INFERENCE_NUM_THREADS"] = threads
        if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            config["INFERENCE_PRECISION_HINT"] = "bf16"
        self._compiled = core.compile_model(str(path), "CPU", config)
        self._local = threading.local()

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._compiled.create_infer_request()
        request.infer([batch], share_inputs=True)
        # The buffer belongs to the request: hand out a copy.
        return np.array(request.get_output_tensor(0).data, dtype=np.float32)


@cache
def _core() -> Any:
    import openvino

    return openvino.Core()


class _OnnxRuntime:
    def __init__(self, path: Path, threads: int) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtraError("onnxruntime", "onnx", "--engine onnxruntime") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._name = self._session.get_inputs()[0].name

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        (output,) = self._session.run(None, {self._name: batch})
        return np.asarray(output, dtype=np.float32)
