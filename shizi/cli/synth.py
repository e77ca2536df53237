"""``shizi synth``: synthetic text to train on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import App, Group, Parameter

from shizi.synth import SynthLineOptions, SynthPageOptions, write_lines, write_pages
from shizi.synth.captcha import write_captchas
from shizi.synth.meters import write_meters

synth = App(name="synth")


@dataclass(frozen=True)
class WriteOptions:
    """Where and how much.

    Attributes:
        out: folder to write; a stopped run goes on when called again.
        count: pictures.
        seed: another seed gives other pictures.
        workers: processes.
    """

    out: Path
    count: int = 1000
    seed: int = 1
    workers: int = os.cpu_count() or 1


_WRITE, _LOOKS = (Group.create_ordered(name) for name in ("Output", "Looks"))
_LINES, _PAGES = SynthLineOptions(), SynthPageOptions()
Write = Annotated[WriteOptions, Parameter(name="*", group=_WRITE)]


@synth.command
def lines(
    *,
    output: Write,
    looks: Annotated[SynthLineOptions, Parameter(name="*", group=_LOOKS)] = _LINES,
) -> int:
    """Render line crops with labels.tsv, for the recogniser.

    shizi synth lines --out data/lines --count 40000
    shizi synth lines --out data/mine --texts words.txt --fonts fonts
    """
    write_lines(looks, output.out, output.count, output.seed, output.workers)
    return 0


@synth.command
def pages(
    *,
    output: Write,
    looks: Annotated[SynthPageOptions, Parameter(name="*", group=_LOOKS)] = _PAGES,
) -> int:
    """Render pages with labels.jsonl, for the detector and the orientation classifier.

    shizi synth pages --out data/pages --count 4000
    shizi synth pages --out data/more --seed 2 --backgrounds photos
    """
    write_pages(looks, output.out, output.count, output.seed, output.workers)
    return 0


@synth.command
def captchas(*, output: Write) -> int:
    """Draw captchas of four to six letters and digits, with labels.tsv, for the recogniser.

    shizi synth captchas --out data/captcha --count 500
    shizi synth captchas --out data/more --seed 7
    """
    write_captchas(output.out, output.count, output.seed, output.workers)
    return 0


@synth.command
def meters(*, output: Write) -> int:
    """Draw readings of seven-segment displays, with labels.tsv, to fine-tune on.

    shizi synth meters --out data/meters --count 200
    shizi synth meters --out data/val --seed 2
    """
    write_meters(output.out, output.count, output.seed, output.workers)
    return 0
