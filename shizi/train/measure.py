"""What goes through a network while it reads, and its kernels rounded for INT8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shizi import weights
from shizi.bar import bar
from shizi.detection import Detector
from shizi.engine import Range, Session
from shizi.engine.int8 import widest
from shizi.engine.openvino import Measuring
from shizi.errors import DataError, Failure
from shizi.images.source import find
from shizi.orientation import OrientationClassifier
from shizi.reader import Reader, ReaderOptions
from shizi.recognition import Recognizer

Array = NDArray[np.float32]


class Seen(NamedTuple):
    """What came to a convolution.

    Attributes:
        range: least and greatest, each a mean over the batches: single ones see things that are
            no text, and would widen the steps of all.
        mean: of each channel, (C,).
    """

    range: Range
    mean: Array


def measure(network: weights.Network, folder: Path, pictures: Sequence[Path]) -> dict[str, Seen]:
    """Read pictures with a network and return what comes to its convolutions.

    Args:
        network: which; those beside it are taken from the folder, or are the shipped ones.
        folder: where it was exported to.
        pictures: files, or folders of them.

    Returns:
        What was seen, by layer; nothing for a network whose form has no blocks.

    Raises:
        DataError: none of the pictures can be read, or nothing on them came to the network.
        WeightsError: the network is damaged.
    """
    runtime = Measuring(weights.file(network, folder))
    files = list(find(pictures))
    with bar(len(files), "measuring") as shown:
        for done in _watching(network, folder, runtime).read_many(files):
            if isinstance(done, Failure):
                shown.say(f"{done}; left out")
            shown.add(1)
    if not runtime.batches:
        raise DataError("nothing in the pictures came to the network; name pictures of text")
    seen = {}
    for name, batches in zip(runtime.layers, zip(*runtime.batches, strict=True), strict=True):
        low, high, mean = (np.mean(part, axis=0) for part in zip(*batches, strict=True))
        seen[name] = Seen((float(low), float(high)), mean)
    return seen


def rounded(state: Mapping[str, Array], seen: Mapping[str, Seen]) -> dict[str, Array]:
    """Round kernels to what INT8 can hold, and let biases make up for what that adds on average.

    So numbers in floating point and in bytes are computed with the same kernels (Nagel et al. 2019,
    "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2).

    Args:
        state: of PyTorch's names.
        seen: by layer; other layers stay as they are.
    """
    out = dict(state)
    for name, (_, mean) in seen.items():
        kernels = state[f"{name}.weight"]  # (O, I, H, W)
        step = widest(kernels) / 127
        out[f"{name}.weight"] = (np.round(kernels / step) * step).astype(np.float32)
        more = (out[f"{name}.weight"] - kernels).sum((2, 3)) @ mean  # (O,)
        out[f"{name}.bias"] = (state[f"{name}.bias"] - more).astype(np.float32)
    return out


def _watching(network: weights.Network, folder: Path, runtime: Measuring) -> Reader:
    """Return a reader one network of which runs where it is watched."""
    net = replace(weights.open(network, folder, "openvino"), session=Session(runtime))
    options = ReaderOptions(engine="openvino", weights=folder)
    match network:
        case "ctpn":
            return Reader(options, detector=Detector.of(net))
        case "crnn":
            return Reader(options, recognizer=Recognizer.of(net))
        case "orientation":
            return Reader(options, orientation=OrientationClassifier.of(net))
