"""Imports go one way: a room knows only the rooms beneath it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import shizi

ROOT = Path(shizi.__file__).parent

LEVELS = [
    {"errors", "cpu", "files"},
    {"page", "extras", "options"},
    {"geometry", "charset", "nets"},
    {"images", "ctc", "crop", "engine"},
    {"weights"},
    {"orientation", "detection", "recognition", "layout"},
    {"upright"},
    {"reader"},
    {"formats", "draw"},
    {"data", "synth", "scores"},
    {"train", "live"},
    {"evaluate"},
    {"bench"},
    {"cli"},
    {"__main__"},
]

TRAIN = [
    {"targets", "losses", "card", "show", "transfer", "published"},
    {"loop"},
    {"tasks"},
    {"grow"},
    {"init"},
    {"start", "export"},
]
"""Levels inside ``train``: a run is started at the top, a loss knows nothing of it."""


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def level(name: str) -> int:
    return next(i for i, names in enumerate(LEVELS) if name in names)


def imports(path: Path) -> set[str]:
    """Rooms that a module imports, those for the type checker alone left out."""
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
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.ImportFrom) and node.module == "shizi":
            found |= {a.name for a in node.names if not a.name.startswith("__")}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("shizi.")}
    return found


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


def test_imports_go_downward_inside_train() -> None:
    """A room may use its own level, but nothing above it."""
    place = {name: i for i, names in enumerate(TRAIN) for name in names}
    wrong = []
    for path in (ROOT / "train").rglob("*.py"):
        here = path.relative_to(ROOT / "train").parts[0].removesuffix(".py")
        if here == "__init__":
            continue
        for other in inner_imports(path, "train") - {here}:
            if place[other] > place[here]:
                wrong.append(f"{path.relative_to(ROOT)} imports shizi.train.{other}")
    assert not wrong


def inner_imports(path: Path, outer: str) -> set[str]:
    """Rooms of one package that a module of it imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "") == f"shizi.{outer}":
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"shizi.{outer}."):
            found.add((node.module or "").split(".")[2])
    return found


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
