"""``shizi eval``: how well shizi does on labelled pictures."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Group, Parameter

from shizi.evaluate import ReaderSystem, run_eval
from shizi.evaluate.sets import EvalOptions, LiveEvalOptions
from shizi.reader import Reader, ReaderOptions

eval = App(name="eval")

_WHAT, _READING = (Group.create_ordered(name) for name in ("Evaluation", "Reading"))
What = Annotated[EvalOptions, Parameter(name="*", group=_WHAT)]
Reading = Annotated[ReaderOptions, Parameter(name="*", group=_READING)]
_DEFAULT = ReaderOptions()


@eval.command
def recognition(*, what: What, reading: Reading = _DEFAULT) -> int:
    """Character errors and exact lines of the recogniser, on true line crops.

    shizi eval recognition --data real/lines
    shizi eval recognition --data real/lines --weights my-weights
    """
    return run_eval("recognition", what, ReaderSystem(Reader(reading)))


@eval.command
def detection(*, what: What, reading: Reading = _DEFAULT) -> int:
    """Precision, recall and F of the detector at IoU 0.5.

    shizi eval detection --data real/pages
    shizi eval detection --data real/pages --limit 50
    """
    return run_eval("detection", what, ReaderSystem(Reader(reading)))


@eval.command
def orientation(*, what: What, reading: Reading = _DEFAULT) -> int:
    """Accuracy of the orientation, every picture in four rotations.

    shizi eval orientation --data real/pages
    shizi eval orientation --data real/pages --plot angles.png
    """
    return run_eval("orientation", what, ReaderSystem(Reader(reading)))


@eval.command
def pages(*, what: What, reading: Reading = _DEFAULT) -> int:
    """Character errors of whole pages, upright and rotated.

    shizi eval pages --data real/pages
    shizi eval pages --data real/pages --ignore-spaces --json figures.json
    """
    return run_eval("pages", what, ReaderSystem(Reader(reading)))


@eval.command
def live(*, what: Annotated[LiveEvalOptions, Parameter(name="*")]) -> int:
    """Events of live rooms against those that happened; messages of their screenshots.

    shizi eval live --data clips
    shizi eval live --data clips --mistakes
    """
    from shizi.evaluate.rooms import run_live_eval  # needs the live extra

    return run_live_eval(what)
