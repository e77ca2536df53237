"""Where the first weights of a net come from, and what is known of them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Protocol

import torch
from google.protobuf.message import DecodeError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from shizi import weights
from shizi.charset import Charset
from shizi.errors import WeightsError
from shizi.nets.onnx import load_state
from shizi.nets.spec import FORMS, Spec, VGGCTPNSpec, VGGOrientationSpec, form_of
from shizi.nets.torch.crnn import CRNN, VGGCRNN
from shizi.train import published
from shizi.train.card import RunCard, read_card
from shizi.train.grow import extended
from shizi.train.transfer import transfer
from shizi.weights import Network

PP_OCR = "pp-ocrv6"
SHIPPED = "shipped"
SCRATCH = "scratch"


class Init(Protocol):
    """First weights of a net.

    Attributes:
        learnt: the backbone has learnt before, so it should move less than the rest.
        whole: so has all the rest of the net.
        spec: what the weights are made of; None where they fit any net of the form.
        charset: what they spell with; None where they have none, or none is known.
        squeeze: factor on the width at which they are read; 1 where nothing says.
        told: source and licence, for the card of a run.
    """

    @property
    def learnt(self) -> bool: ...
    @property
    def whole(self) -> bool: ...
    @property
    def spec(self) -> Spec | None: ...
    @property
    def charset(self) -> Charset | None: ...
    @property
    def squeeze(self) -> float: ...
    @property
    def told(self) -> str: ...

    def fill(self, net: nn.Module, charset: Charset | None) -> None:
        """Give a net these weights; of a recogniser, ``charset`` is what it spells with.

        Raises:
            WeightsError: they are missing, or made for another net.
        """


def initial(name: str | None, network: Network, form: str) -> Init:
    """Return the first weights that a name means.

    Args:
        name: pp-ocrv6, shipped, scratch, a path, or None for the default of the form.
        network: that is trained.
        form: of it, a key of ``FORMS``.

    Raises:
        WeightsError: there are no such weights for this form, or they are of another net.
    """
    default = form == next(iter(FORMS[network]))
    match name or (PP_OCR if default else SCRATCH):
        case "scratch":
            return Scratch()
        case "pp-ocrv6" | "shipped" as known if not default:
            raise WeightsError(
                f"{known} has no weights for the published {form}; begin from scratch or a file"
            )
        case "pp-ocrv6":
            return PaddleWheel(network)
        case "shipped":
            return Shipped(network)
        case path:
            foreign = published.read(Path(path)) if Path(path).is_file() else None
            if foreign:
                return FromProject(Path(path), foreign, network, form)
            return Kept(Path(path), network, form)


def initialise(net: nn.Module, init: Init, charset: Charset | None = None) -> None:
    """Give a net its first weights.

    Raises:
        WeightsError: they are missing, or made for another net or charset.
        MissingExtraError: they are in a package that is not installed.
    """
    known = init.charset
    if known is not None and charset is not None and not charset.chars.startswith(known.chars):
        raise WeightsError(
            f"the charset does not begin with that of the initial weights ({init.told}); leave "
            "it out to keep that one, or resume with the weights that the run began with"
        )
    init.fill(net, charset)


@dataclass(frozen=True)
class Scratch:
    """Random numbers, as the net is built."""

    learnt: ClassVar = False
    whole: ClassVar = False
    spec: ClassVar = None
    charset: ClassVar = None
    squeeze: ClassVar = 1.0
    told: ClassVar = "none: from scratch"

    def fill(self, net: nn.Module, charset: Charset | None) -> None:
        """Leave the net as it is."""


@dataclass(frozen=True)
class PaddleWheel:
    """What the nets of PP-OCRv6 have of a default net; the rest from random numbers."""

    network: Network

    learnt: ClassVar = True
    whole: ClassVar = False
    spec: ClassVar = None
    charset: ClassVar = None  # its rows are taken character by character
    squeeze: ClassVar = 1.0

    TAKEN: ClassVar[dict[Network, str]] = {
        "orientation": "backbone: first blocks of PP-OCRv6 small detection; head from scratch",
        "ctpn": "backbone: PP-OCRv6 small detection; head from scratch",
        "crnn": "backbone and classifier rows: PP-OCRv6 small recognition; neck from scratch",
    }

    @property
    def told(self) -> str:
        return f"{self.TAKEN[self.network]}; from the PyPI wheel rapidocr 3.10.0, Apache-2.0"

    def fill(self, net: nn.Module, charset: Charset | None) -> None:
        """Copy what is there; see :func:`shizi.train.transfer.transfer`."""
        transfer(net, charset)


@dataclass(frozen=True)
class Shipped:
    """The weights that reading uses."""

    network: Network

    learnt: ClassVar = True
    whole: ClassVar = True

    @property
    def spec(self) -> Spec:
        return weights.spec(self.network)

    @property
    def charset(self) -> Charset | None:
        return weights.charset() if self.network == "crnn" else None

    @property
    def squeeze(self) -> float:
        return weights.card(self.network).squeeze

    @property
    def told(self) -> str:
        return f"the weights shipped with shizi ({weights.card(self.network).initial})"

    def fill(self, net: nn.Module, charset: Charset | None) -> None:
        """Load the file."""
        _load(net, weights.file(self.network))


@dataclass(frozen=True)
class Kept:
    """Weights of an earlier run, or exported from one.

    Attributes:
        path: a run folder, a safetensors file of one, or an ONNX file that shizi exported.
        network: that is trained.
        form: of it.
    """

    path: Path
    network: Network
    form: str

    learnt: ClassVar = True
    whole: ClassVar = True

    def __post_init__(self) -> None:
        card = self._card
        if card and (card.network, form_of(card.spec)) != (self.network, self.form):
            raise WeightsError(
                f"{self.path} holds weights of another net ({card.network}, "
                f"{form_of(card.spec)}); name some of {self.network}, {self.form}"
            )

    @cached_property
    def _card(self) -> RunCard | None:
        """What lies beside the weights: a run's card, or that of an exported file."""
        folder = self.path if self.path.is_dir() else self.path.parent
        if self.path.suffix == ".onnx":
            return self._exported() if self.path.with_suffix(".json").exists() else None
        return read_card(folder) if (folder / "card.json").exists() else None

    def _exported(self) -> RunCard | None:
        if self.path.stem not in weights.NETWORKS:
            return None
        network, folder = self.path.stem, self.path.parent
        card = weights.card(network, folder)
        charset = weights.charset(folder) if network == "crnn" else None
        spec = weights.spec(network, folder)
        return RunCard(network, spec, charset, card.squeeze, card.initial)

    @property
    def spec(self) -> Spec | None:
        return self._card.spec if self._card else None

    @property
    def charset(self) -> Charset | None:
        if self._card:
            return self._card.charset
        beside = (self.path if self.path.is_dir() else self.path.parent) / "charset.txt"
        return Charset.load(beside) if self.network == "crnn" and beside.exists() else None

    @property
    def squeeze(self) -> float:
        return self._card.squeeze if self._card else 1.0

    @property
    def told(self) -> str:
        return f"an earlier run ({self._card.initial if self._card else 'unknown'})"

    def fill(self, net: nn.Module, charset: Charset | None) -> None:
        """Load the file, of a run folder that of its best weights."""
        _load(net, self.path / "best.safetensors" if self.path.is_dir() else self.path)


ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
"""What the recognisers of crnn.pytorch and deep-text-recognition-benchmark spell by default."""


