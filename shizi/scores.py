"""Scores of text, detection, orientation and whole pages. Counts add up over pages and sets."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shizi.extras import needed
from shizi.geometry import area, intersection, quad_to_box
from shizi.layout import arrange
from shizi.page import Quads

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ANGLES = (0, 90, 180, 270)
COVER_POINTS = 24
"""Points along a truth line's middle at which coverage is probed."""

SPLIT_RECALL, SPLIT_PRECISION = 0.8, 0.4
"""Area shares of Wolf & Jolion, "Object count/area graphs", IJDAR 2006, as in DetEval."""


@dataclass(frozen=True)
class TextRules:
    """What a comparison of texts overlooks; the same rules go to what was read and to the truth.

    Attributes:
        ignore_case: upper and lower case are equal.
        ignore_spaces: white space is dropped; else runs of it count as one space.
        drop: characters dropped.
        fold_width: full-width and half-width forms are equal (Unicode NFKC).
    """

    ignore_case: bool = False
    ignore_spaces: bool = False
    drop: str = ""
    fold_width: bool = False

    def __call__(self, text: str) -> str:
        """Return the text as it is compared."""
        if self.fold_width:
            text = unicodedata.normalize("NFKC", text)
        if self.drop:
            text = text.translate(dict.fromkeys(map(ord, self.drop)))
        if self.ignore_case:
            text = text.casefold()
        return ("" if self.ignore_spaces else " ").join(text.split())


