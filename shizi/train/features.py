"""Frozen-backbone training at a tenth of the cost: features are computed once and kept.

The PP-OCRv6 recogniser of the ``rapidocr`` wheel runs once over every line; its pooled
backbone features and its own neck outputs are kept in half precision. Learning a new neck
from them, by regression or by CTC, then costs only the neck.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shizi.page import Image
from shizi.train.transfer import RECOGNISER, wheel_file

Half = NDArray[np.float16]


class FeatureBatch(NamedTuple):
    """Lines of one width."""

    features: Half  # (N, T, 384) pooled backbone
    neck: Half  # (N, T, 120) what the teacher's classifier sees
    labels: list[list[int]]


class Teacher:
    """PP-OCRv6 small up to its classifier, on the OpenVINO runtime."""

    def __init__(self, path: Path | None = None) -> None:
        import onnx
        import openvino

        model = onnx.load(str(path or wheel_file(RECOGNISER)))
        nodes = model.graph.node
        pooled = next(n.output[0] for n in nodes if n.op_type == "AveragePool")
        neck = [n.input[0] for n in nodes if n.op_type == "MatMul"][-1]
        part = onnx.utils.Extractor(model).extract_model(["x"], [pooled, neck])
        core = openvino.Core()
        self._request = core.compile_model(
            core.read_model(part.SerializeToString()), "CPU"
        ).create_infer_request()

    def __call__(self, images: NDArray[np.uint8]) -> tuple[Half, Half]:
        """Run RGB crops (N, 48, W, 3); return features (N, T, 384) and necks (N, T, 120)."""
        x = images[..., ::-1].astype(np.float32).transpose(0, 3, 1, 2) / 127.5 - 1
        self._request.infer([np.ascontiguousarray(x)])
        pooled, neck = (self._request.get_output_tensor(i).data for i in (0, 1))
        return pooled[:, :, 0].transpose(0, 2, 1).astype(np.float16), neck.astype(np.float16)


class FeatureSet:
    """Features of many lines, grouped by width; filled once, drawn from for ever."""

    def __init__(self) -> None:
        self._teacher = Teacher()
        self._waiting: dict[int, list[tuple[Image, list[int]]]] = defaultdict(list)
        self._groups: dict[int, list[tuple[Half, Half, list[int]]]] = defaultdict(list)

    def add(self, crop: Image, label: list[int]) -> None:
        """Add a fitted crop (48, W, 3); crops are run eight at a time."""
        waiting = self._waiting[crop.shape[1]]
        waiting.append((crop, label))
        if len(waiting) == 8:
            self._run(waiting)

    def finish(self) -> None:
        """Run what still waits."""
        for waiting in self._waiting.values():
            if waiting:
                self._run(waiting)

    def _run(self, waiting: list[tuple[Image, list[int]]]) -> None:
        features, necks = self._teacher(np.stack([crop for crop, _ in waiting]))
        width = waiting[0][0].shape[1]
        for feature, neck, (_, label) in zip(features, necks, waiting, strict=True):
            self._groups[width].append((feature, neck, label))
        waiting.clear()

    def __len__(self) -> int:
        return sum(len(group) for group in self._groups.values())

    def batches(self, batch_width: int, seed: int) -> Iterator[FeatureBatch]:
        """Yield batches for ever; a width is drawn as often as it has lines."""
        rng = np.random.default_rng(seed)
        widths = list(self._groups)
        shares = np.array([len(self._groups[w]) * w for w in widths], dtype=np.float64)
        shares /= shares.sum()
        while True:
            width = widths[int(rng.choice(len(widths), p=shares))]
            group = self._groups[width]
            count = min(len(group), max(1, batch_width // width))
            yield _stack([group[i] for i in rng.choice(len(group), count, replace=False)])


def _stack(rows: Sequence[tuple[Half, Half, list[int]]]) -> FeatureBatch:
    features, necks, labels = zip(*rows, strict=True)
    return FeatureBatch(np.stack(features), np.stack(necks), list(labels))
