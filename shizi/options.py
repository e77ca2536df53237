"""Options check themselves where they are made: a value out of range is refused at once."""

from __future__ import annotations

import math
from dataclasses import fields
from types import NoneType
from typing import Any

from shizi.errors import OptionError


def check_range(options: Any, **ranges: tuple[float, float]) -> None:
    """Refuse numbers out of range, NaN among them, and parts of what is counted.

    Args:
        options: a dataclass of options.
        ranges: least and greatest value of each field; ``math.inf`` where there is no bound.

    Raises:
        OptionError: a field is out of range or no number.
    """
    kinds = {field.name: field.type for field in fields(options)}
    for name, (least, most) in ranges.items():
        value = getattr(options, name)
        kind: Any = int if kinds[name] in ("int", "int | None") else int | float
        number = isinstance(value, kind) and not isinstance(value, bool)
        if not (number and least <= value <= most):
            told = f"at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
            whole = "a whole number, " if kind is int and isinstance(value, float) else ""
            raise OptionError(f"{name}: must be {whole}{told}, not {value!r}")


def check_spans(options: Any, **least: float) -> None:
    """Refuse spans that do not rise, or that begin below a least value.

    Args:
        options: a dataclass of options.
        least: the least value of each field, which holds two numbers.

    Raises:
        OptionError: a field is no such span.
    """
    for name, floor in least.items():
        low, high = getattr(options, name)
        if not floor <= low <= high < math.inf:
            raise OptionError(f"{name}: must be two numbers from {floor:g} up, not {low} {high}")


def check_type(options: Any, /, **types: type) -> None:
    """Refuse what is not of the type that a field must have.

    Raises:
        OptionError: a field is of another.
    """
    for name, kind in types.items():
        value = getattr(options, name)
        if not isinstance(value, kind):
            raise OptionError(f"{name}: must be {kind.__name__}, not {value!r}")


def check_plain(options: Any) -> None:
    """Refuse a flag that is neither true nor false, and a text that is none.

    Raises:
        OptionError: a field is so.
    """
    kinds: dict[Any, tuple[type, ...]] = {
        "bool": (bool,),
        "str": (str,),
        "str | None": (str, NoneType),
    }
    for field in fields(options):
        value = getattr(options, field.name)
        if not isinstance(value, kinds.get(field.type, (object,))):
            told = "True or False" if field.type == "bool" else "a text"
            raise OptionError(f"{field.name}: must be {told}, not {value!r}")


def check_choice(options: Any, **choices: tuple[str, ...]) -> None:
    """Refuse what is none of the values that a field may have.

    Raises:
        OptionError: a field has none of them.
    """
    for name, values in choices.items():
        value = getattr(options, name)
        if value not in values:
            raise OptionError(f"{name}: must be one of {', '.join(values)}, not {value!r}")
