"""Without extras, as after ``make demo``: help comes, and what is missing is one line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

GONE = """
import sys
from importlib import metadata
from shizi import extras

kept = {"shizi"}.union(*(found for extra, found in extras._extras().items() if extra in KEPT))
kept |= {"pytest", "hypothesis"} if KEPT else set()
wanted = {p for found in extras._extras().values() for p in found} - kept
needed = {r.partition(";")[0] for r in metadata.requires("shizi") if "extra" not in r}
held = metadata.packages_distributions()
gone = {m for m, packages in held.items() if wanted & {p.lower() for p in packages}}
assert {"torch", "av", "onnx", "sqlalchemy", "yaml"} <= gone

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in gone:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Gone())
"""
BARE = f"KEPT = set(){GONE}from shizi.cli import main\nsys.exit(main(sys.argv[1:]))"
TESTS = "openvino", "onnx", "pdf", "eval"  # what tests/floors.sh installs
PYTEST = f"KEPT = set({TESTS}){GONE}import pytest\nsys.exit(pytest.main(sys.argv[1:]))"


def bare(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command line where no optional package can be imported."""
    command = [sys.executable, "-c", BARE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command",
    [
        "read", "batch", "check", "serve", "live", "live simulate", "live rules", "synth lines",
        "synth pages", "synth captchas", "synth meters", "data convert", "data check",
        "data stats", "train", "train crnn", "train ctpn", "train orientation", "export",
        "eval pages", "eval recognition", "eval live", "bench", "bench memory", "bench train",
    ],
)  # fmt: skip
def test_every_command_shows_its_help(command: str) -> None:
    run = bare(*command.split(), "--help")
    assert run.returncode == 0
    assert run.stdout.startswith(f"Usage: shizi {command}")
    assert not run.stderr


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        ("train crnn --data x", "train"),
        ("train ctpn --data x", "train"),
        ("export runs/x", "train"),
        ("serve", "serve"),
        ("live clip.mp4", "live"),
        ("read samples/notice.jpg", "openvino"),
        ("batch x.jpg --out s3://bucket/out --manifest OUT/m", "cloud"),
        ("batch samples/notice.jpg --out OUT --ray auto", "ray"),
        ("live simulate --out a.mp4 --truth a.jsonl", "live"),
        ("live rules", "live"),
        ("bench train", "train"),
    ],
)
def test_a_missing_extra_is_one_line_that_says_how_to_get_it(
    command: str, extra: str, tmp_path: Path
) -> None:
    run = bare(*command.replace("OUT", str(tmp_path)).split())
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert "pip install" in run.stderr
    assert f"[{extra}]'" in run.stderr


def test_the_tests_of_reading_need_no_more_than_reading() -> None:
    folder = Path(__file__).parent
    listed = re.findall(r"tests/[\w/.]+", (folder / "floors.sh").read_text())
    command = [sys.executable, "-c", PYTEST, "--collect-only", "-p", "no:cacheprovider", *listed]
    run = subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(("wrong", "told"), [("raed x", '"read"'), ("-v", '"-v"'), ("x y", '"x"')])
def test_a_mistyped_command_is_told_in_a_line(wrong: str, told: str) -> None:
    run = bare(*wrong.split())
    assert run.returncode == 2
    assert told in run.stderr.splitlines()[0]
    assert len(run.stderr.splitlines()) == 2


@pytest.mark.parametrize("command", ["read", "batch", "serve", "live", "train crnn", "eval pages"])
def test_help_is_short_and_help_all_is_whole(command: str) -> None:
    short, whole = (bare(*command.split(), flag).stdout for flag in ("--help", "--help-all"))
    lines = short.splitlines()
    examples = [line for line in lines if line.startswith(f"shizi {command}")]
    assert len(examples) == 2
    assert "more: --help-all" in short
    assert "--help-all" not in whole
    assert len(whole) > len(short)
