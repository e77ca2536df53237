"""ONNX Runtime, on the CPU or on an NVIDIA GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shizi.engine.batching import Array
from shizi.errors import OptionError

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


class OnnxRuntime:
    """A :class:`~shizi.engine.batching.Runtime`.

    Args:
        path: of an ONNX file.
        device: auto, cpu or cuda.
        threads: of the CPU that one call uses; 0 leaves the choice to ONNX Runtime.

    Raises:
        OptionError: there is no GPU that it can use, and it must.
        RuntimeError: the file is damaged.
    """

    def __init__(self, path: Path, device: str = "cpu", threads: int = 0) -> None:
        import onnxruntime

        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        wanted = device != "cpu" and _CUDA in onnxruntime.get_available_providers()
        providers = [_CUDA, _CPU] if wanted else [_CPU]
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # its errors have no base of their own
            raise RuntimeError(str(error)) from error
        self.gpu = _CUDA in self._session.get_providers()  # it falls back without a word
        if device == "cuda" and not self.gpu:
            raise OptionError(
                "device cuda: ONNX Runtime finds no GPU; install onnxruntime-gpu and the driver, "
                "or use device cpu"
            )
        self._name = self._session.get_inputs()[0].name

    def __call__(self, batch: NDArray[np.uint8]) -> Array:
        """Run RGB pictures of one shape (N, H, W, 3)."""
        (output,) = self._session.run(None, {self._name: batch})
        return np.asarray(output, dtype=np.float32)
