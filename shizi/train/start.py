"""How a run starts: build the net, give it initial weights, feed it to the loop."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from google.protobuf.message import DecodeError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from shizi import weights
from shizi.charset import Charset
from shizi.errors import DataError, MissingExtraError, WeightsError
from shizi.nets.onnx import load_state
from shizi.nets.spec import (
    LCNET_REC,
    CRNNSpec,
    CTPNSpec,
    OrientationSpec,
    Spec,
    VGGCRNNSpec,
    VGGCTPNSpec,
    VGGOrientationSpec,
    form_of,
)
from shizi.nets.torch.backbone import LCNet
from shizi.nets.torch.crnn import CRNN, VGGCRNN
from shizi.nets.torch.ctpn import CTPN, VGGCTPN
from shizi.nets.torch.orientation import Orientation, VGGOrientation
from shizi.train.card import RunCard, read_card
from shizi.train.grow import charset_of, choose_charset, extended
from shizi.train.loop.schedule import LoopOptions
from shizi.train.loop.torch import fit
from shizi.train.prune import pruned_spec
from shizi.train.tasks.crnn import CRNNOptions, CRNNTask
from shizi.train.tasks.ctpn import CTPNOptions, CTPNTask
from shizi.train.tasks.orientation import OrientationTask, OrientationTrainOptions
from shizi.train.tasks.slim import SlimTask
from shizi.train.tasks.tune import TuneTask, hold
from shizi.train.transfer import (
    DETECTOR,
    RECOGNISER,
    Graph,
    adopt_classifier,
    load_backbone,
    load_classifier,
    wheel_file,
)
from shizi.weights import Network

PP_OCR = "pp-ocrv6"
SCRATCH = "scratch"

LCNET = (CRNN, CTPN, Orientation)
"""The default nets, whose backbone is PP-OCRv6's."""


@dataclass(frozen=True)
class InitOptions:
    """Which net to train, and where its first weights come from.

    Attributes:
        net: lcnet (what reading uses) or vgg16 (as published).
        init: pp-ocrv6 (transfer from the arrays in the rapidocr wheel; lcnet only), shipped
            (the weights that reading uses; lcnet only), scratch, or a path: a safetensors
            file, a run folder with best.safetensors, or an ONNX file that shizi exported. By
            default pp-ocrv6 for lcnet and scratch for the published form.
    """

    net: Literal["lcnet", "vgg16"] = "lcnet"
    init: str | None = None


@dataclass(frozen=True)
class CRNNInitOptions:
    """Which recogniser to train, what it spells with, and where its first weights come from.

    Attributes:
        net: lcnet (what reading uses) or vgg (as published).
        init: as for the other networks: pp-ocrv6, shipped, scratch or a path.
        rnn: recurrent layers of vgg: lstm, as published and by default, or gru; lcnet has a
            GRU.
        width: share of the published channels and recurrent units (vgg).
        step: width of a time step (lcnet), 4 or 8 pixels; by default that of the initial weights,
            or else 8. With 4, narrow characters that follow themselves find room.
        hidden: share of the channels hidden in the backbone's blocks that stage slim keeps: half
            of them halve the work.
        charset: a text file with all characters on one line, or data: those that the labels
            of the training data hold. Initial weights that have a charset keep it whole and
            grow: the classifier gains a row for every character that they lack. By default
            the charset of the initial weights, or else the one that reading uses.
    """

    net: Literal["lcnet", "vgg"] = "lcnet"
    init: str | None = None
    rnn: Literal["lstm", "gru"] | None = None
    width: float = 1.0
    step: Literal[4, 8] | None = None
    hidden: float | None = None
    charset: str | None = None


def train_crnn(options: CRNNOptions, loop: LoopOptions, init: CRNNInitOptions) -> dict[str, float]:
    """Train the recogniser; return its best figures."""
    run = loop.out if loop.resume else None
    charset = choose_charset(init.charset, options, run, init.init)
    torch.manual_seed(loop.seed)
    net = _crnn(init, len(charset))
    if options.stage == "slim":
        return _train_slim(net, charset, options, loop, init)
    if options.val_squeeze is None:
        options = replace(options, val_squeeze=squeeze_of(init.init))
    card = RunCard("crnn", net.spec, charset, options.read_at, initial(net, init.init, "crnn"))
    initialise(net, init.init, card)
    if options.keeps_features and isinstance(net, CRNN):
        check_backbone(net)
        hold(net.classify, adopt_classifier(net.classify, charset))
    task = _crnn_task(net, charset, options, init.init)
    card.write(loop.out)
    return _fit(task, paced(loop, net, init.init))


