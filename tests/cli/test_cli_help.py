"""Help: what people need, in texts that flow, and examples that work."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Iterator

import pytest
from cyclopts import App

from shizi.cli import STDIN, app, main
from shizi.cli.help import _RARE

Captured = pytest.CaptureFixture[str]


def commands(of: App = app, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name in of:
        if not name.startswith("-"):
            yield (*path, name)
            yield from commands(of[name], (*path, name))


COMMANDS = list(commands())


def helped(capsys: Captured, *command: str) -> str:
    assert main([*command, "--help-all"]) == 0
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_option_is_told_in_one_run_without_marks(
    capsys: Captured, command: tuple[str, ...]
) -> None:
    rows = [row.strip("│ ") for row in helped(capsys, *command).splitlines() if row[:1] == "│"]
    told = [re.split(r"  +", row.removeprefix("*").strip()) for row in rows]
    assert all(len(parts) == 2 and parts[1] != "[required]" for parts in told), told
    assert not [row for row in rows if "``" in row or "default: ()" in row or "None" in row]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_examples_are_commands_that_it_takes(capsys: Captured, command: tuple[str, ...]) -> None:
    examples = re.findall(r"^shizi (.*)$", helped(capsys, *command), re.MULTILINE)
    assert len(examples) >= 2
    for example in examples:
        words = shlex.split(example.partition(" > ")[0])
        found, bound, _ = app.parse_args(
            [STDIN if word == "-" else word for word in words],
            exit_on_error=False,
            print_error=False,
        )
        inspect.signature(found).bind(*bound.args, **bound.kwargs)


def test_what_is_called_rare_exists(capsys: Captured) -> None:
    told = "".join(helped(capsys, *command) for command in COMMANDS)
    assert set(re.findall(r"--[a-z][a-z-]*", told)) >= _RARE
