"""What the graphs are written with, and how a written file is read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from shizi.nets.spec import LCNetSpec, VGGSpec

Array = NDArray[Any]
State = Mapping[str, Array]

OPSET = 20
GATES = {"GRU": ((1, 0, 2), 3), "LSTM": ((0, 3, 1, 2), 4)}
"""Order of PyTorch's gates in ONNX, and their number: r z n to z r h, i f g o to i o f c."""

AROUND = (1, 1, 1, 1)
"""Padding of a 3x3 convolution that keeps the size."""

KEPT = (".weight", ".bias", ".running_mean", ".running_var")
"""Endings of the initializers that are a state's tensors as they are."""


class Builder:
    """Collects nodes and initializers; every method returns the name of its output."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._nodes: list[Any] = []
        self._tensors: list[Any] = []

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        names = [f"{kind}_{len(self._nodes)}_{i}" for i in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0]

    def constant(self, value: Array, name: str = "") -> str:
        name = name or f"c{len(self._tensors)}"
        self._tensors.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name: str) -> str:
        value = np.asarray(self._state[name], dtype=np.float32)
        if value.ndim < 2:
            return self.constant(value, name)
        half = self.constant(value.astype(np.float16), name)
        return self.op("Cast", half, to=TensorProto.FLOAT)

    def conv(
        self,
        name: str,
        x: str,
        stride: Sequence[int] = (1, 1),
        pads: Sequence[int] = (0, 0, 0, 0),
        group: int = 1,
    ) -> str:
        kernel = self._state[f"{name}.weight"]
        return self.op(
            "Conv",
            x,
            self.weight(f"{name}.weight"),
            self.weight(f"{name}.bias"),
            kernel_shape=kernel.shape[2:],
            strides=list(stride),
            pads=list(pads),
            group=group,
        )

    def linear(self, name: str, x: str) -> str:
        kernel = self.op("Transpose", self.weight(f"{name}.weight"), perm=[1, 0])
        return self.op("Add", self.op("MatMul", x, kernel), self.weight(f"{name}.bias"))

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        return self.op("Reshape", x, self.constant(np.array(shape, dtype=np.int64)))

    def recurrent(self, kind: str, name: str, x: str) -> str:
        """Bidirectional GRU or LSTM over (T, N, C); returns (T, N, 2 H)."""
        w, r, b = pack_recurrent(self._state, name, kind)
        hidden = r.shape[2]
        extra = {"linear_before_reset": 1} if kind == "GRU" else {}
        y = self.op(
            kind,
            x,
            self.constant(w, f"{name}.W"),
            self.constant(r, f"{name}.R"),
            self.constant(b, f"{name}.B"),
            hidden_size=hidden,
            direction="bidirectional",
            **extra,
        )  # (T, 2, N, H)
        return self.reshape(self.op("Transpose", y, perm=[0, 2, 1, 3]), [0, 0, 2 * hidden])

    def input(self, mean: Sequence[float] | None = None) -> str:
        """Turn pictures (N, H, W, 3) to (N, 3, H, W), while they are bytes, and scale them."""
        x = self.op("Transpose", "images", perm=[0, 3, 1, 2])
        x = self.op("Cast", x, to=TensorProto.FLOAT)
        x = self.op("Div", x, self.constant(np.array(127.5, np.float32)))
        less = np.array([127.5] if mean is None else mean, np.float32) / 127.5
        return self.op("Sub", x, self.constant(less.reshape(-1, 1, 1)))

    def lcnet(self, spec: LCNetSpec, x: str) -> list[str]:
        after = (0, 0, 1, 1)  # right and below, as the even kernels were trained
        x = self.op("Relu", self.conv("backbone.stem.conv1", x, (2, 2), AROUND))
        pooled = self.op("MaxPool", x, kernel_shape=[2, 2], pads=[0, 0, 1, 1])
        learnt = self.op("Relu", self.conv("backbone.stem.conv2", x, pads=after))
        learnt = self.op("Relu", self.conv("backbone.stem.conv3", learnt, pads=after))
        x = self.op("Concat", pooled, learnt, axis=1)
        x = self.op("Relu", self.conv("backbone.stem.conv4", x, (2, 2), AROUND))
        x = self.op("Relu", self.conv("backbone.stem.conv5", x))
        width, out = spec.blocks[0].width, []
        for i, block in enumerate(spec.blocks):
            name = f"backbone.blocks.{i}"
            x = self.conv(f"{name}.depthwise", x, block.stride, AROUND, width)
            if block.excite:
                gate = self.op("GlobalAveragePool", x)
                gate = self.op("Relu", self.conv(f"{name}.excite.reduce", gate))
                gate = self.conv(f"{name}.excite.expand", gate)
                x = self.op("Mul", x, self.op("HardSigmoid", gate, alpha=1 / 6, beta=0.5))
            y = self.op("Gelu", self.conv(f"{name}.expand", x))
            y = self.conv(f"{name}.project", y)
            x = self.op("Add", x, y) if width == block.width else y
            width = block.width
            if i in spec.taps:
                out.append(x)
        return out

    def conv_relu(self, name: str, x: str) -> str:
        return self.op("Relu", self.conv(name, x, pads=AROUND))

    def pool(self, x: str, *window: int) -> str:
        return self.op("MaxPool", x, kernel_shape=window, strides=window)

    def norm(self, name: str, x: str) -> str:
        parts = ("weight", "bias", "running_mean", "running_var")
        return self.op("BatchNormalization", x, *(self.weight(f"{name}.{p}") for p in parts))

    def vgg(self, spec: VGGSpec, x: str) -> str:
        for stage, (_, count) in enumerate(spec.stages):
            for i in range(count):
                x = self.conv_relu(f"backbone.stages.{stage}.{i}", x)
            if stage < spec.pools:
                x = self.pool(x, 2, 2)
        return x

    def model(self, output: str, shape_in: Sequence[Any], shape_out: Sequence[Any]) -> Any:
        self._nodes.append(helper.make_node("Identity", [output], ["output"]))
        graph = helper.make_graph(
            self._nodes,
            "shizi",
            [helper.make_tensor_value_info("images", TensorProto.UINT8, shape_in)],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, shape_out)],
            self._tensors,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="shizi"
        )
        model.ir_version = 9
        onnx.checker.check_model(model)
        return model


def pack_recurrent(state: State, name: str, kind: str) -> tuple[Array, Array, Array]:
    """Turn a bidirectional PyTorch layer into ONNX's W, R and B, direction first."""
    order, count = GATES[kind]

    def gates(part: str, end: str) -> Array:
        value = np.asarray(state[f"{name}.{part}_l0{end}"], dtype=np.float32)
        return np.concatenate([np.split(value, count)[i] for i in order])

    ends = ("", "_reverse")
    w, r = (np.stack([gates(p, e) for e in ends]) for p in ("weight_ih", "weight_hh"))
    b = np.stack([np.concatenate([gates("bias_ih", e), gates("bias_hh", e)]) for e in ends])
    return w, r, b


