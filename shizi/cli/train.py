"""``shizi train``: one subcommand a network."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Group, Parameter

from shizi.cli.show import say, wide_console
from shizi.train.loop.schedule import LoopOptions
from shizi.train.options import (
    CRNNInitOptions,
    CRNNOptions,
    CTPNOptions,
    InitOptions,
    OrientationTrainOptions,
)

train = App(name="train")

_DATA, _NET, _LOOP = (Group.create_ordered(name) for name in ("Data", "Net", "Run"))
Init = Annotated[InitOptions, Parameter(name="*", group=_NET)]
CRNNInit = Annotated[CRNNInitOptions, Parameter(name="*", group=_NET)]
Loop = Annotated[LoopOptions, Parameter(name="*", group=_LOOP)]


_PAGES = CTPNOptions()


@train.command
def crnn(
    *,
    data: Annotated[CRNNOptions, Parameter(name="*", group=_DATA)] = CRNNOptions(),
    init: CRNNInit = CRNNInitOptions(),
    loop: Loop = LoopOptions(),
) -> int:
    """Train the text recogniser on lines: labels.tsv, LMDB or PaddleOCR.

    shizi train crnn --data data/lines --val real/lines --out runs/crnn
    shizi train crnn --stage tune --init shipped --data own --val own-val --out runs/own
    """
    from shizi.train.start import train_crnn

    return _told(train_crnn(data, loop, init), loop)


@train.command
def ctpn(
    *,
    data: Annotated[CTPNOptions, Parameter(name="*", group=_DATA)] = _PAGES,
    init: Init = InitOptions(),
    loop: Loop = LoopOptions(),
) -> int:
    """Train the text-line detector on pages: labels.jsonl, PaddleOCR, ICDAR or Pascal VOC.

    shizi train ctpn --data data/pages --val real/pages --out runs/ctpn
    shizi train ctpn --data data/pages --val real/pages --out runs/ctpn --resume
    """
    from shizi.train.start import train_ctpn

    return _told(train_ctpn(data, loop, init), loop)


@train.command
def orientation(
    *,
    data: Annotated[OrientationTrainOptions, Parameter(name="*", group=_DATA)],
    init: Init = InitOptions(),
    loop: Loop = LoopOptions(),
) -> int:
    """Train the page-orientation classifier on lines, or on upright pictures.

    shizi train orientation --data data/lines data/pages --val real/pages --out runs/angle
    shizi train orientation --net vgg16 --data photos --val real/pages --out runs/vgg
    """
    from shizi.train.start import train_orientation

    return _told(train_orientation(data, loop, init), loop)


def _told(figures: dict[str, float], loop: LoopOptions) -> int:
    """Say which rate to take where one was looked for; a run tells of itself."""
    if loop.find_lr:
        picture = loop.out / "rates.png"
        say(wide_console(), f"take --lr {figures['lr']:.0e}; {picture} shows why")
    return 0
