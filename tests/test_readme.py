"""What the READMEs show exists: names, options, files; and both tell the same."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
import shlex
from pathlib import Path

import pytest
from cyclopts import CycloptsError

import shizi
from shizi.cli import STDIN, app

ROOT = Path(__file__).parents[1]
CHINESE, ENGLISH, TRAINING, TRAINING_ZH, DOCUMENTS, SERVE, SCALE = (
    (ROOT / name).read_text(encoding="utf-8")
    for name in (
        "README.md",
        "README_en.md",
        "docs/training.md",
        "docs/training_zh.md",
        "docs/documents.md",
        "docs/serve.md",
        "docs/scale.md",
    )
)
both = pytest.mark.parametrize("readme", [CHINESE, ENGLISH], ids=["zh", "en"])

_BENCHMARK = re.compile(r"<!-- benchmark -->\n(.*?)\n<!-- /benchmark -->", re.DOTALL)


def blocks(readme: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)


def commands(readme: str) -> list[list[str]]:
    """Every command line of the bash blocks, split into words, without comments."""
    lines = "".join(blocks(readme, "bash")).replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def shizi_arguments(readme: str) -> list[list[str]]:
    calls = [words[words.index("shizi") + 1 :] for words in commands(readme) if "shizi" in words]
    return [[STDIN if word == "-" else word for word in call] for call in calls]


def uncommented(block: str) -> str:
    return ast.unparse(ast.parse(block))


ALL = {"check", "eval", "synth", "train", "export"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CHINESE, ALL),
        (ENGLISH, ALL),
        (TRAINING, ALL),
        (TRAINING_ZH, ALL),
        (DOCUMENTS, {"read"}),
        (SERVE, {"serve", "train", "export"}),
        (SCALE, {"batch"}),
    ],
    ids=["zh", "en", "training", "training zh", "documents", "serve", "scale"],
)
def test_shizi_commands_parse(text: str, told: set[str]) -> None:
    calls = shizi_arguments(text)
    assert {call[0] for call in calls} >= told
    for call in calls:
        try:
            app.parse_args(call, exit_on_error=False, print_error=False)
        except CycloptsError as error:
            pytest.fail(f"shizi {shlex.join(call)}: {error}")


def test_a_wrong_option_would_be_found() -> None:
    with pytest.raises(CycloptsError):
        app.parse_args(["read", "a.jpg", "--colour"], exit_on_error=False, print_error=False)


@both
def test_make_targets_exist(readme: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake ([a-z-]+)", readme))
    assert {"demo", "test", "setup-cpu", "setup-gpu"} <= named
    for target in named:
        assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE), target


@both
def test_python_uses_names_that_exist(readme: str) -> None:
    snippets = [ast.parse(block) for block in blocks(readme, "python")]
    assert len(snippets) == 2
    nodes = [node for snippet in snippets for node in ast.walk(snippet)]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            assert node.module
            module = importlib.import_module(node.module)
            public = getattr(module, "__all__", dir(module))
            assert {alias.name for alias in node.names} <= set(public)
    used = {n.attr for n in nodes if isinstance(n, ast.Attribute)}
    classes = (shizi.Page, shizi.Line, shizi.Char, shizi.Quad, shizi.Reader, shizi.Failure)
    known = {name for owner in classes for name in dir(owner)} | set(shizi.__all__)
    known |= {field.name for owner in classes[:4] for field in dataclasses.fields(owner)}
    known |= {field.name for field in dataclasses.fields(shizi.Failure)}
    assert used - known == set()


@both
def test_option_table_names_real_options(readme: str) -> None:
    table = re.findall(r"^\| `--([\w.-]+)` \| (?:`([\w.]+)(?:=\w+)?`)? ?\|", readme, re.MULTILINE)
    assert len(table) >= 6
    values = {
        "format": ["json"],
        "engine": ["onnxruntime"],
        "device": ["cpu"],
        "no-orientation": [],
        "force": [],
    }
    for flag, attribute in table:
        words = ["read", "a.jpg", f"--{flag}", *values.get(flag, ["1"])]
        app.parse_args(words, exit_on_error=False, print_error=False)
        if attribute:
            owner: object = shizi.ReaderOptions()
            for name in attribute.split("."):
                owner = getattr(owner, name)


@both
def test_extras_exist(readme: str) -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE))
    assert {"pdf", "train", "bench"} <= named
    for extra in named:
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra


@both
def test_linked_files_exist(readme: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", readme)
    assert "docs/result.jpg" in links
    missing = [link for link in links if not (ROOT / link).exists()]
    samples = re.findall(r'"(samples/[^"]+)"', readme)
    assert missing + [name for name in samples if not (ROOT / name).exists()] == []


def test_both_languages_say_the_same() -> None:
    def level(readme: str) -> list[str]:
        return re.findall(r"^(#+) ", readme, re.MULTILINE)

    def rows(readme: str) -> int:
        return len(re.findall(r"^[|-] ?\S", readme, re.MULTILINE))

    assert level(CHINESE) == level(ENGLISH)
    assert rows(CHINESE) == rows(ENGLISH)
    assert commands(CHINESE) == commands(ENGLISH)
    chinese, english = ([uncommented(b) for b in blocks(t, "python")] for t in (CHINESE, ENGLISH))
    assert chinese == english


def test_both_languages_hold_the_same_figures() -> None:
    chinese, english = (_BENCHMARK.findall(text) for text in (CHINESE, ENGLISH))
    assert len(chinese) == 1
    assert chinese == english


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_tests_that_hold_a_promise_exist(path: Path) -> None:
    told = re.findall(r"\b(test_\w+\.py)(?:::(test_\w+))?", path.read_text(encoding="utf-8"))
    files = {file.name: file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("*.py")}
    assert not [(name, test) for name, test in told if f"def {test}" not in files.get(name, "")]
