"""The range test names a rate, and refuses what has none."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import Line
from torch import Tensor

from shizi.cli.train import _told
from shizi.errors import DataError
from shizi.train.loop.range_test import HIGHEST, LOWEST, RangeTest, find_rate
from shizi.train.loop.schedule import LoopOptions
from shizi.train.loop.torch import fit


def options(out: Path) -> LoopOptions:
    return LoopOptions(out, find_lr=True, device="cpu", precision="f32", threads=1)


@pytest.mark.parametrize("lowest", [2e-3, 1e-2, 6e-2])
def test_the_rate_stands_where_the_fall_ends_however_flat_the_valley(lowest: float) -> None:
    rates = np.geomspace(LOWEST, HIGHEST, 120)
    fall = 4 + 8 / (1 + (rates / 3e-4) ** 2)
    rise = np.where(rates > 0.1, 40 * rates, 0)
    dip = np.where(np.isclose(rates, lowest, rtol=0.1), 0.2, 0)
    test = RangeTest(rates, fall + rise - dip)
    assert 6e-4 < test.rate < 1.5e-3


def test_a_net_learns_at_the_rate_that_is_found(tmp_path: Path) -> None:
    found = find_rate(Line(), options(tmp_path / "lr"))["lr"]
    assert LOWEST < found < HIGHEST
    assert (tmp_path / "lr" / "rates.png").stat().st_size > 1000
    loop = LoopOptions(
        tmp_path / "lr", lr=found, steps=300, ema=0.9, warmup=5, device="cpu", threads=1
    )
    assert fit(Line(), loop)["score"] > -0.5  # and in the same folder


def test_the_command_says_which_rate_to_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _told({"lr": 0.00123}, options(tmp_path)) == 0
    assert "take --lr 1e-03" in capsys.readouterr().out
    assert _told({"score": 0.5}, LoopOptions(tmp_path)) == 0
    assert not capsys.readouterr().out


def test_a_loss_that_is_no_number_is_one_line(tmp_path: Path) -> None:
    class Lost(Line):
        def loss(self, batch: Tensor, device: torch.device) -> dict[str, Tensor]:
            return {"mse": super().loss(batch, device)["mse"] * math.nan}

    with pytest.raises(DataError, match="no number"):
        find_rate(Lost(), options(tmp_path / "lr"))


def test_a_run_is_not_searched_over(tmp_path: Path) -> None:
    loop = LoopOptions(tmp_path / "run", steps=2, device="cpu", threads=1)
    fit(Line(), loop)
    with pytest.raises(DataError, match="already holds a run"):
        find_rate(Line(), options(tmp_path / "run"))