@dataclass(frozen=True)
class TextScore:
    """Counts over lines of text.

    Attributes:
        edits: characters to insert, delete or replace.
        chars: of the truth.
        exact: lines read without an edit.
        lines: of the truth.
        likeness: sum over lines of 1 - edits / length of the longer text (1-NED).
    """

    edits: int = 0
    chars: int = 0
    exact: int = 0
    lines: int = 0
    likeness: float = 0.0

    def __add__(self, other: TextScore) -> TextScore:
        return TextScore(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def cer(self) -> float:
        """Character error rate: edits per true character."""
        return self.edits / max(1, self.chars)

    @property
    def accuracy(self) -> float:
        """Share of lines read without an edit."""
        return self.exact / max(1, self.lines)

    @property
    def ned(self) -> float:
        """1-NED, the mean likeness of a line."""
        return self.likeness / max(1, self.lines)


def score_text(pairs: Iterable[tuple[str, str]], rules: TextRules = TextRules()) -> TextScore:
    """Score pairs of (read, truth), a line each.

    Raises:
        MissingExtraError: rapidfuzz is not installed.
    """
    with needed("scoring"):  # here, for all else of this room does without
        from rapidfuzz.distance import Levenshtein
    total = TextScore()
    for read, truth in pairs:
        a, b = rules(read), rules(truth)
        edits = Levenshtein.distance(a, b)
        total += TextScore(edits, len(b), a == b, 1, 1 - edits / max(1, len(a), len(b)))
    return total


def cer(pairs: Iterable[tuple[str, str]], rules: TextRules = TextRules()) -> float:
    """Total edit distance over total truth length, of pairs (read, truth)."""
    return score_text(pairs, rules).cer


@dataclass(frozen=True)
class DetectionScore:
    """Counts over the text lines of pages.

    Attributes:
        right: found lines matched one to one with a true line.
        found: lines found, those in ignored places left out.
        wanted: true lines, ignored ones left out.
        split_recall: true lines found, one by one or split or merged (DetEval).
        split_precision: found lines that are right in that sense.
        covered: true characters under a found line.
        chars: true characters.
    """

    right: int = 0
    found: int = 0
    wanted: int = 0
    split_recall: int = 0
    split_precision: int = 0
    covered: float = 0.0
    chars: int = 0

    def __add__(self, other: DetectionScore) -> DetectionScore:
        return DetectionScore(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def precision(self) -> float:
        return self.right / max(1, self.found)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.wanted)

    @property
    def f(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.right / max(1, self.found + self.wanted)

    @property
    def split_f(self) -> float:
        """F that forgives splitting a line and merging lines."""
        p = self.split_precision / max(1, self.found)
        r = self.split_recall / max(1, self.wanted)
        return 2 * p * r / max(p + r, 1e-9)

    @property
    def coverage(self) -> float:
        """Share of the true characters that lie under a found line."""
        return self.covered / max(1, self.chars)


def score_detection(
    found: Quads, truth: Quads, texts: Sequence[str], ignore: Flags, least_iou: float = 0.5
) -> DetectionScore:
    """Match found quads with true ones by the ICDAR 2015 protocol.

    Args:
        found: shape (F, 4, 2).
        truth: shape (T, 4, 2).
        texts: what the T lines say; their lengths weigh the coverage.
        ignore: shape (T,), true where finding or missing a line counts for nothing.
        least_iou: a match needs more overlap than this.
    """
    inter = intersections(found, truth)  # (F, T)
    in_ignored = _in_ignored(inter, found, ignore)
    found, inter = found[~in_ignored], inter[~in_ignored]
    truth, inter = truth[~ignore], inter[:, ~ignore]
    lengths = [max(1, len(t)) for t, skip in zip(texts, ignore, strict=True) if not skip]

    area_found, area_truth = _areas(found), _areas(truth)
    union = area_found[:, None] + area_truth[None] - inter
    iou = inter / np.maximum(union, 1e-9)
    recall, precision = inter / area_truth[None], inter / area_found[:, None]
    inside = precision >= SPLIT_PRECISION  # a piece of a line
    around = recall >= SPLIT_RECALL  # a line within a larger find
    whole = (recall * inside).sum(0) >= SPLIT_RECALL  # (T,) lines covered by their pieces
    merged = (precision * around).sum(1) >= SPLIT_PRECISION  # (F,) finds filled by lines
    pairs = np.array(match(iou, least_iou), dtype=np.intp).reshape(-1, 2)
    right_found, right_truth = np.zeros(len(found), bool), np.zeros(len(truth), bool)
    right_found[pairs[:, 0]], right_truth[pairs[:, 1]] = True, True
    covered = sum(n * _coverage(found, quad) for n, quad in zip(lengths, truth, strict=True))
    return DetectionScore(
        right=len(pairs),
        found=len(found),
        wanted=len(truth),
        split_recall=int((right_truth | whole | (around & merged[:, None]).any(0)).sum()),
        split_precision=int((right_found | merged | (inside & whole[None]).any(1)).sum()),
        covered=covered,
        chars=sum(lengths),
    )


def intersections(a: Quads, b: Quads) -> Floats:
    """Common area of convex quads a (N, 4, 2) and b (M, 4, 2) as (N, M)."""
    common = np.zeros((len(a), len(b)))
    if not common.size:
        return common
    boxes_a, boxes_b = quad_to_box(a), quad_to_box(b)
    low = np.maximum(boxes_a[:, None, :2], boxes_b[None, :, :2])
    high = np.minimum(boxes_a[:, None, 2:], boxes_b[None, :, 2:])
    for i, j in np.argwhere((high > low).all(-1)):
        common[i, j] = intersection(a[i], b[j])
    return common


def match(iou: Floats, least: float) -> list[tuple[int, int]]:
    """Pair rows with columns one to one, the greatest overlaps above ``least`` first."""
    pairs: list[tuple[int, int]] = []
    rows, columns = set[int](), set[int]()
    candidates = np.argwhere(iou > least)
    for i, j in candidates[np.argsort(-iou[iou > least], kind="stable")].tolist():
        if i not in rows and j not in columns:
            rows.add(i)
            columns.add(j)
            pairs.append((i, j))
    return pairs


def _areas(quads: Quads) -> Floats:
    return np.maximum(area(quads.astype(np.float64)), 1e-9)


def _in_ignored(inter: Floats, found: Quads, ignore: Flags) -> Flags:
    """Which found quads lie by more than half in an ignored one: (F,)."""
    if not ignore.any():
        return np.zeros(len(found), dtype=bool)
    return np.asarray(inter[:, ignore].max(1) > 0.5 * _areas(found))


def _coverage(found: Quads, quad: NDArray[np.float32]) -> float:
    """Share of a true line (4, 2), along its middle, that lies in found quads (F, 4, 2)."""
    top, right, low, left = quad.astype(np.float64)
    ends = ((top + left) / 2, (right + low) / 2)
    if np.linalg.norm(left - top) > np.linalg.norm(right - top):  # vertical text
        ends = ((top + right) / 2, (left + low) / 2)
    share = (np.arange(COVER_POINTS)[:, None] + 0.5) / COVER_POINTS
    points = ends[0] + share * (ends[1] - ends[0])  # (P, 2)
    edges = np.roll(found, -1, axis=1) - found  # (F, 4, 2)
    away = points[:, None, None] - found[None]  # (P, F, 4, 2)
    side = edges[None, ..., 0] * away[..., 1] - edges[None, ..., 1] * away[..., 0]
    within = (side >= 0).all(-1) | (side <= 0).all(-1)  # (P, F), either winding
    return float(within.any(1).mean())


def score_page(
    quads: Quads,
    read: Sequence[str],
    truth: Quads,
    texts: Sequence[str],
    ignore: Flags,
    rules: TextRules = TextRules(),
) -> TextScore:
    """Score a page read from end to end: by position, not by order.

    Found and true lines that overlap form groups, and within a group both sides are
    put together in reading order: a line that was split or two that were merged cost
    nothing by themselves. A missed line costs all its characters, a line found where
    there is none costs all that was read, one in an ignored place costs nothing.

    Args:
        quads: found lines, shape (F, 4, 2).
        read: what they were read as.
        truth: true lines, shape (T, 4, 2).
        texts: what they say.
        ignore: shape (T,).
        rules: how texts are compared.
    """
    inter = intersections(quads, truth)
    kept = np.flatnonzero(~_in_ignored(inter, quads, ignore))
    wanted = np.flatnonzero(~ignore)
    quads, inter = quads[kept], inter[np.ix_(kept, wanted)]
    linked = inter > 0.5 * _areas(truth[wanted])[None]  # lines within a larger find
    if inter.size:
        best = inter.argmax(1)
        linked[np.arange(len(kept)), best] |= inter.max(1) > 0.1 * _areas(quads)
    pairs = [
        (
            _joined(quads[f], [read[kept[i]] for i in f]),
            _joined(truth[wanted[t]], [texts[wanted[i]] for i in t]),
        )
        for f, t in _groups(linked)
    ]
    score = score_text(pairs, rules)
    # A false line is an error but not a line of the truth.
    return TextScore(
        score.edits, score.chars, sum(rules(a) == rules(b) for a, b in pairs if b),
        sum(bool(b) for _, b in pairs), score.likeness,
    )  # fmt: skip


def score_lines(
    quads: Quads,
    read: Sequence[str],
    truth: Quads,
    texts: Sequence[str],
    ignore: Flags,
    rules: TextRules = TextRules(),
    least_iou: float = 0.5,
) -> TextScore:
    """Score a page read from end to end, line by line: nothing is forgiven.

    A true line is compared with the one found line that lies in its place, as in ICDAR 2015's
    end-to-end protocol. A missed line costs all its characters, and so does a found one that
    is no line's: of two lines that were merged, or of a split one, most is wrong.

    Args:
        quads: found lines, shape (F, 4, 2).
        read: what they were read as.
        truth: true lines, shape (T, 4, 2).
        texts: what they say.
        ignore: shape (T,).
        rules: how texts are compared.
        least_iou: a line lies in another's place with more overlap than this.
    """
    inter = intersections(quads, truth)  # (F, T)
    union = _areas(quads)[:, None] + _areas(truth)[None] - inter
    wanted = np.flatnonzero(~ignore)
    kept = np.flatnonzero(~_in_ignored(inter, quads, ignore))
    pairs = match((inter / np.maximum(union, 1e-9))[np.ix_(kept, wanted)], least_iou)
    matched = {int(wanted[t]): int(kept[f]) for f, t in pairs}
    lines = [(read[matched[t]] if t in matched else "", texts[t]) for t in wanted.tolist()]
    total = score_text(lines, rules)
    strays = [(read[f], "") for f in kept.tolist() if f not in matched.values()]
    return replace(total, edits=total.edits + score_text(strays, rules).edits)


def _groups(linked: Flags) -> list[tuple[list[int], list[int]]]:
    """Connected components of a bipartite graph (F, T), lone nodes included."""
    rows, columns = linked.shape
    left = set(range(rows + columns))
    groups = []
    while left:
        stack, members = [min(left)], set[int]()
        while stack:
            node = stack.pop()
            if node in members:
                continue
            members.add(node)
            if node < rows:
                stack += (rows + np.flatnonzero(linked[node])).tolist()
            else:
                stack += np.flatnonzero(linked[:, node - rows]).tolist()
        left -= members
        groups.append(
            (sorted(m for m in members if m < rows), sorted(m - rows for m in members if m >= rows))
        )
    return groups


def _joined(quads: Quads, texts: Sequence[str]) -> str:
    if len(texts) < 2:
        return "".join(texts)
    return " ".join(texts[place.index] for place in arrange(quads, texts))


def search(needle: str, text: str) -> int:
    """Least edits between ``needle`` and any stretch of ``text`` (Sellers 1980)."""
    row = [0] * (len(text) + 1)
    for i, a in enumerate(needle, 1):
        before, row = row, [i]
        for j, b in enumerate(text, 1):
            row.append(min(before[j - 1] + (a != b), before[j] + 1, row[j - 1] + 1))
    return min(row)


def confusion(pairs: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """Count pairs (answer, truth) of angles: rows are the truth, columns the answer, (4, 4)."""
    counts = np.zeros((len(ANGLES), len(ANGLES)), dtype=np.int64)
    for answer, truth in pairs:
        counts[ANGLES.index(truth), ANGLES.index(answer)] += 1
    return counts