def _train_slim(
    whole: CRNN | VGGCRNN,
    charset: Charset,
    options: CRNNOptions,
    loop: LoopOptions,
    init: CRNNInitOptions,
) -> dict[str, float]:
    """Train a net like the initial one with fewer hidden channels; return its best figures."""
    if not isinstance(whole, CRNN) or not 0 < (init.hidden or 0) < 1:
        raise DataError("stage slim prunes the default net; say how much stays: --hidden 0.5")
    if options.val_squeeze is None:
        options = replace(options, val_squeeze=squeeze_of(init.init))
    backbone = pruned_spec(whole.spec.backbone, init.hidden or 1)
    net = CRNN(replace(whole.spec, backbone=backbone))
    begun = f"channels dropped from {initial(whole, init.init, 'crnn')}"
    card = RunCard("crnn", net.spec, charset, options.read_at, begun)
    initialise(whole, init.init, replace(card, spec=whole.spec))
    task = SlimTask(net, whole, charset, options)
    card.write(loop.out)
    return _fit(task, replace(loop, backbone_lr=loop.backbone_lr or 1.0))


def _crnn_task(
    net: CRNN | VGGCRNN, charset: Charset, options: CRNNOptions, init: str | None
) -> CRNNTask | TuneTask:
    if options.stage != "tune":
        return CRNNTask(net, charset, options)
    known = charset_of(init)
    if known is None:
        raise DataError("stage tune goes on from weights that read: add --init shipped or a run")
    return TuneTask(net, charset, options, len(known))


def train_ctpn(options: CTPNOptions, loop: LoopOptions, init: InitOptions) -> dict[str, float]:
    """Train the detector; return its best figures."""
    torch.manual_seed(loop.seed)
    net = CTPN(CTPNSpec()) if init.net == "lcnet" else VGGCTPN(VGGCTPNSpec())
    card = RunCard("ctpn", net.spec, initial=initial(net, init.init, "ctpn"))
    initialise(net, init.init, card)
    task = CTPNTask(net, options)
    card.write(loop.out)
    return _fit(task, paced(loop, net, init.init))


def train_orientation(
    options: OrientationTrainOptions, loop: LoopOptions, init: InitOptions
) -> dict[str, float]:
    """Train the orientation classifier; return its best figures."""
    torch.manual_seed(loop.seed)
    default = init.net == "lcnet"
    net = Orientation(OrientationSpec()) if default else VGGOrientation(VGGOrientationSpec())
    card = RunCard("orientation", net.spec, initial=initial(net, init.init, "orientation"))
    initialise(net, init.init, card)
    task = OrientationTask(net, options)
    card.write(loop.out)
    return _fit(task, paced(loop, net, init.init))


def _fit(
    task: CRNNTask | TuneTask | SlimTask | CTPNTask | OrientationTask, loop: LoopOptions
) -> dict[str, float]:
    """Train in the framework that is asked for."""
    if isinstance(task, TuneTask | SlimTask) and loop.framework != "torch":
        raise DataError("stages slim and tune train in PyTorch; drop --framework")
    if isinstance(task, TuneTask):
        return fit(task, loop, judge_first=True, settle=task.between)
    if isinstance(task, SlimTask):
        return fit(task, loop, judge_first=True)
    if loop.framework == "torch":
        return fit(task, loop)
    try:
        from shizi.train.loop.keras import train_keras
    except ImportError as error:
        raise MissingExtraError("keras", "keras", "--framework keras") from error
    return train_keras(task, loop)


def _crnn(init: CRNNInitOptions, classes: int) -> CRNN | VGGCRNN:
    if init.net == "vgg":
        if init.step:
            raise DataError("--net vgg has time steps of one width; for --step take --net lcnet")
        whole = VGGCRNNSpec(classes=classes, rnn=init.rnn or "lstm")
        widths = tuple(max(8, round(w * init.width)) for w in whole.widths)
        hidden = max(8, round(whole.hidden * init.width))
        return VGGCRNN(replace(whole, widths=widths, hidden=hidden))
    if init.rnn == "lstm" or init.width != 1:
        raise DataError("--net lcnet has a GRU of one size; for --rnn and --width take --net vgg")
    spec = replace(spec_of(init.init) or CRNNSpec(classes), classes=classes)
    return CRNN(replace(spec, step=init.step or spec.step))


def initialise(net: nn.Module, init: str | None, card: RunCard) -> None:
    """Give a net its first weights.

    Args:
        net: the net that ``card`` describes.
        init: as in :class:`InitOptions`.
        card: what the weights must fit.

    Raises:
        WeightsError: the weights are missing or made for another net or charset.
        MissingExtraError: pp-ocrv6 is wanted and rapidocr is not installed.
    """
    if card.charset is not None:
        _check_charset(card.charset, init)
    match source(net, init):
        case "scratch":
            return
        case "pp-ocrv6":
            transfer(net, card.charset)
        case "shipped":
            if not isinstance(net, LCNET):
                raise WeightsError("shipped weights are for --net lcnet; use scratch or a path")
            _fill(net, weights.file(card.network))
        case path:
            _fill(net, _weights_file(Path(path), card))


def source(net: nn.Module, init: str | None) -> str:
    """Return where the first weights of a net come from: as told, or the default of its form."""
    return init or (PP_OCR if isinstance(net, LCNET) else SCRATCH)


