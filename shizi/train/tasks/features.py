"""Frozen-backbone training at a tenth of the cost: features are computed once and kept.

The PP-OCRv6 recogniser of the ``rapidocr`` wheel runs once over every line; its pooled
backbone features and its own neck outputs are kept in half precision. Learning a new neck
from them, by regression or by CTC, then costs only the neck.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shizi.engine.openvino import openvino
from shizi.page import Image
from shizi.train.transfer import RECOGNISER, wheel_file

Half = NDArray[np.float16]


TEACHER_STEP = 8
"""Width of a time step of the teacher, pixels."""


class FeatureRow(NamedTuple):
    """What is kept of one line."""

    features: Half  # (T, 384) pooled backbone, a row a time step of the net that learns
    neck: Half  # (width / 8, 120) what the teacher's classifier sees
    label: list[int]
    width: int  # of its crop, pixels
    trusted: bool  # the teacher reads what the label says


class FeatureBatch(NamedTuple):
    """Lines of one width."""

    features: Half  # (N, T, 384) pooled backbone
    neck: Half  # (N, width / 8, 120) what the teacher's classifier sees
    labels: list[list[int]]
    trusted: NDArray[np.bool_]  # (N,)


class Teacher:
    """PP-OCRv6 small up to its classifier, on the OpenVINO runtime."""

    def __init__(self, path: Path | None = None) -> None:
        import onnx

        model = onnx.load(str(path or wheel_file(RECOGNISER)))
        nodes = model.graph.node
        whole = next(n.input[0] for n in nodes if n.op_type == "AveragePool")
        neck = [n.input[0] for n in nodes if n.op_type == "MatMul"][-1]
        part = onnx.utils.Extractor(model).extract_model(["x"], [whole, neck])
        core = openvino().Core()
        self._request = core.compile_model(
            core.read_model(part.SerializeToString()), "CPU"
        ).create_infer_request()

    def __call__(self, images: NDArray[np.uint8]) -> tuple[Half, Half]:
        """Run RGB crops (N, 48, W, 3).

        Returns:
            Features, a row every 4 px, (N, W / 4, 384), and necks (N, W / 8, 120).
        """
        x = images[..., ::-1].astype(np.float32).transpose(0, 3, 1, 2) / 127.5 - 1
        self._request.infer([np.ascontiguousarray(x)])
        whole, neck = (self._request.get_output_tensor(i).data for i in (0, 1))
        return whole.mean(2).transpose(0, 2, 1).astype(np.float16), neck.astype(np.float16)


class FeatureSet:
    """Features of many lines; filled once, drawn from for ever.

    Args:
        step: width of a time step of the net that learns, pixels.
        read: class ids that a neck (T, 120) says by best path.
    """

    def __init__(self, step: int, read: Callable[[Half], list[int]]) -> None:
        self._columns = step // 4
        self._read = read
        self._teacher: Teacher | None = None
        self._waiting: dict[int, list[tuple[Image, list[int]]]] = defaultdict(list)
        self._rows: list[FeatureRow] = []

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> FeatureRow:
        return self._rows[index]

    def add(self, crop: Image, label: list[int]) -> None:
        """Add a fitted crop (48, W, 3); crops of one width are run eight at a time."""
        waiting = self._waiting[crop.shape[1]]
        waiting.append((crop, label))
        if len(waiting) == 8:
            self._run(waiting)

    def finish(self) -> None:
        """Run what still waits, and let the teacher go."""
        for waiting in self._waiting.values():
            if waiting:
                self._run(waiting)
        self._teacher = None

    def _run(self, waiting: list[tuple[Image, list[int]]]) -> None:
        self._teacher = self._teacher or Teacher()
        features, necks = self._teacher(np.stack([crop for crop, _ in waiting]))
        n, columns, channels = features.shape
        features = features.reshape(n, columns // self._columns, self._columns, channels).mean(2)
        for feature, neck, (crop, label) in zip(features, necks, waiting, strict=True):
            trusted = self._read(neck) == label
            self._rows.append(FeatureRow(feature, neck, label, crop.shape[1], trusted))
        waiting.clear()


def stack(rows: Sequence[FeatureRow]) -> FeatureBatch:
    """Make a batch of lines of one width."""
    features, necks, labels, _, trusted = zip(*rows, strict=True)
    return FeatureBatch(np.stack(features), np.stack(necks), list(labels), np.array(trusted))
