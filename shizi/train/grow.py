"""The charset of a recogniser that is trained, and a classifier that grows with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from shizi import weights
from shizi.charset import Charset
from shizi.data import BadRows, open_lines, weighed
from shizi.errors import DataError, WeightsError
from shizi.synth.captcha import ALPHABET
from shizi.train.card import read_card
from shizi.train.options import CRNNOptions

LAYER = "classify"
"""The last layer of either recogniser: a row a class."""


def choose_charset(
    name: str | None, options: CRNNOptions, run: Path | None = None, known: Charset | None = None
) -> Charset:
    """Return the charset that a recogniser is trained with.

    Where the initial weights have a charset, it comes first and whole, so every class keeps its
    number, and the characters that it lacks follow.

    Args:
        name: a file, ``data``, or None for that of the initial weights or else the shipped one.
        options: of the data, whose characters ``data`` means.
        run: a run folder to be resumed; where it notes a charset made from data, that stays.
        known: what the initial weights spell with.

    Raises:
        WeightsError: a file is missing or repeats a character.
        DataError: the labels hold no character, or ``options.strict`` and a row cannot be used.
    """
    if name is None:
        return known or weights.charset()
    if name == "data" and run is not None and (run / "card.json").exists():
        noted = read_card(run).charset
        if noted is not None:
            return noted
    asked = _characters(options) if name == "data" else Charset.load(Path(name)).chars
    return Charset(known.chars + known.missing(asked)) if known else Charset(asked)


def _characters(options: CRNNOptions) -> str:
    """The characters of the labels of the training data, sorted."""
    bad = BadRows(options.strict, quiet=True)  # training will name them
    paths, _ = weighed(options.data)
    texts = (text for path in paths for text in open_lines(path, bad).texts())
    drawn = ALPHABET if options.synth else ""
    chars = {c for text in texts for c in text} - set("\r\n") | set(drawn)
    if not chars:
        raise DataError("the labels of the data hold no character")
    return "".join(sorted(chars))


def extended(state: Mapping[str, Tensor], classes: int) -> dict[str, Tensor]:
    """Return a recogniser's state with more classes.

    The known rows stay first and as they are. A new row is drawn as they are spread, each number
    by itself, with their median bias: to the net it is one more character that it seldom sees.
    Their mean with their lowest bias would hardly speak, but after fifty steps not either.

    Args:
        state: of either recogniser.
        classes: wanted.

    Raises:
        WeightsError: the state has more classes than are wanted.
    """
    weight, bias = state[f"{LAYER}.weight"], state[f"{LAYER}.bias"]  # (K, E), (K,)
    new = classes - len(weight)
    if new < 0:
        raise WeightsError(
            f"these weights know {len(weight) - 1} characters, more than the {classes - 1} "
            "asked for; name their run folder, whose charset.txt tells which"
        )
    chance = torch.randn(new, weight.shape[1], generator=torch.Generator().manual_seed(new))
    drawn = weight.mean(0) + weight.std(0) * chance  # (new, E)
    grown = {
        f"{LAYER}.weight": torch.cat([weight, drawn.to(weight.dtype)]),
        f"{LAYER}.bias": torch.cat([bias, bias.median().repeat(new)]),
    }
    return {**state, **grown}
