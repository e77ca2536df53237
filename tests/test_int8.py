"""INT8: which convolutions, that nothing else changes, and what is measured for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
import tiny
import torch

from shizi import Reader, ReaderOptions, weights
from shizi.engine import int8, open_session
from shizi.engine.openvino import Measuring, OpenVINO, core
from shizi.errors import DataError, OptionError
from shizi.nets.onnx import build, load_state
from shizi.nets.torch import build as build_torch
from shizi.train.export import export
from shizi.train.measure import Seen, rounded
from shizi.train.options import ExportOptions

SAMPLE = Path(__file__).parent.parent / "samples" / "sign.jpg"
SMALL = (96, 192, 3)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small detector with random weights."""
    torch.manual_seed(3)
    state = {k: v.numpy() for k, v in build_torch(tiny.CTPN).state_dict().items()}
    onnx.save(build(tiny.CTPN, state), str(tmp_path / "ctpn.onnx"))
    return tmp_path / "ctpn.onnx"


def marked(model: Any) -> list[str]:
    """Convolutions whose two inputs are rounded."""
    kind = "FakeQuantize"
    return [
        name
        for name, node in int8.convolutions(model).items()
        if all(node.input_value(i).get_node().get_type_name() == kind for i in (0, 1))
    ]


def test_the_convolutions_are_those_of_the_blocks_and_of_what_joins_them() -> None:
    model = core().read_model(str(weights.file("ctpn")))
    names = list(int8.convolutions(model))
    assert names[:2] == ["backbone.blocks.0.expand", "backbone.blocks.0.project"]
    assert not [n for n in names if "stem" in n or "excite" in n or "depthwise" in n]
    assert len(names) == 26 + len([n for n in names if not n.startswith("backbone")])


def test_the_shipped_cards_have_a_range_for_each() -> None:
    for network in weights.NETWORKS:
        model = core().read_model(str(weights.file(network)))
        assert list(weights.card(network).ranges) == list(int8.convolutions(model))


def test_only_convolutions_with_a_range_are_counted_in_bytes(file: Path) -> None:
    model = core().read_model(str(file))
    names = list(int8.convolutions(model))
    int8.count_in_bytes(model, dict.fromkeys(names[:2], (-1.0, 2.0)))
    assert marked(model) == names[:2]


def test_nought_stays_nought_and_no_range_is_empty(file: Path) -> None:
    """What pads a picture must add nothing."""
    model = core().read_model(str(file))
    name, node = next(iter(int8.convolutions(model).items()))
    for low, high in ((-0.3, 1.0), (0.0, 0.0), (2.0, 5.0)):
        int8.count_in_bytes(model, {name: (low, high)})
        ends = [node.input_value(0).get_node().input_value(i).get_node().data for i in (1, 2)]
        step = (float(ends[1]) - float(ends[0])) / 255
        assert step > 0
        assert float(ends[0]) / step == pytest.approx(round(float(ends[0]) / step), abs=1e-3)
        assert ends[0] <= min(low, 0) + step
        assert ends[1] >= high - step


