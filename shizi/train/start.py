"""How a run starts: build the net, give it initial weights, feed it to the loop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from shizi import weights
from shizi.charset import Charset
from shizi.errors import WeightsError
from shizi.nets.onnx import load_state
from shizi.nets.spec import CRNNSpec, CTPNSpec, OrientationSpec
from shizi.nets.torch.crnn import CRNN
from shizi.nets.torch.ctpn import CTPN
from shizi.nets.torch.orientation import Orientation
from shizi.train.crnn import CRNNOptions, CRNNTask
from shizi.train.ctpn import CTPNOptions, CTPNTask
from shizi.train.loop import LoopOptions, fit
from shizi.train.orientation import OrientationTask, OrientationTrainOptions
from shizi.train.transfer import (
    DETECTOR,
    RECOGNISER,
    Graph,
    load_backbone,
    load_classifier,
    wheel_file,
)
from shizi.weights import Network


@dataclass(frozen=True)
class InitOptions:
    """Where the first weights come from.

    Attributes:
        init: pp-ocrv6 (transfer from the arrays in the rapidocr wheel), shipped (the weights
            that reading uses), scratch, or the path of a best.safetensors.
    """

    init: str = "pp-ocrv6"


def train_crnn(options: CRNNOptions, loop: LoopOptions, init: InitOptions) -> dict[str, float]:
    """Train the recogniser; return its best figures."""
    charset = Charset.load(weights.FOLDER / "charset.txt")
    torch.manual_seed(loop.seed)
    net = CRNN(CRNNSpec(classes=len(charset)))
    if init.init == "pp-ocrv6":
        graph = Graph(wheel_file(RECOGNISER))
        load_backbone(net.backbone, graph)
        load_classifier(net.classify, graph, charset)
    else:
        initialise(net, init.init, "crnn")
    return fit(CRNNTask(net, charset, options), loop)


def train_ctpn(options: CTPNOptions, loop: LoopOptions, init: InitOptions) -> dict[str, float]:
    """Train the detector; return its best figures."""
    torch.manual_seed(loop.seed)
    net = CTPN(CTPNSpec())
    if init.init == "pp-ocrv6":
        load_backbone(net.backbone, Graph(wheel_file(DETECTOR)))
    else:
        initialise(net, init.init, "ctpn")
    return fit(CTPNTask(net, options), loop)


def train_orientation(
    options: OrientationTrainOptions, loop: LoopOptions, init: InitOptions
) -> dict[str, float]:
    """Train the orientation classifier; return its best figures."""
    torch.manual_seed(loop.seed)
    net = Orientation(OrientationSpec())
    if init.init == "pp-ocrv6":
        load_backbone(net.backbone, Graph(wheel_file(DETECTOR)))
    else:
        initialise(net, init.init, "orientation")
    return fit(OrientationTask(net, options), loop)


def initialise(net: nn.Module, init: str, network: Network) -> None:
    """Fill a net from the shipped weights or a file; ``scratch`` leaves it random.

    Raises:
        WeightsError: the file is missing or made for another net.
    """
    if init == "scratch":
        return
    try:
        if init == "shipped":
            arrays = load_state(weights.file(network))
            state = {k: torch.from_numpy(v) for k, v in arrays.items()}
        else:
            state = load_file(Path(init))
        net.load_state_dict(state)
    except (OSError, RuntimeError) as error:
        raise WeightsError(f"cannot start from {init}: {error}") from error
