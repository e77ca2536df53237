"""What each network is made of. Plain data: every framework's nets are built from it."""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from shizi.errors import WeightsError


@dataclass(frozen=True)
class Block:
    """One LCNet block: 3x3 depthwise (+ squeeze-excite), then 1x1 expand and 1x1 project.

    Attributes:
        width: output channels.
        stride: (vertical, horizontal) stride of the depthwise convolution.
        excite: squeeze-and-excitation after the depthwise convolution.
        hidden: channels between expand and project; 0: twice the block's input channels.
    """

    width: int
    stride: tuple[int, int] = (1, 1)
    excite: bool = False
    hidden: int = 0

    def between(self, width_in: int) -> int:
        """Channels between expand and project, for so many input channels."""
        return self.hidden or 2 * width_in


@dataclass(frozen=True)
class LCNetSpec:
    """The backbone of PP-OCRv6: a stem to stride 4, then a plain stack of blocks.

    Attributes:
        stem: channels of the stem's first convolutions.
        blocks: the stack; the stem ends with ``blocks[0].width`` channels.
        taps: indices of the blocks whose outputs the backbone returns.
    """

    stem: int
    blocks: tuple[Block, ...]
    taps: tuple[int, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the returned feature maps."""
        return tuple(self.blocks[i].width for i in self.taps)


LCNET_REC = LCNetSpec(
    stem=48,
    blocks=(
        Block(96, excite=True),
        Block(96),
        Block(96),
        Block(192, (2, 1)),
        Block(192, excite=True),
        Block(192),
        Block(192, excite=True),
        Block(192),
        Block(192, excite=True),
        Block(192),
        Block(384, (2, 1)),
        Block(384, excite=True),
        Block(384),
    ),
    taps=(12,),
)
"""Recognition backbone of PP-OCRv6 small: stride 16 down, 4 across."""

LCNET_DET = LCNetSpec(
    stem=24,
    blocks=(
        Block(48, excite=True),
        Block(48),
        Block(96, (2, 2)),
        Block(96, excite=True),
        Block(96),
        Block(192, (2, 2)),
        Block(192, excite=True),
        Block(192),
        Block(192, excite=True),
        Block(192),
        Block(384, (2, 2)),
        Block(384, excite=True),
        Block(384),
    ),
    taps=(4, 9, 12),
)
"""Detection backbone of PP-OCRv6 small: feature maps at stride 8, 16 and 32."""


@dataclass(frozen=True)
class CRNNSpec:
    """Line recogniser: LCNet, pooled to one row, BiGRU, CTC (Shi et al. 2015 in spirit).

    Attributes:
        backbone: convolutional part; stride 16 down and 4 across.
        height: input height in pixels, a multiple of 16.
        step: width of a time step in pixels, a multiple of 4. Two narrow characters and the
            blank between them need three: 4 px leave them room, 8 px save time.
        squeeze: channels between backbone and GRU.
        hidden: GRU units per direction.
        embed: channels that the classifier sees.
        classes: the charset's length, blank included.
    """

    classes: int
    backbone: LCNetSpec = LCNET_REC
    height: int = 48
    squeeze: int = 256
    hidden: int = 256
    embed: int = 120
    step: int = 8

    @property
    def pool(self) -> tuple[int, int]:
        """Rows and columns of the backbone's output that make a time step."""
        return self.height // 16, self.step // 4

    def steps(self, width: int) -> int:
        """Time steps of a line so many pixels wide."""
        return width // self.step


@dataclass(frozen=True)
class CTPNSpec:
    """Text-line detector after Tian et al. 2016 on an LCNet backbone.

    Slices are 16 px wide as in the paper, but the grid is 8 px high, so that rows of
    10 px text fall into different cells. Each anchor yields one text score, centre and
    height (paper, eq. 2), and for either side a score (the slice holds that end of its
    line) and an offset to the end (paper, eq. 4).

    Attributes:
        row: height of a grid cell, pixels.
        backbone: returns maps at stride 8, 16 and 32.
        channels: of the fused map.
        hidden: LSTM units per direction.
        heights: anchor heights in pixels.
    """

    row: ClassVar[int] = 8

    backbone: LCNetSpec = LCNET_DET
    channels: int = 128
    hidden: int = 64
    heights: tuple[int, ...] = (8, 11, 16, 23, 33, 48, 68, 97, 139, 198)


@dataclass(frozen=True)
class OrientationSpec:
    """Line classifier: by how many quarters do a line's characters stand turned.

    Attributes:
        backbone: the first blocks of the detector's, to stride 16.
        height: of the lines that it is shown, pixels.
        width: of the piece of each that it is shown, pixels.
        hidden: units of the head.
    """

    backbone: LCNetSpec = LCNetSpec(stem=24, blocks=LCNET_DET.blocks[:10], taps=(9,))
    height: int = 48
    width: int = 192
    hidden: int = 128
    classes: int = 4


@dataclass(frozen=True)
class VGGSpec:
    """Stages of plain 3x3 convolutions with ReLU (Simonyan & Zisserman 2015, configuration D).

    Attributes:
        stages: (channels, convolutions) of each stage.
        pools: how many of the stages end with 2x2 max pooling.
        mean: the RGB value that the first convolution sees as nought, and pads with; weights
            learnt on ImageNet expect its mean there.
    """

    stages: tuple[tuple[int, int], ...] = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
    pools: int = 5
    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)

    @property
    def width(self) -> int:
        """Channels of the last stage."""
        return self.stages[-1][0]


