"""One small Session over OpenVINO, ONNX Runtime, PyTorch or Keras.

A session may be called from many threads at once: each has its own request.
"""

from __future__ import annotations

import threading
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from shizi.errors import WeightsError
from shizi.extras import needed
from shizi.nets.spec import Spec

Engine = Literal["openvino", "onnxruntime", "torch", "keras"]


class Session(Protocol):
    """A compiled network with one input and one output."""

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run a batch of RGB pictures (N, H, W, 3)."""


def open_session(path: Path, spec: Spec, engine: Engine = "openvino", threads: int = 0) -> Session:
    """Load an ONNX file that shizi wrote.

    Args:
        path: the file.
        spec: what the network is made of.
        engine: the runtime. OpenVINO and ONNX Runtime run the file on the CPU; PyTorch and
            Keras fill their own net with its weights, and use a GPU where there is one.
        threads: CPU threads of OpenVINO, ONNX Runtime or PyTorch; 0 leaves the choice to them.

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
            case "torch":
                return _torch(path, spec, threads)
            case "keras":
                return _keras(path, spec)
    except RuntimeError as error:
        raise WeightsError(f"{path} cannot be loaded: {error}") from error


KEPT_SHAPES = 12
"""Input shapes after which a network is compiled afresh: OpenVINO keeps every shape's kernels."""


class _OpenVINO:
    def __init__(self, path: Path, threads: int) -> None:
        core = _core()
        config: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if threads:
            config["INFERENCE_NUM_THREADS"] = threads
        if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            config["INFERENCE_PRECISION_HINT"] = "bf16"
        self._compile = partial(core.compile_model, str(path), "CPU", config)
        self._compiled: Any = self._compile()
        self._shapes: set[tuple[int, ...]] = set()
        self._lock = threading.Lock()
        self._local = threading.local()

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        request = self._request(batch.shape)
        request.infer([batch], share_inputs=True)
        # The buffer belongs to the request: hand out a copy.
        return np.array(request.get_output_tensor(0).data, dtype=np.float32)

    def _request(self, shape: tuple[int, ...]) -> Any:
        """Return this thread's request of a network that has seen few shapes."""
        with self._lock:
            if shape not in self._shapes and len(self._shapes) == KEPT_SHAPES:
                self._compiled = self._local.compiled = self._local.request = None  # free first
                self._compiled = self._compile()
                self._shapes.clear()
            self._shapes.add(shape)
            compiled = self._compiled
        if getattr(self._local, "compiled", None) is not compiled:
            self._local.compiled = compiled
            self._local.request = compiled.create_infer_request()
        return self._local.request


@cache
def _core() -> Any:
    import openvino

    return openvino.Core()


class _OnnxRuntime:
    def __init__(self, path: Path, threads: int) -> None:
        with needed("--engine onnxruntime"):
            import onnxruntime
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


def _torch(path: Path, spec: Spec, threads: int) -> Session:
    with needed("--engine torch"):
        from shizi.nets.onnx import load_state
        from shizi.nets.torch.runtime import TorchSession
    return TorchSession(spec, load_state(path), threads)


def _keras(path: Path, spec: Spec) -> Session:
    with needed("--engine keras"):
        from shizi.nets.keras.runtime import KerasSession
        from shizi.nets.onnx import load_state
    return KerasSession(spec, load_state(path))
