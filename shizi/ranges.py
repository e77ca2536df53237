"""Numbers that users give: refused where they can mean nothing."""

from __future__ import annotations

from math import inf

Range = tuple[float, float]
"""Least and most, both included."""


def check_ranges(options: object, **ranges: Range) -> None:
    """Refuse fields of a dataclass of options that are out of range, or no number at all.

    Args:
        options: the dataclass.
        ranges: least and most of fields, by their names.

    Raises:
        ValueError: as ``field: what is wrong``.
    """
    for name, (least, most) in ranges.items():
        value = getattr(options, name)
        if not least <= value <= most:  # so is NaN
            limits = f"at least {least:g}" if most == inf else f"from {least:g} to {most:g}"
            raise ValueError(f"{name.replace('_', '-')}: must be {limits}, not {value:g}")
