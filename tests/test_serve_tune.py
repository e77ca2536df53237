"""From use to better weights: lines corrected on the page tune a net."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from serving import png, served
from tiny import line_set

from shizi.cli import main
from shizi.serve.options import ServeOptions

pytest.importorskip("torch")


def line(top: int, width: int, text: str) -> dict[str, object]:
    low = top + 12
    return {"quad": [[1, top], [width, top], [width, low], [1, low]], "text": text}


def test_lines_corrected_on_the_page_tune_a_net_by_the_commands_of_the_guide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shizi.train.loop.torch.plot_curves", lambda out: None)
    with served(ServeOptions(port=0, workers=1, collect=Path("corrected"))) as api:
        for width in (60, 70, 80, 90, 100):
            file = {"file": ("a.png", png(width))}
            lines = json.dumps([line(1, width - 1, "识字"), line(15, width - 5, "ab")])
            answer = api.post("/v1/corrections", files=file, data={"lines": lines})
            assert answer.status_code == 201
    assert answer.json() == {"kept": 10}
    assert main(["data", "check", "corrected"]) == 0
    assert main(["data", "convert", "corrected", "set", "--to", "lines", "--val", "0.2"]) == 0
    line_set(Path("known"), [("a.png", "b"), ("b.png", "识"), ("c.png", "aa")])
    few = ["--steps", "1", "--warmup", "1", "--device", "cpu", "--threads", "1"]
    small = ["--net", "vgg", "--width", "0.05", "--charset", "data", *few]
    data = ["--data", "set/train", "--val", "set/val"]
    assert main(["train", "crnn", *small, *data, "--out", "runs/first"]) == 0
    tune = ["--stage", "tune", "--init", "runs/first", "--replay", "known"]
    assert main(["train", "crnn", *tune, *small, *data, "--out", "runs/own"]) == 0
    assert main(["export", "runs/own", "--out", "my-weights"]) == 0
    assert Path("my-weights/crnn.onnx").is_file()
