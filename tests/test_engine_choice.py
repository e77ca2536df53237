"""Without being told, reading takes the engine that is there."""

from __future__ import annotations

import pytest

from shizi import engine
from shizi.errors import MissingExtraError


def only(monkeypatch: pytest.MonkeyPatch, *there: str) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: name if name in there else None)


@pytest.mark.parametrize(
    ("there", "device", "chosen"),
    [
        (("openvino", "onnxruntime", "torch"), "auto", "openvino"),
        (("onnxruntime", "torch"), "auto", "onnxruntime"),
        (("openvino", "onnxruntime", "torch"), "cuda", "torch"),
        (("openvino", "onnxruntime"), "cuda", "onnxruntime"),
    ],
)
def test_the_engine_follows_what_is_installed(
    there: tuple[str, ...], device: engine.Device, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, *there)
    assert engine.choose(device) == chosen


def test_without_any_engine_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch)
    with pytest.raises(MissingExtraError, match=r"reading needs openvino, .*\[openvino\]"):
        engine.choose()