def test_a_processor_that_cannot_multiply_bytes_computes_as_before(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others add products of bytes up in 16 bits, which overflow."""
    batch = np.random.default_rng(0).integers(0, 255, (1, *SMALL), np.uint8)
    ranges = Measuring(file)
    ranges(batch)
    told = dict.fromkeys(ranges.layers, (-0.01, 0.01))  # far too narrow: whoever rounds errs
    before = OpenVINO(file, 1)(batch)
    monkeypatch.setattr("shizi.engine.int8.cpu_features", lambda: ["avx2", "avx512f"])
    assert np.array_equal(OpenVINO(file, 1, ranges=told)(batch), before)


@pytest.mark.parametrize("feature", ["avx512_vnni", "avx_vnni", "amx_int8"])
def test_a_processor_with_vnni_multiplies_bytes(
    monkeypatch: pytest.MonkeyPatch, feature: str
) -> None:
    monkeypatch.setattr("shizi.engine.int8.cpu_features", lambda: ["avx2", feature])
    assert int8.multiplies_bytes()


def test_measuring_changes_no_answer_and_tells_ends_and_means(file: Path) -> None:
    batch = np.random.default_rng(0).integers(0, 255, (2, *SMALL), np.uint8)
    measuring = Measuring(file)
    plain = core().compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    np.testing.assert_allclose(measuring(batch), plain([batch])[0], atol=1e-4)
    (told,) = measuring.batches
    assert len(told) == len(measuring.layers)
    for low, high, mean in told:
        assert low <= mean.min() <= mean.max() <= high


def test_rounded_kernels_have_255_steps_and_are_right_on_average() -> None:
    rng = np.random.default_rng(1)
    state = {
        "a.weight": rng.normal(size=(4, 6, 3, 3)).astype(np.float32),
        "a.bias": rng.normal(size=4).astype(np.float32),
        "b.weight": np.zeros((2, 6, 1, 1), np.float32),
        "b.bias": np.ones(2, np.float32),
    }
    mean = rng.uniform(0, 1, 6).astype(np.float32)
    out = rounded(state, {"a": Seen((0.0, 1.0), mean), "b": Seen((0.0, 1.0), mean)})
    most = np.abs(state["a.weight"]).max((1, 2, 3), keepdims=True)
    steps = out["a.weight"] / most * 127
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    assert np.abs(steps).max() == pytest.approx(127, abs=1e-3)
    for s in ("a", "b"):
        before, after = (d[f"{s}.weight"].sum((2, 3)) @ mean + d[f"{s}.bias"] for d in (state, out))
        np.testing.assert_allclose(after, before, atol=1e-4)


def test_half_precision_keeps_rounded_kernels_on_their_steps() -> None:
    """So a network that is read back and rounded again is the same."""
    for network in weights.NETWORKS:
        state = load_state(weights.file(network))
        seen = {
            name: Seen(ends, np.zeros(state[f"{name}.weight"].shape[1], np.float32))
            for name, ends in weights.card(network).ranges.items()
        }
        again = rounded(state, seen)
        for name in seen:
            most = np.abs(state[f"{name}.weight"]).max()
            np.testing.assert_allclose(
                again[f"{name}.weight"], state[f"{name}.weight"], atol=0.001 * most
            )


def test_what_is_measured_while_reading_is_noted_on_the_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = cv2.imread(str(SAMPLE))[:, :, ::-1]
    cv2.imwrite(str(tmp_path / "sign.png"), picture[:, :, ::-1])
    (tmp_path / "broken.png").write_bytes(b"no picture")
    options = ExportOptions(out=tmp_path / "out", measure=(tmp_path,))
    path = export(weights.file("crnn"), options)
    assert "broken.png" in capsys.readouterr().err
    card = weights.card("crnn", path.parent)
    assert list(card.ranges) == list(weights.card("crnn").ranges)
    assert all(low < high for low, high in card.ranges.values())
    weights.verify("crnn", path.parent)
    text = [line.text for line in Reader(ReaderOptions(weights=path.parent)).read(SAMPLE).lines]
    assert text == [line.text for line in Reader().read(SAMPLE).lines]


def test_a_network_that_is_exported_again_keeps_its_ranges(tmp_path: Path) -> None:
    path = export(weights.file("orientation"), ExportOptions(out=tmp_path))
    assert weights.card("orientation", path.parent) == weights.card("orientation")


def test_pictures_without_text_measure_nothing(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "white.png"), np.full((64, 64, 3), 255, np.uint8))
    with pytest.raises(DataError, match="name pictures of text"):
        export(
            weights.file("crnn"),
            ExportOptions(out=tmp_path / "out", measure=(tmp_path / "white.png",)),
        )


def test_measuring_for_another_framework_is_refused() -> None:
    with pytest.raises(OptionError, match="onnx file, not a torch one"):
        ExportOptions(to="torch", measure=(SAMPLE,))


def test_ranges_reach_the_session(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the processor of this test can do."""
    counted = []
    monkeypatch.setenv("SHIZI_CACHE", "")
    monkeypatch.setattr("shizi.engine.openvino.multiplies_bytes", lambda: True)
    monkeypatch.setattr(
        "shizi.engine.openvino.count_in_bytes", lambda model, ranges: counted.append(ranges)
    )
    told = {"backbone.blocks.0.expand": (-1.0, 1.0)}
    open_session(file, tiny.CTPN, "openvino", threads=1, ranges=told)
    assert counted == [told]
    card = replace(weights.card("ctpn"), ranges={})
    open_session(file, tiny.CTPN, "openvino", threads=1, ranges=card.ranges)
    assert counted == [told]
