"""What training can be told of nets, data and export.

It stands apart from what it is told to, which needs PyTorch: help does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shizi.errors import OptionError
from shizi.options import check_range, check_spans


@dataclass(frozen=True)
class InitOptions:
    """Which net to train, and where its first weights come from.

    Attributes:
        net: lcnet (what reading uses) or vgg16 (as published).
        init: pp-ocrv6 (transfer from the arrays in the rapidocr wheel; lcnet only), shipped
            (the weights that reading uses; lcnet only), scratch, or a path: a safetensors
            file, a run folder with best.safetensors, or an ONNX file that shizi exported; for
            vgg16 also ImageNet's of torchvision (.pth, .safetensors), Keras (notop.h5) or
            text-detection-ctpn (VGG_imagenet.npy). By default pp-ocrv6 for lcnet and scratch
            for the published form.
    """

    net: Literal["lcnet", "vgg16"] = "lcnet"
    init: str | None = None


@dataclass(frozen=True)
class CRNNInitOptions:
    """Which recogniser to train, what it spells with, and where its first weights come from.

    Attributes:
        net: lcnet (what reading uses) or vgg (as published).
        init: as for the other networks: pp-ocrv6, shipped, scratch or a path; for vgg also the
            recognisers of crnn.pytorch and deep-text-recognition-benchmark (.pth).
        rnn: recurrent layers of vgg: by default those of the initial weights, or else lstm, as
            published; lcnet has a GRU.
        width: share of the published channels and recurrent units (vgg); by default that of
            the initial weights, or else 1.
        step: width of a time step (lcnet), 4 or 8 pixels; by default that of the initial weights,
            or else 8. With 4, narrow characters that follow themselves find room.
        hidden: share of the channels hidden in the backbone's blocks that stage slim keeps: half
            of them halve the work.
        charset: a text file with all characters on one line or one a row, or data: those that the
            labels of the training data hold. Initial weights that have a charset keep it whole and
            grow: the classifier gains a row for every character that they lack. By default
            the charset of the initial weights, or else the one that reading uses.
    """

    net: Literal["lcnet", "vgg"] = "lcnet"
    init: str | None = None
    rnn: Literal["lstm", "gru"] | None = None
    width: float | None = None
    step: Literal[4, 8] | None = None
    hidden: float | None = None
    charset: str | None = None

    def __post_init__(self) -> None:
        if self.width is not None:
            check_range(self, width=(0.01, 16))
        if self.hidden is not None:
            check_range(self, hidden=(0.01, 1))


@dataclass(frozen=True)
class CRNNOptions:
    """How the recogniser is fed.

    Attributes:
        data: line sets to learn; PATH:3 comes three times as often as PATH:1, and without
            weights all lines come alike.
        synth: captcha: learn captchas drawn on the fly instead, no data needed.
        val: line or page sets to validate on.
        batch_width: pixels of width a batch (32 lines of 320).
        squeeze: range of random factors on the width.
        val_squeeze: factor on the width in validation; exported weights are read at it. By default
            that of the initial weights, or else 1.
        stage: distil (regress the neck onto the PP-OCRv6 neck), head (CTC on kept backbone
            features), slim (prune the backbone, see --hidden, and regress it and the neck onto
            those of the initial weights; labels are not used), whole (CTC through all layers)
            or tune (fine-tuning: learn a few hundred lines and read all others as before; the
            classifier's known rows stay). The first two run the backbone of PP-OCRv6 once over
            the data and then train for little; they and slim need the default net. The
            classifier's rows that PP-OCRv6 has stay as they are in the first three.
        anchor: weight of the regression that stays beside CTC in stage head, where it keeps
            what the teacher knows wherever it reads what the label says, and in stage tune,
            where it holds the net to what it was on other lines.
        way: share of the way from the first weights to the tuned ones that stage tune goes: the
            less, the less of other lines is forgotten.
        replay: line sets that stage tune goes on reading as before, labels not needed; by
            default lines drawn on the fly in the fonts of this system.
        val_lines: lines used of each validation set.
        strict: stop at the first row that cannot be used; otherwise it is named and left out.
    """

    data: tuple[Path, ...] = ()
    synth: Literal["captcha"] | None = None
    val: tuple[Path, ...] = ()
    batch_width: int = 10_240
    squeeze: tuple[float, float] = (0.7, 1.1)
    val_squeeze: float | None = None
    stage: Literal["distil", "head", "slim", "whole", "tune"] = "whole"
    anchor: float = 0.3
    way: float = 0.5
    replay: tuple[Path, ...] = ()
    val_lines: int = 600
    strict: bool = False

    def __post_init__(self) -> None:
        check_range(self, batch_width=(1, math.inf), val_lines=(1, math.inf))
        check_range(self, anchor=(0, math.inf), way=(0, 1))
        check_spans(self, squeeze=0.1)
        if self.val_squeeze is not None:
            check_range(self, val_squeeze=(0.1, 10))

    @property
    def spells(self) -> bool:
        """The stage learns what the labels say."""
        return self.stage not in ("distil", "slim")

    @property
    def read_at(self) -> float:
        """The factor on the width in validation."""
        return 1.0 if self.val_squeeze is None else self.val_squeeze

    @property
    def keeps_features(self) -> bool:
        """The stage learns from features that PP-OCRv6's backbone makes once."""
        return self.stage in ("distil", "head")


@dataclass(frozen=True)
class CTPNOptions:
    """How the detector is fed.

    Attributes:
        data: page sets to learn; PATH:3 comes three times as often as PATH:1, and without
            weights all pages come alike.
        words: page sets labelled word by word; their words are joined into lines.
        val: page sets to validate on.
        size: side of the square training crops, pixels.
        batch: crops a step.
        text: median text height that a crop is scaled to, pixels.
        stage: whole, or head (published form alone): the last of the five stages of convolutions
            and what follows learn, from 1,024 crops; what the other stages make of a crop is kept
            when it is first seen. It goes on from learnt weights.
        val_pages: pictures used of each validation set.
        strict: stop at the first row that cannot be used; otherwise it is named and left out.
    """

    data: tuple[Path, ...] = ()
    words: tuple[Path, ...] = ()
    val: tuple[Path, ...] = ()
    size: int = 512
    batch: int = 4
    text: tuple[float, float] = (9.0, 110.0)
    stage: Literal["whole", "head"] = "whole"
    val_pages: int = 40
    strict: bool = False

    def __post_init__(self) -> None:
        check_range(self, size=(64, 8192), batch=(1, math.inf), val_pages=(1, math.inf))
        check_spans(self, text=1)
        if self.size % 32:
            raise OptionError(f"size: must be a multiple of 32, not {self.size}")


@dataclass(frozen=True)
class OrientationTrainOptions:
    """How the orientation classifier is fed.

    Attributes:
        data: line sets; page sets with upright pages; folders of upright pictures, or with the
            folders 0, 90, 180 and 270 of pictures turned clockwise by so much, whose lines the
            shipped detector finds first. PATH:3 comes three times as often as PATH:1; without
            weights all come alike.
        val: page sets or folders of pictures to validate on.
        batch: lines a step.
        stage: whole, or head (published form alone): the last of the five stages of convolutions
            and what follows learn, from 8,192 lines, or some lines of as many pages; what the
            other stages make of a line is kept when it is first seen. It goes on from
            learnt weights.
        val_pages: pictures used of each validation set.
        strict: stop at the first row that cannot be used; otherwise it is named and left out.
    """

    data: tuple[Path, ...]
    val: tuple[Path, ...] = ()
    batch: int = 32
    stage: Literal["whole", "head"] = "whole"
    val_pages: int = 40
    strict: bool = False

    def __post_init__(self) -> None:
        check_range(self, batch=(1, math.inf), val_pages=(1, math.inf))


Target = Literal["onnx", "openvino", "torch", "keras"]


@dataclass(frozen=True)
class ExportOptions:
    """What to export.

    Attributes:
        to: onnx (what reading uses), openvino, torch (safetensors under PyTorch's names) or
            keras (a model that keras.saving.load_model opens).
        out: folder to write to; with ``--to onnx`` it may be given to ``shizi read --weights``.
        data: what it was trained on, for the card.
        command: how it was trained, for the card; by default as the run folder noted it.
        measure: pictures or folders of them, which the exported network then reads. How large the
            numbers inside it get is noted on its card, and OpenVINO runs it in INT8, a quarter
            faster on processors with VNNI. A hundred that are like what will be read will do.
    """

    to: Target = "onnx"
    out: Path = Path("exported")
    data: str = ""
    command: str = ""
    measure: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Check what was told.

        Raises:
            OptionError: only reading has a use for what is measured.
        """
        if self.measure and self.to != "onnx":
            raise OptionError(f"what is measured is noted beside an onnx file, not a {self.to} one")
