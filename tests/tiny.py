"""Nets, a task and sets that are small enough for a test."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from shizi.engine import Session
from shizi.errors import DataError
from shizi.nets.spec import (
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
)
from shizi.page import Image
from shizi.train.loop.stream import rng_at

ROWS = LCNetSpec(8, (Block(8, excite=True), Block(8, (2, 1)), Block(16, (2, 1))), (2,))
GRID = LCNetSpec(8, (Block(8), Block(8, (2, 2)), Block(16, (2, 2)), Block(16, (2, 2))), (1, 2, 3))
STAGES = VGGSpec(((8, 1), (8, 2), (12, 1), (12, 1), (16, 1)), pools=5, mean=(124.0, 117.0, 104.0))

# Numbers differ where they may, so that no two can be taken for each other.
CRNN = CRNNSpec(20, ROWS, squeeze=14, hidden=16, embed=12)
FINE_CRNN = replace(  # narrow steps, and blocks of which channels were dropped
    CRNN, backbone=replace(ROWS, blocks=tuple(replace(b, hidden=10) for b in ROWS.blocks)), step=4
)
VGG_CRNN = VGGCRNNSpec(20, (6, 8, 10, 10, 12, 12, 14), hidden=16)
CTPN = CTPNSpec(GRID, channels=16, hidden=8)
VGG_CRNN_OVERLAP = replace(VGG_CRNN, norms=(2, 4, 6), overlap=True)
VGG_CTPN = VGGCTPNSpec(replace(STAGES, pools=4), channels=12, hidden=6, embed=10)
ORIENTATION = OrientationSpec(replace(GRID, taps=(3,)), height=32, width=64, hidden=12)
VGG_ORIENTATION = VGGOrientationSpec(STAGES, height=32, width=64, hidden=12)

SPECS: dict[str, Spec] = {
    "crnn": CRNN,
    "crnn_fine": FINE_CRNN,
    "vgg_crnn": VGG_CRNN,
    "vgg_crnn_overlap": VGG_CRNN_OVERLAP,
    "vgg_crnn_gru": replace(VGG_CRNN, rnn="gru"),
    "ctpn": CTPN,
    "vgg_ctpn": VGG_CTPN,
    "orientation": ORIENTATION,
    "vgg_orientation": VGG_ORIENTATION,
}


class Line:
    """y = 2 x, for a net with one weight."""

    metric = "score"

    def __init__(self) -> None:
        self.net = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.net.weight)

    def __len__(self) -> int:
        return 10

    def sample(self, seed: int, position: int) -> float:
        return float(rng_at(seed, position).uniform(0.5, 1.5))

    def group(self, sample: float) -> tuple[bool, int]:
        return sample > 1, 8

    def collate(self, samples: list[float]) -> Tensor:
        return torch.tensor(samples)[:, None]

    def refuse(self, error: DataError) -> None:
        raise error

    def loss(self, batch: Tensor, device: torch.device) -> dict[str, Tensor]:
        return {"mse": F.mse_loss(self.net(batch).float(), 2 * batch)}

    def figures(self, session: Session) -> dict[str, float]:
        return {"score": -abs(float(self.net.weight.detach().item()) - 2)}

    def picture(self, session: Session) -> Image:
        return np.zeros((8, 8, 3), np.uint8)


def line_set(folder: Path, rows: list[tuple[str, str]], seed: int = 0) -> Path:
    """Write pictures of noise that are labelled as told: (name, text)."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for name, _ in rows:
        cv2.imwrite(str(folder / name), rng.integers(0, 256, (20, 60, 3), np.uint8))
    text = "".join(f"{name}\t{label}\n" for name, label in rows)
    (folder / "labels.tsv").write_text(text, encoding="utf-8")
    return folder


def box(x0: float, y0: float, x1: float, y1: float) -> list[list[float]]:
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]


def hello_set(folder: Path) -> Path:
    """A set of one page, of one line."""
    image = np.full((300, 400, 3), 255, np.uint8)
    cv2.putText(image, "HELLO", (60, 150), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 4)
    cv2.imwrite(str(folder / "a.png"), image)
    row = {"image": "a.png", "lines": [{"quad": box(55, 100, 260, 156), "text": "HELLO"}]}
    (folder / "labels.jsonl").write_text(json.dumps(row) + "\n")
    return folder
