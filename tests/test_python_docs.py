"""The Python reference tells of every public name, field and JSON key, and its code runs."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from test_readme import blocks, uncommented

import shizi
from shizi.page import Line, Page, Quad

ROOT = Path(__file__).parents[1]
CHINESE, ENGLISH = (
    (ROOT / "docs" / "python.md").read_text(encoding="utf-8").split("\n# In Python\n")
)
both = pytest.mark.parametrize("half", [CHINESE, ENGLISH], ids=["zh", "en"])


def quoted(text: str) -> set[str]:
    """Words in code quotes."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return {word for code in re.findall(r"`([^`]+)`", prose) for word in re.findall(r"\w+", code)}


def test_its_code_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    for block in blocks(CHINESE, "python"):
        exec(compile(block, "python.md", "exec"), {})
    assert "missing.png" in capsys.readouterr().out


def test_both_languages_tell_the_same() -> None:
    chinese, english = ([uncommented(b) for b in blocks(t, "python")] for t in (CHINESE, ENGLISH))
    assert len(chinese) == 4
    assert chinese == english
    assert quoted(CHINESE) == quoted(ENGLISH)


@both
def test_every_public_name_is_told(half: str) -> None:
    names = set(shizi.__all__) - {"read", "write", "draw"}
    assert names - quoted(half) == set()
    assert set(re.findall(r"shizi\.(read|write|draw)\(", half)) == {"read", "write", "draw"}


def members(kind: type[Any]) -> set[str]:
    names = {name for name in vars(kind) if not name.startswith("_")}
    if dataclasses.is_dataclass(kind):
        names |= {field.name for field in dataclasses.fields(kind)}
    return names


@both
def test_every_member_of_a_public_class_is_told(half: str) -> None:
    kinds = [getattr(shizi, name) for name in shizi.__all__]
    plain = [k for k in kinds if inspect.isclass(k) and not issubclass(k, Exception)]
    told = quoted(half) | {"ranges", "check"}  # of options, for their own use
    assert {f"{k.__name__}.{name}" for k in plain for name in members(k) - told} == set()
    assert {"detector", "recognizer", "options"} <= told  # which only an instance has


@both
def test_no_member_is_told_that_is_gone(half: str) -> None:
    kind = ""
    for name, cell in re.findall(r"^\| (?:`([A-Z]\w+)` )?\| ([^|]+) \|", half, re.MULTILINE):
        kind = name or kind
        known = members(getattr(shizi, kind))
        assert set(re.findall(r"`(\w+)`", cell)) - known == set(), kind


@both
def test_every_key_of_the_json_is_told(half: str) -> None:
    line = Line(Quad.from_array([[0, 0], [1, 0], [1, 1], [0, 1]]), "x", 1.0)
    page = Page("x", 1, 1, lines=(line,)).to_dict()
    table = quoted(half[half.index("## JSON") :])
    assert ({*page, *page["lines"][0]}) - table == set()
