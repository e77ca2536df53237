"""``shizi eval``: how well shizi does on labelled pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Group, Parameter
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from shizi import weights
from shizi.cli.show import say, table, wide_console, write_json
from shizi.errors import DataError
from shizi.evaluate import (
    ANGLES,
    ReaderSystem,
    Result,
    System,
    Task,
    describe,
    run_eval,
    together,
)
from shizi.evaluate.calibration import BINS, calibrate, reliability
from shizi.evaluate.plot import plot_confusion, plot_reliability
from shizi.evaluate.sets import EvalOptions, LiveEvalOptions
from shizi.reader import Reader, ReaderOptions
from shizi.scores import TextRules

if TYPE_CHECKING:
    from shizi.evaluate.rooms import ChatResult, ClipResult

eval = App(name="eval")

_WHAT, _READING = (Group.create_ordered(name) for name in ("Evaluation", "Reading"))
What = Annotated[EvalOptions, Parameter(name="*", group=_WHAT)]
Reading = Annotated[ReaderOptions, Parameter(name="*", group=_READING)]
_DEFAULT = ReaderOptions()


@eval.command
def recognition(*, what: What, reading: Reading = _DEFAULT) -> int:
    """Character errors and exact lines of the recogniser, and whether its scores can be believed.

    shizi eval recognition --data real/lines --weights my-weights
    shizi eval recognition --data drawn:doubled drawn:prices --fonts unseen --plot scores.png
    shizi eval recognition --data real/lines --weights my-weights --calibrate
    """
    reader = Reader(reading)
    results = score("recognition", what, ReaderSystem(reader))
    if what.calibrate:
        fit = calibrate([result.judged or [] for result in results], reader.recognizer.fit)
        console = wide_console()
        console.print(f"fitted: surprise {fit.surprise:.3f}, slope {fit.slope:.3f}")
        if reading.weights:
            weights.note(reading.weights, fit)
            console.print(f"noted on the card in {reading.weights}; lines are scored by it now")
    return 0


@eval.command
def detection(*, what: What, reading: Reading = _DEFAULT) -> int:
    """Precision, recall and F of the detector at IoU 0.5.

    shizi eval detection --data real/pages
    shizi eval detection --data real/pages --limit 50
    """
    score("detection", what, ReaderSystem(Reader(reading)))
    return 0


@eval.command
def orientation(*, what: What, reading: Reading = _DEFAULT) -> int:
    """Accuracy of the orientation, every picture in four rotations.

    shizi eval orientation --data real/pages
    shizi eval orientation --data real/pages --plot angles.png
    """
    score("orientation", what, ReaderSystem(Reader(reading)))
    return 0


@eval.command
def pages(*, what: What, reading: Reading = _DEFAULT) -> int:
    """Character errors of whole pages, upright and rotated.

    shizi eval pages --data real/pages
    shizi eval pages --data real/pages --ignore-spaces --json figures.json
    """
    score("pages", what, ReaderSystem(Reader(reading)))
    return 0


@eval.command
def live(*, what: Annotated[LiveEvalOptions, Parameter(name="*")]) -> int:
    """Events of live rooms against those that happened; messages of their screenshots.

    shizi eval live --data clips
    shizi eval live --data clips --mistakes
    """
    from shizi.evaluate.rooms import run_live_eval  # needs the live extra

    found = run_live_eval(what)
    console = Console()
    for line in found.mistakes if what.mistakes else ():
        say(console, line)
    if found.clips:
        console.print(_clips(found.clips))
    if found.shots:
        console.print(_shots(found.shots))
    if what.json:
        clips = {clip.name: clip.figures() for clip in found.clips}
        shots = {
            shot.name: {"right": shot.right, "messages": shot.messages, "told": shot.told}
            for shot in found.shots
        }
        write_json(what.json, {"clips": clips, "screenshots": shots})
    return 0


def score(task: Task, what: EvalOptions, system: System) -> list[Result]:
    """Evaluate a system, show a table and write what was asked for.

    Raises:
        DataError: a set is broken, none of them suits the task, or a plot or a fit is wanted of
            a task that has none.
        MissingExtraError: a plot is wanted and matplotlib is not installed.
    """
    if what.plot and task not in ("orientation", "recognition"):
        raise DataError(f"--plot draws angles or scores; {task} has neither, drop it")
    if what.calibrate and task != "recognition":
        raise DataError(f"--calibrate fits the scores of lines; {task} has none, drop it")
    rules = [f.name for f in fields(TextRules) if getattr(what, f.name) is not None]
    if rules and task not in ("recognition", "pages"):
        name = rules[0].replace("_", "-")
        raise DataError(f"--{name} tells how texts are compared; {task} compares none, drop it")
    results = run_eval(task, what, system)
    console = wide_console()
    console.print(_figures(results))
    if task == "orientation":
        counts = together(results)
        console.print("all sets: true angles by answers")
        rows = zip(ANGLES, counts, strict=True)
        cells = [[str(angle), *map(str, row)] for angle, row in rows]
        console.print(table(["", *map(str, ANGLES)], cells))
        if what.plot:
            plot_confusion(counts, what.plot)
    if task == "recognition":
        _scores(console, results, what)
    if what.json:
        write_json(what.json, [asdict(result) for result in results])
    return results


def _scores(console: Console, results: Sequence[Result], what: EvalOptions) -> None:
    """Say how often lines are wrong by their score, and draw that where it is wanted."""
    sets = {result.set: result.judged or [] for result in results}
    console.print("by score: share of the lines, and how many of these are wrong, in %")
    rows = []
    for name, judged in (*sets.items(), ("all", [j for each in sets.values() for j in each])):
        cells = [
            f"{100 * b.lines / max(1, len(judged)):.0f}: {100 * b.share_wrong:.1f}"
            if b.lines
            else "-"
            for b in reliability(judged)
        ]
        rows.append([name, *cells])
    columns = [f"{low:g} to {high:g}" for low, high in pairwise(BINS)]
    console.print(table(["set", *columns], rows, left=("set",)))
    if what.plot:
        plot_reliability(sets, what.plot)


def _figures(results: Sequence[Result]) -> Table:
    """A row a set; shares in percent, counts as they are."""
    rows = []
    for result in results:
        figures = [
            f"{value:,}" if isinstance(value, int) else f"{100 * value:.2f}"
            for value in result.figures.values()
        ]
        rows.append([result.set, *figures, *([describe(result.rules)] if result.rules else [])])
    words = ["overlooked"] if results[0].rules else []
    return table(["set", *results[0].figures, *words], rows, left=("set", "overlooked"))


def _clips(clips: Sequence[ClipResult]) -> Table:
    """What fits 80 columns; precision, recall and more are in the JSON file."""
    columns = (
        "clip", "events", "F1", "user CER", "text CER", "gift counts", "levels", "told twice",
        "delay", "speed",
    )  # fmt: skip
    shares = ("f1", "user_cer", "text_cer", "gift_counts", "levels")
    rows = []
    for clip in clips:
        f = clip.figures()
        row = [f"{100 * f[key]:.1f}" for key in shares]
        speed = [f"{f['delay_p95']:.2f}", f"{f['factor']:.1f}"]
        rows.append([clip.name, f"{f['events']:.0f}", *row, f"{f['doubles']:.0f}", *speed])
    out = table(columns, rows, left=("clip",))
    out.box, out.padding = SIMPLE, 0
    out.caption = (
        "shares in %; delay: seconds from a row's first sight to its event, 95th percentile"
        " (of the stream); speed: in times real time"
    )
    return out


def _shots(shots: Sequence[ChatResult]) -> Table:
    """A row a screenshot, and one of all."""
    rows = [[shot.name, str(shot.messages), str(shot.right), str(shot.told)] for shot in shots]
    right, there = sum(s.right for s in shots), sum(s.messages for s in shots)
    share = f"{right} ({100 * right / max(1, there):.1f} %)"
    rows.append(["all", str(there), share, str(sum(s.told for s in shots))])
    columns = ("screenshot", "messages", "user and text right", "told")
    return table(columns, rows, left=("screenshot",))
