"""Reading with Keras alone: what an ONNX file gives, from a Keras model."""

from __future__ import annotations

import threading

import keras
import numpy as np
from numpy.typing import NDArray

from shizi.nets.keras import build
from shizi.nets.keras.convert import State, to_keras
from shizi.nets.spec import Spec


class ModelRuntime:
    """A :class:`shizi.engine.Runtime` over a live model; sees its weights as they change.

    Many threads may call it; one at a time is served.

    Args:
        net: of :func:`shizi.nets.keras.build`.
    """

    def __init__(self, net: keras.Model) -> None:
        self._net = keras.Model(net.input, net.output)
        # XLA compiles anew for every shape; JAX alone cannot do without.
        self._net.jit_compile = keras.backend.backend() == "jax"
        self._lock = threading.Lock()

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run RGB pictures of one shape (N, H, W, 3).

        Returns:
            Logits (N, ..., classes); of a detector its output (N, R, C, k, 7).
        """
        with self._lock:
            return np.asarray(self._net.predict_on_batch(batch), np.float32)


class KerasRuntime(ModelRuntime):
    """A runtime over a net of its own, where Keras puts it.

    Args:
        spec: what the net is made of.
        state: its weights by their PyTorch names.

    Raises:
        WeightsError: the weights are of another net.
    """

    gpu = False  # whatever Keras uses, batches stay small

    def __init__(self, spec: Spec, state: State) -> None:
        net = build(spec)
        to_keras(state, net)
        super().__init__(net)
