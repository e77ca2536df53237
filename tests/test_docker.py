"""What the container's files name exists: files, extras, options. They are not built here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from shizi.cli import app

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text("utf-8")
ENTRYPOINTS = [json.loads(line) for line in re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.M)]


def parses(words: list[str]) -> None:
    assert words[0] == "shizi"
    app.parse_args(words[1:], exit_on_error=False, print_error=False)


@pytest.mark.parametrize("entry", ENTRYPOINTS, ids=["cuda", "cpu"])
def test_what_is_run_is_a_command_of_ours(entry: list[str]) -> None:
    parses(entry)


def test_what_is_copied_exists_and_is_let_in() -> None:
    copied = {
        name for line in re.findall(r"^COPY (.*) \S+$", DOCKERFILE, re.M) for name in line.split()
    }
    assert copied >= {"shizi", "pyproject.toml"}
    assert all((ROOT / name).exists() for name in copied)
    let_in = (ROOT / "docker" / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert {line[1:] for line in let_in if line.startswith("!")} == copied


def test_what_is_installed_are_extras_of_ours() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    named = {e for found in re.findall(r"'\.\[(.*)\]'", DOCKERFILE) for e in found.split(",")}
    assert "serve" in named
    for extra in named:
        assert re.search(rf"^{extra} = \[", project, re.M), extra


def test_nothing_runs_as_root() -> None:
    stages = [part for part in DOCKERFILE.split("\nFROM ")[1:] if "ENTRYPOINT" in part]
    assert len(stages) == 2
    assert all(stage.index("USER 1000") < stage.index("ENTRYPOINT") for stage in stages)


def test_the_compose_file_builds_and_runs_what_exists() -> None:
    service = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))["services"][
        "shizi"
    ]
    assert (ROOT / "docker" / service["build"]["context"] / service["build"]["dockerfile"]).exists()
    assert f" AS {service['build']['target']}\n" in DOCKERFILE
    parses([*ENTRYPOINTS[1], *service["command"]])
