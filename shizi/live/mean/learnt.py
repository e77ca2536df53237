"""What a comment is about, as labelled ones taught it: logistic regression over its characters.

The features of a comment are the stretches of one to three characters in it, folded, each once
and weighed so that they have a length of 1 together; topics are told one by one, for a comment
may be about several (Joachims, "Text categorization with support vector machines", ECML 1998, for
why a linear rule over very many features does well; Wang and Manning, "Baselines and bigrams", ACL
2012, for short texts).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import IO
from zipfile import BadZipFile

import numpy as np
import regex
from numpy.typing import NDArray

from shizi.live.mean.intent import plain
from shizi.live.mean.settings import RulesError, find

Floats = NDArray[np.float32]

LONGEST = 3
"""Characters of a feature."""

SURE = 0.25
"""Probability from which a comment is about a topic: what is missed costs more than what is told
once too often."""

_CHEER = regex.compile(r"(?<!\d)(?:(\d)\1{2,}|23{2,})(?!\d)")
_BETWEEN = regex.compile(r"(?<=\d)[\s,，、./]+(?=\d)")
_DIGIT = regex.compile(r"\d")


def features(text: str) -> list[str]:
    """Return the stretches of a comment, each once, in order.

    Any digit is a 7, which no letter is folded to, and 666 or 2333 is a 6: it cheers, while two
    numbers, with & between them, are somebody's measures.
    """
    said = _BETWEEN.sub("&", _CHEER.sub("６", text))
    said = f"^{plain(_DIGIT.sub('7', said)).replace('６', '6')}$"
    found = (said[i : i + n] for n in range(1, LONGEST + 1) for i in range(len(said) - n + 1))
    return sorted(set(found) - {"^", "$"})


@dataclass(frozen=True)
class Learnt:
    """What was learnt.

    Attributes:
        topics: that it tells.
        places: of a feature among the weights.
        weights: (features, topics).
        bias: (topics,).
    """

    topics: tuple[str, ...]
    places: Mapping[str, int]
    weights: Floats
    bias: Floats

    def chances(self, text: str) -> Floats:
        """How likely a comment is about each topic, 0 to 1, shape (topics,)."""
        known = [self.places[one] for one in features(text) if one in self.places]
        if not known:
            return np.zeros_like(self.bias)
        told = self.weights[known].sum(0) / np.sqrt(len(known)) + self.bias
        return np.asarray(1 / (1 + np.exp(-told)), np.float32)

    def about(self, text: str) -> frozenset[str]:
        """The topics that a comment is about."""
        return frozenset(np.array(self.topics)[self.chances(text) >= SURE].tolist())

    def save(self, file: IO[bytes]) -> None:
        """Write it, in steps of 1/127 of each topic's largest weight."""
        step = np.maximum(np.abs(self.weights).max(0), 1e-6) / 127  # (topics,)
        np.savez_compressed(
            file,
            topics=np.array(self.topics),
            features=np.array(list(self.places)),
            weights=np.round(self.weights / step).astype(np.int8),
            step=step.astype(np.float32),
            bias=self.bias.astype(np.float32),
        )


@lru_cache(maxsize=8)
def load_learnt(name: str) -> Learnt:
    """Load what was learnt.

    Args:
        name: ``comments`` for what is shipped, or a path of a file that was learnt.

    Raises:
        RulesError: no such file, or it is something else.
    """
    path = find(name, ".npz")
    try:
        with np.load(path, allow_pickle=False) as data:
            weights = data["weights"].astype(np.float32) * data["step"]
            places = {one: i for i, one in enumerate(data["features"].tolist())}
            learnt = Learnt(tuple(data["topics"].tolist()), places, weights, data["bias"])
    except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
        raise RulesError(f"{path}: not what was learnt from comments: {error}") from error
    if weights.shape != (len(places), len(learnt.topics)) or learnt.bias.shape != weights.shape[1:]:
        raise RulesError(f"{path}: not what was learnt from comments: its parts do not fit")
    return learnt
