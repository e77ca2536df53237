"""What networks say, and what it means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn logits (..., classes) into probabilities."""
    probs = _shares(logits)
    probs /= probs.sum(-1, keepdims=True)
    return probs


def probability(logits: NDArray[np.float32], classes: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return the probability of one class (N,) in each row of logits (N, classes)."""
    shares = _shares(logits)
    return np.asarray(shares[np.arange(len(shares)), classes] / shares.sum(-1), np.float32)


def _shares(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the classes have in proportion, (..., classes), 1 for the most probable."""
    shares = np.asarray(logits - logits.max(-1, keepdims=True), np.float32)
    return np.exp(shares, out=shares)