@dataclass(frozen=True)
class FromProject:
    """Weights that another project made of a published net.

    Attributes:
        path: of the file.
        read: what it holds.
        network: that is trained.
        form: of it.
    """

    path: Path
    read: published.Published
    network: Network
    form: str

    learnt: ClassVar = True
    squeeze: ClassVar = 1.0

    @property
    def whole(self) -> bool:
        return self.read.crnn is not None

    def __post_init__(self) -> None:
        vgg16 = (("ctpn", "vgg16"), ("orientation", "vgg16"))
        fits = (("crnn", "vgg"),) if self.read.crnn else vgg16
        if (self.network, self.form) not in fits:
            kind = "recognisers" if self.read.crnn else "detectors and angle nets"
            raise WeightsError(f"{self.path} ({self.read.source}) is for {kind} of the VGG form")

    @property
    def spec(self) -> Spec:
        if self.read.crnn:
            return self.read.crnn
        assert self.read.vgg is not None
        whole = VGGCTPNSpec() if self.network == "ctpn" else VGGOrientationSpec()
        return replace(whole, backbone=replace(self.read.vgg, pools=whole.backbone.pools))

    @property
    def charset(self) -> Charset | None:
        crnn = self.read.crnn
        return Charset(ALPHABET) if crnn and crnn.classes == len(ALPHABET) + 1 else None

    @property
    def told(self) -> str:
        part = "" if self.read.crnn else "backbone: "
        return f"{part}{self.path.name} ({self.read.source})"

    def fill(self, net: nn.Module, charset: Charset | None) -> None:
        """Load what there is; the head of a detector or angle net stays random."""
        state = {key: torch.from_numpy(value) for key, value in self.read.state.items()}
        if self.read.crnn:
            if self.charset is None and (charset is None or len(charset) != self.read.crnn.classes):
                raise WeightsError(
                    f"{self.path} tells {self.read.crnn.classes - 1} characters apart but not "
                    "which; name a charset file that lists them in the order of their training"
                )
            assert charset is not None
            net.load_state_dict(extended(state, len(charset)))
            return
        missing, unexpected = net.load_state_dict(state, strict=False)
        assert not unexpected and not any(key.startswith("backbone.") for key in missing)


def _load(net: nn.Module, path: Path) -> None:
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