def unpack_recurrent(w: Array, r: Array, b: Array, name: str) -> dict[str, Array]:
    """Inverse of :func:`pack_recurrent`; the kind follows from the shapes."""
    kind = "GRU" if r.shape[1] == 3 * r.shape[2] else "LSTM"
    order, count = GATES[kind]

    def gates(value: Array) -> Array:
        return np.concatenate([np.split(value, count)[order.index(i)] for i in range(count)])

    state = {}
    for d, end in enumerate(("", "_reverse")):
        bias_ih, bias_hh = np.split(b[d], 2)
        parts = {"weight_ih": w[d], "weight_hh": r[d], "bias_ih": bias_ih, "bias_hh": bias_hh}
        state.update({f"{name}.{p}_l0{end}": gates(v) for p, v in parts.items()})
    return state


def load_state(path: Path) -> dict[str, Array]:
    """Read a file written by this module back into a PyTorch-named float32 state."""
    model = onnx.load(str(path))
    arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    state = {k: v.astype(np.float32) for k, v in arrays.items() if k.endswith(KEPT)}
    for key in arrays:
        if key.endswith(".W"):
            name = key[:-2]
            w, r, b = (arrays[f"{name}.{part}"] for part in "WRB")
            state.update(unpack_recurrent(w, r, b, name))
    return state
