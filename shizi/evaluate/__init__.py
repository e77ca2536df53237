"""Scores of a reading system on labelled pictures, set by set.

A set is a folder with ``labels.jsonl`` (pages with placed lines), ``labels.tsv`` (line
crops) or ``chats.jsonl`` (screenshots with a chat area). Pages marked ``"complete": false``
have text that is not labelled: their lines are read, but nothing is searched on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from shizi.data import PageItem
from shizi.errors import DataError
from shizi.evaluate.calibration import Judged
from shizi.evaluate.sets import (
    Chat,
    DataSet,
    EvalOptions,
    crops_of,
    load_set,
    rules_for,
    shown,
)
from shizi.geometry import map_back, rotate90
from shizi.layout import arrange
from shizi.page import Image, Quads
from shizi.reader import Reader
from shizi.scores import (
    ANGLES,
    DetectionScore,
    TextRules,
    TextScore,
    confusion,
    score_detection,
    score_lines,
    score_page,
    score_text,
    search,
)

__all__ = [
    "ANGLES",
    "DetectionScore",
    "EvalOptions",
    "Found",
    "PagesScore",
    "ReaderSystem",
    "Result",
    "Said",
    "System",
    "Task",
    "TextScore",
    "as_found",
    "describe",
    "detection",
    "orientation",
    "pages",
    "read_turned",
    "recognition",
    "run_eval",
    "score_read",
    "together",
]

Task = Literal["recognition", "detection", "orientation", "pages"]
Found = tuple[Quads, list[str]]
"""Quads (N, 4, 2) in pixels of the picture given, and what each says."""

Said = tuple[str, float]
"""What a line says, and how certain that is, 0 to 1."""

CROPS_AT_ONCE = 32
CHAT_MARKS = "：:"  # between a name and a message; some rooms draw none


class System(Protocol):
    """Anything that reads text from RGB pictures."""

    def read_lines(self, crops: Sequence[Image]) -> list[Said]:
        """Read line crops, each (h, w, 3)."""

    def detect(self, image: Image) -> Quads:
        """Find the lines of an upright picture."""

    def angle(self, image: Image) -> int:
        """Return by how many degrees clockwise the content stands rotated: 0, 90, 180, 270."""

    def read(self, image: Image) -> Found:
        """Read a whole picture, in any orientation."""


@dataclass(frozen=True)
class ReaderSystem:
    """A :class:`~shizi.reader.Reader` as a system."""

    reader: Reader

    def read_lines(self, crops: Sequence[Image]) -> list[Said]:
        """See :class:`System`."""
        readings = self.reader.recognizer.read(crops)
        return [(r.text, self.reader.recognizer.certainty(r)) for r in readings]

    def detect(self, image: Image) -> Quads:
        """See :class:`System`."""
        return self.reader.detector(image)[0]

    def angle(self, image: Image) -> int:
        """See :class:`System`."""
        return self.reader.upright(image).angle

    def read(self, image: Image) -> Found:
        """See :class:`System`."""
        return as_found(
            (line.quad.points, line.text) for line in self.reader.read_image(image).lines
        )


@dataclass(frozen=True)
class Result:
    """Figures of one set. Shares are 0 to 1; a confusion has the true angles as rows.

    ``judged`` has the score of every line and whether it was right.
    """

    set: str
    figures: dict[str, float]
    rules: TextRules | None = None
    confusion: list[list[int]] | None = None
    judged: list[Judged] | None = None


def as_found(lines: Iterable[tuple[Any, str]]) -> Found:
    """Pack (quad, text) pairs; a quad is anything of shape (4, 2)."""
    pairs = list(lines)
    quads = np.array([quad for quad, _ in pairs], dtype=np.float32).reshape(-1, 4, 2)
    return quads, [text for _, text in pairs]


def recognition(system: System, data: DataSet, rules: TextRules) -> tuple[TextScore, list[Judged]]:
    """Read the line crops of a set: its score, and that of every line."""
    total, judged = TextScore(), list[Judged]()
    crops = crops_of(data)
    while chunk := list(islice(crops, CROPS_AT_ONCE)):
        said = system.read_lines([crop for crop, _ in chunk])
        for (read, sure), (_, text) in zip(said, chunk, strict=True):
            line = score_text([(read, text)], rules)
            total += line
            judged.append((sure, line.edits == 0))
    return total, judged


def detection(system: System, data: DataSet) -> DetectionScore:
    """Find the lines of a set's pages."""
    total = DetectionScore()
    for page in data.pages:
        found = system.detect(shown(page))
        total += score_detection(found, page.quads, page.texts, page.ignore)
    return total


def orientation(system: System, data: DataSet) -> NDArray[np.int64]:
    """Turn every picture four ways: counts (4, 4), rows the truth, columns the answer."""
    items: list[PageItem | Chat] = [*data.pages, *data.partial, *data.chats]
    return confusion(
        (system.angle(rotate90(image, -angle)), angle)
        for image in map(shown, items)
        for angle in ANGLES
    )


def read_turned(system: System, image: Image, angle: int) -> Found:
    """Read an upright image that was turned clockwise; quads are mapped back onto it."""
    quads, texts = system.read(rotate90(image, -angle))
    height, width = image.shape[:2]
    return map_back(quads, -angle, width, height), texts


