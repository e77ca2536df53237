"""What each network is made of. Plain data: every framework's nets are built from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """One LCNet block: 3x3 depthwise (+ squeeze-excite), then 1x1 expand x2 and 1x1 project.

    Attributes:
        width: output channels.
        stride: (vertical, horizontal) stride of the depthwise convolution.
        excite: squeeze-and-excitation after the depthwise convolution.
    """

    width: int
    stride: tuple[int, int] = (1, 1)
    excite: bool = False


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
        squeeze: channels between backbone and GRU.
        hidden: GRU units per direction.
        embed: channels that the classifier sees.
        classes: the charset's length, blank included.
    """

    classes: int
    backbone: LCNetSpec = LCNET_REC
    height: int = 48
    squeeze: int = 192
    hidden: int = 128
    embed: int = 120


@dataclass(frozen=True)
class CTPNSpec:
    """Text-line detector after Tian et al. 2016 on an LCNet backbone.

    Slices are 16 px wide as in the paper, but the grid is 8 px high, so that rows of
    10 px text fall into different cells. Each anchor yields one text score, centre and
    height (paper, eq. 2), and for either side a score (the slice holds that end of its
    line) and an offset to the end (paper, eq. 4).

    Attributes:
        backbone: returns maps at stride 8, 16 and 32.
        channels: of the fused map.
        hidden: LSTM units per direction.
        heights: anchor heights in pixels.
    """

    backbone: LCNetSpec = LCNET_DET
    channels: int = 128
    hidden: int = 64
    heights: tuple[int, ...] = (8, 11, 16, 23, 33, 48, 68, 97, 139, 198)


@dataclass(frozen=True)
class OrientationSpec:
    """Tile classifier: which way up is the text, or is there none.

    Attributes:
        backbone: the first blocks of the detector's, to stride 16.
        tile: side of the square input, pixels.
        hidden: units of the head.
    """

    backbone: LCNetSpec = LCNetSpec(stem=24, blocks=LCNET_DET.blocks[:10], taps=(9,))
    tile: int = 192
    hidden: int = 128
    classes: int = 5