@dataclass(frozen=True)
class VGGOrientationSpec:
    """The classifier of the system that shizi follows, VGG16, over lines.

    That system squeezed the whole picture to 224 px, where text is of any size and mostly too
    small to see. The 4096-wide layers are replaced by a mean over all places and one hidden
    layer: a hundred million weights fewer, nothing lost.

    Attributes:
        backbone: all five stages pooled, stride 32.
        height: of the lines that it is shown, pixels.
        width: of the piece of each that it is shown, pixels.
        hidden: units of the head.
        classes: 0, 90, 180, 270 degrees.
    """

    backbone: VGGSpec = VGGSpec()
    height: int = 48
    width: int = 192
    hidden: int = 512
    classes: int = 4


@dataclass(frozen=True)
class VGGCTPNSpec:
    """CTPN as published (Tian et al. 2016, sections 3.1 to 3.4).

    VGG16 to conv5 (stride 16), a 3x3 window to 512 channels, a BiLSTM along each row, a
    512-wide layer, and for each of k anchors two scores, two vertical coordinates and one
    side-refinement offset.

    Attributes:
        row: height of a grid cell, pixels.
        backbone: conv5_3, so the last stage is not pooled.
        channels: of the 3x3 convolution over conv5.
        hidden: LSTM units per direction.
        embed: units of the layer after it.
        heights: anchor heights in pixels, each 1 / 0.7 of the one before.
    """

    row: ClassVar[int] = 16

    backbone: VGGSpec = VGGSpec(pools=4)
    channels: int = 512
    hidden: int = 128
    embed: int = 512
    heights: tuple[int, ...] = (11, 16, 22, 32, 46, 65, 93, 134, 191, 273)


@dataclass(frozen=True)
class VGGCRNNSpec:
    """CRNN as published (Shi et al. 2015, table 1): seven convolutions, two BiLSTMs, CTC.

    Pooling is 2x2 after the first and second convolution, then twice two rows into one, so
    that narrow characters keep their width; the fifth and sixth convolution are
    batch-normalised; the last is 2x2 without padding. A 32 px high line becomes W / 4 - 1
    time steps.

    Attributes:
        classes: the charset's length, blank included.
        widths: channels of the seven convolutions.
        height: input height, pixels.
        hidden: recurrent units per direction.
        rnn: lstm, as published, or gru.
        norms: indices of the batch-normalised convolutions; crnn.pytorch has 2, 4 and 6.
        overlap: the last two poolings take 2x2 windows, a column apart and padded by one on
            either side, as crnn.pytorch's do; a line then becomes W / 4 + 1 time steps.
    """

    classes: int
    widths: tuple[int, ...] = (64, 128, 256, 256, 512, 512, 512)
    height: int = 32
    hidden: int = 256
    rnn: Literal["lstm", "gru"] = "lstm"
    norms: tuple[int, ...] = (4, 5)
    overlap: bool = False

    def steps(self, width: int) -> int:
        """Time steps of a line so many pixels wide."""
        return width // 4 + (1 if self.overlap else -1)


NEVER = -30.0
"""Logit of what does not happen, in every framework."""

Spec = CRNNSpec | VGGCRNNSpec | CTPNSpec | VGGCTPNSpec | OrientationSpec | VGGOrientationSpec
"""What any of the six nets is made of."""

FORMS: dict[str, dict[str, type[Spec]]] = {
    "orientation": {"lcnet": OrientationSpec, "vgg16": VGGOrientationSpec},
    "ctpn": {"lcnet": CTPNSpec, "vgg16": VGGCTPNSpec},
    "crnn": {"lcnet": CRNNSpec, "vgg": VGGCRNNSpec},
}
"""The forms of each network, by the name that ``--net`` takes; the first is the default."""


def form_of(spec: Spec) -> str:
    """Return the name, in FORMS, of a spec's form."""
    names = {kind: name for forms in FORMS.values() for name, kind in forms.items()}
    return names[type(spec)]


def parse_spec(network: str, form: str, values: dict[str, Any]) -> Spec:
    """Rebuild a spec from plain values: the inverse of ``dataclasses.asdict``, through JSON too.

    Raises:
        WeightsError: there is no such form, or the values are not those of its spec.
    """
    try:
        spec: Spec = _parse(FORMS[network][form], values)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"no {network} of form {form} is made of {values}: {error}; "
            "use a card that this version wrote"
        ) from error
    return spec


def _parse(kind: Any, value: Any) -> Any:
    """Turn plain values into what a type annotation says."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{key: _parse(hints[key], v) for key, v in value.items()})
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_parse(k, v) for k, v in zip(kinds, value, strict=True))
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ValueError(f"{value!r} is none of {get_args(kind)}")
        return value
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is not of type {kind.__name__}")
    return value
