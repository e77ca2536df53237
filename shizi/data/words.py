"""Word boxes that continue each other become line boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shizi.data.items import PageItem
from shizi.page import Quads


def join_words(item: PageItem) -> PageItem:
    """Join word quads that continue each other into line quads.

    Two words continue each other when they are of like height, on one baseline, and less
    than a line height apart.
    """
    quads = [quad.astype(np.float64) for quad in item.quads]
    texts, ignore = item.texts, item.ignore.tolist()
    following = {i: next_word(quads, ignore, i) for i in range(len(quads))}
    follows = set(following.values())
    lines: list[tuple[Quads, str, bool]] = []
    for first in range(len(quads)):
        if first in follows:
            continue
        chain = [first]
        while (after := following[chain[-1]]) is not None and after not in chain:
            chain.append(after)
        ends = quads[chain[0]], quads[chain[-1]]
        quad = np.stack([ends[0][0], ends[1][1], ends[1][2], ends[0][3]]).astype(np.float32)
        lines.append((quad, " ".join(texts[i] for i in chain).strip(), bool(ignore[first])))
    return replace(
        item,
        quads=np.array([line[0] for line in lines], np.float32).reshape(-1, 4, 2),
        texts=tuple(line[1] for line in lines),
        ignore=np.array([line[2] for line in lines], bool),
    )


def next_word(quads: Sequence[NDArray[np.float64]], ignore: Sequence[bool], i: int) -> int | None:
    """Return the index of the word that continues word ``i`` to the right, if there is one."""
    a = quads[i]
    height = float(np.linalg.norm(a[2] - a[1]))
    along = (a[1] - a[0]) / max(float(np.linalg.norm(a[1] - a[0])), 1e-6)
    best, best_gap = None, height
    for j, b in enumerate(quads):
        if j == i or ignore[j] != ignore[i]:
            continue
        other = float(np.linalg.norm(b[3] - b[0]))
        gap = (b[0] + b[3] - a[1] - a[2]) / 2  # from the end of a to the start of b
        ahead = float(gap @ along)
        aside = abs(float(gap[0] * along[1] - gap[1] * along[0]))
        alike = min(height, other) > 0.6 * max(height, other)
        if alike and aside < 0.35 * height and -0.3 * height < ahead < best_gap:
            best, best_gap = j, ahead
    return best