def squeeze_of(init: str | None) -> float:
    """Return the factor on the width at which initial weights are read; 1 where nothing says.

    Args:
        init: as in :class:`CRNNInitOptions`.

    Raises:
        WeightsError: the card beside the weights is damaged.
    """
    if init in (None, SCRATCH, PP_OCR):
        return 1.0
    if init == "shipped":
        return weights.card("crnn").squeeze
    path = Path(init)
    if path.name == "crnn.onnx" and path.with_suffix(".json").exists():
        return weights.card("crnn", path.parent).squeeze
    folder = path if path.is_dir() else path.parent
    return read_card(folder).squeeze if (folder / "card.json").exists() else 1.0


def spec_of(init: str | None) -> CRNNSpec | None:
    """Return what initial weights of a default recogniser are made of; None where nothing says.

    Args:
        init: as in :class:`CRNNInitOptions`.

    Raises:
        WeightsError: the card beside the weights is damaged.
    """
    if init in (None, SCRATCH, PP_OCR):
        return None
    spec: Spec | None = None
    path = Path(init)
    folder = path if path.is_dir() else path.parent
    if init == "shipped":
        spec = weights.spec("crnn")
    elif path.name == "crnn.onnx" and path.with_suffix(".json").exists():
        spec = weights.spec("crnn", folder)
    elif (folder / "card.json").exists():
        spec = read_card(folder).spec
    return spec if isinstance(spec, CRNNSpec) else None


def paced(loop: LoopOptions, net: nn.Module, init: str | None) -> LoopOptions:
    """Settle the backbone's share of the learning rate: what has learnt before moves less."""
    if loop.backbone_lr is not None:
        return loop
    return replace(loop, backbone_lr=1.0 if source(net, init) == SCRATCH else 0.2)


TRANSFERRED: dict[Network, str] = {
    "orientation": "backbone: first blocks of PP-OCRv6 small detection; head from scratch",
    "ctpn": "backbone: PP-OCRv6 small detection; head from scratch",
    "crnn": "backbone and classifier rows: PP-OCRv6 small recognition; neck from scratch",
}
WHEEL = "from the PyPI wheel rapidocr 3.10.0, Apache-2.0"


def initial(net: nn.Module, init: str | None, network: Network) -> str:
    """Say where the first weights of a net come from, for its card."""
    match source(net, init):
        case "scratch":
            return "none: from scratch"
        case "pp-ocrv6":
            return f"{TRANSFERRED[network]}; {WHEEL}"
        case "shipped":
            return f"the weights shipped with shizi ({weights.card(network).initial})"
        case path:
            folder = Path(path)
            before = read_card(folder).initial if (folder / "card.json").exists() else "unknown"
            return f"an earlier run ({before})"


def check_backbone(net: CRNN) -> None:
    """Refuse a net whose backbone has moved away from PP-OCRv6's, whose features are kept.

    Raises:
        DataError: it has.
        MissingExtraError: rapidocr is not installed.
    """
    teacher = LCNet(LCNET_REC)
    load_backbone(teacher, Graph(wheel_file(RECOGNISER)))
    own = net.backbone.state_dict()
    for key, value in teacher.state_dict().items():
        if own[key].shape != value.shape or not torch.allclose(
            own[key], value, rtol=1e-2, atol=1e-3
        ):  # halves were rounded
            raise DataError(
                "stages distil and head keep features of PP-OCRv6's own backbone, and this "
                "net's has learnt something else; train it with --stage whole"
            )


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
        raise WeightsError("pp-ocrv6 has no weights for the published nets; use --init scratch")


def _weights_file(path: Path, card: RunCard) -> Path:
    """Find the weights that a path means; a run folder must be of the same net and charset."""
    if not path.is_dir():
        return path
    if (path / "card.json").exists():
        noted = read_card(path)
        if (noted.network, type(noted.spec)) != (card.network, type(card.spec)):
            form = form_of(noted.spec)
            raise WeightsError(
                f"{path} holds a run of another net ({noted.network}, {form}); name one of this"
            )
    return path / "best.safetensors"


def _check_charset(charset: Charset, init: str | None) -> None:
    """Refuse a charset that would give the classes of the initial weights other characters."""
    known = charset_of(init)
    if known is not None and not charset.chars.startswith(known.chars):
        raise WeightsError(
            f"the charset does not begin with that of {init}; drop --charset to keep that one, "
            "or resume with the --init that the run began with"
        )


def _fill(net: nn.Module, path: Path) -> None:
    """Load a safetensors file, or an ONNX file of ours, into a net.

    A recogniser with more classes than the file keeps its last rows new.
    """
    try:
        if path.suffix == ".onnx":
            state = {k: torch.from_numpy(v) for k, v in load_state(path).items()}
        else:
            state = load_file(path)
        if isinstance(net, CRNN | VGGCRNN):
            state = extended(state, net.spec.classes)
        net.load_state_dict(state)
    except (OSError, KeyError, RuntimeError, SafetensorError, DecodeError) as error:
        reason = textwrap.shorten(str(error), 300)
        raise WeightsError(f"cannot start from {path}: {reason}") from error
