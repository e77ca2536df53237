"""Options refuse what is out of range in one line that names the field."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from shizi.cli import main
from shizi.detection import DetectionOptions
from shizi.errors import OptionError, ShiziError
from shizi.reader import ReaderOptions
from shizi.recognition import RecognitionOptions

WRONG = [
    (ReaderOptions, "least_score", 7),
    (ReaderOptions, "least_score", math.nan),
    (ReaderOptions, "threads", -1),
    (ReaderOptions, "threads", "two"),
    (ReaderOptions, "threads", None),
    (ReaderOptions, "engine", "cuda"),
    (ReaderOptions, "device", "gpu"),
    (DetectionOptions, "pixels", 0),
    (DetectionOptions, "most_pixels", -5),
    (DetectionOptions, "enlarge", 0),
    (DetectionOptions, "least_height", math.inf),
    (DetectionOptions, "line_score", 1.5),
    (DetectionOptions, "margin", math.nan),
    (RecognitionOptions, "squeeze", 0),
    (RecognitionOptions, "squeeze", math.nan),
    (RecognitionOptions, "reread", 2),
    (RecognitionOptions, "beam", 0),
]


@pytest.mark.parametrize(("kind", "name", "value"), WRONG)
def test_a_value_out_of_range_is_refused_by_name(
    kind: Callable[..., object], name: str, value: object
) -> None:
    with pytest.raises(OptionError, match=f"^{name}: must be ") as told:
        kind(**{name: value})
    assert isinstance(told.value, ShiziError)
    assert isinstance(told.value, ValueError)
    assert "\n" not in str(told.value)


def test_the_edges_of_a_range_are_in_it() -> None:
    ReaderOptions(least_score=1, threads=0)
    RecognitionOptions(squeeze=1.0, reread=0)


def test_a_folder_of_weights_may_be_told_as_text() -> None:
    assert ReaderOptions(weights="some/where").weights == Path("some/where")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--least-score", "nan"),
        ("--threads", "-1"),
        ("--detection.pixels", "0"),
        ("--recognition.squeeze", "0"),
    ],
)
def test_the_command_line_says_so_in_one_line(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["read", "x.png", f"{option}={value}"]) == 2
    assert "must be" in capsys.readouterr().err.splitlines()[0]
