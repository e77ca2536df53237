"""The published nets and the pruned one: as they are described, and equal in every runtime."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import FINE_CRNN, VGG_CRNN, VGG_CRNN_OVERLAP, VGG_CTPN, VGG_ORIENTATION
from torch import nn

from shizi.errors import WeightsError
from shizi.nets import onnx as graphs
from shizi.nets.spec import (
    FORMS,
    Block,
    CRNNSpec,
    CTPNSpec,
    LCNetSpec,
    OrientationSpec,
    Spec,
    VGGCRNNSpec,
    VGGCTPNSpec,
    VGGOrientationSpec,
    VGGSpec,
    form_of,
    parse_spec,
)
from shizi.nets.torch import build
from shizi.nets.torch.crnn import VGGCRNN
from shizi.nets.torch.ctpn import CTPN, NEVER, VGGCTPN
from shizi.nets.torch.vgg import VGG

NETS: list[tuple[Spec, list[tuple[int, ...]]]] = [
    (FINE_CRNN, [(1, 48, 64, 3), (3, 48, 96, 3)]),
    (VGG_ORIENTATION, [(1, 32, 64, 3), (3, 32, 64, 3)]),
    (VGG_CTPN, [(1, 64, 96, 3), (1, 128, 32, 3)]),
    (VGG_CRNN, [(1, 32, 40, 3), (3, 32, 100, 3)]),
    (replace(VGG_CRNN, rnn="gru"), [(2, 32, 64, 3)]),
    (VGG_CRNN_OVERLAP, [(2, 32, 64, 3)]),
]


def network_of(spec: Spec) -> str:
    return next(n for n, forms in FORMS.items() if type(spec) in forms.values())


def random_net(spec: Spec) -> nn.Module:
    """A net whose matrices are exact in half precision and whose norms have seen something."""
    torch.manual_seed(2)
    net = build(spec).eval()
    for name, value in net.state_dict().items():
        if name.endswith("running_mean"):
            value.uniform_(-0.5, 0.5)
        elif name.endswith("running_var"):
            value.uniform_(0.3, 2.0)
        elif value.ndim > 1:
            value.copy_(value.half())
    return net


@pytest.mark.parametrize(("spec", "shapes"), NETS, ids=lambda v: type(v).__name__)
def test_torch_equals_onnx_runtime_and_openvino(
    spec: Spec, shapes: list[tuple[int, ...]], tmp_path: Path
) -> None:
    net = random_net(spec)
    path = tmp_path / "net.onnx"
    onnx.save(graphs.build(spec, {k: v.numpy() for k, v in net.state_dict().items()}), str(path))
    ort = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    ov = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    rng = np.random.default_rng(0)
    for shape in shapes:
        batch = rng.integers(0, 256, shape, dtype=np.uint8)
        with torch.inference_mode():
            expected = net(torch.from_numpy(batch)).numpy()
        assert expected.std() > 1e-3  # an output that says nothing would equal anything
        for got in (ort.run(None, {"images": batch})[0], ov([batch])[0]):
            assert got.shape == expected.shape
            assert np.abs(got - expected).max() < 1e-4


@pytest.mark.parametrize(("spec", "_shapes"), NETS, ids=lambda v: type(v).__name__)
def test_an_exported_file_is_a_checkpoint(spec: Spec, _shapes: Any, tmp_path: Path) -> None:
    net = random_net(spec)
    state = {k: v.numpy() for k, v in net.state_dict().items()}
    path = tmp_path / "net.onnx"
    onnx.save(graphs.build(spec, state), str(path))
    stored = graphs.load_state(path)
    counters = {k for k in state if k.endswith("num_batches_tracked")}  # not used in reading
    assert stored.keys() == state.keys() - counters
    for key, value in stored.items():
        assert np.array_equal(value, state[key]), key
    build(spec).load_state_dict({k: torch.from_numpy(v) for k, v in stored.items()})


def test_vgg16_has_the_published_number_of_weights() -> None:
    assert sum(p.numel() for p in VGG(VGGSpec()).parameters()) == 14_714_688


def test_ctpn_is_as_published() -> None:
    spec = VGGCTPNSpec()
    assert all(
        b / a == pytest.approx(1 / 0.7, rel=0.05)
        for a, b in zip(spec.heights, spec.heights[1:], strict=False)
    )
    net = VGGCTPN(VGG_CTPN)
    with torch.inference_mode():
        images = torch.randint(0, 256, (2, 64, 96, 3), dtype=torch.uint8)
        heads, output = net.heads(images), net(images)
    assert heads.shape == (2, 4, 6, 10, 5)
    assert output.shape == (2, 4, 6, 10, 7)
    assert torch.allclose(output[..., 0].sigmoid(), heads[..., :2].softmax(-1)[..., 1], atol=1e-6)
    assert torch.equal(output[..., 1:3], heads[..., 2:4])
    assert (output[..., 3:5] == NEVER).all()
    assert torch.equal(output[..., 5:], heads[..., 4:].expand(-1, -1, -1, -1, 2))


def test_the_ctpn_grids_are_as_fine_as_their_specs_say() -> None:
    images = torch.zeros((1, 64, 64, 3), dtype=torch.uint8)
    for net in (CTPN(CTPNSpec()), VGGCTPN(VGG_CTPN)):
        assert net(images).shape[1] * net.spec.row == 64


def test_a_row_of_the_ctpn_sees_its_neighbours_and_no_other_row() -> None:
    """The BiLSTM runs along rows: a change far to the left reaches the right, same row only."""
    torch.manual_seed(2)
    net = VGGCTPN(replace(VGG_CTPN, backbone=VGGSpec(stages=((4, 1),) * 4, pools=4))).eval()
    images = torch.full((1, 256, 256, 3), 127, dtype=torch.uint8)
    changed = images.clone()
    changed[:, 128:144, :16] = 255
    with torch.inference_mode():
        moved = (net(images) - net(changed)).abs().amax((0, 3, 4))  # (16, 16)
    assert moved[8, 15] > 0
    assert moved[:6].max() == 0
    assert moved[11:].max() == 0


@given(st.integers(2, 40))
def test_a_line_becomes_a_quarter_of_its_width_in_steps(quarter: int) -> None:
    net = VGGCRNN(replace(VGG_CRNN, classes=5))
    images = torch.zeros((1, 32, 4 * quarter, 3), dtype=torch.uint8)
    assert net.eval()(images).shape == (1, quarter - 1, 5)


blocks = st.builds(
    Block, st.integers(1, 99), st.tuples(st.integers(1, 2), st.integers(1, 2)), st.booleans()
)
lcnets = st.lists(blocks, min_size=1, max_size=4).map(
    lambda b: LCNetSpec(stem=8, blocks=tuple(b), taps=(0, len(b) - 1))
)
vggs = st.builds(
    VGGSpec,
    st.lists(st.tuples(st.integers(1, 99), st.integers(1, 3)), min_size=1).map(tuple),
    st.integers(0, 5),
)
specs = st.one_of(
    st.builds(OrientationSpec, backbone=lcnets),
    st.builds(CTPNSpec, backbone=lcnets, heights=st.lists(st.integers(1, 300)).map(tuple)),
    st.builds(CRNNSpec, classes=st.integers(1, 9999), backbone=lcnets),
    st.builds(VGGOrientationSpec, backbone=vggs, width=st.integers(32, 512)),
    st.builds(VGGCTPNSpec, backbone=vggs, heights=st.lists(st.integers(1, 300)).map(tuple)),
    st.builds(VGGCRNNSpec, classes=st.integers(1, 9999), rnn=st.sampled_from(["lstm", "gru"])),
)


@given(specs)
def test_a_spec_survives_json(spec: Spec) -> None:
    values = json.loads(json.dumps(asdict(spec)))
    assert parse_spec(network_of(spec), form_of(spec), values) == spec


@pytest.mark.parametrize(
    ("network", "form", "values"),
    [
        ("crnn", "vgg16", {"classes": 3}),
        ("segmenter", "vgg16", {}),
        ("crnn", "vgg", {"classes": 3, "colour": 1}),
        ("crnn", "vgg", {"classes": 3, "rnn": "tree"}),
        ("crnn", "vgg", {}),
        ("crnn", "vgg", {"classes": "3"}),
        ("ctpn", "vgg16", {"heights": 11}),
        ("ctpn", "vgg16", {"backbone": [1, 2]}),
        ("ctpn", "lcnet", {"backbone": {"stem": 8, "blocks": [{"width": 8, "stride": [1]}]}}),
    ],
)
def test_values_of_no_spec_are_refused(network: str, form: str, values: dict[str, Any]) -> None:
    with pytest.raises(WeightsError, match=f"no {network} of form {form}"):
        parse_spec(network, form, values)
