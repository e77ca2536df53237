"""The training loop: it learns, resumes, and leaves its files."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tiny import Line
from torch import Tensor, nn

from shizi.engine import Session
from shizi.errors import DataError, OptionError
from shizi.train.export import best_figures
from shizi.train.loop.run import RunFolder, board, plot_curves
from shizi.train.loop.schedule import LoopOptions
from shizi.train.loop.torch import fit
from shizi.train.options import CTPNOptions, InitOptions
from shizi.train.start import train_ctpn


def options(out: Path, **more: object) -> LoopOptions:
    given = {"out": out, "steps": 300, "lr": 0.05, "warmup": 5, "ema": 0.9, "validate_every": 100}
    return LoopOptions(**{**given, "device": "cpu", "threads": 1, **more})  # type: ignore[arg-type]


def test_the_loop_learns_and_leaves_its_files(tmp_path: Path) -> None:
    figures = fit(Line(), options(tmp_path / "run"))
    assert figures["score"] > -0.05
    names = {p.name for p in (tmp_path / "run").iterdir()}
    assert {"options.json", "metrics.jsonl", "last.pt", "best.safetensors"} <= names
    assert {"last.safetensors", "curves.png", "samples"} <= names
    assert best_figures(tmp_path / "run" / "metrics.jsonl")["score"] == pytest.approx(
        figures["score"], abs=1e-5
    )


def test_a_run_resumes_and_is_not_overwritten(tmp_path: Path) -> None:
    fit(Line(), options(tmp_path, steps=100))
    before = (tmp_path / "metrics.jsonl").read_text()
    with pytest.raises(DataError, match="--resume"):
        fit(Line(), options(tmp_path))
    fit(Line(), options(tmp_path, resume=True))
    after = (tmp_path / "metrics.jsonl").read_text()
    assert after.startswith(before)


@pytest.mark.parametrize(("workers", "saves"), [(0, False), (1, False), (0, True)])
def test_a_killed_run_ends_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, saves: bool
) -> None:
    class Killed(Line):
        """Dies after the validation at step 70, in the middle of the way to the next."""

        steps = 0

        def loss(self, batch: Tensor, device: torch.device) -> dict[str, Tensor]:
            self.steps += 1
            if self.steps == 130:
                raise KeyboardInterrupt
            return super().loss(batch, device)

    monkeypatch.setattr("shizi.train.loop.torch.saving", lambda *_: saves)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    told = {"workers": workers, "validate_every": 70}
    fit(Line(), options(whole, **told))
    with pytest.raises(KeyboardInterrupt):
        fit(Killed(), options(broken, **told))
    kept = torch.load(broken / "last.pt", weights_only=True)
    assert kept["step"] == (129 if saves else 70)
    fit(Line(), options(broken, resume=True, validate_every=70))
    a, b = (torch.load(out / "last.pt", weights_only=True) for out in (whole, broken))
    assert torch.equal(a["net"]["weight"], b["net"]["weight"])
    assert torch.equal(a["average"]["weight"], b["average"]["weight"])
    assert a["positions"] == b["positions"]
    left, right = (logged(out) for out in (whole, broken))
    assert left == right or saves  # a row is the mean since the last one, which the kill forgets


def logged(out: Path) -> list[dict[str, float]]:
    """The rows of metrics.jsonl without what the clock says."""
    rows = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    return [{k: v for k, v in row.items() if k not in ("time", "wait")} for row in rows]


def test_accumulated_batches_make_one_step(tmp_path: Path) -> None:
    class Counted(Line):
        batches = 0

        def loss(self, batch: Tensor, device: torch.device) -> dict[str, Tensor]:
            self.batches += 1
            return super().loss(batch, device)

    task = Counted()
    fit(task, options(tmp_path, steps=10, accumulate=3))
    assert task.batches == 30


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_a_run_has_as_many_threads_as_it_may_use_cores(tmp_path: Path) -> None:
    allowed, threads = os.sched_getaffinity(0), torch.get_num_threads()
    os.sched_setaffinity(0, {min(allowed)})
    try:
        fit(Line(), options(tmp_path, steps=1, threads=0))
        assert torch.get_num_threads() == 1
    finally:
        os.sched_setaffinity(0, allowed)
        torch.set_num_threads(threads)


def test_no_patience_for_a_run_that_gets_no_better(tmp_path: Path) -> None:
    fit(Line(), options(tmp_path, lr=0.0, patience=2, steps=5000, validate_every=10))
    assert json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 30


def test_without_validation_the_last_weights_count(tmp_path: Path) -> None:
    class Blind(Line):
        def figures(self, session: Session) -> dict[str, float]:
            return {"left_out": 0.0}

    fit(Blind(), options(tmp_path, steps=200, validate_every=50))
    best, last = (load_file(tmp_path / f"{name}.safetensors") for name in ("best", "last"))
    assert torch.equal(best["weight"], last["weight"])
    assert best["weight"].item() > 1.9
    assert "score" not in best_figures(tmp_path / "metrics.jsonl")


def test_a_frozen_part_stays(tmp_path: Path) -> None:
    class Two(Line):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(OrderedDict(a=nn.Linear(1, 1), b=nn.Linear(1, 1)))

        def figures(self, session: Session) -> dict[str, float]:
            return {"score": 0.0}

    task = Two()
    before = {k: v.clone() for k, v in task.net.state_dict().items()}
    fit(task, options(tmp_path / "a", steps=5, freeze=("a",)))
    moved = {k for k, v in task.net.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {"b.weight", "b.bias"}
    with pytest.raises(DataError, match="cannot freeze neck; this net has a, b"):
        fit(Two(), options(tmp_path / "b", freeze=("neck",)))
    with pytest.raises(DataError, match=r"cannot freeze a\.wei"):
        fit(Two(), options(tmp_path / "b", freeze=("a.wei",)))
    fit(task, options(tmp_path / "c", steps=5, freeze=("a", "b.weight")))
    later = task.net.state_dict()
    assert later["b.weight"].item() != before["b.weight"].item()  # from the run before


def test_events_are_written_without_tensorflow(tmp_path: Path) -> None:
    board(tmp_path).close()
    from tensorboard.compat import tf

    assert tf.__version__ == "stub"


def test_what_cannot_be_is_refused_before_data_are_read(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="'half an hour'"):
        LoopOptions(time_budget="half an hour")
    for name, value in (("steps", 0), ("accumulate", 0), ("lr", -1.0), ("ema", 1.5)):
        with pytest.raises(OptionError, match=name):
            LoopOptions(**{name: value})  # type: ignore[arg-type]
    missing = CTPNOptions(data=(tmp_path / "missing",))
    if not torch.cuda.is_available():
        with pytest.raises(OptionError, match="device cuda: PyTorch finds none here"):
            train_ctpn(missing, LoopOptions(out=tmp_path, device="cuda"), InitOptions())


@pytest.mark.parametrize("backend", ["nosuch", "jax"])
def test_a_backend_of_keras_that_is_not_there_is_one_line(tmp_path: Path, backend: str) -> None:
    if importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is installed")
    command = ["train", "ctpn", "--framework", "keras", "--data", str(tmp_path)]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    run = subprocess.run(
        [sys.executable, "-m", "shizi", *command],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert run.returncode == 1
    (told,) = run.stderr.splitlines()
    assert "KERAS_BACKEND" in told
    assert "tensorflow, jax, torch" in told


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of a process")
def test_a_full_disk_is_one_line_and_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    """A limit on the size of files stands for a disk on which nothing more fits."""
    code = (
        "import sys, resource; sys.path.insert(0, sys.argv[1]); from pathlib import Path; "
        "from test_train import fit, options; from tiny import Line; out = Path(sys.argv[2]); "
        "fit(Line(), options(out, steps=20)); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1500, resource.RLIM_INFINITY)); "
        "fit(Line(), options(out, steps=40, resume=True))"
    )
    folders = [str(Path(__file__).parent), str(tmp_path / "run")]
    run = subprocess.run(
        [sys.executable, "-c", code, *folders], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "DataError: cannot write" in run.stderr.splitlines()[-1]
    assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["step"] == 20


def test_the_bar_follows_the_time_budget(tmp_path: Path) -> None:
    shares: list[float] = []

    class Watched(RunFolder):
        def step(self, *told: Any) -> None:
            shares.append(told[-1])
            super().step(*told)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shizi.train.loop.torch.RunFolder", Watched)
        fit(Line(), options(tmp_path, steps=10**9, time_budget="1s", validate_every=10**6))
    assert shares == sorted(shares)
    assert shares[-1] == 1  # though hardly a step of all was taken


def test_curves_show_the_learning_rate(tmp_path: Path) -> None:
    fit(Line(), options(tmp_path, steps=100))
    told: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matplotlib.axes.Axes.set", lambda axes, **given: told.extend(given.values()))
        plot_curves(tmp_path)
    assert "learning rate (dotted)" in told


def test_two_processes_train_one_net(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; "
        "from test_train import fit, options; from tiny import Line; "
        "fit(Line(), options(Path(sys.argv[2]), steps=60))"
    )
    script = tmp_path / "run.py"
    script.write_text(code)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    folders = [str(Path(__file__).parent), str(tmp_path / "run")]
    command = [sys.executable, *launcher, str(script), *folders]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    state = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    assert state["step"] == 60
    assert len(state["positions"]) == 2
    assert state["positions"][0] != state["positions"][1]
