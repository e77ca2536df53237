"""Imports go one way: a room knows only the rooms beneath it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import shizi

ROOT = Path(shizi.__file__).parent
DESIGN = (ROOT.parent / "docs" / "design.md").read_text(encoding="utf-8")

LEVELS = [
    {"terminal"},
    {"errors", "certainty", "cpu", "files", "waits", "bar"},
    {"page", "extras", "options", "deadline"},
    {"geometry", "charset", "nets"},
    {"images", "ctc", "crop", "engine"},
    {"weights", "journal"},
    {"orientation", "detection", "recognition", "layout", "jobs"},
    {"reader"},
    {"formats", "web"},
    {"data", "synth", "scores"},
    {"train", "live", "ocrmypdf", "serve", "batch"},
    {"evaluate"},
    {"bench"},
    {"cli"},
    {"__main__"},
]

INSIDE = {
    "batch": [
        {"options"},
        {"cloud", "task"},
        {"places"},
        {"inputs", "work"},
        {"manifest", "hand"},
        {"pool", "cluster"},
        {"run"},
    ],
    "live": [
        {"event", "frame", "lookalikes", "options", "session"},
        {"colour"},
        {"stream", "see", "mean", "keep", "show", "simulate"},
        {"room", "export", "query"},
        {"screen"},
        {"run"},
        {"rooms"},
    ],
    "live.see": [{"tracking"}, {"reading"}, {"messages"}, {"region", "flying"}, {"watch"}],
    "reader": [{"whole"}, {"upright", "cells", "icons", "pitch", "ticks"}],
    "serve": [
        {"options", "refusal"},
        {"desk"},
        {"asked"},
        {"answer", "collect", "others"},
        {"later", "openapi"},
        {"service"},
    ],
    "train": [
        {"targets", "options"},
        {"losses", "card", "show", "transfer", "prune", "published", "even"},
        {"loop"},
        {"tasks"},
        {"grow"},
        {"init"},
        {"measure"},
        {"start", "export"},
    ],
}
"""Levels inside a room: what stands on one level does not know each other."""


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def level(name: str, levels: list[set[str]] = LEVELS) -> int:
    return next(i for i, names in enumerate(levels) if name in names)


def imports(path: Path) -> set[str]:
    """Rooms that a module imports, those for the type checker alone left out."""
    return {module.split(".")[1] for module in modules(path)}


def modules(path: Path) -> set[str]:
    """The same as names of modules, ``shizi.room.part``."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shizi."):
            found.add(node.module or "")
            found |= {f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "shizi":
            found |= {f"shizi.{a.name}" for a in node.names if not a.name.startswith("__")}
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith("shizi.")}
    return found


def test_the_design_tells_the_same_levels() -> None:
    rows = re.findall(r"^\| \d+ \| ([^|]+) \|", DESIGN, re.MULTILINE)
    assert [set(re.findall(r"`(\w+)`", row)) for row in rows] == LEVELS[:-1]  # no __main__


def test_the_files_that_the_design_names_exist() -> None:
    files = {f"/{path.relative_to(ROOT.parent)}" for path in ROOT.rglob("*")}
    named = re.findall(r"`((?!tests/)[\w/]+\.py|(?:nets|reader|serve|train)/\w+)`", DESIGN)
    assert named and not [name for name in named if not any(f.endswith(f"/{name}") for f in files)]


def test_every_room_has_a_level() -> None:
    rooms = {room(p) for p in ROOT.rglob("*.py")} - {"__init__"}
    assert rooms == set().union(*LEVELS)


def test_imports_go_downward() -> None:
    wrong = []
    for path in ROOT.rglob("*.py"):
        here = room(path)
        if here == "__init__":
            continue
        for other in imports(path) - {here}:
            if level(other) >= level(here):
                wrong.append(f"{path.relative_to(ROOT)} imports shizi.{other}")
    assert not wrong


@pytest.mark.parametrize("outer", INSIDE)
def test_imports_inside_a_room_go_downward(outer: str) -> None:
    levels, wrong = INSIDE[outer], []
    folder, depth = ROOT.joinpath(*outer.split(".")), len(outer.split("."))
    parts = {p.relative_to(folder).parts[0].removesuffix(".py") for p in folder.rglob("*.py")}
    assert parts - {"__init__"} == set().union(*levels)
    for path in folder.rglob("*.py"):
        here = path.relative_to(folder).parts[0].removesuffix(".py")
        if here == "__init__":
            continue
        inner = (m for m in modules(path) if m.startswith(f"shizi.{outer}."))
        others = {m.split(".")[depth + 1] for m in inner}
        for other in others & set().union(*levels) - {here}:
            if level(other, levels) >= level(here, levels):
                wrong.append(f"{path.relative_to(ROOT)} imports shizi.{outer}.{other}")
    assert not wrong


@pytest.mark.parametrize("silent", ["evaluate", "bench", "data"])
def test_what_computes_leaves_tables_to_the_command_line(silent: str) -> None:
    texts = {path.name: path.read_text() for path in (ROOT / silent).rglob("*.py")}
    loud = ("from rich", "import rich", "print(")
    assert not [name for name, text in texts.items() if any(word in text for word in loud)]


def test_reading_needs_neither_torch_nor_the_trainers() -> None:
    code = (
        "import sys, shizi.reader; "
        "bad = [m for m in ('torch', 'onnx', 'onnxruntime', 'rapidfuzz', 'shizi.train') "
        "if m in sys.modules]; sys.exit(str(bad) if bad else 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_public_names_exist_and_are_sorted() -> None:
    assert list(shizi.__all__) == sorted(shizi.__all__)
    for name in shizi.__all__:
        assert getattr(shizi, name) is not None


def test_public_names_are_listed_before_they_are_loaded() -> None:
    code = "import shizi; missing = set(shizi.__all__) - set(dir(shizi)); assert not missing"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_type_checkers_see_the_annotations() -> None:
    assert (ROOT / "py.typed").exists()
