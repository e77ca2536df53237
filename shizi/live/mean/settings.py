"""Settings that are data: YAML files, the shipped ones by name and the user's own by path."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from shizi.errors import ShiziError

SHIPPED = Path(__file__).parent / "rules"

T = TypeVar("T")


class RulesError(ShiziError):
    """A file of rules or a grammar is missing or wrong; the message names file:key."""


def find(name: str, ending: str = ".yaml") -> Path:
    """Return the file of a shipped set of rules by its bare name, or the path as given.

    Raises:
        RulesError: there is no such file; the message lists the shipped ones.
    """
    shipped = SHIPPED / f"{name}{ending}"
    path = shipped if shipped.is_file() else Path(name)
    if not path.is_file():
        names = " ".join(sorted(p.stem for p in SHIPPED.glob(f"*{ending}")))
        raise RulesError(f"no rules {name!r}: give a {ending} file, or one of: {names}")
    return path


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds keys and values.

    Raises:
        RulesError: it cannot be read, or holds something else.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RulesError(f"{path}:{line}: not YAML: {error.problem}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RulesError(f"cannot read {path}: {error}") from error
    if not isinstance(data, dict):
        raise RulesError(f"{path}: expected keys and values at the top")
    return data


def check(kind: type[T], data: dict[str, Any], path: Path) -> T:
    """Build a dataclass of plain data; unknown keys and wrong types are errors.

    Raises:
        RulesError: every wrong key on a line of its own, as ``file:key: what is wrong``.
    """
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as error:
        lines = (
            f"{path}:{'.'.join(str(part) for part in e['loc'])}: "
            f"{e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        )
        raise RulesError("\n".join(lines)) from error
