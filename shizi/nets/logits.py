"""What networks say, and what it means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn logits (..., classes) into probabilities."""
    probs = np.asarray(logits - logits.max(-1, keepdims=True), np.float32)
    np.exp(probs, out=probs)
    probs /= probs.sum(-1, keepdims=True)
    return probs