def score_read(
    found: Found, item: PageItem | Chat, rules: TextRules, strict: bool = False
) -> TextScore:
    """Score what was read of a whole page, or of a screenshot's chat area.

    Args:
        found: what was read.
        item: the page.
        rules: how texts are compared.
        strict: a page's lines must be found one by one; else splits and merges are forgiven.
    """
    if isinstance(item, PageItem):
        how = score_lines if strict else score_page
        return how(*found, item.quads, item.texts, item.ignore, rules)
    quads, texts = found
    left, top, right, bottom = item.area
    x, y = quads.mean(1).T if len(quads) else np.zeros((2, 0))
    inside = np.flatnonzero((left <= x) & (x <= right) & (top <= y) & (y <= bottom))
    read = [texts[i] for i in inside]
    places = arrange(quads[inside], read)
    plain = TextRules(**{**asdict(rules), "drop": rules.drop + CHAT_MARKS, "ignore_spaces": True})
    whole = plain("".join(read[place.index] for place in places))
    total = TextScore()
    for message in map(plain, item.messages):
        edits = min(search(message, whole), len(message))
        likeness = 1 - edits / max(1, len(message))
        total += TextScore(edits, len(message), edits == 0, 1, likeness)
    return total


class PagesScore(NamedTuple):
    """Pages read from end to end.

    Attributes:
        turned: a score an angle, splits and merges of lines forgiven.
        strict: of the upright pages, lines found one by one.
    """

    turned: dict[int, TextScore]
    strict: TextScore


def pages(system: System, data: DataSet, rules: TextRules) -> PagesScore:
    """Read pages and screenshots from end to end, upright and turned."""
    turned, strict = dict.fromkeys(ANGLES, TextScore()), TextScore()
    for item in data.screens():
        image = shown(item)
        for angle in ANGLES:
            found = read_turned(system, image, angle)
            turned[angle] += score_read(found, item, rules)
            if not angle:
                strict += score_read(found, item, rules, strict=True)
    return PagesScore(turned, strict)


def text_figures(score: TextScore) -> dict[str, float]:
    """Name the figures of a text score."""
    return {
        "CER": score.cer,
        "lines exact": score.accuracy,
        "1-NED": score.ned,
        "lines": score.lines,
        "characters": score.chars,
    }


def detection_figures(score: DetectionScore) -> dict[str, float]:
    """Name the figures of a detection score."""
    return {
        "F": score.f,
        "precision": score.precision,
        "recall": score.recall,
        "F, splits and merges forgiven": score.split_f,
        "characters covered": score.coverage,
        "lines": score.wanted,
    }


def orientation_figures(counts: NDArray[np.int64]) -> dict[str, float]:
    """Name the figures of a confusion matrix (4, 4): accuracy, over all and of each angle."""
    figures: dict[str, float] = {"accuracy": counts.trace() / max(1, counts.sum())}
    for i, angle in enumerate(ANGLES):
        figures[f"at {angle}"] = counts[i, i] / max(1, counts[i].sum())
    return {**figures, "pictures": int(counts.sum())}


def page_figures(scores: PagesScore) -> dict[str, float]:
    """End-to-end CER: strict, and of each angle with splits and merges forgiven."""
    figures = {"strict CER": scores.strict.cer}
    figures |= {f"CER at {angle}": score.cer for angle, score in scores.turned.items()}
    return {**figures, "lines": scores.strict.lines, "characters": scores.strict.chars}


def evaluate(task: Task, system: System, data: DataSet, options: EvalOptions) -> Result:
    """Run one task on one set."""
    rules = rules_for(data, options)
    match task:
        case "recognition":
            total, judged = recognition(system, data, rules)
            return Result(data.name, text_figures(total), rules, judged=judged)
        case "pages":
            return Result(data.name, page_figures(pages(system, data, rules)), rules)
        case "detection":
            return Result(data.name, detection_figures(detection(system, data)))
        case "orientation":
            counts = orientation(system, data)
            return Result(data.name, orientation_figures(counts), confusion=counts.tolist())


def fits(task: Task, data: DataSet) -> bool:
    """Say whether a set has what a task needs."""
    wanted: dict[Task, Sequence[object]] = {
        "recognition": (*data.lines, *data.pages, *data.partial),
        "detection": data.pages,
        "orientation": (*data.pages, *data.partial, *data.chats),
        "pages": (*data.pages, *data.chats),
    }
    return bool(wanted[task])


def run_eval(task: Task, options: EvalOptions, system: System) -> list[Result]:
    """Evaluate a system on every set that suits the task.

    Raises:
        DataError: a set is broken, or none of them suits the task.
    """
    sets = [data for data in (load_set(f, options) for f in options.data) if fits(task, data)]
    if not sets:
        raise DataError(f"none of the folders has labels for {task}")
    return [evaluate(task, system, data, options) for data in sets]


def together(results: Sequence[Result]) -> NDArray[np.int64]:
    """Add the confusions of all sets up: (4, 4), rows the truth, columns the answer."""
    counts = [result.confusion for result in results if result.confusion]
    total: NDArray[np.int64] = np.sum(counts, axis=0, dtype=np.int64)
    return total


def describe(rules: TextRules) -> str:
    """Name what a comparison overlooks."""
    names = {"ignore_case": "case", "ignore_spaces": "spaces", "fold_width": "width"}
    found = [word for name, word in names.items() if getattr(rules, name)]
    return " ".join([*found, *rules.drop]) or "nothing"
